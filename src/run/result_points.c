/* Path statistics of single observations: m-point, product, distance, characteristic (plan/path_points.c has their values). */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

static const double MIN_EFFECTIVE_SAMPLES = 1000;
enum { MOST_AXES = 6 };

typedef struct points_output {
  const eg_study_path *study;
  size_t index, n_lags; /* n_lags: the most of all runs */
  size_t n_points, n_inner; /* powers or arguments, 1: none */
  char prefix[40], lag[48], lag_2[48], inner[56];
} points_output;

/* Where a number stands; of distances p < q. */
typedef struct points_cell {
  const eg_builder *b;
  const points_output *o;
  const eg_run_summary *s;
  size_t run, p, q, lag, lag_2, inner;
} points_cell;

static eg_moments moments_at(const points_cell *c, const double *node, size_t row, size_t value) {
  return eg_node_section_moments(&c->s->shape.paths[c->o->index], node, row, value);
}

static size_t lags_of(const points_cell *c) {
  return c->b->plan->runs[c->run].paths[c->o->index].n_lags;
}

/* The sums of the value that the cell shows. */
static eg_moments value_of(const points_cell *c, const double *node) {
  const size_t n = c->o->n_points, lags = lags_of(c);
  const size_t pair = c->p * (2 * n - c->p - 1) / 2 + c->q - c->p - 1;
  switch (c->o->study->kind) {
  case EG_PATH_M_POINT:
    return moments_at(c, node, 0, c->p * lags + c->lag);
  case EG_PATH_PRODUCT:
    return moments_at(c, node, 0, (c->p * n + c->q) * lags + c->lag);
  case EG_PATH_DISTANCE:
    return moments_at(c, node, 0, (pair * lags + c->lag) * c->o->n_inner + c->inner);
  default: /* characteristic: `q` is the part */
    return moments_at(c, node, c->p, (c->lag * c->o->n_inner + c->inner) * 2 + c->q);
  }
}

/* ---- numbers made of one node ---- */

typedef double (*points_number)(const points_cell *c, const double *node);

static double get_mean(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return m.n > 0 ? m.mean : NAN;
}

static double get_variance(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return m.n > 1 ? m.M2 / (m.n - 1) : NAN;
}

static double get_variance_stderr(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return eg_moments_variance_stderr(&m);
}

static double get_kurtosis(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return m.M2 > 0 ? m.n * (m.M4 / m.M2) / m.M2 : NAN;
}

static double get_stderr(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return m.n > 1 ? sqrt(m.M2 / (m.n - 1) / m.n) : NAN;
}

static double get_judged(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return m.n == c->s->n_started && m.M2 > 0 && eg_effective_samples(&m) >= MIN_EFFECTIVE_SAMPLES;
}

/* 1: the tails make the error bar of the mean untrustworthy. */
static double get_heavy(const points_cell *c, const double *node) {
  const eg_moments m = value_of(c, node);
  return eg_moments_have_heavy_tails(&m);
}

/* Of a product: the sums of f(x_p), g(x_q) and f + g. */
static void parts_of(const points_cell *c, const double *node, eg_moments *f, eg_moments *g, eg_moments *sum) {
  const size_t n = c->o->n_points, lags = lags_of(c);
  *sum = moments_at(c, node, 0, (n * n + c->p * n + c->q) * lags + c->lag);
  *f = moments_at(c, node, 0, (2 * n * n + c->p) * lags + c->lag);
  *g = moments_at(c, node, 0, (2 * n * n + n + c->q) * lags + c->lag);
}

/* Cov(f, g) = (Var(f + g) - Var f - Var g) / 2: no mean is subtracted from a mean. */
static double get_connected(const points_cell *c, const double *node) {
  eg_moments f, g, sum;
  parts_of(c, node, &f, &g, &sum);
  return f.n > 1 ? 0.5 * ((sum.M2 - f.M2) - g.M2) / (f.n - 1) : NAN;
}

static double get_correlation(const points_cell *c, const double *node) {
  eg_moments f, g, sum;
  parts_of(c, node, &f, &g, &sum);
  return f.M2 > 0 && g.M2 > 0 ? 0.5 * ((sum.M2 - f.M2) - g.M2) / (sqrt(f.M2) * sqrt(g.M2)) : NAN;
}

/* Of m-point: between (p, lag) and (q, lag_2). */
static double get_covariance(const points_cell *c, const double *node) {
  const eg_node_rows *const section = &c->s->shape.paths[c->o->index];
  const double n = eg_node_section_moments(section, node, 0, 0).n;
  const size_t lags = lags_of(c);
  return n > 1 ? eg_node_section_comoment(section, node, 0, c->p * lags + c->lag, c->q * lags + c->lag_2) / (n - 1) : NAN;
}

/* ---- writing ---- */

static double total_of(const points_cell *c, points_number number) {
  return number(c, c->s->total);
}

static double jackknife(const points_cell *c, points_number number) {
  double leave_out[EG_BLOCKS];
  for (size_t i = 0; i < c->s->n_blocks; i++) {
    leave_out[i] = number(c, c->s->leave_out + i * c->s->shape.values);
  }
  return eg_jackknife_stderr(c->s->n_blocks, leave_out, number(c, c->s->total));
}

typedef double (*points_rule)(const points_cell *c, points_number number);

/* Axes of a variable: which member of the cell each one moves. */
typedef struct points_axis {
  const char *dim;
  size_t size, offset;
} points_axis;

static size_t axes_of(const points_output *o, size_t n_runs, bool is_covariance, points_axis *axes) {
  const eg_path_kind kind = o->study->kind;
  const bool has_points = o->n_points > 1, is_pair = kind == EG_PATH_PRODUCT || kind == EG_PATH_DISTANCE || is_covariance;
  size_t n = 0;
  axes[n++] = (points_axis){"run", n_runs, offsetof(points_cell, run)};
  if (has_points) {
    axes[n++] = (points_axis){"point", o->n_points, offsetof(points_cell, p)};
  }
  if (is_covariance) {
    axes[n++] = (points_axis){o->lag, o->n_lags, offsetof(points_cell, lag)};
  }
  if (has_points && is_pair) {
    axes[n++] = (points_axis){"point_2", o->n_points, offsetof(points_cell, q)};
  }
  axes[n++] = is_covariance ? (points_axis){o->lag_2, o->n_lags, offsetof(points_cell, lag_2)}
                            : (points_axis){o->lag, o->n_lags, offsetof(points_cell, lag)};
  if (kind == EG_PATH_DISTANCE || kind == EG_PATH_CHARACTERISTIC) {
    axes[n++] = (points_axis){o->inner, o->n_inner, offsetof(points_cell, inner)};
  }
  return n;
}

/* NaN where a run has no such observation; a point is at distance 0 from itself. */
static double number_at(points_cell c, points_rule rule, points_number number) {
  if (c.s->n_blocks == 0 || c.lag >= lags_of(&c) || c.lag_2 >= lags_of(&c)) {
    return NAN;
  }
  if (c.o->study->kind == EG_PATH_DISTANCE && c.p == c.q) {
    return number == get_kurtosis ? NAN : 0;
  }
  if (c.o->study->kind == EG_PATH_DISTANCE && c.p > c.q) {
    const size_t p = c.p;
    c.p = c.q;
    c.q = p;
  }
  return rule(&c, number);
}

static eg_status add(eg_context *ctx, eg_builder *b, const points_output *o, size_t part, const char *suffix, eg_type type,
                     points_rule rule, points_number number, const char *long_name) {
  points_axis axes[MOST_AXES];
  const char *dims[MOST_AXES];
  size_t shape[MOST_AXES], n = 1, index = 0, n_heavy = 0; /* n_heavy: of means */
  const size_t rank = axes_of(o, b->plan->n_runs, number == get_covariance, axes);
  char name[64];
  double *values = NULL;
  for (size_t i = 0; i < rank; i++) {
    dims[i] = axes[i].dim;
    shape[i] = axes[i].size;
    n *= axes[i].size;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  for (size_t k = 0; k < n; k++) {
    points_cell c = {.b = b, .o = o, .q = part};
    size_t rest = k;
    for (size_t i = rank; i-- > 0; rest /= axes[i].size) {
      *(size_t *)(void *)((char *)&c + axes[i].offset) = rest % axes[i].size;
    }
    c.s = &b->summary->runs[c.run];
    values[k] = number_at(c, rule, number);
    n_heavy += number == get_mean && number_at(c, rule, get_heavy) == 1;
  }
  uint8_t *const flags = (uint8_t *)values;
  for (size_t k = 0; type == EG_TYPE_U8 && k < n; k++) {
    flags[k] = values[k] == 1; /* place k of the bytes lies at or before value k */
  }
  (void)snprintf(name, sizeof name, "%s%s", o->prefix, suffix);
  const eg_status status = eg_labelled_add(ctx, b->file, "/", name, type, (int)rank, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  EG_TRY(eg_mark_heavy_tails(ctx, b, index, n_heavy));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_mean(eg_context *ctx, eg_builder *b, const points_output *o, size_t part, const char *suffix,
                          const char *long_name) {
  char name[48];
  EG_TRY(add(ctx, b, o, part, suffix, EG_TYPE_F64, total_of, get_mean, long_name));
  (void)snprintf(name, sizeof name, "%s_stderr", suffix);
  EG_TRY(add(ctx, b, o, part, name, EG_TYPE_F64, total_of, get_stderr, "standard error of the mean"));
  (void)snprintf(name, sizeof name, "%s_variance", suffix);
  EG_TRY(add(ctx, b, o, part, name, EG_TYPE_F64, total_of, get_variance, "variance over trajectories"));
  (void)snprintf(name, sizeof name, "%s_variance_stderr", suffix);
  EG_TRY(add(ctx, b, o, part, name, EG_TYPE_F64, total_of, get_variance_stderr, "standard error of the variance"));
  (void)snprintf(name, sizeof name, "%s_kurtosis", suffix);
  EG_TRY(add(ctx, b, o, part, name, EG_TYPE_F64, total_of, get_kurtosis, "kurtosis over trajectories (Gaussian: 3)"));
  (void)snprintf(name, sizeof name, "%s_kurtosis_stderr", suffix);
  EG_TRY(add(ctx, b, o, part, name, EG_TYPE_F64, jackknife, get_kurtosis, "jackknife error of it"));
  (void)snprintf(name, sizeof name, "%s_judged", suffix);
  return add(ctx, b, o, part, name, EG_TYPE_U8, total_of, get_judged,
             "1: the error bar can be trusted (at least 1000 effective samples, none diverged)");
}

/* A number and its jackknife error. */
static eg_status add_pair(eg_context *ctx, eg_builder *b, const points_output *o, const char *suffix, points_number number,
                          const char *long_name) {
  char with[48];
  (void)snprintf(with, sizeof with, "%s_stderr", suffix);
  EG_TRY(add(ctx, b, o, 0, suffix, EG_TYPE_F64, total_of, number, long_name));
  return add(ctx, b, o, 0, with, EG_TYPE_F64, jackknife, number, "jackknife error of it");
}

static eg_status add_axes(eg_context *ctx, eg_builder *b, const points_output *o) {
  const eg_plan *const plan = b->plan;
  const char *const dims[2] = {"run", o->lag}, *const inner[1] = {o->inner};
  const size_t shape[2] = {plan->n_runs, o->n_lags};
  const eg_study_path *const p = o->study;
  const bool is_wave = p->kind == EG_PATH_CHARACTERISTIC;
  static const double two = 2;
  int64_t *steps = NULL;
  double *times = NULL;
  char name[64];
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, shape[0] * shape[1], sizeof *steps, &steps));
  EG_TRY_DONE(eg_allocate(ctx, shape[0] * shape[1], sizeof *times, &times));
  for (size_t i = 0; i < shape[0] * shape[1]; i++) {
    const eg_run *const run = &plan->runs[i / shape[1]];
    const eg_run_schedule *const at = &run->schedules[plan->path_schedules[o->index]];
    const bool is_there = i % shape[1] < at->n;
    steps[i] = is_there ? (int64_t)at->steps[i % shape[1]] : -1;
    times[i] = is_there ? at->times[i % shape[1]] : NAN;
  }
  (void)snprintf(name, sizeof name, "%s_lag_steps", o->prefix);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, 2, dims, shape, steps, NULL));
  (void)snprintf(name, sizeof name, "%s_lag_time", o->prefix);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, 2, dims, shape, times, NULL));
  if (is_wave || p->kind == EG_PATH_DISTANCE) {
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", o->inner, EG_TYPE_F64, 1, inner, &o->n_inner,
                                is_wave             ? p->arguments.values
                                : p->powers.n > 0 ? p->powers.values
                                                    : &two,
                                NULL));
  }
done:
  free(steps);
  free(times);
  return status;
}

/* Trajectories that count: of all points together, or of each. */
static eg_status add_count(eg_context *ctx, eg_builder *b, const points_output *o) {
  const char *const dims[2] = {"run", "point"};
  const bool is_each = o->study->kind == EG_PATH_CHARACTERISTIC && o->n_points > 1;
  const size_t shape[2] = {b->plan->n_runs, is_each ? o->n_points : 1};
  size_t index = 0;
  char name[64];
  int64_t *values = NULL;
  EG_TRY(eg_allocate(ctx, shape[0] * shape[1], sizeof *values, &values));
  for (size_t i = 0; i < shape[0] * shape[1]; i++) {
    const eg_run_summary *const s = &b->summary->runs[i / shape[1]];
    values[i] = s->n_blocks == 0 ? 0
                                 : (int64_t)eg_node_section_moments(&s->shape.paths[o->index], s->total, i % shape[1], 0).n;
  }
  (void)snprintf(name, sizeof name, "%s_count", o->prefix);
  const eg_status status =
      eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, is_each ? 2 : 1, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  return eg_labelled_set_text(ctx, b->file, index, "long_name",
                              is_each ? "trajectories that are finite to the end"
                                      : "realisations that are finite to the end in all points");
}

eg_status eg_build_path_points(eg_context *ctx, eg_builder *b, size_t path) {
  const eg_study_path *const study = &b->plan->study->observe.paths[path];
  points_output o = {.study = study, .index = path, .n_points = b->plan->n_points, .n_inner = 1};
  for (size_t r = 0; r < b->plan->n_runs; r++) {
    const size_t n = b->plan->runs[r].schedules[b->plan->path_schedules[path]].n;
    o.n_lags = n > o.n_lags ? n : o.n_lags;
  }
  if (study->kind == EG_PATH_CHARACTERISTIC) {
    o.n_inner = study->arguments.n;
  } else if (study->kind == EG_PATH_DISTANCE && study->powers.n > 0) {
    o.n_inner = study->powers.n;
  }
  (void)snprintf(o.prefix, sizeof o.prefix, "path_%s", study->name);
  (void)snprintf(o.lag, sizeof o.lag, "%s_lag", o.prefix);
  (void)snprintf(o.lag_2, sizeof o.lag_2, "%s_lag_2", o.prefix);
  (void)snprintf(o.inner, sizeof o.inner, "%s_%s", o.prefix, study->kind == EG_PATH_DISTANCE ? "power" : "argument");
  EG_TRY(add_axes(ctx, b, &o));
  EG_TRY(add_count(ctx, b, &o));
  switch (study->kind) {
  case EG_PATH_M_POINT:
    EG_TRY(add_mean(ctx, b, &o, 0, "", "mean"));
    return add_pair(ctx, b, &o, "_covariance", get_covariance, "covariance between points and times of one realisation");
  case EG_PATH_PRODUCT:
    EG_TRY(add_mean(ctx, b, &o, 0, "", "mean of f(x) g(y)"));
    EG_TRY(add_pair(ctx, b, &o, "_connected", get_connected, "covariance of f(x) and g(y)"));
    return add_pair(ctx, b, &o, "_correlation", get_correlation, "correlation of f(x) and g(y)");
  case EG_PATH_DISTANCE:
    return add_mean(ctx, b, &o, 0, "", "mean power of the distance between two points");
  default:
    EG_TRY(add_mean(ctx, b, &o, 0, "_real", "real part of E exp(i u f)"));
    return add_mean(ctx, b, &o, 1, "_imaginary", "imaginary part of E exp(i u f)");
  }
}
