#include "analysis/moments.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_BLOCKS = 64, MIN_JACKKNIFE_BLOCKS = 8 };

double eg_comoment_merge(double n_a, double mean_u_a, double mean_v_a, double C_a, double n_b,
                         double mean_u_b, double mean_v_b, double C_b) {
  if (n_a == 0.0) {
    return C_b;
  }
  if (n_b == 0.0) {
    return C_a;
  }
  return (C_a + C_b) + n_a * n_b * ((mean_u_b - mean_u_a) / (n_a + n_b)) * (mean_v_b - mean_v_a);
}

/* Neighbours (0,1), (2,3), .. are merged again and again; an odd one at the end moves up unchanged. */
eg_moments eg_moments_total(size_t n_blocks, const eg_moments *blocks) {
  assert(n_blocks <= MAX_BLOCKS);
  eg_moments level[MAX_BLOCKS] = {{0}};
  memcpy(level, blocks, n_blocks * sizeof *blocks);
  for (size_t n = n_blocks; n > 1; n = (n + 1) / 2) {
    for (size_t i = 0; i < n / 2; i++) {
      level[i] = eg_moments_merge(level[2 * i], level[2 * i + 1]);
    }
    if (n % 2 == 1) {
      level[n / 2] = level[n - 1];
    }
  }
  return level[0];
}

void eg_moments_leave_one_out(size_t n_blocks, const eg_moments *blocks, eg_moments *out) {
  assert(n_blocks <= MAX_BLOCKS);
  eg_moments suffix[MAX_BLOCKS + 1] = {{0}}, prefix = {0};
  for (size_t i = n_blocks; i-- > 0;) {
    suffix[i] = eg_moments_merge(blocks[i], suffix[i + 1]);
  }
  for (size_t i = 0; i < n_blocks; i++) {
    out[i] = eg_moments_merge(prefix, suffix[i + 1]);
    prefix = eg_moments_merge(prefix, blocks[i]);
  }
}

/* Efron and Stein 1981: (B - 1)/B sum (value without block i - all)^2. Centred on the full value, not on the
   mean of the values left out: the two agree to the order of the jackknife bias, and this one is never
   smaller. */
double eg_jackknife_stderr(size_t n_blocks, const double *leave_out, double all) {
  if (n_blocks < MIN_JACKKNIFE_BLOCKS) {
    return NAN;
  }
  double sum = 0.0;
  for (size_t i = 0; i < n_blocks; i++) {
    const double deviation = leave_out[i] - all;
    sum += deviation * deviation;
  }
  return sqrt(sum * ((double)(n_blocks - 1) / (double)n_blocks));
}

/* g1 = sqrt(n) M3 / M2^(3/2) */
static double skewness(const eg_moments *m) {
  return m->M2 > 0.0 ? sqrt(m->n / m->M2) * (m->M3 / m->M2) : NAN;
}

/* b2 = n M4 / M2^2 */
static double kurtosis(const eg_moments *m) {
  return m->M2 > 0.0 ? m->n * (m->M4 / m->M2) / m->M2 : NAN;
}

static eg_estimate jackknifed(size_t n_blocks, const eg_moments *left, const eg_moments *total,
                              double (*function)(const eg_moments *)) {
  double values[MAX_BLOCKS];
  for (size_t i = 0; i < n_blocks; i++) {
    values[i] = function(&left[i]);
  }
  const double all = function(total);
  return (eg_estimate){all, eg_jackknife_stderr(n_blocks, values, all)};
}

/* Var(s^2) = (mu_4 - (n - 3)/(n - 1) sigma^4) / n (Kenney and Keeping 1951), moments by their sample values.
 */
static eg_estimate variance(const eg_moments *m) {
  if (!(m->n >= 2.0)) {
    return (eg_estimate){NAN, NAN};
  }
  const double s2 = m->M2 / (m->n - 1.0);
  const double spread = (m->M4 / m->n - (m->n - 3.0) / (m->n - 1.0) * s2 * s2) / m->n;
  if (isnan(spread) || isinf(s2)) {
    return (eg_estimate){s2, NAN}; /* powers beyond the doubles: no error bar is better than 0 */
  }
  return (eg_estimate){s2, spread > 0.0 ? sqrt(spread) : 0.0};
}

double eg_moments_variance_stderr(const eg_moments *total) {
  return variance(total).stderr_;
}

void eg_moments_estimate(size_t n_blocks, const eg_moments *blocks, eg_moment_estimates *out) {
  eg_moments left[MAX_BLOCKS];
  const eg_moments total = eg_moments_total(n_blocks, blocks);
  eg_moments_leave_one_out(n_blocks, blocks, left);
  out->count = total.n;
  out->variance = variance(&total);
  out->mean.value = total.n > 0.0 ? total.mean : NAN;
  out->mean.stderr_ = sqrt(out->variance.value / total.n);
  out->skewness = jackknifed(n_blocks, left, &total, skewness);
  out->kurtosis = jackknifed(n_blocks, left, &total, kurtosis);
}

/* The relative variance of s^2 is (kurtosis - 1)/n, for Gaussians 2/n: heavier tails leave fewer samples'
 * worth. Values that are all equal say nothing of what has not happened yet. */
double eg_effective_samples(const eg_moments *total) {
  if (!(total->M2 > 0.0)) {
    return 0.0;
  }
  const double excess = (kurtosis(total) - 1.0) / 2.0;
  return isfinite(excess) ? total->n / fmax(1.0, excess) : 0.0;
}

bool eg_moments_have_heavy_tails(const eg_moments *total) {
  const double k = kurtosis(total);
  return total->n > 1 && (!isfinite(total->M2) || (total->M2 > 0 && (!isfinite(k) || (k > 5 && total->n / ((k - 1) / 2) < 1000))));
}

/* d log y / d log t at i from the neighbours, or from one neighbour and itself at an end */
static double exponent_at(size_t n, const double *t, const double *y, size_t i) {
  const size_t a = i > 0 ? i - 1 : i, b = i + 1 < n ? i + 1 : i;
  if (a == b || !(t[a] > 0.0 && t[i] > 0.0 && t[b] > 0.0 && y[a] > 0.0 && y[i] > 0.0 && y[b] > 0.0)) {
    return NAN;
  }
  return log(y[b] / y[a]) / log(t[b] / t[a]);
}

void eg_local_exponent(size_t n, const double *t, const double *y, size_t n_blocks, const double *leave_out,
                       double *value, double *error) {
  assert(n_blocks <= MAX_BLOCKS);
  for (size_t i = 0; i < n; i++) {
    double left[MAX_BLOCKS];
    for (size_t block = 0; block < n_blocks; block++) {
      left[block] = exponent_at(n, t, leave_out + block * n, i);
    }
    value[i] = exponent_at(n, t, y, i);
    error[i] = isnan(value[i]) ? NAN : eg_jackknife_stderr(n_blocks, left, value[i]);
  }
}
