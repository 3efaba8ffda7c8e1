#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/affine_lift.h"

static eg_status allocate_model(eg_context *ctx, int dim, size_t n_channels, eg_affine_model *out) {
  if (dim < 1 || dim > EG_AFFINE_MAX_DIM) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: %d dimensions; 1 to %d are allowed", dim,
                   EG_AFFINE_MAX_DIM);
  }
  if (n_channels > (size_t)1 << 30) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: %zu noise channels; at most 2^30 are allowed",
                   n_channels);
  }
  const size_t d = (size_t)dim;
  eg_affine_model model = {.dim = dim, .n_channels = (int)n_channels};
  eg_status status;
  EG_TRY_DONE(eg_allocate(ctx, d * d, sizeof(double), &model.H));
  EG_TRY_DONE(eg_allocate(ctx, d, sizeof(double), &model.g0));
  EG_TRY_DONE(eg_allocate(ctx, n_channels * d * d, sizeof(double), &model.S));
  EG_TRY_DONE(eg_allocate(ctx, n_channels * d, sizeof(double), &model.s));
  *out = model;
  return EG_OK;
done:
  eg_affine_free(&model);
  return status;
}

void eg_affine_free(eg_affine_model *model) {
  if (model == NULL) {
    return;
  }
  free(model->H);
  free(model->g0);
  free(model->S);
  free(model->s);
  memset(model, 0, sizeof *model);
}

/* H = sum a a^T / N, g0 = sum y a / N, constant = sum y^2 / 2N, added in the order of the rows. */
static void add_data(size_t n_rows, size_t d, const double *inputs, const double *target,
                     eg_affine_model *model) {
  const double n = (double)n_rows;
  for (size_t row = 0; row < n_rows; row++) {
    const double *a = inputs + row * d;
    for (size_t i = 0; i < d; i++) {
      model->g0[i] += target[row] * a[i];
      for (size_t j = 0; j < d; j++) {
        model->H[i * d + j] += a[i] * a[j];
      }
    }
    model->loss_constant += target[row] * target[row];
  }
  for (size_t i = 0; i < d * d; i++) {
    model->H[i] /= n;
  }
  for (size_t i = 0; i < d; i++) {
    model->g0[i] /= n;
  }
  model->loss_constant /= 2.0 * n;
}

/* S_j = (H - a_j a_j^T) / sqrt(N), s_j = (y_j a_j - g0) / sqrt(N): the centred noise -G_j of one row, root of
   its probability included. The ridge acts on every row alike, so it is in the mean only. */
static void fill_row_channel(double root_n, const double *a, double y, const eg_affine_model *model,
                             double *S, double *s) {
  const size_t d = (size_t)model->dim;
  for (size_t i = 0; i < d; i++) {
    s[i] = (y * a[i] - model->g0[i]) / root_n;
    for (size_t j = 0; j < d; j++) {
      S[i * d + j] = (model->H[i * d + j] - a[i] * a[j]) / root_n;
    }
  }
}

eg_status eg_affine_least_squares(eg_context *ctx, size_t n_rows, int dim, const double *inputs,
                                  const double *target, double ridge, eg_affine_model *out) {
  if (n_rows == 0) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: least squares needs at least one row of data");
  }
  EG_TRY(allocate_model(ctx, dim, n_rows, out));
  const size_t d = (size_t)dim;
  add_data(n_rows, d, inputs, target, out);
  const double root_n = sqrt((double)n_rows);
  for (size_t row = 0; row < n_rows; row++) {
    fill_row_channel(root_n, inputs + row * d, target[row], out, out->S + row * d * d, out->s + row * d);
  }
  for (size_t i = 0; i < d; i++) {
    out->H[i * d + i] += ridge;
  }
  return EG_OK;
}

/* The channel of W_ij: S = A^{1/2} (e_i e_j^T + e_j e_i^T) A^{1/2}, for i = j sqrt(2) e_i e_i^T; s = -S optimum. */
static void fill_symmetric_channel(size_t d, size_t i, size_t j, const double *variance, const double *optimum,
                                   double *S, double *s) {
  const double size = i == j ? sqrt(2.0) * variance[i] : sqrt(variance[i]) * sqrt(variance[j]);
  S[i * d + j] = S[j * d + i] = size;
  s[i] = -size * optimum[j];
  s[j] = -size * optimum[i];
}

eg_status eg_affine_gaussian_least_squares(eg_context *ctx, int dim, const double *variance, const double *optimum,
                                           double label_noise, eg_affine_model *out) {
  const size_t d = dim > 0 ? (size_t)dim : 0;
  EG_TRY(allocate_model(ctx, dim, d * (d + 1) / 2 + d, out));
  size_t channel = 0;
  for (size_t i = 0; i < d; i++) {
    out->H[i * d + i] = variance[i];
    out->g0[i] = variance[i] * optimum[i];
    out->loss_constant += 0.5 * variance[i] * optimum[i] * optimum[i];
    for (size_t j = 0; j <= i; j++, channel++) {
      fill_symmetric_channel(d, i, j, variance, optimum, out->S + channel * d * d, out->s + channel * d);
    }
  }
  for (size_t i = 0; i < d; i++, channel++) {
    out->s[channel * d + i] = label_noise * sqrt(variance[i]);
  }
  out->loss_constant += 0.5 * label_noise * label_noise;
  return EG_OK;
}

eg_status eg_affine_quadratic(eg_context *ctx, int dim, const double *curvature, const double *centre,
                              const double *additive, const double *multiplicative, eg_affine_model *out) {
  EG_TRY(allocate_model(ctx, dim, dim > 0 ? 2 * (size_t)dim : 0, out));
  const size_t d = (size_t)dim;
  for (size_t k = 0; k < d; k++) {
    out->H[k * d + k] = curvature[k];
    out->g0[k] = curvature[k] * centre[k];
    out->loss_constant += 0.5 * curvature[k] * centre[k] * centre[k];
    out->s[2 * k * d + k] = additive[k];
    out->S[((2 * k + 1) * d + k) * d + k] = multiplicative[k];
    out->s[(2 * k + 1) * d + k] = -multiplicative[k] * centre[k];
  }
  return EG_OK;
}

eg_status eg_affine_ornstein_uhlenbeck(eg_context *ctx, double rate, double mean, double sigma,
                                       eg_affine_model *out) {
  EG_TRY(allocate_model(ctx, 1, 1, out));
  out->H[0] = rate;
  out->g0[0] = rate * mean;
  out->s[0] = sigma;
  out->loss_constant = 0.5 * rate * mean * mean;
  out->is_process = true;
  return EG_OK;
}

eg_status eg_affine_geometric_brownian_motion(eg_context *ctx, double mu, double sigma,
                                              eg_affine_model *out) {
  EG_TRY(allocate_model(ctx, 1, 1, out));
  out->H[0] = -mu;
  out->S[0] = sigma;
  out->is_process = true;
  return EG_OK;
}

/* With k = lookahead + velocity_weight new_weight and H' = H + weight_decay I:
     x' - x = -h (decay x + k (H' x - g0 + noise) + velocity_weight momentum v)
     v' - v = -h ((1 - momentum) v - new_weight (H' x - g0 + noise)) / h */
eg_status eg_affine_chain_lift(eg_context *ctx, const eg_affine_model *model, const eg_affine_chain *chain, double h,
                               eg_affine_model *out) {
  const size_t d = (size_t)model->dim, D = 2 * d, n = (size_t)model->n_channels;
  const double k = chain->lookahead + chain->velocity_weight * chain->new_weight, w = chain->new_weight / h;
  EG_TRY(allocate_model(ctx, 2 * model->dim, n, out));
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      const double curvature = model->H[i * d + j] + (i == j ? chain->weight_decay : 0.0);
      out->H[i * D + j] = k * curvature + (i == j ? chain->decay : 0.0);
      out->H[(d + i) * D + j] = -w * curvature;
    }
    out->H[i * D + d + i] = chain->velocity_weight * chain->momentum;
    out->H[(d + i) * D + d + i] = (1.0 - chain->momentum) / h;
    out->g0[i] = k * model->g0[i];
    out->g0[d + i] = -w * model->g0[i];
  }
  for (size_t c = 0; c < n; c++) {
    const double *const S = model->S + c * d * d, *const s = model->s + c * d;
    double *const wide = out->S + c * D * D, *const shift = out->s + c * D;
    for (size_t i = 0; i < d; i++) {
      for (size_t j = 0; j < d; j++) {
        wide[i * D + j] = k * S[i * d + j];
        wide[(d + i) * D + j] = -w * S[i * d + j];
      }
      shift[i] = k * s[i];
      shift[d + i] = -w * s[i];
    }
  }
  return EG_OK;
}

double eg_affine_loss(const eg_affine_model *model, const double *mean, const double *second) {
  const size_t d = (size_t)model->dim;
  double quadratic = 0.0, linear = 0.0;
  for (size_t i = 0; i < d; i++) {
    linear += model->g0[i] * mean[i];
    for (size_t j = 0; j < d; j++) {
      quadratic += model->H[i * d + j] * second[i * d + j];
    }
  }
  return 0.5 * quadratic - linear + model->loss_constant;
}

/* E |H x - g0|^2 = tr(H C H^T) - 2 g0.H m + |g0|^2. */
double eg_affine_gradient_norm2(const eg_affine_model *model, const double *mean, const double *second) {
  const size_t d = (size_t)model->dim;
  double total = 0.0;
  for (size_t i = 0; i < d; i++) {
    const double *h = model->H + i * d;
    double hCh = 0.0, hm = 0.0;
    for (size_t j = 0; j < d; j++) {
      double Ch = 0.0;
      for (size_t k = 0; k < d; k++) {
        Ch += second[j * d + k] * h[k];
      }
      hCh += h[j] * Ch;
      hm += h[j] * mean[j];
    }
    total += (hCh - 2.0 * model->g0[i] * hm) + model->g0[i] * model->g0[i];
  }
  return total;
}
