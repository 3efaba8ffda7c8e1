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
  bool is_divisible;       /* of a ratio: the divisor is far from 0, so that errors move it in proportion */
} average_cell;

/* Sum of c_i times value first + i, over trajectories: mean and sum of squares about it. */
static eg_moments combination(const eg_node_rows *section, const double *node, size_t point, size_t first, size_t n, const double *c) {
  eg_moments out = {.n = 0};
  for (size_t i = 0; i < n; i++) {
    const eg_moments m = eg_node_section_moments(section, node, point, first + i);
    out.n = m.n;
    out.mean += c[i] * m.mean;
    for (size_t k = 0; k < n; k++) {
      out.M2 += c[i] * c[k] * eg_node_section_comoment(section, node, point, first + i, first + k);
    }
  }
  return out;
}

/* What is made of the means m of the series, and its derivatives: by them small changes of the means, so blocks and trajectories,
   are one number each. */
static double value_of(eg_combine combine, const double *m, double *slope) {
  if (combine == EG_COMBINE_RATIO) {
    slope[0] = 1 / m[1];
    slope[1] = -m[0] / m[1] / m[1];
    return m[0] / m[1];
  }
  slope[0] = -m[1];
  slope[1] = -m[0];
  slope[2] = 1;
  return m[2] - m[0] * m[1];
}

/* Mean over trajectories, and of the blocks of each level: *mean, levels (n_levels). */
static void read_moments(const eg_stream *stream, eg_combine combine, const eg_node_rows *section, const double *node, size_t point,
                         eg_moments *mean, eg_moments *levels) {
  const size_t S = stream->series, pairs = eg_stream_series_pairs(stream);
  double m[EG_MOST_STREAM_SERIES], slope[EG_MOST_STREAM_SERIES], of_pairs[EG_MOST_STREAM_SERIES * (EG_MOST_STREAM_SERIES + 1) / 2];
  if (S == 1) {
    *mean = eg_node_section_moments(section, node, point, 0);
    for (size_t l = 0; l < stream->levels; l++) {
      levels[l] = eg_node_section_moments(section, node, point, 1 + l);
    }
    return;
  }
  for (size_t a = 0; a < S; a++) {
    m[a] = eg_node_section_moments(section, node, point, a).mean;
  }
  const double value = value_of(combine, m, slope);
  *mean = combination(section, node, point, 0, S, slope);
  mean->mean = value;
  for (size_t a = 0, pair = 0; a < S; a++) {
    for (size_t c = a; c < S; c++) {
      of_pairs[pair++] = slope[a] * slope[c] * (a == c ? 1 : 2);
    }
  }
  for (size_t l = 0; l < stream->levels; l++) {
    levels[l] = combination(section, node, point, S + l * pairs, pairs, of_pairs);
  }
}

/* Is the mean of the second series at least ten of its errors? */
static bool is_far_from_0(const eg_stream *stream, const eg_node_rows *section, const double *node, size_t point) {
  const eg_moments m = eg_node_section_moments(section, node, point, 1);
  double of_blocks[EG_MOST_STREAM_LEVELS];
  for (size_t l = 0; l < stream->levels; l++) {
    of_blocks[l] = eg_node_section_moments(section, node, point, 2 + 3 * l + 2).mean; /* pair (1, 1) */
  }
  const eg_batch_data data = {m.n, stream->n, m.n > 1 ? m.M2 / (m.n - 1) : NAN, stream->levels, of_blocks};
  eg_batch_means batch;
  eg_batch_means_of(&data, &batch);
  return fabs(m.mean) >= 10 * batch.stderr_;
}

static void read_cell(const eg_builder *b, size_t path, size_t run, size_t point, average_cell *cell) {
  const eg_run_summary *const s = &b->summary->runs[run];
  const eg_run *const r = &b->plan->runs[run];
  const eg_stream *const stream = r->path_statistics[path].stream;
  const eg_study_path *const study = &b->plan->study->observe.paths[path];
  eg_moments levels[EG_MOST_STREAM_LEVELS] = {{0}};
  *cell = (average_cell){.n_levels = stream->levels, .samples = (double)stream->n};
  cell->spacing = study->every * r->learning_rate;
  if (s->n_blocks > 0) {
    read_moments(stream, study->combine, &s->shape.paths[path], s->total, point, &cell->mean, levels);
  }
  for (size_t l = 0; l < cell->n_levels; l++) {
    const eg_moments v = levels[l];
    cell->of_blocks[l] = v.n > 0 ? v.mean : NAN;
    cell->of_blocks_stderr[l] = v.n > 1 ? sqrt(v.M2 / (v.n - 1) / v.n) : NAN;
  }
  const double n = cell->mean.n;
  const eg_batch_data data = {n, stream->n, n > 1 ? cell->mean.M2 / (n - 1) : NAN, cell->n_levels, cell->of_blocks};
  eg_batch_means_of(&data, &cell->batch);
  cell->is_divisible = study->combine != EG_COMBINE_RATIO || (n > 0 && is_far_from_0(stream, &s->shape.paths[path], s->total, point));
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
  return c->batch.is_judged && c->is_complete && c->is_divisible;
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
    {"_judged", EG_TYPE_U8, get_judged, "1: the blocks are long against the correlation time, no trajectory was lost, a divisor is at least ten of its errors"}};

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, size_t k, const average_cell *cells) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  const char *const dims[2] = {"run", "point"};
  const size_t shape[2] = {b->plan->n_runs, n_points};
  double *values = NULL;
  char name[64];
  size_t index = 0, n_heavy = 0; /* n_heavy: of means whose error is from between trajectories */
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  int64_t *const whole = (int64_t *)(void *)values;
  uint8_t *const flags = (uint8_t *)values;
  for (size_t i = 0; i < n; i++) {
    const double v = columns[k].number(&cells[i]);
    n_heavy += columns[k].number == get_mean && get_block(&cells[i]) == 0 && eg_moments_have_heavy_tails(&cells[i].mean);
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
  EG_TRY(eg_mark_heavy_tails(ctx, b, index, n_heavy));
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
