#include "analysis/tail.h"

#include <math.h>
#include <stdbool.h>

#include "analysis/moments.h"

static const double LEAST_EXPECTED = 10, LEAST_P = 0.1, LEAST_EVENTS = 200;

/* Joined bins until enough is expected in them and behind them. */
static void test_tail(size_t bins, const uint64_t *counts, size_t first, double q, eg_tail *t) {
  double chi2 = 0, seen = 0, expected = 0, behind = t->events;
  size_t used = 0;
  for (size_t i = first; i < bins; i++) {
    const double here = behind * (1 - q);
    behind -= here;
    seen += (double)counts[1 + i];
    expected += here;
    if (expected >= LEAST_EXPECTED && behind >= LEAST_EXPECTED) {
      chi2 += (seen - expected) * (seen - expected) / expected;
      seen = expected = 0;
      used++;
    }
  }
  seen += (double)counts[bins + 1]; /* all that is left, with what lies above the grid */
  expected += behind;
  chi2 += (seen - expected) * (seen - expected) / expected;
  if (used >= 3) {
    t->chi2 = chi2;
    t->dof = (double)used - 1;
    t->p_value = eg_chi2_tail(chi2, t->dof);
  }
}

static void fit_from(size_t bins, const double *edges, const uint64_t *counts, size_t first, double all, eg_tail *t) {
  double n = 0, T = 0;
  *t = (eg_tail){NAN, NAN, edges[first], 0, NAN, NAN, NAN, NAN};
  for (size_t i = first; i < bins; i++) {
    n += (double)counts[1 + i];
    T += (double)(i - first) * (double)counts[1 + i];
  }
  T += (double)(bins - first) * (double)counts[bins + 1];
  t->events = n + (double)counts[bins + 1];
  t->share = t->events / all;
  if (!(n > 0 && T > 0)) {
    return;
  }
  const double q = T / (T + n), width = log(edges[bins] / edges[0]) / (double)bins;
  t->exponent = -log(q) / width;
  t->stderr_ = 1 / (q * width * sqrt(n / ((1 - q) * (1 - q)) + T / (q * q)));
  test_tail(bins, counts, first, q, t);
}

void eg_tail_fit(size_t bins, const double *edges, const uint64_t *counts, double from, eg_tail *out) {
  double all = 0;
  size_t fullest = 0, first = 0;
  for (size_t i = 0; i < bins + 2; i++) {
    all += (double)counts[i];
  }
  if (!isnan(from)) {
    while (first + 1 < bins && edges[first] < from * (1 - 1e-12)) {
      first++;
    }
    fit_from(bins, edges, counts, first, all, out);
    return;
  }
  for (size_t i = 1; i < bins; i++) {
    fullest = counts[1 + i] > counts[1 + fullest] ? i : fullest;
  }
  for (first = fullest; first < bins; first++) {
    fit_from(bins, edges, counts, first, all, out);
    if (out->events < LEAST_EVENTS) {
      break;
    }
    if (out->p_value >= LEAST_P) {
      return;
    }
  }
  *out = (eg_tail){NAN, NAN, NAN, 0, NAN, NAN, NAN, NAN};
}
