/* Path statistics of single observations: features of several points together, waves and the tail of one. */
#include <math.h>
#include <string.h>

#include "plan/path_builder.h"

/* pi as a quotient of doubles would round: u / pi is rounded once. */
static const double PI = 0x1.921fb54442d18p+1;

/* The lags of these statistics are the observed steps. `values`: in all, of one lag. */
static eg_status begin(eg_path_builder *b, size_t values) {
  EG_TRY(eg_path_begin_values(b, b->at->n, values));
  for (size_t i = 0; i < b->out->n_lags; i++) {
    b->out->lags[i] = b->at->steps[i];
  }
  return EG_OK;
}

static eg_status add(eg_path_builder *b, double power, size_t a, size_t point_a, size_t c, size_t point_c) {
  eg_path_begin_value(b, power);
  return eg_path_add_term(b, a, point_a, c, point_c);
}

/* f of every point at every observation: value = point x observations + observation. */
eg_status eg_path_build_m_point(eg_path_builder *b) {
  EG_TRY(begin(b, b->plan->n_points));
  for (size_t p = 0; p < b->plan->n_points; p++) {
    for (size_t i = 0; i < b->out->n_lags; i++) {
      EG_TRY(add(b, 2, i, p, EG_PATH_NOWHERE, 0));
    }
  }
  return EG_OK;
}

/* Values, each over all observations: f(x_p) g(x_q) by (p, q); f(x_p) + g(x_q), whose variance gives the covariance without
   the products' cancellation; f by p; g by q. */
eg_status eg_path_build_product(eg_path_builder *b) {
  const size_t n = b->plan->n_points;
  size_t origin = EG_PATH_NOWHERE;
  if (!isnan(b->study->origin)) {
    EG_TRY(eg_path_find_origin(b, &origin));
  }
  EG_TRY(begin(b, 2 * n * n + 2 * n));
  for (size_t k = 0; k < 2 * n * n + 2 * n; k++) {
    for (size_t i = 0; i < b->out->n_lags; i++) {
      const size_t at = origin == EG_PATH_NOWHERE ? i : origin, single = k - 2 * n * n;
      EG_TRY(k < 2 * n * n ? add(b, k < n * n ? 2 : 1, i, k % (n * n) / n, at, k % n)
             : single < n  ? add(b, 2, i, single, EG_PATH_NOWHERE, 0)
                           : add(b, 2, EG_PATH_NOWHERE, 0, at, single - n));
    }
  }
  return EG_OK;
}

/* Two points that start at one place never part on one noise: refused where the logarithm of their distance is asked for. */
static eg_status refuse_equal_starts(const eg_path_builder *b) {
  const size_t n = b->plan->n_points, ld = (size_t)b->plan->padded_dim;
  for (size_t p = 0; p < n && b->run->job.launch.start_kind == EG_START_FIXED; p++) {
    for (size_t q = p + 1; q < n; q++) {
      if (memcmp(b->run->start + p * ld, b->run->start + q * ld, (size_t)b->plan->dim * sizeof *b->run->start) == 0) {
        return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                                "path statistic '%s' with 0 among its powers takes the logarithm of distances, and points %zu and %zu start at "
                                "one place, which one noise never parts: no realisation would count",
                                b->study->name, p, q);
      }
    }
  }
  return EG_OK;
}

/* |x_p - x_q|^r, p < q: value = (pair x observations + observation) x powers + power. */
eg_status eg_path_build_distance(eg_path_builder *b) {
  static const double two = 2;
  const size_t n = b->plan->n_points, n_powers = b->study->powers.n > 0 ? b->study->powers.n : 1;
  const double *const powers = b->study->powers.n > 0 ? b->study->powers.values : &two;
  if (n < 2) {
    return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                            "path statistic '%s' is of distances between points, and there is one point: give several in "
                            "'start.points'",
                            b->study->name);
  }
  if (powers[0] == 0) { /* they increase */
    EG_TRY(refuse_equal_starts(b));
  }
  EG_TRY(begin(b, n * (n - 1) / 2 * n_powers));
  for (size_t p = 0; p < n; p++) {
    for (size_t q = p + 1; q < n; q++) {
      for (size_t i = 0; i < b->out->n_lags * n_powers; i++) {
        EG_TRY(add(b, powers[i % n_powers], i / n_powers, p, i / n_powers, q));
      }
    }
  }
  return EG_OK;
}

/* cos(u f), sin(u f): value = (observation x arguments + argument) x 2 + part. */
eg_status eg_path_build_characteristic(eg_path_builder *b) {
  const eg_number_list *const u = &b->study->arguments;
  EG_TRY(begin(b, 2 * u->n));
  for (size_t i = 0; i < b->out->n_lags * 2 * u->n; i++) {
    EG_TRY(add(b, u->values[i / 2 % u->n] / PI, i / (2 * u->n), 0, i % 2, 0));
  }
  return EG_OK;
}

/* |f|, and the side of f whose largest values are listed, at one observation: the last, or the origin. */
eg_status eg_path_build_tail(eg_path_builder *b) {
  static const double sides[] = {1, -1, 0};
  size_t at = b->at->n - 1;
  if (!isnan(b->study->origin)) {
    EG_TRY(eg_path_find_origin(b, &at));
  }
  EG_TRY(eg_path_begin_values(b, 1, 2));
  b->out->lags[0] = b->at->steps[at];
  EG_TRY(add(b, 0, at, 0, EG_PATH_NOWHERE, 0));
  return add(b, sides[b->study->side], at, 0, EG_PATH_NOWHERE, 0);
}
