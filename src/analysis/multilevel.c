#include "analysis/multilevel.h"

#include <math.h>

static const double LEAST_EFFECTIVE = 250, LEAST_ALPHA = 0.5;

static double variance_of(const eg_moments *m) { return m->n > 1 ? m->M2 / (m->n - 1) : NAN; }

static double kurtosis_of(const eg_moments *m) { return m->M4 * m->n / (m->M2 * m->M2); }

static double square_error(const eg_moments *m) { return variance_of(m) / m->n; }

double eg_multilevel_variance(size_t n, const eg_level *levels) {
  double sum = 0;
  for (size_t l = 0; l < n; l++) {
    sum += square_error(&levels[l].correction);
  }
  return sum;
}

size_t eg_multilevel_next(size_t n, const eg_level *levels, double most) {
  size_t best = n;
  double largest = 0;
  for (size_t l = 0; l < n; l++) {
    if (levels[l].can_grow && eg_effective_samples(&levels[l].correction) < LEAST_EFFECTIVE) {
      return l;
    }
  }
  for (size_t l = 0; l < n && !(eg_multilevel_variance(n, levels) <= most); l++) {
    const eg_moments *const m = &levels[l].correction;
    const double worth = variance_of(m) / (m->n * m->n * levels[l].cost);
    if (levels[l].can_grow && worth > largest) {
      largest = worth;
      best = l;
    }
  }
  return best;
}

typedef struct line {
  double w, wx, wy, wxx, wxy;
} line;

static void add_point(line *f, double x, double y, double error) {
  if (isfinite(y) && error > 0) {
    const double w = 1 / (error * error);
    f->w += w;
    f->wx += w * x;
    f->wy += w * y;
    f->wxx += w * x * x;
    f->wxy += w * x * y;
  }
}

/* NaN with one point. */
static double slope_of(const line *f, double *error) {
  const double spread = f->wxx - f->wx * f->wx / f->w;
  if (!(spread > 1e-9 * f->wxx)) {
    *error = NAN;
    return NAN;
  }
  *error = 1 / sqrt(spread);
  return (f->wxy - f->wx * f->wy / f->w) / spread;
}

static void fit_rates(size_t n, const eg_level *levels, double ratio, eg_multilevel *out) {
  line means = {0, 0, 0, 0, 0}, variances = means;
  const double unit = log(ratio);
  double unused;
  line costs = means;
  for (size_t l = 1; l < n; l++) {
    const eg_moments *const m = &levels[l].correction;
    add_point(&means, (double)l, log(fabs(m->mean)) / unit, sqrt(square_error(m)) / (fabs(m->mean) * unit));
    add_point(&variances, (double)l, log(variance_of(m)) / unit, sqrt((kurtosis_of(m) - 1) / m->n) / unit);
    add_point(&costs, (double)l, log(levels[l].cost) / unit, 1);
  }
  out->alpha = -slope_of(&means, &out->alpha_stderr);
  out->beta = -slope_of(&variances, &out->beta_stderr);
  out->gamma = slope_of(&costs, &unused);
}

void eg_multilevel_estimate(size_t n, const eg_level *levels, double ratio, eg_multilevel *out) {
  const eg_level *const last = &levels[n - 1];
  *out = (eg_multilevel){.bias = NAN, .kurtosis = NAN, .inconsistency = NAN};
  fit_rates(n, levels, ratio, out);
  for (size_t l = 0; l < n; l++) {
    const eg_level *const level = &levels[l];
    const double kurtosis = kurtosis_of(&level->correction);
    out->mean.value += level->correction.mean;
    out->cost += level->correction.n * level->cost;
    out->kurtosis = kurtosis <= out->kurtosis || isnan(kurtosis) ? out->kurtosis : kurtosis;
    if (l > 0) {
      const eg_moments *const before = &levels[l - 1].fine;
      const double z =
          fabs(level->coarse.mean - before->mean) / sqrt(square_error(&level->coarse) + square_error(before));
      out->inconsistency = z <= out->inconsistency || isnan(z) ? out->inconsistency : z;
    }
  }
  const double variance = eg_multilevel_variance(n, levels),
               alpha = out->alpha > LEAST_ALPHA ? out->alpha : LEAST_ALPHA;
  out->mean.stderr_ = sqrt(variance);
  out->gain = variance_of(&last->fine) * last->fine_cost / (variance * out->cost);
  for (size_t l = n > 3 ? n - 3 : 1; l < n; l++) {
    const double bias =
        fabs(levels[l].correction.mean) * pow(ratio, -alpha * (double)(n - 1 - l)) / (pow(ratio, alpha) - 1);
    out->bias = bias <= out->bias ? out->bias : bias;
  }
  out->root_mean_square_error = hypot(out->mean.stderr_, out->bias);
}
