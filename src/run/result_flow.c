/*
 * Analysis flow: how points that one noise moves separate. From E ln |x - y| and E |x - y|^q at the begin and the end
 * of a window, Lyapunov exponent  (E ln |D(t)| - E ln |D(s)|) / (t - s),   moment exponent  ln (E |D(t)|^q / E
 * |D(s)|^q) / (t - s), of the flow's linearisation where D is small or the flow is affine; and the two-point laws at
 * the end minus those of a reference.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

/* One run, pair of points and power; power 0 is the logarithm. */
typedef struct flow_cell {
  double rate, rate_error; /* Lyapunov or moment exponent */
  double last, last_error; /* E ln |D| or E |D|^q at the end */
  double count;            /* realisations that count */
  bool is_heavy;           /* its tails make last_error untrustworthy */
} flow_cell;

typedef struct flow_shape {
  const eg_study_flow *study;
  size_t n_pairs, n_powers;
  const double *powers;
} flow_shape;

static void points_of(size_t n_points, size_t pair, size_t *p, size_t *q) {
  *p = 0;
  while (pair >= n_points - 1 - *p) {
    pair -= n_points - 1 - *p;
    (*p)++;
  }
  *q = *p + 1 + pair;
}

static double mean_at(const eg_run_summary *s, const double *node, const flow_shape *f, size_t n_lags, size_t lag,
                      size_t pair, size_t power) {
  const eg_moments m =
      eg_node_section_moments(&s->shape.paths[f->study->path], node, 0, (pair * n_lags + lag) * f->n_powers + power);
  return m.n > 0 ? m.mean : NAN;
}

/* Of the start points of a run. */
static double start_value(const eg_plan *plan, const eg_run *run, size_t pair, double power) {
  size_t p, q;
  double sum = 0;
  points_of(plan->n_points, pair, &p, &q);
  for (size_t k = 0; k < (size_t)plan->dim; k++) {
    const double d = run->start[p * (size_t)plan->padded_dim + k] - run->start[q * (size_t)plan->padded_dim + k];
    sum += d * d;
  }
  return power == 0 ? 0.5 * log(sum) : pow(sum, 0.5 * power);
}

typedef struct flow_window {
  size_t begin, end; /* observations; begin == end: the start */
  double span;
} flow_window;

/* The observations that the distances are taken at. */
static const eg_run_schedule *times_of(const eg_plan *plan, const eg_run *run, const eg_study_flow *study) {
  return &run->schedules[plan->path_schedules[study->path]];
}

static eg_status window_of(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_study_flow *study,
                           flow_window *w) {
  const eg_study_stationary from = {.from = study->from, .mark = study->mark};
  const eg_run_schedule *const at = times_of(plan, run, study);
  w->end = at->n - 1;
  w->begin = w->end;
  w->span = at->times[w->end];
  if (isnan(study->from) && run->job.launch.start_kind == EG_START_FIXED) {
    return EG_OK;
  }
  w->begin = 0;
  if (!isnan(study->from)) {
    EG_TRY(eg_plan_stationary_first(ctx, plan, run, at, &from, &w->begin));
  }
  w->span = at->times[w->end] - at->times[w->begin];
  return EG_OK;
}

static double rate_of(const eg_plan *plan, const eg_run *run, const eg_run_summary *s, const double *node,
                      const flow_shape *f, flow_window w, size_t pair, size_t power) {
  const double q = f->powers[power], last = mean_at(s, node, f, times_of(plan, run, f->study)->n, w.end, pair, power);
  const double first =
      w.begin < w.end ? mean_at(s, node, f, times_of(plan, run, f->study)->n, w.begin, pair, power) : start_value(plan, run, pair, q);
  return (q == 0 ? last - first : log(last / first)) / w.span;
}

static void fill_cell(const eg_builder *b, size_t r, const flow_shape *f, flow_window w, size_t pair, size_t power,
                      flow_cell *cell) {
  const eg_run *const run = &b->plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  double leave_out[EG_BLOCKS];
  *cell = (flow_cell){NAN, NAN, NAN, NAN, 0, false};
  if (s->n_blocks == 0) {
    return;
  }
  const eg_moments m = eg_node_section_moments(&s->shape.paths[f->study->path], s->total, 0,
                                               (pair * times_of(b->plan, run, f->study)->n + w.end) * f->n_powers + power);
  cell->rate = rate_of(b->plan, run, s, s->total, f, w, pair, power);
  for (size_t i = 0; i < s->n_blocks; i++) {
    leave_out[i] = rate_of(b->plan, run, s, s->leave_out + i * s->shape.values, f, w, pair, power);
  }
  cell->rate_error = isnan(cell->rate) ? NAN : eg_jackknife_stderr(s->n_blocks, leave_out, cell->rate);
  cell->count = m.n;
  cell->is_heavy = eg_moments_have_heavy_tails(&m);
  cell->last = m.n > 0 ? m.mean : NAN;
  cell->last_error = m.n > 1 ? sqrt(m.M2 / (m.n - 1) / m.n) : NAN;
}

/* ---- writing ---- */

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, const flow_shape *f,
                     bool has_powers, const double *values, const char *long_name) {
  char name[64], pair[40], power[40];
  (void)snprintf(name, sizeof name, "%s%s", prefix, suffix);
  (void)snprintf(pair, sizeof pair, "%s_pair", prefix);
  (void)snprintf(power, sizeof power, "%s_power", prefix);
  const char *const dims[3] = {"run", pair, power};
  const size_t shape[3] = {b->plan->n_runs, f->n_pairs, f->n_powers};
  size_t index = 0;
  EG_TRY(
      eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, has_powers ? 3 : 2, dims, shape, values, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "of", b->plan->study->observe.paths[f->study->path].name));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_axes(eg_context *ctx, eg_builder *b, const char *prefix, const flow_shape *f) {
  char name[64], pair[40];
  const char *dims[1] = {name};
  int64_t *points = NULL;
  eg_status status = EG_OK;
  (void)snprintf(name, sizeof name, "%s_power", prefix);
  EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, 1, dims, &f->n_powers, f->powers, NULL));
  EG_TRY(eg_allocate(ctx, f->n_pairs, sizeof *points, &points));
  (void)snprintf(pair, sizeof pair, "%s_pair", prefix);
  dims[0] = pair;
  for (int which = 0; which < 2 && status == EG_OK; which++) {
    for (size_t i = 0; i < f->n_pairs; i++) {
      size_t p, q;
      points_of(b->plan->n_points, i, &p, &q);
      points[i] = (int64_t)(which == 0 ? p : q);
    }
    (void)snprintf(name, sizeof name, "%s_%s", prefix, which == 0 ? "first" : "second");
    status = eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_I64, 1, dims, &f->n_pairs, points, NULL);
  }
  free(points);
  return status;
}

enum { RATE, RATE_ERROR, LAST, LAST_ERROR, COUNT, HEAVY, N_OF_CELL };

/* Number k of all cells; of the others minus that of their reference, NaN without one. */
static void gather(const eg_builder *b, const flow_shape *f, const flow_cell *cells, int k, bool is_difference,
                   double *values) {
  const size_t each = f->n_pairs * f->n_powers;
  for (size_t i = 0; i < b->plan->n_runs * each; i++) {
    const size_t r = i / each;
    const size_t other =
        f->study->reference == NULL ? EG_NO_RUN : eg_plan_find_run(b->plan, f->study->reference, &b->plan->runs[r]);
    const double own[N_OF_CELL] = {cells[i].rate, cells[i].rate_error, cells[i].last, cells[i].last_error, cells[i].count,
                                   cells[i].is_heavy};
    values[i] = own[k];
    if (is_difference) {
      const flow_cell *const c = other == EG_NO_RUN || other == r ? NULL : &cells[other * each + i % each];
      const double theirs[N_OF_CELL] = {c != NULL ? c->rate : NAN, c != NULL ? c->rate_error : NAN,
                                        c != NULL ? c->last : NAN, c != NULL ? c->last_error : NAN};
      values[i] = k == RATE || k == LAST ? own[k] - theirs[k] : hypot(own[k], theirs[k]);
    }
  }
}

static eg_status add_all(eg_context *ctx, eg_builder *b, const char *prefix, const flow_shape *f,
                         const flow_cell *cells) {
  static const struct {
    const char *suffix;
    int number;
    bool is_difference;
    const char *long_name;
  } outputs[] = {{"_exponent", RATE, false, "power 0: Lyapunov exponent; q: rate of ln E |x - y|^q; per unit time"},
                 {"_exponent_stderr", RATE_ERROR, false, "its error by jackknife over blocks"},
                 {"_distance", LAST, false, "power 0: E ln |x - y|, q: E |x - y|^q, last observation"},
                 {"_distance_stderr", LAST_ERROR, false, "its standard error"},
                 {"_count", COUNT, false, "realisations that count: finite in all points, which never meet"},
                 {"_heavy_tails", HEAVY, false, "1: fewer than 1000 effective samples by the kurtosis of the distance: do not trust the errors"},
                 {"_exponent_difference", RATE, true, "exponent minus that of the reference"},
                 {"_exponent_difference_stderr", RATE_ERROR, true, "its error, the runs being independent"},
                 {"_distance_difference", LAST, true, "distance minus that of the reference"},
                 {"_distance_difference_stderr", LAST_ERROR, true, "its error, the runs being independent"}};
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * f->n_pairs * f->n_powers, sizeof *values, &values));
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    if (!outputs[i].is_difference || f->study->reference != NULL) {
      gather(b, f, cells, outputs[i].number, outputs[i].is_difference, values);
      EG_TRY_DONE(add(ctx, b, prefix, outputs[i].suffix, f, true, values, outputs[i].long_name));
    }
  }
done:
  free(values);
  return status;
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_plan *const plan = b->plan;
  const eg_study_flow *const study = &plan->study->flow[a];
  const eg_number_list *const powers = &plan->study->observe.paths[study->path].powers;
  const flow_shape f = {study, plan->n_points * (plan->n_points - 1) / 2, powers->n, powers->values};
  flow_cell *cells = NULL;
  char prefix[24];
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "flow" : "flow_%zu", a + 1);
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs * f.n_pairs * f.n_powers, sizeof *cells, &cells));
  for (size_t r = 0; r < plan->n_runs; r++) {
    flow_window w;
    EG_TRY_DONE(window_of(ctx, plan, &plan->runs[r], study, &w));
    for (size_t i = 0; i < f.n_pairs * f.n_powers; i++) {
      fill_cell(b, r, &f, w, i / f.n_powers, i % f.n_powers, &cells[r * f.n_pairs * f.n_powers + i]);
    }
  }
  EG_TRY_DONE(add_axes(ctx, b, prefix, &f));
  status = add_all(ctx, b, prefix, &f, cells);
done:
  free(cells);
  return status;
}

eg_status eg_build_flow(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_flow; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
