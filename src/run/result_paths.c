/* Statistics of paths: mean, error, variance and kurtosis of every value, covariance between lags, and numbers made of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

static const double MIN_EFFECTIVE_SAMPLES = 1000;

/* One statistic over (run[, point], lag[, power]). */
typedef struct path_output {
  const eg_study_path *study;
  size_t index, n_lags, n_powers; /* n_lags: the most of all runs */
  bool without_lag;               /* a number of all lags together; n_lags is 1 */
  char prefix[40], lag[48], lag_2[48], power[48];
} path_output;

/* A place in the output. */
typedef struct path_cell {
  const eg_builder *b;
  const path_output *o;
  size_t run, point, lag, power;
} path_cell;

static const eg_run_path *axes_of(const path_cell *c) {
  return &c->b->plan->runs[c->run].paths[c->o->index];
}

static eg_moments moments_at(const path_cell *c, const double *node, size_t lag, size_t power) {
  const eg_node_rows *const section = &c->b->summary->runs[c->run].shape.paths[c->o->index];
  return eg_node_section_moments(section, node, c->point, lag * axes_of(c)->n_powers + power);
}

/* ---- numbers made of the sums of one node ---- */

typedef double (*path_number)(const path_cell *c, const double *node);

static double get_mean(const path_cell *c, const double *node) {
  const eg_moments m = moments_at(c, node, c->lag, c->power);
  return m.n > 0 ? m.mean : NAN;
}

static double get_variance(const path_cell *c, const double *node) {
  const eg_moments m = moments_at(c, node, c->lag, c->power);
  return m.n > 1 ? m.M2 / (m.n - 1) : NAN;
}

static double get_variance_stderr(const path_cell *c, const double *node) {
  const eg_moments m = moments_at(c, node, c->lag, c->power);
  return eg_moments_variance_stderr(&m);
}

static double get_kurtosis(const path_cell *c, const double *node) {
  const eg_moments m = moments_at(c, node, c->lag, c->power);
  return m.M2 > 0 ? m.n * (m.M4 / m.M2) / m.M2 : NAN;
}

/* Var / mean^2 over trajectories: the ergodicity-breaking parameter of a time average. */
static double get_relative_variance(const path_cell *c, const double *node) {
  const double mean = get_mean(c, node);
  return get_variance(c, node) / (mean * mean);
}

/* d <r^4> / ((d + 2) <r^2>^2) - 1 */
static double get_non_gaussian(const path_cell *c, const double *node) {
  double m[2] = {NAN, NAN};
  for (size_t k = 0; k < axes_of(c)->n_powers; k++) {
    const double q = axes_of(c)->powers[k];
    if (q == 2 || q == 4) {
      m[q == 4] = moments_at(c, node, c->lag, k).mean;
    }
  }
  const double d = c->b->plan->dim;
  return d * m[1] / ((d + 2) * m[0] * m[0]) - 1;
}

/* Relative to lag 0. */
static double get_autocorrelation(const path_cell *c, const double *node) {
  return axes_of(c)->lags[0] == 0 ? get_mean(c, node) / moments_at(c, node, 0, 0).mean : NAN;
}

/* Of a correlator, whose last value is the mean of f: E f(t) f(t + lag) - (E f)^2. */
static double get_connected(const path_cell *c, const double *node) {
  const double f = moments_at(c, node, axes_of(c)->n_lags, 0).mean;
  return moments_at(c, node, c->lag, 0).mean - f * f;
}

static double get_correlation(const path_cell *c, const double *node) {
  path_cell zero = *c;
  zero.lag = 0;
  return get_connected(c, node) / get_connected(&zero, node);
}

/* d log / d log lag from the neighbours. */
static double get_exponent(const path_cell *c, const double *node) {
  const eg_run_path *const p = axes_of(c);
  const size_t a = c->lag > 0 ? c->lag - 1 : 0, z = c->lag + 1 < p->n_lags ? c->lag + 1 : c->lag;
  const double low = moments_at(c, node, a, c->power).mean, high = moments_at(c, node, z, c->power).mean;
  return a < z && low > 0 && high > 0 ? log(high / low) / log((double)p->lags[z] / (double)p->lags[a]) : NAN;
}

/* Exponent zeta of E |r|^q ~ t^zeta: slope of log mean against log lag over all lags, which weigh the same. */
static double get_spectrum(const path_cell *c, const double *node) {
  const eg_run_path *const p = axes_of(c);
  double n = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  for (size_t lag = 0; lag < p->n_lags; lag++) { /* one pass: updates of means and co-moments */
    const double m = moments_at(c, node, lag, c->power).mean;
    if (p->lags[lag] > 0 && m > 0) {
      const double x = log((double)p->lags[lag]), y = log(m), d = x - mean_x;
      n += 1;
      mean_x += d / n;
      mean_y += (y - mean_y) / n;
      xx += d * (x - mean_x);
      xy += d * (y - mean_y);
    }
  }
  return n > 1 ? xy / xx : NAN;
}

/* zeta(q) / q of the largest q minus that of the smallest: 0 where one length scales everything. */
static double get_nonlinearity(const path_cell *c, const double *node) {
  const eg_run_path *const p = axes_of(c);
  path_cell low = *c, high = *c;
  low.power = 0;
  high.power = p->n_powers - 1;
  return get_spectrum(&high, node) / p->powers[high.power] - get_spectrum(&low, node) / p->powers[0];
}

/* ---- the same with an error by jackknife ---- */

static double total_of(const path_cell *c, path_number number) {
  const eg_run_summary *const s = &c->b->summary->runs[c->run];
  return s->n_blocks == 0 ? NAN : number(c, s->total);
}

static double jackknife(const path_cell *c, path_number number) {
  const eg_run_summary *const s = &c->b->summary->runs[c->run];
  double leave_out[EG_BLOCKS];
  for (size_t i = 0; i < s->n_blocks; i++) {
    leave_out[i] = number(c, s->leave_out + i * s->shape.values);
  }
  return s->n_blocks == 0 ? NAN : eg_jackknife_stderr(s->n_blocks, leave_out, number(c, s->total));
}

static double mean_stderr(const path_cell *c, path_number number) {
  (void)number;
  const eg_run_summary *const s = &c->b->summary->runs[c->run];
  if (s->n_blocks == 0) {
    return NAN;
  }
  const eg_moments m = moments_at(c, s->total, c->lag, c->power);
  return m.n > 1 ? sqrt(m.M2 / (m.n - 1) / m.n) : NAN;
}

/* 1: the error bar of the mean can be trusted. */
static double is_judged(const path_cell *c, path_number number) {
  (void)number;
  const eg_run_summary *const s = &c->b->summary->runs[c->run];
  if (s->n_blocks == 0) {
    return 0;
  }
  const eg_moments m = moments_at(c, s->total, c->lag, c->power);
  return m.n == s->n_started && m.M2 > 0 && eg_effective_samples(&m) >= MIN_EFFECTIVE_SAMPLES;
}

typedef double (*path_rule)(const path_cell *c, path_number number);

/* ---- writing ---- */

static size_t add_run_point(const eg_builder *b, const char **dims, size_t *shape) {
  size_t rank = 1;
  dims[0] = "run";
  shape[0] = b->plan->n_runs;
  if (b->plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = b->plan->n_points;
  }
  return rank;
}

static eg_status add(eg_context *ctx, eg_builder *b, const path_output *o, const char *suffix, eg_type type,
                     path_rule rule, path_number number, bool is_exact, const char *long_name) {
  const char *dims[4];
  size_t shape[4], rank = add_run_point(b, dims, shape), i = 0, index = 0;
  char name[64];
  double *values = NULL;
  if (!o->without_lag) {
    dims[rank] = o->lag;
    shape[rank++] = o->n_lags;
  }
  if (o->study->kind == EG_PATH_MOMENTS) {
    dims[rank] = o->power;
    shape[rank++] = o->n_powers;
  }
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * b->plan->n_points * o->n_lags * o->n_powers, sizeof *values, &values));
  for (size_t run = 0; run < b->plan->n_runs; run++) {
    for (size_t point = 0; point < b->plan->n_points; point++) {
      for (size_t lag = 0; lag < o->n_lags; lag++) {
        for (size_t power = 0; power < o->n_powers; power++, i++) {
          const path_cell c = {b, o, run, point, lag, power};
          values[i] = lag < axes_of(&c)->n_lags ? rule(&c, number) : NAN;
        }
      }
    }
  }
  uint8_t *const flags = (uint8_t *)values;
  for (size_t k = 0; type == EG_TYPE_U8 && k < i; k++) {
    flags[k] = values[k] == 1; /* place k of the bytes lies at or before value k */
  }
  (void)snprintf(name, sizeof name, "%s%s", o->prefix, suffix);
  eg_status status = eg_labelled_add(ctx, b->file, "/", name, type, (int)rank, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  if (!is_exact) { /* made with the machine's logarithm */
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  }
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

/* The mean; how many have heavy tails. */
static eg_status add_mean(eg_context *ctx, eg_builder *b, const path_output *o, const char *long_name) {
  size_t n_heavy = 0;
  EG_TRY(add(ctx, b, o, "", EG_TYPE_F64, total_of, get_mean, true, long_name));
  for (size_t run = 0; run < b->plan->n_runs; run++) {
    const eg_run_summary *const s = &b->summary->runs[run];
    const eg_run_path *const p = &b->plan->runs[run].paths[o->index];
    for (size_t point = 0; point < b->plan->n_points && s->n_blocks > 0; point++) {
      for (size_t i = 0; i < p->n_lags * p->n_powers; i++) {
        const path_cell c = {b, o, run, point, i / p->n_powers, i % p->n_powers};
        const eg_moments m = moments_at(&c, s->total, c.lag, c.power);
        n_heavy += eg_moments_have_heavy_tails(&m);
      }
    }
  }
  return eg_mark_heavy_tails(ctx, b, b->file->n_variables - 1, n_heavy); /* the one that was added */
}

/* A number and its jackknife error. */
static eg_status add_pair(eg_context *ctx, eg_builder *b, const path_output *o, const char *suffix, path_number number,
                          bool is_exact, const char *long_name) {
  char with[48];
  (void)snprintf(with, sizeof with, "%s_stderr", suffix);
  EG_TRY(add(ctx, b, o, suffix, EG_TYPE_F64, total_of, number, is_exact, long_name));
  return add(ctx, b, o, with, EG_TYPE_F64, jackknife, number, is_exact, "jackknife error of it");
}

static double covariance_of(const eg_node_rows *section, const double *node, size_t point, size_t f, size_t g) {
  const double n = eg_node_section_moments(section, node, point, 0).n;
  return n > 1 ? eg_node_section_comoment(section, node, point, f, g) / (n - 1) : NAN;
}

static double covariance_stderr(const eg_run_summary *s, const eg_node_rows *section, size_t point, size_t f, size_t g) {
  double leave_out[EG_BLOCKS];
  for (size_t i = 0; i < s->n_blocks; i++) {
    leave_out[i] = covariance_of(section, s->leave_out + i * s->shape.values, point, f, g);
  }
  return eg_jackknife_stderr(s->n_blocks, leave_out, covariance_of(section, s->total, point, f, g));
}

/* Covariance between two lags of one trajectory, over n that of the means; or its jackknife error. */
static eg_status add_covariance(eg_context *ctx, eg_builder *b, const path_output *o, bool is_error) {
  const char *dims[4];
  size_t shape[4], rank = add_run_point(b, dims, shape), i = 0, index = 0;
  char name[64];
  double *values = NULL;
  dims[rank] = o->lag;
  shape[rank++] = o->n_lags;
  dims[rank] = o->lag_2;
  shape[rank++] = o->n_lags;
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * b->plan->n_points * o->n_lags * o->n_lags, sizeof *values, &values));
  for (size_t run = 0; run < b->plan->n_runs; run++) {
    const eg_run_summary *const s = &b->summary->runs[run];
    const eg_node_rows *const section = &s->shape.paths[o->index];
    for (size_t point = 0; point < b->plan->n_points; point++) {
      for (size_t f = 0; f < o->n_lags; f++) {
        for (size_t g = 0; g < o->n_lags; g++, i++) {
          const bool is_there = s->n_blocks > 0 && f < section->n_columns && g < section->n_columns;
          values[i] = !is_there  ? NAN
                      : is_error ? covariance_stderr(s, section, point, f, g)
                                 : covariance_of(section, s->total, point, f, g);
        }
      }
    }
  }
  (void)snprintf(name, sizeof name, "%s_covariance%s", o->prefix, is_error ? "_stderr" : "");
  const eg_status status = eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, (int)rank, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  return eg_labelled_set_text(ctx, b->file, index, "long_name",
                              is_error ? "jackknife error of it" : "covariance between two lags of one trajectory");
}

static eg_status add_count(eg_context *ctx, eg_builder *b, const path_output *o) {
  const char *dims[2];
  size_t shape[2], index = 0;
  const size_t rank = add_run_point(b, dims, shape);
  char name[64];
  int64_t *values = NULL;
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * b->plan->n_points, sizeof *values, &values));
  for (size_t run = 0; run < b->plan->n_runs; run++) {
    const eg_run_summary *const s = &b->summary->runs[run];
    for (size_t point = 0; point < b->plan->n_points && s->n_blocks > 0; point++) {
      values[run * b->plan->n_points + point] =
          (int64_t)eg_node_section_moments(&s->shape.paths[o->index], s->total, point, 0).n;
    }
  }
  (void)snprintf(name, sizeof name, "%s_count", o->prefix);
  const eg_status status = eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, (int)rank, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  return eg_labelled_set_text(ctx, b->file, index, "long_name", "trajectories that are finite to the end");
}

static eg_status add_axes(eg_context *ctx, eg_builder *b, const path_output *o) {
  const eg_plan *const plan = b->plan;
  const char *const dims[2] = {"run", o->lag}, *const power[1] = {o->power};
  const size_t shape[2] = {plan->n_runs, o->n_lags};
  int64_t *steps = NULL;
  double *times = NULL;
  char name[64];
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, shape[0] * shape[1], sizeof *steps, &steps));
  EG_TRY_DONE(eg_allocate(ctx, shape[0] * shape[1], sizeof *times, &times));
  for (size_t i = 0; i < shape[0] * shape[1]; i++) {
    const eg_run *const run = &plan->runs[i / shape[1]];
    const eg_run_path *const p = &run->paths[o->index];
    const bool is_there = i % shape[1] < p->n_lags;
    steps[i] = is_there ? (int64_t)p->lags[i % shape[1]] : -1;
    times[i] = is_there ? (double)p->lags[i % shape[1]] * run->learning_rate : NAN;
  }
  (void)snprintf(name, sizeof name, "%s_lag_steps", o->prefix);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, 2, dims, shape, steps, NULL));
  (void)snprintf(name, sizeof name, "%s_lag_time", o->prefix);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, 2, dims, shape, times, NULL));
  if (o->study->kind == EG_PATH_MOMENTS) {
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", o->power, EG_TYPE_F64, 1, power, &o->n_powers,
                                plan->runs[0].paths[o->index].powers, NULL));
  }
done:
  free(steps);
  free(times);
  return status;
}

static bool has_power(const eg_run_path *p, double q) {
  bool has = false;
  for (size_t k = 0; k < p->n_powers; k++) {
    has = has || p->powers[k] == q;
  }
  return has;
}

/* The moment-scaling spectrum: over powers, and its nonlinearity over nothing more. */
static eg_status add_spectrum(eg_context *ctx, eg_builder *b, const path_output *o) {
  path_output of_power = *o;
  of_power.n_lags = 1;
  of_power.without_lag = true;
  EG_TRY(add_pair(ctx, b, &of_power, "_spectrum", get_spectrum, false,
                  "moment-scaling spectrum zeta(q), E |r|^q ~ t^zeta over all lags"));
  if (o->n_powers < 2) {
    return EG_OK;
  }
  eg_study_path study = *o->study;
  study.kind = EG_PATH_MSD;
  of_power.study = &study;
  of_power.n_powers = 1;
  return add_pair(ctx, b, &of_power, "_nonlinearity", get_nonlinearity, false,
                  "zeta(q) / q of the largest q minus that of the smallest; 0: one length scales everything");
}

static eg_status add_statistic(eg_context *ctx, eg_builder *b, const path_output *o) {
  static const char *const long_names[] = {"mean squared displacement", "mean power of the displacement",
                                           "mean product of velocities (displacements between observations)",
                                           "time-averaged squared displacement: mean over trajectories", "mean",
                                           [EG_PATH_CORRELATOR] = "product of a feature at two times, mean over window and trajectories",
                                           [EG_PATH_CORRELATOR_MSD] = "squared displacement, mean over window and trajectories"};
  const eg_path_kind kind = o->study->kind;
  const eg_run_path *const first = &b->plan->runs[0].paths[o->index];
  EG_TRY(add_axes(ctx, b, o));
  EG_TRY(add_mean(ctx, b, o, long_names[kind]));
  EG_TRY(add(ctx, b, o, "_stderr", EG_TYPE_F64, mean_stderr, NULL, true, "standard error of the mean"));
  EG_TRY(add(ctx, b, o, "_variance", EG_TYPE_F64, total_of, get_variance, true, "variance over trajectories"));
  EG_TRY(add(ctx, b, o, "_variance_stderr", EG_TYPE_F64, total_of, get_variance_stderr, true, "standard error of the variance"));
  EG_TRY(add_pair(ctx, b, o, "_kurtosis", get_kurtosis, true, "kurtosis over trajectories (Gaussian: 3)"));
  EG_TRY(add(ctx, b, o, "_judged", EG_TYPE_U8, is_judged, NULL, true,
             "1: the error bar can be trusted (at least 1000 effective samples, none diverged)"));
  EG_TRY(add_count(ctx, b, o));
  if (b->plan->runs[0].path_statistics[o->index].with_covariance) {
    EG_TRY(add_covariance(ctx, b, o, false));
    EG_TRY(add_covariance(ctx, b, o, true));
  }
  if (kind == EG_PATH_CORRELATOR) {
    EG_TRY(add_pair(ctx, b, o, "_connected", get_connected, true, "E f(t) f(t + lag) - (E f)^2"));
    return add_pair(ctx, b, o, "_correlation", get_correlation, true, "the same relative to lag 0");
  }
  if (kind == EG_PATH_MSD || kind == EG_PATH_TAMSD || kind == EG_PATH_CORRELATOR_MSD) {
    EG_TRY(add_pair(ctx, b, o, "_exponent", get_exponent, false, "local exponent d log / d log lag"));
  }
  if (kind == EG_PATH_TAMSD || kind == EG_PATH_CORRELATOR_MSD) {
    EG_TRY(add_pair(ctx, b, o, "_breaking", get_relative_variance, true,
                    "ergodicity-breaking parameter: variance / mean^2 over trajectories"));
  }
  if (kind == EG_PATH_VELOCITY && first->lags[0] == 0) {
    EG_TRY(add_pair(ctx, b, o, "_autocorrelation", get_autocorrelation, true, "relative to lag 0"));
  }
  if (kind == EG_PATH_MOMENTS) {
    EG_TRY(add_spectrum(ctx, b, o));
  }
  if (kind == EG_PATH_MOMENTS && has_power(first, 2) && has_power(first, 4)) {
    path_output of_lag = *o; /* over lags alone */
    eg_study_path study = *o->study;
    study.kind = EG_PATH_MSD;
    of_lag.study = &study;
    of_lag.n_powers = 1;
    return add_pair(ctx, b, &of_lag, "_non_gaussian", get_non_gaussian, true,
                    "non-Gaussian parameter d <r^4> / ((d + 2) <r^2>^2) - 1");
  }
  return EG_OK;
}

eg_status eg_build_paths(eg_context *ctx, eg_builder *b) {
  const eg_study_observe *const observe = &b->plan->study->observe;
  for (size_t i = 0; i < observe->n_paths; i++) {
    if (observe->paths[i].kind == EG_PATH_TAIL) {
      EG_TRY(eg_build_path_tail(ctx, b, i));
      continue;
    }
    if (observe->paths[i].kind == EG_PATH_TIME_AVERAGE) {
      EG_TRY(eg_build_time_average(ctx, b, i));
      continue;
    }
    if (observe->paths[i].kind > EG_PATH_TWO_TIME && !eg_path_is_streamed(observe->paths[i].kind)) {
      EG_TRY(eg_build_path_points(ctx, b, i));
      continue;
    }
    path_output o = {.study = &observe->paths[i], .index = i};
    for (size_t r = 0; r < b->plan->n_runs; r++) {
      const eg_run_path *const p = &b->plan->runs[r].paths[i];
      o.n_lags = p->n_lags > o.n_lags ? p->n_lags : o.n_lags;
      o.n_powers = p->n_powers;
    }
    (void)snprintf(o.prefix, sizeof o.prefix, "path_%s", observe->paths[i].name);
    (void)snprintf(o.lag, sizeof o.lag, "%s_lag", o.prefix);
    (void)snprintf(o.lag_2, sizeof o.lag_2, "%s_lag_2", o.prefix);
    (void)snprintf(o.power, sizeof o.power, "%s_power", o.prefix);
    EG_TRY(add_statistic(ctx, b, &o));
    if (observe->paths[i].has_histogram) {
      EG_TRY(eg_build_path_histogram(ctx, b, i, o.n_lags));
    }
  }
  return EG_OK;
}
