/* Path statistic tail: the largest values, Hill's exponent from them, and what the largest one contributes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/hill.h"
#include "run/result_parts.h"

typedef struct tail_output {
  const eg_study_path *study;
  size_t index, n_largest, n_stretches;
  char prefix[40], rank[48], stretch[56];
} tail_output;

/* The list of one run and point, values of which `n_positive` are above 0. */
typedef struct tail_list {
  double *values;
  int64_t *realisations;
  size_t n, n_positive;
  eg_moments moments; /* of |f| */
} tail_list;

static void read_list(const eg_builder *b, const tail_output *o, size_t run, size_t point, tail_list *list) {
  const eg_run_summary *const s = &b->summary->runs[run];
  const eg_node_rows *const section = &s->shape.paths[o->index];
  list->n = list->n_positive = 0;
  list->moments = (eg_moments){0};
  if (s->n_blocks == 0) {
    return;
  }
  const double *const pairs = eg_node_section_largest(section, s->total, point);
  list->moments = eg_node_section_moments(section, s->total, point, 0);
  while (list->n < o->n_largest && pairs[2 * list->n + 1] >= 1 && pairs[2 * list->n + 1] <= 0x1p53) {
    list->values[list->n] = pairs[2 * list->n];
    list->realisations[list->n] = (int64_t)pairs[2 * list->n + 1] - 1;
    list->n_positive += list->n_positive == list->n && list->values[list->n] > 0 && isfinite(list->values[list->n]);
    list->n++;
  }
}

/* ---- numbers of one list; k: a stretch ---- */

typedef double (*tail_number)(const tail_list *list, size_t k);

static double get_value(const tail_list *list, size_t rank) {
  return rank < list->n ? list->values[rank] : NAN;
}

static double get_realisation(const tail_list *list, size_t rank) {
  return rank < list->n ? (double)list->realisations[rank] : -1;
}

static double get_hill(const tail_list *list, size_t k) {
  return k < list->n_positive ? eg_hill(list->values, k) : NAN;
}

static double get_hill_stderr(const tail_list *list, size_t k) {
  return get_hill(list, k) / sqrt((double)k);
}

static double get_distance(const tail_list *list, size_t k) {
  return k < list->n_positive ? eg_hill_distance(list->values, k) : NAN;
}

static double get_chosen(const tail_list *list, size_t unused) {
  (void)unused;
  return (double)eg_hill_choose(list->values, list->n_positive);
}

static double get_exponent(const tail_list *list, size_t unused) {
  (void)unused;
  const size_t k = eg_hill_choose(list->values, list->n_positive);
  return k > 0 ? eg_hill(list->values, k) : NAN;
}

static double get_exponent_stderr(const tail_list *list, size_t unused) {
  return get_exponent(list, unused) / sqrt(get_chosen(list, unused));
}

static double get_threshold(const tail_list *list, size_t unused) {
  (void)unused;
  const size_t k = eg_hill_choose(list->values, list->n_positive);
  return k > 0 ? list->values[k] : NAN;
}

/* Of the largest value to the sum of |f|, and of its square to the sum of squares. */
static double get_share(const tail_list *list, size_t unused) {
  (void)unused;
  return list->n > 0 ? fabs(list->values[0]) / (list->moments.n * list->moments.mean) : NAN;
}

static double get_square_share(const tail_list *list, size_t unused) {
  (void)unused;
  const eg_moments *const m = &list->moments;
  return list->n > 0 ? list->values[0] * list->values[0] / (m->M2 + m->n * m->mean * m->mean) : NAN;
}

static double get_effective(const tail_list *list, size_t unused) {
  (void)unused;
  const eg_moments *const m = &list->moments;
  return list->n == 0 ? NAN : m->M2 > 0 ? eg_effective_samples(m) : m->n; /* equal values have no tail */
}

static double get_count(const tail_list *list, size_t unused) {
  (void)unused;
  return list->moments.n;
}

/* ---- writing ---- */

/* What the last axis counts. */
typedef enum tail_axis { AXIS_NONE, AXIS_RANK, AXIS_STRETCH } tail_axis;

typedef struct tail_variable {
  const char *suffix;
  tail_axis axis;
  bool is_whole, is_exact; /* not exact: made with the machine's logarithm */
  tail_number number;
  const char *long_name;
} tail_variable;

static const tail_variable variables[] = {
    {"_largest", AXIS_RANK, false, true, get_value, "the largest values"},
    {"_largest_realisation", AXIS_RANK, true, true, get_realisation, "whose they are; -1: there are fewer"},
    {"_count", AXIS_NONE, true, true, get_count, "trajectories that are finite to the end"},
    {"_hill", AXIS_STRETCH, false, false, get_hill, "Hill's estimate of the tail exponent from the k largest values"},
    {"_hill_stderr", AXIS_STRETCH, false, false, get_hill_stderr, "its standard error if the tail is a power law there"},
    {"_hill_distance", AXIS_STRETCH, false, false, get_distance,
     "modified Kolmogorov distance of the k largest from a power law; above 1.094: rejected at 5 %"},
    {"_exponent", AXIS_NONE, false, false, get_exponent, "tail exponent at the chosen threshold; NaN: no power law"},
    {"_exponent_stderr", AXIS_NONE, false, false, get_exponent_stderr, "its standard error"},
    {"_exponent_values", AXIS_NONE, true, false, get_chosen,
     "values above the threshold: an eighth of the longest stretch that looks like a power law; 0: none does"},
    {"_threshold", AXIS_NONE, false, false, get_threshold, "the threshold"},
    {"_share", AXIS_NONE, false, true, get_share, "share of the largest value in the sum of |f|"},
    {"_square_share", AXIS_NONE, false, true, get_square_share, "share of its square in the sum of squares"},
    {"_effective", AXIS_NONE, false, true, get_effective,
     "effective samples of the mean of |f| by its kurtosis; below 1000 its error bar cannot be trusted"}};

static size_t stretch_of(const tail_variable *v, size_t i) {
  return v->axis == AXIS_STRETCH ? eg_hill_stretch(i) : i;
}

static eg_status add(eg_context *ctx, eg_builder *b, const tail_output *o, const tail_variable *v, tail_list *list) {
  const char *dims[3] = {"run"};
  size_t shape[3] = {b->plan->n_runs}, rank = 1, index = 0;
  const size_t n = v->axis == AXIS_RANK ? o->n_largest : v->axis == AXIS_STRETCH ? o->n_stretches : 1;
  char name[64];
  double *values = NULL;
  if (b->plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = b->plan->n_points;
  }
  if (v->axis != AXIS_NONE) {
    dims[rank] = v->axis == AXIS_RANK ? o->rank : o->stretch;
    shape[rank++] = n;
  }
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * b->plan->n_points * n, sizeof *values, &values));
  for (size_t row = 0; row < b->plan->n_runs * b->plan->n_points; row++) {
    read_list(b, o, row / b->plan->n_points, row % b->plan->n_points, list);
    for (size_t i = 0; i < n; i++) {
      const double value = v->number(list, stretch_of(v, i));
      if (v->is_whole) {
        ((int64_t *)(void *)values)[row * n + i] = (int64_t)value;
      } else {
        values[row * n + i] = value;
      }
    }
  }
  (void)snprintf(name, sizeof name, "%s%s", o->prefix, v->suffix);
  const eg_status status = eg_labelled_add(ctx, b->file, "/", name, v->is_whole ? EG_TYPE_I64 : EG_TYPE_F64, (int)rank, dims,
                                           shape, values, &index);
  free(values);
  EG_TRY(status);
  if (!v->is_exact) {
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  }
  return eg_labelled_set_text(ctx, b->file, index, "long_name", v->long_name);
}

/* The stretches, and the time of the values in every run. */
static eg_status add_axes(eg_context *ctx, eg_builder *b, const tail_output *o) {
  const char *const stretch[1] = {o->stretch}, *const run[1] = {"run"};
  char name[64];
  int64_t *stretches = NULL, *steps = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, o->n_stretches, sizeof *stretches, &stretches));
  EG_TRY_DONE(eg_allocate(ctx, b->plan->n_runs, sizeof *steps, &steps));
  for (size_t i = 0; i < o->n_stretches; i++) {
    stretches[i] = (int64_t)eg_hill_stretch(i);
  }
  for (size_t r = 0; r < b->plan->n_runs; r++) {
    steps[r] = (int64_t)b->plan->runs[r].paths[o->index].lags[0];
  }
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", o->stretch, EG_TYPE_I64, 1, stretch, &o->n_stretches, stretches, NULL));
  (void)snprintf(name, sizeof name, "%s_step", o->prefix);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, 1, run, &b->plan->n_runs, steps, NULL));
done:
  free(stretches);
  free(steps);
  return status;
}

eg_status eg_build_path_tail(eg_context *ctx, eg_builder *b, size_t path) {
  tail_output o = {.study = &b->plan->study->observe.paths[path], .index = path};
  tail_list list = {0};
  eg_status status = EG_OK;
  o.n_largest = (size_t)o.study->largest;
  while (eg_hill_stretch(o.n_stretches) < o.n_largest) {
    o.n_stretches++;
  }
  (void)snprintf(o.prefix, sizeof o.prefix, "path_%s", o.study->name);
  (void)snprintf(o.rank, sizeof o.rank, "%s_rank", o.prefix);
  (void)snprintf(o.stretch, sizeof o.stretch, "%s_hill_values", o.prefix);
  EG_TRY_DONE(eg_allocate(ctx, o.n_largest, sizeof *list.values, &list.values));
  EG_TRY_DONE(eg_allocate(ctx, o.n_largest, sizeof *list.realisations, &list.realisations));
  EG_TRY_DONE(add_axes(ctx, b, &o));
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    EG_TRY_DONE(add(ctx, b, &o, &variables[i], &list));
  }
done:
  free(list.values);
  free(list.realisations);
  return status;
}
