#include "oracle/affine_lift.h"

#include <stdlib.h>
#include <string.h>

#include "oracle/dense.h"

size_t eg_lift_size(size_t dim, int parity) {
  return 1 + dim + (parity > 0 ? dim * (dim + 1) / 2 : dim * (dim - 1) / 2);
}

/* column c of the channels as one vector: (i, k) -> S_c[i][k], (i, dim) -> s_c[i] */
static void gather_channel(const eg_affine_model *model, size_t channel, double *out) {
  const size_t d = (size_t)model->dim;
  for (size_t i = 0; i < d; i++) {
    memcpy(out + i * (d + 1), model->S + (channel * d + i) * d, d * sizeof(double));
    out[i * (d + 1) + d] = model->s[channel * d + i];
  }
}

/* gram[row][row..n) += sum of the four products u_c[row] u_c[.], added in the order c = 0..3 */
static void add_outer_products(size_t n, const double *const u[4], double *restrict gram) {
  for (size_t row = 0; row < n; row++) {
    const double a0 = u[0][row], a1 = u[1][row], a2 = u[2][row], a3 = u[3][row];
    const double *restrict u0 = u[0], *restrict u1 = u[1], *restrict u2 = u[2], *restrict u3 = u[3];
    double *restrict out = gram + row * n;
    if (a0 == 0.0 && a1 == 0.0 && a2 == 0.0 && a3 == 0.0) {
      continue;
    }
    size_t j = row;
    for (; j + 8 <= n; j += 8) { /* known length, so that gcc -O2 vectorises */
      for (size_t l = j; l < j + 8; l++) {
        out[l] = (((out[l] + a0 * u0[l]) + a1 * u1[l]) + a2 * u2[l]) + a3 * u3[l];
      }
    }
    for (; j < n; j++) {
      out[j] = (((out[j] + a0 * u0[j]) + a1 * u1[j]) + a2 * u2[j]) + a3 * u3[j];
    }
  }
}

void eg_lift_noise_gram(const eg_affine_model *model, double *gram) {
  const size_t d = (size_t)model->dim, n = d * (d + 1), n_channels = (size_t)model->n_channels;
  double channel[4][EG_AFFINE_MAX_DIM * (EG_AFFINE_MAX_DIM + 1)];
  const double *const u[4] = {channel[0], channel[1], channel[2], channel[3]};
  memset(gram, 0, n * n * sizeof(double));
  for (size_t first = 0; first < n_channels; first += 4) {
    for (size_t c = 0; c < 4; c++) {
      if (first + c < n_channels) {
        gather_channel(model, first + c, channel[c]);
      } else {
        memset(channel[c], 0, n * sizeof(double));
      }
    }
    add_outer_products(n, u, gram);
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < i; j++) {
      gram[i * n + j] = gram[j * n + i];
    }
  }
}

/* noise Sigma as a map: coefficient of C_kl in C_ij; k or l = dim: of the mean, of 1 */
static double noise_at(size_t d, const eg_affine_part *part, const double *gram, size_t i, size_t k, size_t j,
                       size_t l) {
  return part->noise == 0.0 ? 0.0 : part->noise * gram[(i * (d + 1) + k) * d * (d + 1) + j * (d + 1) + l];
}

/* coefficient of C_kl in the change of C_ij: B C + C B^T [+ B C B^T] + noise sum S C S^T */
static double second_from_second(size_t d, const eg_affine_part *part, const double *gram, size_t i, size_t j,
                                 size_t k, size_t l) {
  double sum = noise_at(d, part, gram, i, k, j, l);
  if (part->B != NULL) {
    const double B_ik = part->B[i * d + k], B_jl = part->B[j * d + l];
    sum += part->is_step ? B_ik * B_jl : 0.0;
    sum += (j == l ? B_ik : 0.0) + (i == k ? B_jl : 0.0);
  }
  return sum;
}

/* coefficient of the mean m_k in the change of C_ij, first half: m b^T [+ B m b^T] + noise sum S m s^T */
static double second_from_mean(size_t d, const eg_affine_part *part, const double *gram, size_t i, size_t j,
                               size_t k) {
  double sum = noise_at(d, part, gram, i, k, j, d);
  if (part->B != NULL) {
    sum += part->is_step ? part->B[i * d + k] * part->b[j] : 0.0;
    sum += i == k ? part->b[j] : 0.0;
  }
  return sum;
}

static void fill_second_row(size_t d, int parity, const eg_affine_part *part, const double *gram, size_t i,
                            size_t j, double *row) {
  const double sign = parity;
  row[0] = noise_at(d, part, gram, i, d, j, d) +
           (part->is_step && part->b != NULL ? part->b[i] * part->b[j] : 0.0);
  for (size_t k = 0; k < d; k++) {
    row[1 + k] = second_from_mean(d, part, gram, i, j, k) + sign * second_from_mean(d, part, gram, j, i, k);
  }
  size_t column = 1 + d;
  for (size_t k = 0; k < d; k++) {
    for (size_t l = parity > 0 ? k : k + 1; l < d; l++, column++) {
      row[column] = second_from_second(d, part, gram, i, j, k, l);
      if (k != l) { /* C_lk = sign C_kl is the same unknown */
        row[column] += sign * second_from_second(d, part, gram, i, j, l, k);
      }
    }
  }
}

void eg_lift_build(size_t dim, int parity, const eg_affine_part *part, const double *gram, double *out) {
  const size_t n = eg_lift_size(dim, parity);
  memset(out, 0, n * n * sizeof(double));
  for (size_t i = 0; i < dim && part->B != NULL; i++) {
    out[(1 + i) * n] = part->b[i];
    memcpy(out + (1 + i) * n + 1, part->B + i * dim, dim * sizeof(double));
  }
  size_t row = 1 + dim;
  for (size_t i = 0; i < dim; i++) {
    for (size_t j = parity > 0 ? i : i + 1; j < dim; j++, row++) {
      fill_second_row(dim, parity, part, gram, i, j, out + row * n);
    }
  }
}

void eg_lift_drift(const eg_affine_model *model, double correction, double *B, double *b) {
  const size_t d = (size_t)model->dim;
  for (size_t i = 0; i < d; i++) {
    double Hg = 0.0;
    for (size_t k = 0; k < d; k++) {
      Hg += model->H[i * d + k] * model->g0[k];
    }
    b[i] = model->g0[i] + correction * Hg;
    for (size_t j = 0; j < d; j++) {
      double HH = 0.0;
      for (size_t k = 0; k < d; k++) {
        HH += model->H[i * d + k] * model->H[k * d + j];
      }
      B[i * d + j] = -(model->H[i * d + j] + correction * HH);
    }
  }
}

eg_status eg_lift_flow(eg_context *ctx, size_t dim, const double *B, const double *b, double t, double *E,
                       double *e) {
  const size_t n = 1 + dim;
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 2 * n * n, sizeof(double), &space));
  double *generator = space, *flow = space + n * n;
  for (size_t i = 0; i < dim; i++) { /* d(1, x) = (0, b 1 + B x) dt */
    generator[(1 + i) * n] = b[i];
    memcpy(generator + (1 + i) * n + 1, B + i * dim, dim * sizeof(double));
  }
  const eg_status status = eg_dense_expm1(ctx, n, generator, t, flow);
  for (size_t i = 0; i < dim && status == EG_OK; i++) {
    e[i] = flow[(1 + i) * n];
    memcpy(E + i * dim, flow + (1 + i) * n + 1, dim * sizeof(double));
  }
  free(space);
  return status;
}
