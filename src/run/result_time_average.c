/* Time averages: mean over trajectories, its error from blocks or from between the trajectories, correlation time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/batch_means.h"
#include "run/result_parts.h"

/* One statistic of one run and point. */
typedef struct average_cell {
  eg_moments mean;        /* over trajectories, of the time averages */
  eg_batch_means batch;
  double of_blocks[EG_MOST_STREAM_LEVELS], of_blocks_stderr[EG_MOST_STREAM_LEVELS];
  size_t n_levels;
  double samples, spacing; /* of a trajectory; between samples [time] */
  bool is_complete;        /* no trajectory was lost */
} average_cell;

static void read_cell(const eg_builder *b, size_t path, size_t run, size_t point, average_cell *cell) {
  const eg_run_summary *const s = &b->summary->runs[run];
  const eg_run *const r = &b->plan->runs[run];
  const eg_stream *const stream = r->path_statistics[path].stream;
  const eg_node_rows *const section = &s->shape.paths[path];
  *cell = (average_cell){.n_levels = stream->levels, .samples = (double)stream->n};
  cell->spacing = b->plan->study->observe.paths[path].every * r->learning_rate;
  if (s->n_blocks > 0) {
    cell->mean = eg_node_section_moments(section, s->total, point, 0);
  }
  for (size_t l = 0; l < cell->n_levels; l++) {
    const eg_moments v = s->n_blocks > 0 ? eg_node_section_moments(section, s->total, point, 1 + l) : (eg_moments){0};
    cell->of_blocks[l] = v.n > 0 ? v.mean : NAN;
    cell->of_blocks_stderr[l] = v.n > 1 ? sqrt(v.M2 / (v.n - 1) / v.n) : NAN;
  }
  const double n = cell->mean.n;
  const eg_batch_data data = {n, stream->n, n > 1 ? cell->mean.M2 / (n - 1) : NAN, cell->n_levels, cell->of_blocks};
  eg_batch_means_of(&data, &cell->batch);
  cell->is_complete = n > 0 && n == s->n_started;
}

/* ---- one number of a cell ---- */

static double get_mean(const average_cell *c) {
  return c->mean.n > 0 ? c->mean.mean : NAN;
}
static double get_stderr(const average_cell *c) {
  return c->batch.stderr_;
}
static double get_between(const average_cell *c) {
  return c->mean.n > 1 ? sqrt(c->mean.M2 / (c->mean.n - 1) / c->mean.n) : NAN;
}
static double get_freedom(const average_cell *c) {
  return c->batch.freedom;
}
static double get_half(const average_cell *c) { /* of the 95 % interval */
  return c->batch.freedom > 0 ? eg_student_quantile(0.05, c->batch.freedom) * c->batch.stderr_ : NAN;
}
static double get_low(const average_cell *c) {
  return get_mean(c) - get_half(c);
}
static double get_high(const average_cell *c) {
  return get_mean(c) + get_half(c);
}
static double get_block(const average_cell *c) {
  return c->batch.level >= 0 ? ldexp(1, c->batch.level) : 0;
}
static double get_variance(const average_cell *c) {
  return c->batch.variance;
}
static double get_time(const average_cell *c) {
  return c->batch.inefficiency / 2 * c->spacing;
}
static double get_time_stderr(const average_cell *c) {
  return c->batch.inefficiency_stderr / 2 * c->spacing;
}
static double get_effective(const average_cell *c) {
  return c->mean.n * c->samples / c->batch.inefficiency;
}
static double get_count(const average_cell *c) {
  return c->mean.n;
}
static double get_judged(const average_cell *c) {
  return c->batch.is_judged && c->is_complete;
}

static const struct {
  const char *suffix;
  eg_type type;
  double (*number)(const average_cell *c);
  const char *long_name;
} columns[] = {
    {"", EG_TYPE_F64, get_mean, "time average, mean over trajectories"},
    {"_stderr", EG_TYPE_F64, get_stderr, "standard error: between trajectories of 64 and more, else from blocks of samples"},
    {"_between", EG_TYPE_F64, get_between, "standard error from the differences between trajectories"},
    {"_freedom", EG_TYPE_F64, get_freedom, "degrees of freedom of the standard error"},
    {"_low", EG_TYPE_F64, get_low, "lower end of the 95 % interval (Student)"},
    {"_high", EG_TYPE_F64, get_high, "upper end of the 95 % interval (Student)"},
    {"_block", EG_TYPE_I64, get_block, "samples of a block that the standard error is from; 0: it is from between trajectories"},
    {"_variance", EG_TYPE_F64, get_variance, "variance of what is averaged, over the window and trajectories"},
    {"_correlation_time", EG_TYPE_F64, get_time, "integrated autocorrelation time: spacing of samples x (1/2 + sum of autocorrelations)"},
    {"_correlation_time_stderr", EG_TYPE_F64, get_time_stderr, "its standard error"},
    {"_effective", EG_TYPE_F64, get_effective, "independent samples that would have the same error"},
    {"_count", EG_TYPE_I64, get_count, "trajectories that are finite to the end"},
    {"_judged", EG_TYPE_U8, get_judged, "1: the blocks are long against the correlation time, and no trajectory was lost"}};

static eg_status add(eg_context *ctx, const eg_builder *b, const char *prefix, size_t k, const average_cell *cells) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  const char *const dims[2] = {"run", "point"};
  const size_t shape[2] = {b->plan->n_runs, n_points};
  double *values = NULL;
  char name[64];
  size_t index = 0;
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  int64_t *const whole = (int64_t *)(void *)values;
  uint8_t *const flags = (uint8_t *)values;
  for (size_t i = 0; i < n; i++) {
    const double v = columns[k].number(&cells[i]);
    if (columns[k].type == EG_TYPE_F64) {
      values[i] = v;
    } else if (columns[k].type == EG_TYPE_I64) {
      whole[i] = (int64_t)v;
    } else {
      flags[i] = v == 1;
    }
  }
  (void)snprintf(name, sizeof name, "%s%s", prefix, columns[k].suffix);
  const eg_status status =
      eg_labelled_add(ctx, b->file, "/", name, columns[k].type, n_points > 1 ? 2 : 1, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  if (columns[k].number == get_low || columns[k].number == get_high) { /* made with the machine's functions */
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  }
  return eg_labelled_set_text(ctx, b->file, index, "long_name", columns[k].long_name);
}

/* The standard error from blocks of one length; its own error from the differences between trajectories, or of one trajectory that
   of independent blocks (Flyvbjerg and Petersen); the length. */
static double get_blocking(const average_cell *c, size_t level) {
  return sqrt(c->of_blocks[level] / c->mean.n);
}
static double get_blocking_stderr(const average_cell *c, size_t level) {
  const double relative = c->mean.n > 1 ? c->of_blocks_stderr[level] / c->of_blocks[level]
                                        : sqrt(2 / (floor(ldexp(c->samples, -(int)level)) - 1));
  return get_blocking(c, level) * relative / 2;
}
static double get_length(const average_cell *c, size_t level) {
  return ldexp(c->spacing, (int)level);
}

/* These over the lengths. */
static eg_status add_blocking(eg_context *ctx, const eg_builder *b, const char *prefix, size_t n_levels, const average_cell *cells) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  char level[48], name[64];
  const char *dims[3] = {"run", "point", NULL};
  size_t shape[3] = {b->plan->n_runs, n_points, n_levels}, index = 0;
  double *values = NULL;
  eg_status status = EG_OK;
  static const struct {
    const char *suffix, *long_name;
    double (*number)(const average_cell *c, size_t level);
  } parts[] = {{"_blocking", "standard error of the mean from blocks of 2^level samples", get_blocking},
               {"_blocking_stderr", "its standard error", get_blocking_stderr},
               {"_block_time", "length of these blocks", get_length}};
  (void)snprintf(level, sizeof level, "%s_level", prefix);
  dims[n_points > 1 ? 2 : 1] = level;
  shape[n_points > 1 ? 2 : 1] = n_levels;
  EG_TRY(eg_allocate(ctx, n * n_levels, sizeof *values, &values));
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
    for (size_t i = 0; i < n * n_levels; i++) {
      const average_cell *const c = &cells[i / n_levels];
      values[i] = i % n_levels < c->n_levels ? parts[k].number(c, i % n_levels) : NAN;
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, parts[k].suffix);
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, n_points > 1 ? 3 : 2, dims, shape, values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", parts[k].long_name));
  }
done:
  free(values);
  return status;
}

eg_status eg_build_time_average(eg_context *ctx, eg_builder *b, size_t path) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  average_cell *cells = NULL;
  char prefix[40];
  size_t n_levels = 0;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, n, sizeof *cells, &cells));
  for (size_t i = 0; i < n; i++) {
    read_cell(b, path, i / n_points, i % n_points, &cells[i]);
    n_levels = cells[i].n_levels > n_levels ? cells[i].n_levels : n_levels;
  }
  (void)snprintf(prefix, sizeof prefix, "path_%s", b->plan->study->observe.paths[path].name);
  for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
    EG_TRY_DONE(add(ctx, b, prefix, k, cells));
  }
  status = add_blocking(ctx, b, prefix, n_levels, cells);
done:
  free(cells);
  return status;
}
