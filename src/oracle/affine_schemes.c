#include "oracle/affine_schemes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An affine map F x + f of dimension d lies as one array: F (d, d), then f (d). */
static size_t map_size(size_t d) {
  return d * d + d;
}

/* out = (D first) second = F_first (F_second x + f_second) */
static void derivative_along(size_t d, const double *first, const double *second, double *out) {
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j <= d; j++) {
      double sum = 0;
      for (size_t k = 0; k < d; k++) {
        sum += first[i * d + k] * (j < d ? second[k * d + j] : second[d * d + k]);
      }
      out[j < d ? i * d + j : d * d + i] = sum;
    }
  }
}

/* out = a first + b second */
static void combine(size_t d, double a, const double *first, double b, const double *second, double *out) {
  for (size_t i = 0; i < map_size(d); i++) {
    out[i] = a * first[i] + b * second[i];
  }
}

/* Uncorrelated maps, each times a variate of mean 0 and variance 1, as the channels of a model. */
typedef struct noise_list {
  size_t d, n;
  double *S, *s;
} noise_list;

static void add_map(noise_list *list, double factor, const double *map) {
  const size_t d = list->d;
  bool is_zero = true;
  for (size_t i = 0; i < map_size(d); i++) {
    is_zero = is_zero && map[i] == 0.0;
  }
  for (size_t i = 0; i < d * d && !is_zero; i++) {
    list->S[list->n * d * d + i] = factor * map[i];
  }
  for (size_t i = 0; i < d && !is_zero; i++) {
    list->s[list->n * d + i] = factor * map[d * d + i];
  }
  list->n += !is_zero;
}

/* What the pair c < e adds: (z_c z_e) (h/2) (D b^c b^e + D b^e b^c), of srk2 also w_ce (h/2) (D b^c b^e - D b^e b^c). */
static void add_pair(noise_list *list, eg_affine_scheme scheme, double h, const double *c, const double *e, double *work) {
  const size_t d = list->d, size = map_size(d);
  double *const ce = work, *const ec = work + size, *const sum = ec + size;
  derivative_along(d, c, e, ce);
  derivative_along(d, e, c, ec);
  combine(d, 1, ce, 1, ec, sum);
  add_map(list, 0.5 * h, sum);
  if (scheme == EG_AFFINE_SRK2) {
    combine(d, 1, ce, -1, ec, sum);
    add_map(list, 0.5 * h, sum);
  }
}

/* channels (n, map_size): b^c with its scale. drift: a; out: step of the mean and the maps of the noise. */
static void scheme_maps(size_t d, eg_affine_scheme scheme, double h, const double *drift, size_t n, const double *channels,
                        double *mean, noise_list *list, double *work) {
  const size_t size = map_size(d);
  double *const a = work, *const product = a + size, *const other = product + size, *const spare = other + size;
  const bool is_milstein = scheme == EG_AFFINE_MILSTEIN;
  memcpy(a, drift, size * sizeof *a);
  for (size_t c = 0; c < n && scheme == EG_AFFINE_HEUN; c++) { /* the Stratonovich drift; its half q comes back below */
    derivative_along(d, channels + c * size, channels + c * size, product);
    combine(d, 1, a, -0.5, product, a);
  }
  derivative_along(d, a, a, product);
  combine(d, h, drift, is_milstein ? 0.0 : 0.5 * h * h, product, mean);
  for (size_t c = 0; c < n; c++) {
    const double *const b = channels + c * size;
    derivative_along(d, a, b, product);
    derivative_along(d, b, a, other);
    combine(d, 1, product, 1, other, other);
    combine(d, 1, b, is_milstein ? 0.0 : 0.5 * h, other, product);
    add_map(list, sqrt(h), product);
    derivative_along(d, b, b, product);
    add_map(list, sqrt(2.0) * 0.5 * h, product); /* z^2 - 1 has variance 2 */
    for (size_t e = c + 1; e < n && !is_milstein; e++) {
      add_pair(list, scheme, h, b, channels + e * size, spare);
    }
  }
}

/* Channels that are not zero, times the root of the noise rate. */
static size_t gather_channels(const eg_affine_model *model, double rate, double *channels) {
  const size_t d = (size_t)model->dim, size = map_size(d);
  size_t n = 0;
  for (size_t c = 0; c < (size_t)model->n_channels; c++) {
    double *const b = channels + n * size;
    bool is_zero = true;
    for (size_t i = 0; i < size; i++) {
      b[i] = sqrt(rate) * (i < d * d ? model->S[c * d * d + i] : model->s[c * d + i - d * d]);
      is_zero = is_zero && b[i] == 0.0;
    }
    n += !is_zero;
  }
  return n;
}

eg_status eg_scheme_step(eg_context *ctx, const eg_affine_model *model, eg_affine_scheme scheme, int parity,
                         const eg_affine_part *drift, double h, double *out) {
  const size_t d = (size_t)model->dim, size = map_size(d), gram_size = d * (d + 1) * d * (d + 1);
  const size_t given = (size_t)model->n_channels;
  double *space = NULL, *maps = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, given * size + 8 * size + gram_size, sizeof *space, &space));
  double *const channels = space, *const a = channels + given * size, *const mean = a + size, *const work = mean + size;
  double *const gram = work + 6 * size;
  const size_t n = gather_channels(model, drift->noise, channels);
  const size_t most = 2 * n + (scheme == EG_AFFINE_MILSTEIN ? 0 : (n > 0 ? n * (n - 1) : 0)) + 1;
  EG_TRY_DONE(eg_allocate(ctx, most * size, sizeof *maps, &maps));
  noise_list list = {d, 0, maps, maps + most * d * d};
  memcpy(a, drift->B, d * d * sizeof *a);
  memcpy(a + d * d, drift->b, d * sizeof *a);
  scheme_maps(d, scheme, h, a, n, channels, mean, &list, work);
  const eg_affine_model wide = {.dim = model->dim, .n_channels = (int)list.n, .S = list.S, .s = list.s};
  const eg_affine_part step = {mean, mean + d * d, 1.0, true};
  eg_lift_noise_gram(&wide, gram);
  eg_lift_build(d, parity, &step, gram, out);
done:
  free(space);
  free(maps);
  return status;
}
