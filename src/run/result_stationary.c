/* Analysis stationary: covariance of x in a window of observations against exact and continuous theory, fluctuation
   against dissipation, energies of the modes, probability currents, and the tail of a histogram. Functions of the node
   sums alone; every error is a jackknife over the blocks, so that observations of one trajectory may depend on each
   other. Formulas: docs/statistics.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tail.h"
#include "oracle/stationary.h"
#include "run/result_parts.h"

/* What is known of one run without its sums. */
typedef struct theory {
  size_t d;
  bool has_modes, has_step, is_momentum;
  double effective_rate, momentum;
  eg_affine_setting step;                /* of the fluctuation */
  const eg_affine_model *noise;          /* .. and its model, whose dimension is d; NULL: none */
  double *H, *M;                         /* (d, d): curvature with weight decay, map of the mean in one step */
  double *curvature, *modes;             /* (d), (d, d): eigenvalues and eigenvectors (rows) of H */
  double *expected, *exact, *continuous; /* (d, d) covariances; NaN: not known */
} theory;

/* Numbers made of one node, in this order: each may be NaN. */
typedef struct layout {
  size_t mean, covariance, total, ratio, modes, current, change, n;
} layout;

static layout layout_of(size_t d) {
  layout l;
  l.mean = 0;
  l.covariance = l.mean + d;
  l.total = l.covariance + d * d;
  l.ratio = l.total + 1;
  l.modes = l.ratio + 1;
  l.current = l.modes + d;
  l.change = l.current + d * d;
  l.n = l.change + 1;
  return l;
}

typedef struct stationary_cell {
  double *value, *error;      /* (layout.n) */
  double *expected;           /* (layout.n): of the scheme that was run */
  double *exact, *continuous; /* (d, d) */
  double equipartition_z;
  eg_estimate kurtosis; /* largest of a component and observation of the window */
  eg_tail tail;
} stationary_cell;

/* ---- theory ---- */

static bool has_plain_noise(const eg_run *run) {
  return run->dynamics->gradient_noise.law <= EG_GRADIENT_EXACT && run->chain.input_noise == 0 &&
         run->chain.label_noise == 0;
}

/* The chain's covariance relation has a closed form for x alone: heavy ball, minibatch noise. */
static bool is_heavy_ball(const eg_run *run) {
  const eg_study_chain *const c = &run->chain;
  return run->dynamics->id == EG_SGD && c->is_general && !c->nesterov && c->dampening == 0 && has_plain_noise(run) &&
         !(c->decoupled && c->weight_decay > 0);
}

/* A direction of H that the noise drives, at first order in the rate: rate / batch (1 - momentum). */
static double effective_rate(const eg_run *run) {
  const eg_study_chain *const c = &run->chain;
  const double kept = c->nesterov ? 1 - c->momentum * c->dampening : 1 - c->dampening;
  if (run->affine.is_process) {
    return 1;
  }
  const bool is_equation = run->dynamics->id == EG_LANGEVIN, has_velocity = is_equation || c->is_general;
  const double batch = is_equation ? run->langevin.batch_size : run->law.batch_size; /* the law of a process has none */
  return run->learning_rate / batch * (has_velocity ? kept / (1 - c->momentum) : 1);
}

static void take_covariance(const double *mean, const double *second, size_t D, size_t d, double *out) {
  for (size_t i = 0; i < d * d; i++) {
    out[i] = second[(i / d) * D + i % d] - mean[i / d] * mean[i % d];
  }
}

static eg_status limits(eg_context *ctx, const eg_plan *plan, const eg_run *run, size_t point, theory *t,
                        double *centre) {
  const eg_affine_model *const model = run->lifted.dim > 0 ? &run->lifted : &run->affine;
  const size_t d = t->d, D = (size_t)model->dim;
  double *work = NULL;
  bool is_there = false;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 2 * (D + D * D), sizeof *work, &work));
  double *const mean0 = work, *const second0 = mean0 + D, *const mean = second0 + D * D, *const second = mean + D;
  (void)eg_run_start_moments(plan, run, point, mean0, second0);
  EG_TRY_DONE(eg_affine_stationary(ctx, model, &run->law, mean0, second0, &is_there, mean, second));
  take_covariance(mean, second, D, d, t->exact);
  memcpy(centre, mean, d * sizeof *centre);
  if (run->has_scheme_oracle) {
    EG_TRY_DONE(eg_affine_stationary(ctx, model, &run->scheme_law, mean0, second0, &is_there, mean, second));
    take_covariance(mean, second, D, d, t->expected);
  }
done:
  free(work);
  return status;
}

/* H X + X H = rate C at the centre. */
static eg_status continuous_limit(eg_context *ctx, const eg_run *run, theory *t, const double *centre) {
  const size_t d = t->d;
  const eg_affine_model *const model = run->lifted.dim == run->affine.dim ? &run->lifted : &run->affine;
  const bool is_known = t->has_modes && !isnan(centre[0]) && (model == &run->lifted || has_plain_noise(run)) &&
                        !(run->chain.decoupled && run->chain.weight_decay > 0) && run->dynamics->id != EG_GRADIENT_FLOW;
  double *covariance = NULL;
  if (!is_known) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, d * d, sizeof *covariance, &covariance));
  eg_affine_covariance(model, centre, covariance);
  for (size_t i = 0; i < d * d; i++) {
    covariance[i] *= t->effective_rate;
  }
  const eg_status status = eg_lyapunov_symmetric(ctx, d, t->curvature, t->modes, covariance, t->continuous);
  free(covariance);
  return status;
}

static bool is_symmetric(size_t d, const double *A) {
  for (size_t i = 0; i < d * d; i++) {
    if (A[i] != A[(i % d) * d + i / d]) {
      return false;
    }
  }
  return true;
}

static eg_status make_theory(eg_context *ctx, const eg_plan *plan, const eg_run *run, size_t point, double *space,
                             theory *t) {
  const size_t d = (size_t)plan->dim;
  *t = (theory){.d = d, .momentum = run->chain.momentum};
  double **const arrays[] = {&t->H, &t->M, &t->modes, &t->expected, &t->exact, &t->continuous, &t->curvature};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
    *arrays[i] = space + i * d * d;
  }
  double *const centre = space + 7 * d * d;
  for (size_t i = 0; i < 7 * d * d + d; i++) {
    space[i] = NAN;
  }
  if (!run->has_oracle) {
    return EG_OK;
  }
  for (size_t i = 0; i < d * d; i++) {
    t->H[i] = run->affine.H[i] + (i / d == i % d ? run->chain.weight_decay : 0);
  }
  t->effective_rate = effective_rate(run);
  if (is_symmetric(d, t->H)) {
    EG_TRY(eg_symmetric_eigen(ctx, d, t->H, t->curvature, t->modes));
    t->has_modes = true;
  }
  EG_TRY(limits(ctx, plan, run, point, t, centre));
  EG_TRY(continuous_limit(ctx, run, t, centre));
  if (run->has_scheme_oracle && (run->lifted.dim == 0 || (size_t)run->lifted.dim == d)) {
    t->noise = run->lifted.dim > 0 ? &run->lifted : &run->affine;
    t->step = run->scheme_law;
  } else if (is_heavy_ball(run)) {
    t->noise = &run->affine;
    t->step = run->law;
    t->step.law = EG_LAW_SGD;
    t->step.scheme = EG_AFFINE_EXACT;
    t->is_momentum = true;
  }
  t->has_step = t->noise != NULL;
  return t->has_step ? eg_affine_mean_map(ctx, t->noise, &t->step, t->M) : EG_OK;
}

/* ---- numbers of a mean and a covariance ---- */

static double quadratic(size_t d, const double *row, const double *A) {
  double sum = 0;
  for (size_t i = 0; i < d * d; i++) {
    sum += row[i / d] * A[i] * row[i % d];
  }
  return sum;
}

/* What one step adds, over what it takes away: traces of the two sides of the discrete Lyapunov equation, both of the
   measured covariance. 1 in a stationary law, whatever the noise. */
static eg_status dissipation(eg_context *ctx, const theory *t, const double *mean, const double *C, double *ratio) {
  const size_t d = t->d;
  double *after = NULL, lost = 0, added = 0, contracted = 0;
  EG_TRY(eg_allocate(ctx, d * d, sizeof *after, &after));
  const eg_status status = eg_affine_one_step(ctx, t->noise, &t->step, mean, C, after);
  for (size_t i = 0; i < d && status == EG_OK; i++) {
    contracted = quadratic(d, t->M + i * d, C);
    added += after[i * d + i] - contracted;
    lost += C[i * d + i] - contracted;
  }
  free(after);
  if (t->is_momentum) { /* (1 - mu) 2 rate tr(H C) - (1 - mu) / (1 + mu) rate^2 tr(H C H), with the batch in `added` */
    const double rate = t->step.learning_rate, mu = t->momentum;
    lost = 0;
    for (size_t i = 0; i < d; i++) {
      double HC = 0;
      for (size_t k = 0; k < d; k++) {
        HC += t->H[i * d + k] * C[k * d + i];
      }
      lost += (1 - mu) * (2 * rate * HC - rate * rate / (1 + mu) * quadratic(d, t->H + i * d, C));
    }
  }
  *ratio = status == EG_OK && lost > 0 ? added / lost : NAN;
  return status;
}

/* E (x_i(k+1) x_j(k) - x_j(k+1) x_i(k)) per unit time = (M C - C M^T) / step: zero exactly in detailed balance. */
static void currents(const theory *t, const double *C, double step, double *out) {
  const size_t d = t->d;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      double sum = 0;
      for (size_t k = 0; k < d; k++) {
        sum += t->M[i * d + k] * C[k * d + j] - t->M[j * d + k] * C[k * d + i];
      }
      out[i * d + j] = sum / step;
    }
  }
}

/* Everything that follows from mean and covariance; those of `out` are there. */
static eg_status derive(eg_context *ctx, const theory *t, double step, double *out) {
  const size_t d = t->d;
  const layout l = layout_of(d);
  const double *const C = out + l.covariance;
  bool is_full = true;
  out[l.total] = 0;
  for (size_t i = 0; i < d; i++) {
    out[l.total] += C[i * d + i];
  }
  for (size_t i = 0; i < d * d; i++) {
    is_full = is_full && !isnan(C[i]);
  }
  out[l.ratio] = NAN;
  for (size_t i = 0; i < d; i++) {
    out[l.modes + i] = is_full && t->has_modes ? t->curvature[i] * quadratic(d, t->modes + i * d, C) : NAN;
  }
  for (size_t i = 0; i < d * d; i++) {
    out[l.current + i] = NAN;
  }
  if (!is_full || !t->has_step) {
    return EG_OK;
  }
  if (!t->is_momentum) {
    currents(t, C, step, out + l.current);
  }
  return dissipation(ctx, t, out, C, &out[l.ratio]);
}

static double trace_at(const eg_node_shape *shape, const double *node, size_t row, size_t first, size_t d) {
  double sum = 0;
  for (size_t k = 0; k < d; k++) {
    const eg_moments m = eg_node_moments(shape, node, row, first + k);
    sum += m.M2 / (m.n - 1);
  }
  return sum;
}

typedef struct window {
  size_t begin, end, point, first; /* records; column of x0 */
} window;

static eg_status measure(eg_context *ctx, const eg_plan *plan, const eg_run *run, const theory *t,
                         const eg_node_shape *shape, const double *node, window w, double *out) {
  const size_t d = t->d, n = w.end - w.begin;
  const layout l = layout_of(d);
  memset(out, 0, l.n * sizeof *out);
  for (size_t record = w.begin; record < w.end; record++) {
    const size_t row = eg_summary_row(plan, record, w.point);
    for (size_t i = 0; i < d; i++) {
      const eg_moments m = eg_node_moments(shape, node, row, w.first + i);
      out[l.mean + i] += m.mean / (double)n;
      for (size_t j = 0; j <= i; j++) {
        const double sum = i == j                  ? m.M2
                           : plan->with_covariance ? eg_node_comoment(shape, node, row, w.first + i, w.first + j)
                                                   : NAN;
        out[l.covariance + i * d + j] += (m.n > 1 ? sum / (m.n - 1) : NAN) / (double)n;
        out[l.covariance + j * d + i] = out[l.covariance + i * d + j];
      }
    }
  }
  out[l.change] = n < 2 ? NAN
                        : trace_at(shape, node, eg_summary_row(plan, w.end - 1, w.point), w.first, d) -
                              trace_at(shape, node, eg_summary_row(plan, w.begin, w.point), w.first, d);
  return derive(ctx, t, run->learning_rate, out);
}

/* Errors of a variance are those of fourth moments: where these come from few trajectories no error bar says anything.
 */
static const double MOST_KURTOSIS = 9;

static eg_estimate largest_kurtosis(const eg_builder *b, size_t r, size_t d, window w) {
  eg_estimate largest = {NAN, NAN};
  for (size_t record = w.begin; record < w.end; record++) {
    for (size_t k = 0; k < d; k++) {
      eg_moment_estimates m;
      eg_summary_moments(b->summary, r, eg_summary_row(b->plan, record, w.point), w.first + k, &m);
      largest = m.kurtosis.value <= largest.value ? largest : m.kurtosis;
    }
  }
  return largest;
}

/* Largest |T_l - mean of T| over its jackknife error. */
static double largest_difference(size_t n_blocks, size_t n, size_t d, const double *total, const double *left) {
  double largest = NAN, leave_out[EG_BLOCKS];
  for (size_t k = 0; k < d && d > 1; k++) {
    double value = total[k];
    for (size_t i = 0; i < d; i++) {
      value -= total[i] / (double)d;
    }
    for (size_t b = 0; b < n_blocks; b++) {
      leave_out[b] = left[b * n + k];
      for (size_t i = 0; i < d; i++) {
        leave_out[b] -= left[b * n + i] / (double)d;
      }
    }
    const double z = fabs(value) / eg_jackknife_stderr(n_blocks, leave_out, value);
    largest = isnan(largest) || z > largest ? z : largest;
  }
  return largest;
}

static eg_status measure_all(eg_context *ctx, const eg_builder *b, size_t r, const theory *t, window w,
                             stationary_cell *cell) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  const layout l = layout_of(t->d);
  double *left = NULL, leave_out[EG_BLOCKS];
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, s->n_blocks * l.n, sizeof *left, &left));
  EG_TRY_DONE(measure(ctx, plan, run, t, &s->shape, s->total, w, cell->value));
  for (size_t i = 0; i < s->n_blocks; i++) {
    EG_TRY_DONE(measure(ctx, plan, run, t, &s->shape, s->leave_out + i * s->shape.values, w, left + i * l.n));
  }
  for (size_t k = 0; k < l.n; k++) {
    for (size_t i = 0; i < s->n_blocks; i++) {
      leave_out[i] = left[i * l.n + k];
    }
    cell->error[k] = isnan(cell->value[k]) ? NAN : eg_jackknife_stderr(s->n_blocks, leave_out, cell->value[k]);
  }
  cell->equipartition_z = largest_difference(s->n_blocks, l.n, t->d, cell->value + l.modes, left + l.modes);
done:
  free(left);
  return status;
}

/* At the last observation, whose trajectories are independent. */
static void fit_tail(const eg_builder *b, const eg_study_stationary *study, size_t r, size_t point, eg_tail *tail) {
  const eg_plan *const plan = b->plan;
  const eg_run_histograms *const stored = &b->summary->campaign->runs[r].histograms;
  if (!study->has_tail || !stored->has_grids) {
    return;
  }
  const eg_histogram *const grid = &plan->grids[plan->histograms[study->tail].first];
  const size_t schedule = plan->histograms[study->tail].schedule, last = plan->runs[r].schedules[schedule].n - 1;
  eg_tail_fit(grid->bins, stored->edges + grid->edge,
              stored->counts + eg_plan_counts_at(plan, &plan->runs[r], schedule, last, point) + grid->count,
              study->tail_from, tail);
}

static eg_status fill_cell(eg_context *ctx, const eg_builder *b, const eg_study_stationary *study, size_t r,
                           size_t point, double *space, stationary_cell *cell) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const size_t d = (size_t)plan->dim;
  const layout l = layout_of(d);
  window w = {0, run->job.n_records, point, eg_plan_feature(plan, "x")->first};
  theory t;
  EG_TRY(eg_plan_stationary_first(ctx, plan, run, &run->schedules[0], study, &w.begin));
  cell->value = space;
  cell->error = cell->value + l.n;
  cell->expected = cell->error + l.n;
  cell->exact = cell->expected + l.n;
  cell->continuous = cell->exact + d * d;
  for (size_t i = 0; i < 3 * l.n; i++) {
    cell->value[i] = NAN;
  }
  cell->equipartition_z = NAN;
  cell->kurtosis = (eg_estimate){NAN, NAN};
  cell->tail = (eg_tail){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  EG_TRY(make_theory(ctx, plan, run, point, cell->continuous + d * d, &t));
  memcpy(cell->exact, t.exact, d * d * sizeof *cell->exact);
  memcpy(cell->continuous, t.continuous, d * d * sizeof *cell->continuous);
  if (!isnan(t.expected[0])) {
    memcpy(cell->expected + l.covariance, t.expected, d * d * sizeof *cell->expected);
    EG_TRY(derive(ctx, &(theory){.d = d, .has_modes = t.has_modes, .curvature = t.curvature, .modes = t.modes}, 1,
                  cell->expected));
    if (t.has_step && !t.is_momentum) {
      currents(&t, t.expected, run->learning_rate, cell->expected + l.current);
    }
  }
  if (b->summary->runs[r].n_blocks == 0 || run->is_deterministic) {
    return EG_OK;
  }
  EG_TRY(measure_all(ctx, b, r, &t, w, cell));
  cell->kurtosis = largest_kurtosis(b, r, d, w);
  fit_tail(b, study, r, point, &cell->tail);
  return EG_OK;
}

/* ---- writing ---- */

enum {
  OF_VALUE,
  OF_ERROR,
  OF_EXPECTED,
  OF_EXACT,
  OF_CONTINUOUS,
  OF_Z,
  OF_EQUIPARTITION,
  OF_KURTOSIS,
  OF_KURTOSIS_ERROR,
  OF_JUDGED,
  OF_TAIL
};

typedef struct output {
  const char *suffix;
  int of, rank;  /* components: 0, 1, 2 */
  size_t offset; /* into the layout, or the tail's fields */
  const char *long_name;
} output;

static double pick(const output *o, const stationary_cell *c, size_t d, size_t k) {
  const layout l = layout_of(d);
  const double tail[] = {c->tail.exponent, c->tail.stderr_, c->tail.from,
                         c->tail.events,   c->tail.share,   c->tail.p_value};
  switch (o->of) {
  case OF_VALUE:
    return c->value[o->offset + k];
  case OF_ERROR:
    return c->error[o->offset + k];
  case OF_EXPECTED:
    return c->expected[o->offset + k];
  case OF_EXACT:
    return c->exact[k];
  case OF_CONTINUOUS:
    return c->continuous[k];
  case OF_Z:
    return (c->value[l.covariance + k] - c->expected[l.covariance + k]) / c->error[l.covariance + k];
  case OF_EQUIPARTITION:
    return c->equipartition_z;
  case OF_KURTOSIS:
    return c->kurtosis.value;
  case OF_KURTOSIS_ERROR:
    return c->kurtosis.stderr_;
  case OF_JUDGED:
    return c->kurtosis.value <= MOST_KURTOSIS ? 1 : 0;
  default:
    return tail[o->offset];
  }
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, const output *o, const char *of,
                     const stationary_cell *cells, double *values) {
  const size_t d = (size_t)b->plan->dim, n = b->plan->n_runs * b->plan->n_points,
               m = o->rank == 0   ? 1
                   : o->rank == 1 ? d
                                  : d * d;
  const char *dims[4] = {"run"};
  size_t shape[4] = {b->plan->n_runs}, index = 0;
  int rank = 1;
  char name[64];
  if (b->plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = b->plan->n_points;
  }
  for (int k = 0; k < o->rank; k++) {
    dims[rank] = k == 0 ? "component" : "component_2";
    shape[rank++] = d;
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < m; k++) {
      values[i * m + k] = pick(o, &cells[i], d, k);
    }
  }
  (void)snprintf(name, sizeof name, "%s%s", prefix, o->suffix);
  EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  if (o->of == OF_TAIL) {
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "of", of));
  }
  return eg_labelled_set_text(ctx, b->file, index, "long_name", o->long_name);
}

static eg_status add_all(eg_context *ctx, eg_builder *b, const char *prefix, const eg_study_stationary *study,
                         const stationary_cell *cells) {
  const size_t d = (size_t)b->plan->dim, n = b->plan->n_runs * b->plan->n_points;
  const layout l = layout_of(d);
  const output outputs[] = {
      {"_mean", OF_VALUE, 1, l.mean, "mean of x over the window"},
      {"_mean_stderr", OF_ERROR, 1, l.mean, "its error by jackknife over blocks"},
      {"_covariance", OF_VALUE, 2, l.covariance, "covariance of x, mean over the window"},
      {"_covariance_stderr", OF_ERROR, 2, l.covariance, "its error by jackknife over blocks"},
      {"_covariance_expected", OF_EXPECTED, 2, l.covariance, "long-time limit of the scheme that was run"},
      {"_covariance_exact", OF_EXACT, 2, 0, "long-time limit of the dynamics: discrete for a chain"},
      {"_covariance_continuous", OF_CONTINUOUS, 2, 0, "X of H X + X H = rate C / batch, C at the stationary mean"},
      {"_covariance_z", OF_Z, 2, 0, "(covariance - expected) / stderr"},
      {"_kurtosis", OF_KURTOSIS, 0, 0, "largest kurtosis of a component in the window"},
      {"_kurtosis_stderr", OF_KURTOSIS_ERROR, 0, 0, "its error by jackknife over blocks, as if it had not been chosen as the largest"},
      {"_judged", OF_JUDGED, 0, 0, "1 where that is at most 9, so that errors of variances mean something"},
      {"_total", OF_VALUE, 0, l.total, "trace of the covariance"},
      {"_total_stderr", OF_ERROR, 0, l.total, "its error by jackknife over blocks"},
      {"_total_expected", OF_EXPECTED, 0, l.total, "the same of the scheme that was run"},
      {"_fluctuation_dissipation", OF_VALUE, 0, l.ratio,
       "trace that a step's noise adds over what its drift takes away; 1 if stationary"},
      {"_fluctuation_dissipation_stderr", OF_ERROR, 0, l.ratio, "its error by jackknife over blocks"},
      {"_change", OF_VALUE, 0, l.change, "trace of the covariance, last minus first observation of the window"},
      {"_change_stderr", OF_ERROR, 0, l.change, "its error by jackknife over blocks"},
      {"_mode_energy", OF_VALUE, 1, l.modes,
       "curvature times variance along each eigenvector of the Hessian, curvatures falling"},
      {"_mode_energy_stderr", OF_ERROR, 1, l.modes, "its error by jackknife over blocks"},
      {"_mode_energy_expected", OF_EXPECTED, 1, l.modes, "the same of the scheme that was run"},
      {"_equipartition_z", OF_EQUIPARTITION, 0, 0,
       "largest distance of a mode's energy from the mean of all, in its errors"},
      {"_current", OF_VALUE, 2, l.current,
       "E (x_i' x_j - x_j' x_i) per unit time, x' the next state; 0 in detailed balance"},
      {"_current_stderr", OF_ERROR, 2, l.current, "its error by jackknife over blocks"},
      {"_current_expected", OF_EXPECTED, 2, l.current, "the same of the scheme that was run"},
      {"_tail_exponent", OF_TAIL, 0, 0, "P(V > v) ~ v^-exponent, maximum likelihood from counts, last observation"},
      {"_tail_exponent_stderr", OF_TAIL, 0, 1, "its standard error"},
      {"_tail_from", OF_TAIL, 0, 2, "where the tail begins"},
      {"_tail_events", OF_TAIL, 0, 3, "values in the tail"},
      {"_tail_share", OF_TAIL, 0, 4, "their share of all"},
      {"_tail_p_value", OF_TAIL, 0, 5, "chi^2 of the counts against a power law: small where it is none"},
  };
  const char *const of = study->has_tail ? b->plan->histograms[study->tail].name : "";
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, n * d * d, sizeof *values, &values));
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    if (outputs[i].of != OF_TAIL || study->has_tail) {
      EG_TRY_DONE(add(ctx, b, prefix, &outputs[i], of, cells, values));
    }
  }
done:
  free(values);
  return status;
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_study_stationary *const study = &b->plan->study->stationary[a];
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points, d = (size_t)b->plan->dim;
  const size_t size = 3 * layout_of(d).n + 9 * d * d + d;
  stationary_cell *cells = NULL;
  double *space = NULL;
  char prefix[24];
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "stationary" : "stationary_%zu", a + 1);
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *cells, &cells));
  EG_TRY_DONE(eg_allocate(ctx, n * size, sizeof *space, &space));
  for (size_t i = 0; i < n; i++) {
    EG_TRY_DONE(fill_cell(ctx, b, study, i / n_points, i % n_points, space + i * size, &cells[i]));
  }
  EG_TRY_DONE(add_all(ctx, b, prefix, study, cells));
  status = eg_build_phase(ctx, b, prefix, study);
done:
  free(space);
  free(cells);
  return status;
}

eg_status eg_build_stationary(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_stationary; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
