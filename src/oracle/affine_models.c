#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/affine_lift.h"
#include "oracle/dense.h"

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

eg_status eg_affine_sample_quadratic(eg_context *ctx, size_t n_rows, const double *a, const double *b, double ridge,
                                     eg_affine_model *out) {
  EG_TRY(allocate_model(ctx, 1, n_rows, out));
  const double n = (double)n_rows, root_n = sqrt(n);
  for (size_t j = 0; j < n_rows; j++) {
    out->H[0] += a[j];
    out->g0[0] += b[j];
  }
  out->H[0] /= n;
  out->g0[0] /= n;
  for (size_t j = 0; j < n_rows; j++) {
    out->S[j] = (out->H[0] - a[j]) / root_n;
    out->s[j] = (b[j] - out->g0[0]) / root_n;
  }
  out->H[0] += ridge;
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

static eg_status copy_drift(eg_context *ctx, const eg_affine_model *model, size_t n_channels, eg_affine_model *out) {
  const size_t d = (size_t)model->dim;
  EG_TRY(allocate_model(ctx, model->dim, n_channels, out));
  memcpy(out->H, model->H, d * d * sizeof(double));
  memcpy(out->g0, model->g0, d * sizeof(double));
  out->loss_constant = model->loss_constant;
  return EG_OK;
}

/* S w = g0 by forward substitution (a column of zeros: w_k = 0); returns g0.w. */
static double solve_root(size_t d, const double *S, const double *g0, double *w) {
  double square = 0.0;
  for (size_t i = 0; i < d; i++) {
    double rest = g0[i];
    for (size_t k = 0; k < i; k++) {
      rest -= S[i * d + k] * w[k];
    }
    w[i] = S[i * d + i] > 0.0 ? rest / S[i * d + i] : 0.0;
    square += w[i] * w[i];
  }
  return square;
}

eg_status eg_affine_root_noise(eg_context *ctx, const eg_affine_model *model, const double *root, double loss, double level,
                               bool *is_closed, eg_affine_model *out) {
  const size_t d = (size_t)model->dim;
  double *S = NULL;
  memset(out, 0, sizeof *out);
  *is_closed = false;
  EG_TRY(eg_allocate(ctx, d * d + d, sizeof(double), &S));
  double *const w = S + d * d;
  if (loss > 0.0 && !eg_dense_cholesky(d, model->H, S)) {
    free(S);
    return EG_OK;
  }
  const double square = loss > 0.0 ? solve_root(d, S, model->g0, w) : 0.0;
  const double rest = level + loss * (model->loss_constant - 0.5 * square);
  const eg_status status = rest >= 0.0 ? copy_drift(ctx, model, (loss > 0.0 ? d * d : 0) + d, out) : EG_OK;
  if (status != EG_OK || rest < 0.0) {
    free(S);
    return status;
  }
  size_t channel = 0;
  for (size_t i = 0; i < d; i++, channel++) {
    for (size_t a = 0; a < d; a++) {
      out->s[channel * d + a] = sqrt(rest) * root[a * d + i];
    }
  }
  const double size = sqrt(0.5 * loss);
  for (size_t i = 0; i < d && loss > 0.0; i++) {
    for (size_t k = 0; k < d; k++, channel++) {
      for (size_t a = 0; a < d; a++) {
        out->s[channel * d + a] = -size * root[a * d + i] * w[k];
        for (size_t b = 0; b < d; b++) {
          out->S[(channel * d + a) * d + b] = size * root[a * d + i] * S[b * d + k];
        }
      }
    }
  }
  free(S);
  *is_closed = true;
  return EG_OK;
}

/* Noise component k of row (a, y): u (a x_k + (a.x - y) e_k). */
static void fill_input_channel(size_t d, size_t k, double size, const double *a, double y, double *S, double *s) {
  s[k] = -size * y;
  for (size_t j = 0; j < d; j++) {
    S[j * d + k] += size * a[j];
    S[k * d + j] += size * a[j];
  }
}

eg_status eg_affine_row_noise(eg_context *ctx, const eg_affine_model *model, size_t n_rows, const double *inputs,
                              const double *target, double input_noise, double label_noise, eg_affine_model *out) {
  const size_t d = (size_t)model->dim, n = (size_t)model->n_channels, pairs = d * (d + 1) / 2;
  const double root_n = sqrt((double)n_rows), u = input_noise, square = u * u;
  EG_TRY(copy_drift(ctx, model, n + n_rows * (d + 1) + pairs + d, out));
  memcpy(out->S, model->S, n * d * d * sizeof(double));
  memcpy(out->s, model->s, n * d * sizeof(double));
  size_t channel = n;
  for (size_t row = 0; row < n_rows; row++) {
    const double *const a = inputs + row * d;
    for (size_t k = 0; k < d; k++, channel++) {
      fill_input_channel(d, k, u / root_n, a, target[row], out->S + channel * d * d, out->s + channel * d);
    }
    for (size_t k = 0; k < d; k++) {
      out->s[channel * d + k] = label_noise * a[k] / root_n;
    }
    channel++;
  }
  for (size_t i = 0; i < d; i++) { /* u^2 (W x)_i, E W_ij^2 = 1 + (i == j), and the product of both noises */
    out->H[i * d + i] += square;
    for (size_t j = 0; j <= i; j++, channel++) {
      out->S[(channel * d + i) * d + j] = out->S[(channel * d + j) * d + i] = square * (i == j ? sqrt(2.0) : 1.0);
    }
  }
  for (size_t i = 0; i < d; i++, channel++) {
    out->s[channel * d + i] = u * label_noise;
  }
  return EG_OK;
}

void eg_affine_covariance(const eg_affine_model *model, const double *x, double *covariance) {
  const size_t d = (size_t)model->dim;
  memset(covariance, 0, d * d * sizeof(double));
  for (size_t c = 0; c < (size_t)model->n_channels; c++) {
    double v[EG_AFFINE_MAX_DIM];
    for (size_t i = 0; i < d; i++) {
      v[i] = model->s[c * d + i];
      for (size_t k = 0; k < d; k++) {
        v[i] += model->S[(c * d + i) * d + k] * x[k];
      }
    }
    for (size_t i = 0; i < d; i++) {
      for (size_t k = 0; k < d; k++) {
        covariance[i * d + k] += v[i] * v[k];
      }
    }
  }
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

eg_status eg_affine_langevin_lift(eg_context *ctx, const eg_affine_model *model, const eg_affine_langevin *langevin,
                                  eg_affine_model *out) {
  const size_t d = (size_t)model->dim, D = 2 * d, n = (size_t)model->n_channels;
  const double push = 2.0 / (langevin->learning_rate * (1.0 + langevin->momentum));
  const double noise = 2.0 / ((1.0 + langevin->momentum) * sqrt(langevin->learning_rate * langevin->batch_size));
  EG_TRY(allocate_model(ctx, 2 * model->dim, n, out));
  out->is_process = true;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      out->H[(d + i) * D + j] = push * (model->H[i * d + j] + (i == j ? langevin->weight_decay : 0.0));
    }
    out->H[i * D + d + i] = -1.0;
    out->H[(d + i) * D + d + i] = push * (1.0 - langevin->momentum);
    out->g0[d + i] = push * model->g0[i];
  }
  for (size_t c = 0; c < n; c++) {
    for (size_t i = 0; i < d; i++) {
      for (size_t j = 0; j < d; j++) {
        out->S[c * D * D + (d + i) * D + j] = noise * model->S[(c * d + i) * d + j];
      }
      out->s[c * D + d + i] = noise * model->s[c * d + i];
    }
  }
  return EG_OK;
}

/* With the velocity -k (A x - g0), A = H + weight_decay I: E v = -k (A m - g0), E v x^T = -k (A C - g0 m^T),
   E v v^T = -k (E v x^T A^T - E v g0^T). */
void eg_affine_langevin_start(const eg_affine_model *model, const eg_affine_langevin *langevin, const double *mean,
                              const double *second, double *wide_mean, double *wide_second) {
  const size_t d = (size_t)model->dim, D = 2 * d;
  const double k = langevin->start_velocity, decay = langevin->weight_decay;
  for (size_t i = 0; i < d; i++) {
    double gradient = -model->g0[i];
    for (size_t l = 0; l < d; l++) {
      gradient += (model->H[i * d + l] + (i == l ? decay : 0.0)) * mean[l];
    }
    wide_mean[i] = mean[i];
    wide_mean[d + i] = -k * gradient;
  }
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      double sum = -model->g0[i] * mean[j];
      for (size_t l = 0; l < d; l++) {
        sum += (model->H[i * d + l] + (i == l ? decay : 0.0)) * second[l * d + j];
      }
      wide_second[i * D + j] = second[i * d + j];
      wide_second[(d + i) * D + j] = wide_second[j * D + d + i] = -k * sum;
    }
  }
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      double sum = -wide_mean[d + i] * model->g0[j];
      for (size_t l = 0; l < d; l++) {
        sum += wide_second[(d + i) * D + l] * (model->H[j * d + l] + (j == l ? decay : 0.0));
      }
      wide_second[(d + i) * D + d + j] = -k * sum;
    }
  }
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
