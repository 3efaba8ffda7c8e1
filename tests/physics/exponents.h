/*
 * The exponent that the program finds for a process whose law is known: small ensembles, one for every seed, each a study that
 * runs as a user's does (tiles, nodes, analysis diffusion over 21 lags of two decades). How far off is it, how much does it
 * scatter, how large is the error that it states, how often does its 95 % interval hold the truth?
 *
 * The truth is the exponent of the closed form in the window of the fit: exact means, and the weights of the mean covariance of all
 * ensembles. Of a power law that is its exponent; a Levy walk and transit times come to theirs only as t grows.
 */
#ifndef EG_TESTS_EXPONENTS_H
#define EG_TESTS_EXPONENTS_H

#include "analysis/diffusion.h"
#include "oracle/processes.h"
#include "physics/run_text.h"
#include "physics/transit_time.h"

enum { EXPONENT_LAGS = 21, EXPONENT_STEPS = 100, EXPONENT_TRAJECTORIES = 400, TRANSIT_LAST = 1000 };

typedef struct exponent_process {
  const char *name, *model; /* text of `model` in a study */
  double time_step, exponent;
  double (*msd)(double exponent, double t);
} exponent_process;

typedef struct exponent_score {
  size_t repeats, covered, covered_limit, covered_naive, one_law;
  double truth, bias, spread, stated;
} exponent_score;

static inline double exponent_power_msd(double exponent, double t) {
  return pow(t, exponent);
}
static inline double exponent_walk_msd(double exponent, double t) {
  return eg_random_walk_msd(exponent, 1, 1, t);
}
static inline double exponent_flight_msd(double exponent, double t) {
  return eg_levy_walk_msd(3 - exponent, 1, 1, t);
}
static inline double exponent_transit_msd(double exponent, double t) {
  static double msd[TRANSIT_LAST + 1];
  if (msd[1] == 0) {
    transit_time_table(exponent, 0.8, TRANSIT_LAST, msd);
  }
  return msd[(int)nearbyint(t)];
}

static const exponent_process exponent_processes[] = {
    {"fractional Brownian motion", "fractional-brownian-motion, exponent: 0.6", 1, 0.6, exponent_power_msd},
    {"fractional Brownian motion", "fractional-brownian-motion, exponent: 1.4", 1, 1.4, exponent_power_msd},
    {"scaled Brownian motion", "scaled-brownian-motion, exponent: 0.5", 1, 0.5, exponent_power_msd},
    {"scaled Brownian motion", "scaled-brownian-motion, exponent: 1.5", 1, 1.5, exponent_power_msd},
    {"continuous-time random walk", "continuous-time-random-walk, exponent: 0.6", 10, 0.6, exponent_walk_msd},
    {"Levy walk", "levy-walk, tail: 1.5", 100, 1.5, exponent_flight_msd},
    {"annealed transit time", "annealed-transit-time, exponent: 0.5, gamma: 0.8", 10, 0.5, exponent_transit_msd},
};
enum { EXPONENT_PROCESSES = sizeof exponent_processes / sizeof exponent_processes[0] };

static inline const double *exponent_array(const eg_labelled *file, const char *group, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* Exponent of the closed form under the weights of a covariance. */
static inline double exponent_of_law(const exponent_process *p, size_t n, const double *time, const double *covariance) {
  double msd[EXPONENT_LAGS];
  for (size_t i = 0; i < n; i++) {
    msd[i] = p->msd(p->exponent, time[i]);
  }
  const eg_diffusion_data data = {n, time, msd, covariance, 1e12, 1e12}; /* so many that the logarithm has no bias */
  return eg_diffusion_exponent(&data, 0, n);
}

/* Ensembles of seeds first_seed, first_seed + 1, .. */
static inline exponent_score measure_exponent(const char *folder, const exponent_process *p, size_t repeats, size_t first_seed) {
  enum { K = EXPONENT_LAGS };
  exponent_score score = {.repeats = repeats};
  double(*const found)[5] = calloc(repeats, sizeof *found);
  double time[K], covariance[K * K] = {0};
  size_t n = 0;
  if (found == NULL) {
    stop_with("no memory");
  }
  for (size_t repeat = 0; repeat < repeats; repeat++) {
    static const char *const names[5] = {"diffusion_exponent", "diffusion_exponent_low", "diffusion_exponent_high",
                                         "diffusion_naive", "diffusion_naive_stderr"};
    char text[600];
    (void)snprintf(text, sizeof text,
                   "seed: %zu\nmodel: {name: %s}\nsteps: %d\ntime_step: %g\ndynamics: sde\nrealisations: %d\nobserve:\n"
                   "  at: {steps: {log: %d}}\n  features: [x]\n  paths: {statistic: msd}\nanalyse: {diffusion: {}}\n",
                   first_seed + repeat, p->model, EXPONENT_STEPS, p->time_step, EXPONENT_TRAJECTORIES, EXPONENT_LAGS);
    eg_labelled *const file = run_text(folder, text);
    const double *const lag_time = exponent_array(file, "/", "path_msd_lag_time"), *const one = exponent_array(file, "/", "path_msd_covariance");
    n = eg_variable_size(eg_labelled_find(file, "/", "path_msd_lag_time"));
    if (n < 16 || n > K) {
      stop_with("another number of lags than this test was written for");
    }
    memcpy(time, lag_time, n * sizeof *time);
    for (size_t i = 0; i < n * n; i++) {
      covariance[i] += one[i] / (double)repeats;
    }
    for (size_t k = 0; k < 5; k++) {
      found[repeat][k] = exponent_array(file, "/analysis", names[k])[0];
    }
    score.stated += exponent_array(file, "/analysis", "diffusion_exponent_stderr")[0] / (double)repeats;
    score.one_law += exponent_array(file, "/analysis", "diffusion_verdict")[0] == EG_DIFFUSION_POWER;
    eg_labelled_free(file);
  }
  score.truth = exponent_of_law(p, n, time, covariance);
  double squares = 0;
  for (size_t repeat = 0; repeat < repeats; repeat++) {
    const double *const f = found[repeat], off = f[0] - score.truth;
    score.bias += off / (double)repeats;
    squares += off * off / (double)repeats;
    score.covered += f[1] <= score.truth && score.truth <= f[2];
    score.covered_limit += f[1] <= p->exponent && p->exponent <= f[2];
    score.covered_naive += fabs(f[3] - score.truth) <= 1.96 * f[4];
  }
  score.spread = sqrt((squares - score.bias * score.bias) * (double)repeats / (double)(repeats - 1));
  free(found);
  return score;
}

/* The fewest of n that a coverage of p gives but with probability `tail`. */
static inline size_t least_covered(size_t n, double p, double tail) {
  double sum = 0;
  for (size_t k = 0; k <= n; k++) {
    const double m = (double)n, j = (double)k;
    sum += exp(lgamma(m + 1) - lgamma(j + 1) - lgamma(m - j + 1) + j * log(p) + (m - j) * log1p(-p));
    if (sum > tail) {
      return k;
    }
  }
  return n;
}

/* A row of the table of docs/statistics.md. */
static inline void print_exponent(const exponent_process *p, const exponent_score *s) {
  const double m = (double)s->repeats, share = (double)s->covered / m;
  printf("| %s | %.1f | %.4f | %+.4f(%.4f) | %.4f | %.4f | %.1f(%.1f) %% | %.1f %% | %.1f %% | %.0f %% |\n", p->name, p->exponent,
         s->truth, s->bias, s->spread / sqrt(m), s->spread, s->stated, 100 * share, 100 * sqrt(share * (1 - share) / m),
         100 * (double)s->covered_limit / m, 100 * (double)s->one_law / m, 100 * (double)s->covered_naive / m);
  (void)fflush(stdout);
}

#endif
