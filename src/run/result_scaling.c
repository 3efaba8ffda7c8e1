/* Analysis scaling-rule: R, G, N and their ratio in a window of observations, the bounds that follow from it, and how
   close runs come to each other under the linear and the square-root rule, and to the process named as the SDE.
   docs/statistics.md has the formulas. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/scaling_rule.h"
#include "oracle/stationary.h"
#include "run/result_parts.h"

enum { R, G, N, NU, N_NUMBERS }; /* of one run */

typedef struct scaling_cell {
  double value[N_NUMBERS], error[N_NUMBERS];
} scaling_cell;

/* Where N comes from. */
typedef struct noise_source {
  size_t path;                  /* mean squared displacement of one step; n_paths: none .. */
  size_t first, end;            /* .. the observations that these steps begin at */
  const eg_affine_model *model; /* covariance of the gradient from mean and covariance of x; NULL: none */
  eg_affine_setting setting;
  double *M; /* (d, d) */
  double trace_factor;          /* of the feature noise_trace, which is then taken; 0: of one that is not observed */
} noise_source;

/* tr of a batch's covariance over that of one sample; batches of other noise than the samples' (stable noise has no
   covariance at all) have none, nor those that change. */
static double trace_factor(const eg_plan *plan, const eg_run *run, bool is_plain) {
  const double B = run->batch_size, n = (double)plan->data.n_rows;
  if (eg_plan_feature(plan, "noise_trace") == NULL || !is_plain || run->dynamics->id == EG_GRADIENT_FLOW || run->dynamics->id == EG_LEVY ||
      run->chain.batch_schedule.kind != EG_RATE_CONSTANT || run->chain.batch_schedule.warm_up > 0) {
    return 0;
  }
  return run->dynamics->sampling == EG_SAMPLING_REPLACEMENT || n == 0 ? 1 / B : (n - B) / (n - 1) / B;
}

static bool is_every_step(const eg_run_schedule *at) {
  return at->n > 1 && at->steps[1] - at->steps[0] == 1;
}

/* The observations that the steps of a path's displacements begin at: no model is needed, |x' - x|^2 = rate^2 |batch gradient|^2. They
   must be of the window, or gradient and displacement are of different times. */
static void find_path(const eg_plan *plan, const eg_run *run, size_t begin, noise_source *out) {
  const eg_study_observe *const o = &plan->study->observe;
  for (size_t i = 0; i < o->n_paths && run->dynamics->id == EG_SGD && !run->chain.is_general; i++) {
    const eg_run_schedule *const at = &run->schedules[0];
    if (o->paths[i].kind != EG_PATH_VELOCITY || plan->path_schedules[i] != 0 || run->paths[i].n_lags == 0 ||
        run->paths[i].lags[0] != 0 || !is_every_step(at)) {
      continue;
    }
    size_t first = 0;
    while (!isnan(o->paths[i].origin) && first + 1 < at->n && (double)at->steps[first] < o->paths[i].origin) {
      first++;
    }
    if (first >= begin) {
      out->path = i;
      out->first = first;
      out->end = isnan(o->paths[i].origin) ? at->n - 1 : first + 1;
    }
  }
}

static eg_status find_noise(eg_context *ctx, const eg_plan *plan, const eg_run *run, size_t begin, noise_source *out) {
  const eg_study_observe *const o = &plan->study->observe;
  const bool is_plain = run->dynamics->gradient_noise.law <= EG_GRADIENT_EXACT && run->chain.input_noise == 0 &&
                        run->chain.label_noise == 0;
  *out = (noise_source){.path = o->n_paths, .trace_factor = trace_factor(plan, run, is_plain)};
  if (out->trace_factor > 0) {
    return EG_OK;
  }
  const bool has_moments = eg_plan_feature(plan, "x") != NULL && (plan->dim == 1 || plan->with_covariance);
  if (has_moments && run->has_oracle && !run->affine.is_process && run->dynamics->id != EG_GRADIENT_FLOW &&
      (run->lifted.dim == run->affine.dim || is_plain)) {
    out->model = run->lifted.dim == run->affine.dim ? &run->lifted : &run->affine;
    out->setting = run->law;
    out->setting.law = EG_LAW_SGD;
    out->setting.scheme = EG_AFFINE_EXACT;
    out->setting.learning_rate = run->learning_rate;
    out->setting.batch_size = run->dynamics->id == EG_LANGEVIN ? run->batch_size : run->law.batch_size;
    EG_TRY(eg_allocate(ctx, (size_t)(plan->dim * plan->dim), sizeof *out->M, &out->M));
    return eg_affine_mean_map(ctx, out->model, &out->setting, out->M);
  }
  find_path(plan, run, begin, out);
  return EG_OK;
}

/* tr E covariance of the batch's gradient from the affine model. */
static eg_status affine_noise(eg_context *ctx, const eg_plan *plan, const noise_source *source,
                              const eg_node_shape *shape, const double *node, size_t row, double *trace) {
  const size_t d = (size_t)plan->dim;
  const eg_feature *const x = eg_plan_feature(plan, "x");
  double *work = NULL;
  *trace = NAN;
  EG_TRY(eg_allocate(ctx, d + 2 * d * d, sizeof *work, &work));
  double *const mean = work, *const C = mean + d, *const after = C + d * d;
  for (size_t i = 0; i < d; i++) {
    const eg_moments m = eg_node_moments(shape, node, row, x->first + i);
    mean[i] = m.mean;
    for (size_t j = 0; j < d; j++) { /* of the sample itself: no bias to take away from a mean of squares */
      C[i * d + j] =
          (i == j ? m.M2 : eg_node_comoment(shape, node, row, x->first + (i > j ? i : j), x->first + (i > j ? j : i))) /
          m.n;
    }
  }
  const eg_status status = eg_affine_one_step(ctx, source->model, &source->setting, mean, C, after);
  double sum = 0;
  for (size_t i = 0; i < d; i++) {
    sum += after[i * d + i];
    for (size_t k = 0; k < d * d; k++) {
      sum -= source->M[i * d + k / d] * C[k] * source->M[i * d + k % d];
    }
  }
  *trace = status == EG_OK ? sum / (source->setting.learning_rate * source->setting.learning_rate) : NAN;
  free(work);
  return status;
}

static eg_status measure(eg_context *ctx, const eg_plan *plan, const eg_run *run, const noise_source *source,
                         const eg_node_shape *shape, const double *node, size_t begin, size_t point,
                         double out[N_NUMBERS]) {
  const size_t end = run->job.n_records, norm2 = eg_plan_feature(plan, "norm2")->first,
               gradient = eg_plan_feature(plan, "gradient_norm2")->first;
  memset(out, 0, N_NUMBERS * sizeof *out);
  const bool has_trace = source->trace_factor > 0;
  out[N] = has_trace || source->path < plan->study->observe.n_paths || source->model != NULL ? 0 : NAN;
  for (size_t t = begin; t < end; t++) {
    const size_t row = eg_summary_row(plan, t, point);
    const double share = 1 / (double)(end - begin);
    out[R] += share * eg_node_moments(shape, node, row, norm2).mean;
    out[G] += share * eg_node_moments(shape, node, row, gradient).mean;
    if (has_trace) {
      out[N] += share * source->trace_factor * eg_node_moments(shape, node, row, eg_plan_feature(plan, "noise_trace")->first).mean;
    } else if (source->model != NULL) {
      double trace = NAN;
      EG_TRY(affine_noise(ctx, plan, source, shape, node, row, &trace));
      out[N] += share * trace;
    }
  }
  if (source->path < plan->study->observe.n_paths) {
    const double square = eg_node_section_moments(&shape->paths[source->path], node, point, 0).mean;
    out[N] = square / (run->learning_rate * run->learning_rate);
    for (size_t t = source->first; t < source->end; t++) {
      out[N] -= eg_node_moments(shape, node, eg_summary_row(plan, t, point), gradient).mean / (double)(source->end - source->first);
    }
  }
  out[NU] = out[N] / out[G];
  return EG_OK;
}

static eg_status fill_cell(eg_context *ctx, const eg_builder *b, const eg_study_scaling *study, size_t r, size_t point,
                           scaling_cell *cell) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  const eg_study_stationary window = {.from = study->from, .mark = study->mark};
  double left[EG_BLOCKS][N_NUMBERS], leave_out[EG_BLOCKS];
  noise_source source = {0};
  size_t begin = 0;
  eg_status status = EG_OK;
  for (size_t k = 0; k < N_NUMBERS; k++) {
    cell->value[k] = cell->error[k] = NAN;
  }
  if (s->n_blocks == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_plan_stationary_first(ctx, plan, run, &run->schedules[0], &window, &begin));
  EG_TRY_DONE(find_noise(ctx, plan, run, begin, &source));
  EG_TRY_DONE(measure(ctx, plan, run, &source, &s->shape, s->total, begin, point, cell->value));
  for (size_t i = 0; i < s->n_blocks; i++) {
    EG_TRY_DONE(measure(ctx, plan, run, &source, &s->shape, s->leave_out + i * s->shape.values, begin, point, left[i]));
  }
  for (size_t k = 0; k < N_NUMBERS; k++) {
    for (size_t i = 0; i < s->n_blocks; i++) {
      leave_out[i] = left[i][k];
    }
    cell->error[k] = isnan(cell->value[k]) ? NAN : eg_jackknife_stderr(s->n_blocks, leave_out, cell->value[k]);
  }
done:
  free(source.M);
  return status;
}

/* The run of the same dynamics and other settings with the smallest batch, and among those the smallest rate. */
static size_t base_of(const eg_plan *plan, size_t r) {
  size_t base = r;
  for (size_t q = 0; q < plan->n_runs; q++) {
    const eg_run *const a = &plan->runs[q], *const best = &plan->runs[base];
    bool is_like = a->dynamics == plan->runs[r].dynamics;
    for (size_t i = 0; i < plan->study->n_sweep; i++) {
      const eg_sweep_target target = plan->study->sweep[i].target;
      const double u = a->axis_values[i], v = plan->runs[r].axis_values[i];
      is_like = is_like &&
                (target == EG_SWEEP_LEARNING_RATE || target == EG_SWEEP_BATCH_SIZE || u == v || isnan(u) || isnan(v));
    }
    if (is_like && (a->batch_size < best->batch_size ||
                    (a->batch_size == best->batch_size && a->learning_rate < best->learning_rate))) {
      base = q;
    }
  }
  return base;
}

typedef struct ratio {
  double value, error;
} ratio;

/* Of two runs, which are independent. */
static ratio ratio_of(const scaling_cell *a, const scaling_cell *b, int number, double factor) {
  const double value = factor * a->value[number] / b->value[number];
  const double u = a->error[number] / a->value[number], v = b->error[number] / b->value[number];
  return (ratio){value, fabs(value) * sqrt(u * u + v * v)};
}

/* ---- writing ---- */

enum {
  O_R,
  O_R_E,
  O_G,
  O_G_E,
  O_N,
  O_N_E,
  O_NU,
  O_NU_E,
  O_SDE_LEAST,
  O_MOST_KAPPA,
  O_BASE,
  O_KAPPA,
  O_RATES,
  O_RULE,
  O_RATIO_R,
  O_RATIO_R_E,
  O_RATIO_G,
  O_RATIO_G_E,
  O_RATIO_N,
  O_RATIO_N_E,
  O_CLOSENESS,
  O_LEAST,
  O_ESTIMATE,
  O_AGAINST,
  O_AGAINST_R,
  O_AGAINST_R_E,
  O_AGAINST_G,
  O_AGAINST_G_E,
  O_AGAINST_N,
  O_AGAINST_N_E,
  O_AGAINST_CLOSENESS,
  N_OUTPUTS
};

static const char *const outputs[N_OUTPUTS][2] = {
    {"_R", "E |x|^2"},
    {"_R_stderr", "its error by jackknife over blocks"},
    {"_G", "E |grad R(x)|^2"},
    {"_G_stderr", "its error"},
    {"_N", "E tr of the covariance of a batch's gradient"},
    {"_N_stderr", "its error"},
    {"_nu", "noise to signal, N / G"},
    {"_nu_stderr", "its error"},
    {"_sde_least", "smallest C with which an SDE can be C-close: sqrt(1 + G / N)"},
    {"_most_kappa", "largest factor of batch and rate that can keep the closeness asked for: C^2 (1 + nu) - nu"},
    {"_base", "the run that it is compared with: smallest batch and rate of its dynamics"},
    {"_kappa", "batch over that of the base"},
    {"_rates", "learning rate over that of the base"},
    {"_rule", "1: linear rule, 2: square-root rule, 3: the base itself, 0: neither"},
    {"_R_ratio", "R over that of the base"},
    {"_R_ratio_stderr", "its error"},
    {"_G_ratio", "G over that of the base"},
    {"_G_ratio_stderr", "its error"},
    {"_N_ratio", "kappa N over N of the base"},
    {"_N_ratio_stderr", "its error"},
    {"_closeness", "the C that these ratios need"},
    {"_least", "the C that the linear rule needs at least: sqrt((kappa + nu) / (1 + nu)), nu of the base"},
    {"_estimate", "R ratio where G and kappa N do not move: (kappa + nu) / (1 + nu)"},
    {"_against", "the run that stands for the SDE, -1: none"},
    {"_against_R_ratio", "R over that of that run"},
    {"_against_R_ratio_stderr", "its error"},
    {"_against_G_ratio", "G over that of that run"},
    {"_against_G_ratio_stderr", "its error"},
    {"_against_N_ratio", "N over that of that run"},
    {"_against_N_ratio_stderr", "its error"},
    {"_against_closeness", "the C that these ratios need"},
};

static void put_ratios(const scaling_cell *cell, const scaling_cell *other, double kappa, double *values,
                       double *closeness) {
  const ratio ratios[3] = {ratio_of(cell, other, R, 1), ratio_of(cell, other, G, 1), ratio_of(cell, other, N, kappa)};
  double numbers[3];
  for (int k = 0; k < 3; k++) {
    values[2 * k] = numbers[k] = ratios[k].value;
    values[2 * k + 1] = ratios[k].error;
  }
  *closeness = eg_scaling_closeness(3, numbers);
}

static void fill_outputs(const eg_plan *plan, const eg_study_scaling *study, const scaling_cell *cells, size_t i,
                         double out[N_OUTPUTS]) {
  const size_t n_points = plan->n_points, r = i / n_points, base = base_of(plan, r);
  const scaling_cell *const cell = &cells[i], *const first = &cells[base * n_points + i % n_points];
  const double nu = cell->value[NU];
  const double kappa = plan->runs[r].batch_size / plan->runs[base].batch_size,
               rates = plan->runs[r].learning_rate / plan->runs[base].learning_rate;
  for (int k = 0; k < N_NUMBERS; k++) {
    out[2 * k] = cell->value[k];
    out[2 * k + 1] = cell->error[k];
  }
  out[O_SDE_LEAST] = eg_scaling_sde_least(nu);
  out[O_MOST_KAPPA] = eg_scaling_most_kappa(study->closeness, nu);
  out[O_BASE] = (double)base;
  out[O_KAPPA] = kappa;
  out[O_RATES] = rates;
  out[O_RULE] = eg_scaling_rule_of(kappa, rates);
  put_ratios(cell, first, kappa, &out[O_RATIO_R], &out[O_CLOSENESS]);
  for (int k = O_RATIO_R_E; k <= O_RATIO_N_E && base == r; k += 2) {
    out[k] = 0; /* itself */
  }
  out[O_LEAST] = out[O_RULE] == EG_SCALING_LINEAR ? eg_scaling_least(kappa, first->value[NU]) : NAN;
  out[O_ESTIMATE] = out[O_LEAST] * out[O_LEAST];
  const size_t against = study->against == NULL ? EG_NO_RUN : eg_plan_find_run(plan, study->against, &plan->runs[r]);
  out[O_AGAINST] = against == EG_NO_RUN || against == r ? -1 : (double)against;
  for (int k = O_AGAINST_R; k < N_OUTPUTS; k++) {
    out[k] = NAN;
  }
  if (out[O_AGAINST] >= 0) {
    put_ratios(cell, &cells[against * n_points + i % n_points], 1, &out[O_AGAINST_R], &out[O_AGAINST_CLOSENESS]);
  }
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_plan *const plan = b->plan;
  const eg_study_scaling *const study = &plan->study->scaling[a];
  const size_t n = plan->n_runs * plan->n_points, shape[2] = {plan->n_runs, plan->n_points};
  const char *const dims[2] = {"run", "point"};
  scaling_cell *cells = NULL;
  double(*rows)[N_OUTPUTS] = NULL, *values = NULL;
  char prefix[24], name[64];
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "scaling" : "scaling_%zu", a + 1);
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *cells, &cells));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *rows, &rows));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *values, &values));
  for (size_t i = 0; i < n; i++) {
    EG_TRY_DONE(fill_cell(ctx, b, study, i / plan->n_points, i % plan->n_points, &cells[i]));
  }
  for (size_t i = 0; i < n; i++) {
    fill_outputs(plan, study, cells, i, rows[i]);
  }
  for (size_t k = 0; k < N_OUTPUTS; k++) {
    size_t index = 0;
    for (size_t i = 0; i < n; i++) {
      values[i] = rows[i][k];
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, outputs[k][0]);
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, plan->n_points > 1 ? 2 : 1, dims, shape,
                                values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", outputs[k][1]));
    if (k == O_R) {
      EG_TRY_DONE(eg_labelled_set(ctx, b->file, index, "closeness", EG_TYPE_F64, 1, &study->closeness));
    }
  }
done:
  free(cells);
  free(rows);
  free(values);
  return status;
}

eg_status eg_build_scaling(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_scaling; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
