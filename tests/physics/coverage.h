/*
 * How often the 95 % interval of the diffusion exponent holds the truth: ensembles of fractional Brownian motion, drawn
 * exactly at the lags from the Cholesky factor of their covariance by a generator of the test's own.
 */
#ifndef EG_TESTS_COVERAGE_H
#define EG_TESTS_COVERAGE_H

#include <stdint.h>

#include "analysis/diffusion.h"
#include "analysis/moments.h"
#include "check.h"

enum { COVERAGE_LAGS = 21 };

static uint64_t coverage_state = 0x9e3779b97f4a7c15ull;

/* xorshift64*, Vigna 2016 */
static inline double coverage_uniform(void) {
  coverage_state ^= coverage_state >> 12;
  coverage_state ^= coverage_state << 25;
  coverage_state ^= coverage_state >> 27;
  return ((double)((coverage_state * 0x2545f4914f6cdd1dull) >> 11) + 0.5) * 0x1p-53;
}

static inline void coverage_normals(size_t n, double *z) {
  for (size_t i = 0; i < n; i += 2) {
    const double r = sqrt(-2 * log(coverage_uniform())), angle = 2 * 3.14159265358979323846 * coverage_uniform();
    z[i] = r * cos(angle);
    if (i + 1 < n) {
      z[i + 1] = r * sin(angle);
    }
  }
}

/* Lags 1 .. 100, ten a decade, and the Cholesky factor of fractional Brownian motion there. */
static inline void coverage_factor(double hurst, double *time, double L[COVERAGE_LAGS][COVERAGE_LAGS]) {
  for (size_t i = 0; i < COVERAGE_LAGS; i++) {
    time[i] = pow(10, (double)i / 10);
    for (size_t j = 0; j <= i; j++) {
      double sum = 0.5 * (pow(time[i], 2 * hurst) + pow(time[j], 2 * hurst) - pow(fabs(time[i] - time[j]), 2 * hurst));
      for (size_t k = 0; k < j; k++) {
        sum -= L[i][k] * L[j][k];
      }
      L[i][j] = i == j ? sqrt(sum) : sum / L[j][j];
    }
  }
}

/* Means and covariance of the squared displacements of an ensemble. */
static inline void coverage_ensemble(double L[COVERAGE_LAGS][COVERAGE_LAGS], size_t dim, size_t n, double *msd,
                                     double *covariance, double *effective) {
  enum { K = COVERAGE_LAGS };
  double *const r2 = calloc(n * K, sizeof *r2);
  memset(msd, 0, K * sizeof *msd);
  for (size_t r = 0; r < n; r++) {
    for (size_t d = 0; d < dim; d++) {
      double z[K + 1];
      coverage_normals(K, z);
      for (size_t i = 0; i < K; i++) {
        double x = 0;
        for (size_t k = 0; k <= i; k++) {
          x += L[i][k] * z[k];
        }
        r2[r * K + i] += x * x;
      }
    }
    for (size_t i = 0; i < K; i++) {
      msd[i] += r2[r * K + i] / (double)n;
    }
  }
  *effective = 0;
  for (size_t i = 0; i < K; i++) {
    double second = 0, fourth = 0;
    for (size_t j = 0; j <= i; j++) {
      double sum = 0;
      for (size_t r = 0; r < n; r++) {
        sum += (r2[r * K + i] - msd[i]) * (r2[r * K + j] - msd[j]);
      }
      covariance[i * K + j] = covariance[j * K + i] = sum / (double)(n - 1);
    }
    for (size_t r = 0; r < n; r++) {
      const double d = r2[r * K + i] - msd[i];
      second += d * d;
      fourth += d * d * d * d;
    }
    *effective += (double)n / fmax(1, ((double)n * fourth / (second * second) - 1) / 2) / K;
  }
  free(r2);
}

/* Checks the coverage of exponent and prefactor, the false alarms of the misfit, and that the naive error bar is too small. */
static inline void cover(double hurst, size_t dim, size_t n, size_t repeats, double least, double most) {
  static double L[COVERAGE_LAGS][COVERAGE_LAGS], time[COVERAGE_LAGS], msd[COVERAGE_LAGS],
      covariance[COVERAGE_LAGS * COVERAGE_LAGS];
  size_t holds = 0, holds_prefactor = 0, power = 0, naive = 0;
  double sum = 0, squares = 0, error = 0, effective = 0;
  coverage_factor(hurst, time, L);
  for (size_t repeat = 0; repeat < repeats; repeat++) {
    eg_diffusion_fit fit;
    coverage_ensemble(L, dim, n, msd, covariance, &effective);
    const eg_diffusion_data data = {COVERAGE_LAGS, time, msd, covariance, (double)n, effective};
    eg_diffusion_fit_window(&data, 0, COVERAGE_LAGS, true, &fit);
    const double exponent = 2 * hurst;
    holds += fit.exponent_low <= exponent && exponent <= fit.exponent_high;
    holds_prefactor += fit.prefactor_low <= (double)dim && (double)dim <= fit.prefactor_high;
    power += fit.verdict == EG_DIFFUSION_POWER;
    naive += fabs(fit.naive - exponent) <= 1.96 * fit.naive_stderr;
    sum += fit.exponent - exponent;
    squares += (fit.exponent - exponent) * (fit.exponent - exponent);
    error += fit.exponent_stderr;
  }
  const double m = (double)repeats, bias = sum / m, spread = sqrt(squares / m - bias * bias);
  printf("H = %.1f, d = %zu, %zu trajectories, %zu repeats: exponent covered %.1f %%, prefactor %.1f %%; bias %+.4f, spread "
         "%.4f, mean error bar %.4f; one power law accepted %.1f %%; naive interval covers %.0f %%\n",
         hurst, dim, n, repeats, 100 * (double)holds / m, 100 * (double)holds_prefactor / m, bias, spread, error / m,
         100 * (double)power / m, 100 * (double)naive / m);
  CHECK((double)holds / m >= least && (double)holds / m <= most);
  CHECK((double)holds_prefactor / m >= least && (double)holds_prefactor / m <= most);
  CHECK((double)power / m > 0.95);
  CHECK((double)naive / m < 0.8);
  CHECK(fabs(bias) < 0.2 * spread + 4 * spread / sqrt(m));
}

#endif
