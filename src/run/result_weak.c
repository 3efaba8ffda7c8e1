/*
 * Analysis weak-error: for every curve (dynamics x the sweep axes other than the learning rate), feature and time, the
 * error E f(run) - E f(reference) against the learning rate (or 1/l, 1/substeps), its slopes, fits and verdict, and beside them the same for
 * the exact errors. A vector feature is judged by its projection on the exact error at the largest learning rate.
 * Where run and reference are members of one group the error is the mean of their paired difference. A reference may be a
 * Richardson extrapolation, E = F - w (C - F) of two runs (result_extrapolated.c has its variance).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/weak_error.h"
#include "base/text.h"
#include "run/result_parts.h"

typedef struct weak_curve {
  eg_sweep_target over;
  size_t n;                          /* learning rates (or the other steps), falling */
  size_t runs[EG_WEAK_MAX_POINTS];
  size_t reference[EG_WEAK_MAX_POINTS]; /* run of the reference; (size_t)-1: the oracle */
  size_t paired[EG_WEAK_MAX_POINTS];    /* sum that holds run minus reference, times sign; EG_NO_RUN: independent */
  double sign[EG_WEAK_MAX_POINTS];
  bool is_extrapolated;
  size_t coarse[EG_WEAK_MAX_POINTS];    /* of an extrapolated reference: the run with the longer steps .. */
  size_t between[EG_WEAK_MAX_POINTS];   /* .. the sum that holds its difference to the reference, EG_NO_RUN: independent .. */
  double weight[EG_WEAK_MAX_POINTS];    /* .. and w */
  bool is_joined[EG_WEAK_MAX_POINTS];   /* share more noise than `between` knows of */
  char label[96];
} weak_curve;

typedef struct weak_point { /* one cell of the output: a curve, feature, start point and time */
  double error[EG_WEAK_MAX_POINTS], stderr_[EG_WEAK_MAX_POINTS];
  double variance_ratio[EG_WEAK_MAX_POINTS]; /* unpaired over paired, NaN where the error is not paired */
  double exact[EG_WEAK_MAX_POINTS];    /* law of the dynamics against the reference */
  double expected[EG_WEAK_MAX_POINTS]; /* law of the scheme that was run */
  double slope[EG_WEAK_MAX_POINTS], slope_stderr[EG_WEAK_MAX_POINTS], slope_exact[EG_WEAK_MAX_POINTS];
  eg_weak_order order, order_exact;
} weak_point;

static const size_t ORACLE = EG_NO_RUN;

/* Exact mean of the reference of a run: of the study's SGD at the same learning rate; for a raw sde, and over
   substeps, its own law, so that the error is that of the scheme. NaN when the study has neither. */
static double reference_exact(const eg_builder *b, eg_sweep_target over, size_t r, size_t record, size_t point, size_t column) {
  const eg_run *const run = &b->plan->runs[r];
  const size_t reference = run->dynamics->id == EG_SDE || over == EG_SWEEP_SUBSTEPS ? r : eg_plan_reference_sgd(b->plan, run);
  return reference == EG_NO_RUN ? NAN : b->exact_mean[eg_builder_at(b, reference, record, point, column)];
}

/* Does a run belong to the reference itself? */
static bool is_reference(const eg_run *run, const char *reference, const char *coarse) {
  return reference == NULL ? run->dynamics->id == EG_SGD
                           : strcmp(run->dynamics->label, reference) == 0 || (coarse != NULL && strcmp(run->dynamics->label, coarse) == 0);
}

/* What an extrapolated reference of the k-th run of a curve is made of, and who shares noise with whom. */
static void set_extrapolated(const eg_plan *plan, const eg_study_weak_error *analysis, weak_curve *c, size_t k) {
  const eg_run *const run = &plan->runs[c->runs[k]], *const fine = &plan->runs[c->reference[k]];
  double sign = 0;
  c->coarse[k] = eg_plan_find_run(plan, analysis->coarse, run);
  const eg_run *const coarse = &plan->runs[c->coarse[k]];
  const bool is_shared = fine->group != EG_NO_GROUP && fine->group == coarse->group;
  c->between[k] = eg_plan_find_difference(plan, c->coarse[k], c->reference[k], &sign);
  c->weight[k] = eg_plan_richardson_weight(coarse, fine, analysis->order);
  c->is_joined[k] = (is_shared && c->between[k] == EG_NO_RUN) ||
                    (run->group != EG_NO_GROUP && (run->group == fine->group || run->group == coarse->group));
  c->paired[k] = EG_NO_RUN; /* of run and fine alone, which is not the error here */
}

/* Label of a curve: dynamics, other axes, and for gradient flow the batch size of the SGD it is compared with. */
static void label_curve(const eg_plan *plan, const eg_run *first, bool is_exact, weak_curve *c) {
  (void)snprintf(c->label, sizeof c->label, "%s", first->dynamics->label);
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const size_t at = strlen(c->label);
    if (plan->study->sweep[i].target != c->over && !isnan(first->axis_values[i])) {
      (void)snprintf(c->label + at, sizeof c->label - at, " %s=%g", plan->study->sweep[i].key, first->axis_values[i]);
    }
  }
  size_t n_sgd = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    n_sgd += plan->runs[r].dynamics->id == EG_SGD && plan->runs[r].learning_rate == first->learning_rate;
  }
  const size_t reference = eg_plan_reference_sgd(plan, first);
  if (is_exact && first->dynamics->id == EG_GRADIENT_FLOW && n_sgd > 1 && reference != EG_NO_RUN) {
    const size_t at = strlen(c->label);
    (void)snprintf(c->label + at, sizeof c->label - at, " against %s batch_size=%g",
                   plan->runs[reference].dynamics->label, plan->runs[reference].batch_size);
  }
}

/* What the errors are expanded in. */
static double step_of(const eg_plan *plan, const weak_curve *c, size_t run) {
  return eg_plan_weak_step(&plan->runs[run], c->over);
}

/* All curves; those of the reference itself are left out. */
static eg_status find_curves(eg_context *ctx, const eg_builder *b, const eg_study_weak_error *analysis,
                             weak_curve **curves, size_t *n_curves) {
  const eg_plan *const plan = b->plan;
  const bool is_exact = strcmp(analysis->reference, "exact") == 0;
  const char *const reference = is_exact ? NULL : analysis->reference;
  bool *used = NULL;
  weak_curve *out = NULL;
  size_t n = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *used, &used));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *out, &out));
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const first = &plan->runs[r];
    if (used[r] || is_reference(first, reference, analysis->coarse)) {
      continue;
    }
    weak_curve *const c = &out[n];
    c->over = analysis->over;
    c->is_extrapolated = analysis->coarse != NULL;
    for (size_t q = r; q < plan->n_runs && c->n < EG_WEAK_MAX_POINTS; q++) {
      if (plan->runs[q].dynamics == first->dynamics &&
          eg_plan_same_other_axes(plan, analysis->over, first, &plan->runs[q], false)) {
        used[q] = true;
        size_t k = c->n++;
        for (; k > 0 && step_of(plan, c, c->runs[k - 1]) < step_of(plan, c, q); k--) {
          c->runs[k] = c->runs[k - 1];
        }
        c->runs[k] = q;
      }
    }
    for (size_t k = 0; k < c->n; k++) {
      c->reference[k] = is_exact ? ORACLE : eg_plan_find_run(plan, reference, &plan->runs[c->runs[k]]);
      c->paired[k] = eg_plan_find_difference(plan, c->runs[k], c->reference[k], &c->sign[k]);
      if (c->is_extrapolated) {
        set_extrapolated(plan, analysis, c, k);
      }
    }
    label_curve(plan, first, is_exact, c);
    n += c->n >= 3;
    if (c->n < 3) {
      memset(c, 0, sizeof *c);
    }
  }
  *curves = out;
  *n_curves = n;
  out = NULL;
done:
  free(used);
  free(out);
  return status;
}

/* Exact error of a column against the reference; NaN if either is unknown. `means`: of the law or of the scheme. */
static double exact_error(const eg_builder *b, const double *means, const weak_curve *c, size_t k, size_t record,
                          size_t point, size_t column) {
  double reference = c->reference[k] == ORACLE ? reference_exact(b, c->over, c->runs[k], record, point, column)
                                               : means[eg_builder_at(b, c->reference[k], record, point, column)];
  if (c->is_extrapolated && means == b->expected_mean) { /* the law is the same in steps of any length */
    reference += c->weight[k] * (reference - means[eg_builder_at(b, c->coarse[k], record, point, column)]);
  }
  return means[eg_builder_at(b, c->runs[k], record, point, column)] - reference;
}

/* Unit vector along the exact error at the largest learning rate, of the law or, between two schemes of one law, of the
   schemes; NaN where no oracle says it: a direction taken from the estimates themselves would bias the error along it. */
static void error_direction(const eg_builder *b, const weak_curve *c, const eg_feature *f, size_t record, size_t point,
                            double *direction) {
  const double *const means[2] = {b->exact_mean, b->expected_mean};
  double norm2 = 0;
  for (int i = 0; i < 2 && norm2 == 0; i++) {
    for (size_t k = 0; k < f->width; k++) {
      direction[k] = exact_error(b, means[i], c, 0, record, point, f->first + k);
      norm2 += direction[k] * direction[k];
    }
  }
  for (size_t k = 0; k < f->width; k++) {
    direction[k] = f->width == 1 ? 1.0 : (norm2 > 0 ? direction[k] / sqrt(norm2) : NAN);
  }
}

/* May the estimate of a run or difference enter a fit: all its columns judged, or nothing random in it. */
static bool is_usable(const eg_builder *b, size_t sum, size_t row, const eg_feature *f) {
  for (size_t k = 0; k < f->width && !eg_plan_sum_run(b->plan, sum)->is_deterministic; k++) {
    if (!eg_summary_is_judged(b->summary, sum, row, f->first + k)) {
      return false;
    }
  }
  return true;
}

/* A fit that was not made holds no numbers. */
static void blank_fits(eg_weak_order *order) {
  for (int p = 1; p <= EG_WEAK_MAX_ORDER && order->verdict == EG_WEAK_TOO_FEW; p++) {
    eg_weak_fit *const f = &order->fits[p];
    f->c = f->c_stderr = f->c1 = f->chi2 = f->dof = f->p_value = NAN;
  }
}

/* Error against an extrapolation, run - (1 + w) fine + w coarse. */
static void estimate_extrapolated(const eg_builder *b, const weak_curve *c, const eg_feature *f, size_t record, size_t point,
                                  const double *direction, size_t k, weak_point *p) {
  const size_t row = eg_summary_row(b->plan, record, point), runs[3] = {c->runs[k], c->reference[k], c->coarse[k]};
  const double w = c->weight[k], weights[3] = {1, -(1 + w), w};
  bool is_good = true;
  double error = 0, independent = 0, squares[3];
  for (int i = 0; i < 3; i++) {
    const eg_estimate e = eg_summary_projection(b->summary, runs[i], row, f->first, f->width, direction);
    squares[i] = e.stderr_ * e.stderr_;
    error += weights[i] * e.value;
    independent += weights[i] * weights[i] * squares[i];
    is_good = is_good && is_usable(b, runs[i], row, f);
  }
  double variance = independent;
  if (c->is_joined[k]) {
    const eg_estimate e = eg_summary_combination(b->summary, 3, runs, weights, row, f->first, f->width, direction);
    variance = e.stderr_ * e.stderr_;
  } else if (c->between[k] != EG_NO_RUN) {
    const eg_estimate d = eg_summary_projection(b->summary, c->between[k], row, f->first, f->width, direction);
    variance = squares[0] + (1 + w) * squares[1] - w * squares[2] + w * (1 + w) * d.stderr_ * d.stderr_;
    is_good = is_good && is_usable(b, c->between[k], row, f);
  }
  p->error[k] = error;
  p->stderr_[k] = is_good ? sqrt(fmax(variance, 0.0)) : NAN;
  p->variance_ratio[k] = (c->is_joined[k] || c->between[k] != EG_NO_RUN) && variance > 0 ? independent / variance : NAN;
}

/* Error and its standard error at learning rate k, and what pairing is worth. */
static void estimate_error(const eg_builder *b, const weak_curve *c, const eg_feature *f, size_t record, size_t point,
                           const double *direction, size_t k, weak_point *p) {
  const size_t row = eg_summary_row(b->plan, record, point), r = c->runs[k], q = c->reference[k];
  const eg_estimate run = eg_summary_projection(b->summary, r, row, f->first, f->width, direction);
  double reference = 0, variance = run.stderr_ * run.stderr_;
  for (size_t i = 0; q == ORACLE && i < f->width; i++) {
    reference += direction[i] * reference_exact(b, c->over, r, record, point, f->first + i);
  }
  if (q != ORACLE) {
    const eg_estimate e = eg_summary_projection(b->summary, q, row, f->first, f->width, direction);
    reference = e.value;
    variance += e.stderr_ * e.stderr_;
  }
  p->error[k] = run.value - reference;
  p->variance_ratio[k] = NAN;
  bool is_good = is_usable(b, r, row, f) && (q == ORACLE || is_usable(b, q, row, f));
  if (c->paired[k] != EG_NO_RUN) {
    const eg_estimate e = eg_summary_projection(b->summary, c->paired[k], row, f->first, f->width, direction);
    p->error[k] = c->sign[k] * e.value;
    p->variance_ratio[k] = e.stderr_ > 0 ? variance / (e.stderr_ * e.stderr_) : NAN;
    variance = e.stderr_ * e.stderr_;
    is_good = is_usable(b, c->paired[k], row, f);
  }
  p->stderr_[k] = is_good ? sqrt(variance) : NAN;
}

/* The exact errors that have an order: of the laws; of the schemes where all runs have the reference's law, without what
   is rounding of the means. */
static void exact_to_judge(const eg_builder *b, const weak_curve *c, const eg_feature *f, size_t record, size_t point,
                           const weak_point *p, double *out) {
  static const double rounding = 0x1p-44;
  bool is_one_law = true;
  for (size_t k = 0; k < c->n; k++) {
    is_one_law = is_one_law && p->exact[k] == 0;
  }
  for (size_t k = 0; k < c->n; k++) {
    double size = 0;
    for (size_t i = 0; i < f->width; i++) {
      size += fabs(b->expected_mean[eg_builder_at(b, c->runs[k], record, point, f->first + i)]);
    }
    out[k] = !is_one_law ? p->exact[k] : (fabs(p->expected[k]) > rounding * size ? p->expected[k] : 0.0);
  }
}

static eg_status fill_point(eg_context *ctx, const eg_builder *b, const weak_curve *c, const eg_feature *f,
                            size_t record, size_t point, weak_point *p) {
  double *direction = NULL, rates[EG_WEAK_MAX_POINTS], exact[EG_WEAK_MAX_POINTS];
  EG_TRY(eg_allocate(ctx, f->width, sizeof *direction, &direction));
  error_direction(b, c, f, record, point, direction);
  for (size_t k = 0; k < c->n; k++) {
    p->exact[k] = p->expected[k] = 0;
    for (size_t i = 0; i < f->width; i++) {
      p->exact[k] += direction[i] * exact_error(b, b->exact_mean, c, k, record, point, f->first + i);
      p->expected[k] += direction[i] * exact_error(b, b->expected_mean, c, k, record, point, f->first + i);
    }
    rates[k] = step_of(b->plan, c, c->runs[k]);
    if (c->is_extrapolated) {
      estimate_extrapolated(b, c, f, record, point, direction, k, p);
    } else {
      estimate_error(b, c, f, record, point, direction, k, p);
    }
  }
  double none[EG_WEAK_MAX_POINTS] = {0}, unused[EG_WEAK_MAX_POINTS];
  exact_to_judge(b, c, f, record, point, p, exact);
  eg_weak_error_fit(c->n, rates, p->error, p->stderr_, p->slope, p->slope_stderr, &p->order);
  eg_weak_error_fit(c->n, rates, exact, none, p->slope_exact, unused, &p->order_exact);
  blank_fits(&p->order);
  blank_fits(&p->order_exact);
  free(direction);
  return EG_OK;
}

/* ---- writing ---- */

typedef struct weak_output {
  const weak_curve *curves;
  size_t n_curves, n_features, n_points, n_records, n_rates;
  const eg_feature **features;
  weak_point *points; /* (n_curves, n_features, n_points, n_records) */
  char prefix[24];
  const eg_study_weak_error *analysis;
  const char *axis; /* "learning_rate", "inverse_l" or "inverse_substeps" */
} weak_output;

typedef double (*weak_value)(const weak_point *p, size_t i);

static double get_error(const weak_point *p, size_t i) { return p->error[i]; }
static double get_stderr(const weak_point *p, size_t i) { return p->stderr_[i]; }
static double get_variance_ratio(const weak_point *p, size_t i) { return p->variance_ratio[i]; }
static double get_exact(const weak_point *p, size_t i) { return p->exact[i]; }
static double get_expected(const weak_point *p, size_t i) { return p->expected[i]; }
static double get_slope(const weak_point *p, size_t i) { return p->slope[i]; }
static double get_slope_stderr(const weak_point *p, size_t i) { return p->slope_stderr[i]; }
static double get_slope_exact(const weak_point *p, size_t i) { return p->slope_exact[i]; }
static double get_c(const weak_point *p, size_t i) { return p->order.fits[i + 1].c; }
static double get_c_stderr(const weak_point *p, size_t i) { return p->order.fits[i + 1].c_stderr; }
static double get_c1(const weak_point *p, size_t i) { return p->order.fits[i + 1].c1; }
static double get_chi2(const weak_point *p, size_t i) { return p->order.fits[i + 1].chi2; }
static double get_dof(const weak_point *p, size_t i) { return p->order.fits[i + 1].dof; }
static double get_p_value(const weak_point *p, size_t i) { return p->order.fits[i + 1].p_value; }
static double get_n_used(const weak_point *p, size_t i) { return (double)p->order.fits[i + 1].n_used; }
static double get_verdict(const weak_point *p, size_t i) { (void)i; return p->order.verdict; }
static double get_verdict_exact(const weak_point *p, size_t i) { (void)i; return p->order_exact.verdict; }

/* One variable over (curve, weak_feature[, point], time[, last dimension of n values]). */
static eg_status add_variable(eg_context *ctx, eg_builder *b, const weak_output *w, const char *suffix,
                              const char *last, size_t n, weak_value get, const char *long_name) {
  char name[64], curve[40], feature[40], last_name[48];
  (void)snprintf(name, sizeof name, "%s%s", w->prefix, suffix);
  (void)snprintf(curve, sizeof curve, "%s_curve", w->prefix);
  (void)snprintf(feature, sizeof feature, "%s_feature", w->prefix);
  (void)snprintf(last_name, sizeof last_name, "%s_%s", w->prefix, last != NULL ? last : "");
  const char *dims[5] = {curve, feature};
  size_t shape[5] = {w->n_curves, w->n_features};
  int rank = 2;
  if (w->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = w->n_points;
  }
  dims[rank] = b->plan->has_common_times ? "time" : "record";
  shape[rank++] = w->n_records;
  if (last != NULL) {
    dims[rank] = last_name;
    shape[rank++] = n;
  }
  const size_t cells = w->n_curves * w->n_features * w->n_points * w->n_records;
  double *values = NULL;
  size_t index = 0;
  EG_TRY(eg_allocate(ctx, cells * n, sizeof *values, &values));
  for (size_t i = 0; i < cells; i++) {
    for (size_t k = 0; k < n; k++) {
      values[i * n + k] = get(&w->points[i], k);
    }
  }
  const eg_status status = eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values, &index);
  free(values);
  EG_TRY(status);
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_axis(eg_context *ctx, eg_builder *b, const weak_output *w, const char *suffix, eg_type type,
                          size_t n, const void *data) {
  char name[48];
  (void)snprintf(name, sizeof name, "%s_%s", w->prefix, suffix);
  const char *const dims[1] = {name};
  return eg_labelled_add(ctx, b->file, "/analysis", name, type, 1, dims, &n, data, NULL);
}

static eg_status add_axes(eg_context *ctx, eg_builder *b, const weak_output *w) {
  const char **words = NULL;
  double rates[EG_WEAK_MAX_POINTS];
  int32_t orders[EG_WEAK_MAX_ORDER];
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, w->n_curves + w->n_features, sizeof *words, &words));
  for (size_t i = 0; i < w->n_curves; i++) {
    words[i] = w->curves[i].label;
  }
  for (size_t i = 0; i < w->n_features; i++) {
    words[w->n_curves + i] = w->features[i]->name;
  }
  for (size_t k = 0; k < w->n_rates; k++) {
    rates[k] = step_of(b->plan, &w->curves[0], w->curves[0].runs[k]);
  }
  for (int p = 0; p < EG_WEAK_MAX_ORDER; p++) {
    orders[p] = p + 1;
  }
  EG_TRY_DONE(add_axis(ctx, b, w, "curve", EG_TYPE_TEXT, w->n_curves, words));
  EG_TRY_DONE(add_axis(ctx, b, w, "feature", EG_TYPE_TEXT, w->n_features, words + w->n_curves));
  EG_TRY_DONE(add_axis(ctx, b, w, w->axis, EG_TYPE_F64, w->n_rates, rates));
  EG_TRY_DONE(add_axis(ctx, b, w, "order", EG_TYPE_I32, EG_WEAK_MAX_ORDER, orders));
done:
  free(words);
  return status;
}

static bool is_paired(const weak_output *w) {
  for (size_t c = 0; c < w->n_curves; c++) {
    for (size_t k = 0; k < w->curves[c].n; k++) {
      if (w->curves[c].paired[k] != EG_NO_RUN ||
          (w->curves[c].is_extrapolated && (w->curves[c].is_joined[k] || w->curves[c].between[k] != EG_NO_RUN))) {
        return true;
      }
    }
  }
  return false;
}

/* What an extrapolated reference is, for readers of the file and the printed table. */
static eg_status describe_reference(eg_context *ctx, eg_builder *b, const weak_output *w) {
  const eg_variable *const v = eg_labelled_find(b->file, "/analysis", w->prefix);
  char text[200];
  if (w->analysis->coarse == NULL || v == NULL) {
    return EG_OK;
  }
  (void)snprintf(text, sizeof text, "Richardson extrapolation of order %g of %s by %s", w->analysis->order, w->analysis->reference,
                 w->analysis->coarse);
  return eg_labelled_set_text(ctx, b->file, (size_t)(v - b->file->variables), "reference", text);
}

static eg_status add_output(eg_context *ctx, eg_builder *b, const weak_output *w) {
  const size_t n = w->n_rates, p = EG_WEAK_MAX_ORDER;
  EG_TRY(add_axes(ctx, b, w));
  EG_TRY(add_variable(ctx, b, w, "", w->axis, n, get_error, "E f(run) - E f(reference)"));
  EG_TRY(describe_reference(ctx, b, w));
  EG_TRY(add_variable(ctx, b, w, "_stderr", w->axis, n, get_stderr, "standard error of the weak error"));
  if (is_paired(w)) {
    EG_TRY(add_variable(ctx, b, w, "_variance_ratio", w->axis, n, get_variance_ratio,
                        "unpaired over paired variance of the weak error; NaN: not paired"));
  }
  EG_TRY(add_variable(ctx, b, w, "_exact", w->axis, n, get_exact, "exact weak error, law of the dynamics"));
  EG_TRY(add_variable(ctx, b, w, "_expected", w->axis, n, get_expected,
                      "exact weak error of the scheme that was run"));
  EG_TRY(add_variable(ctx, b, w, "_slope", "step", n - 1, get_slope, "local slope between neighbouring learning rates"));
  EG_TRY(add_variable(ctx, b, w, "_slope_stderr", "step", n - 1, get_slope_stderr, "standard error of the slope"));
  EG_TRY(add_variable(ctx, b, w, "_slope_exact", "step", n - 1, get_slope_exact, "local slope of the exact errors"));
  EG_TRY(add_variable(ctx, b, w, "_c", "order", p, get_c, "c of the fit err = c eta^p (1 + c1 eta)"));
  EG_TRY(add_variable(ctx, b, w, "_c_stderr", "order", p, get_c_stderr, "standard error of c"));
  EG_TRY(add_variable(ctx, b, w, "_c1", "order", p, get_c1, "c1 of the fit"));
  EG_TRY(add_variable(ctx, b, w, "_chi2", "order", p, get_chi2, "chi^2 of the fit"));
  EG_TRY(add_variable(ctx, b, w, "_dof", "order", p, get_dof, "degrees of freedom of the fit"));
  EG_TRY(add_variable(ctx, b, w, "_p_value", "order", p, get_p_value, "upper tail probability of chi^2"));
  EG_TRY(add_variable(ctx, b, w, "_n_used", "order", p, get_n_used, "learning rates used, the smallest ones"));
  EG_TRY(add_variable(ctx, b, w, "_verdict", NULL, 1, get_verdict,
                      "order; 0: noise dominated, -1: no order fits, -2: too few learning rates"));
  return add_variable(ctx, b, w, "_verdict_exact", NULL, 1, get_verdict_exact, "the same for the exact errors");
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_study_weak_error *const analysis = &b->plan->study->weak_error[a];
  weak_output w;
  weak_curve *curves = NULL;
  memset(&w, 0, sizeof w);
  w.analysis = analysis;
  w.axis = analysis->over == EG_SWEEP_L          ? "inverse_l"
           : analysis->over == EG_SWEEP_SUBSTEPS ? "inverse_substeps"
                                                 : "learning_rate";
  (void)snprintf(w.prefix, sizeof w.prefix, a == 0 ? "weak_error" : "weak_error_%zu", a + 1);
  eg_status status = EG_OK;
  EG_TRY_DONE(find_curves(ctx, b, analysis, &curves, &w.n_curves));
  w.curves = curves;
  if (w.n_curves == 0) {
    goto done; /* nothing to compare: the reference is the only dynamics */
  }
  w.n_features = analysis->n_features > 0 ? analysis->n_features : b->plan->study->observe.n_features; /* no monitors */
  w.n_points = b->plan->n_points;
  w.n_records = b->plan->n_records;
  w.n_rates = curves[0].n;
  EG_TRY_DONE(eg_allocate(ctx, w.n_features, sizeof *w.features, &w.features));
  EG_TRY_DONE(eg_allocate(ctx, w.n_curves * w.n_features * w.n_points * w.n_records, sizeof *w.points, &w.points));
  for (size_t f = 0; f < w.n_features; f++) {
    w.features[f] = analysis->n_features > 0 ? eg_plan_feature(b->plan, analysis->features[f]) : &b->plan->features[f];
  }
  for (size_t i = 0; i < w.n_curves * w.n_features * w.n_points * w.n_records; i++) {
    const size_t t = i % w.n_records, point = i / w.n_records % w.n_points, cell = i / w.n_records / w.n_points;
    const eg_feature *const feature = w.features[cell % w.n_features];
    EG_TRY_DONE(fill_point(ctx, b, &curves[cell / w.n_features], feature, t, point, &w.points[i]));
  }
  status = add_output(ctx, b, &w);
done:
  free(curves);
  free(w.features);
  free(w.points);
  return status;
}

eg_status eg_build_weak_error(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_weak_error; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
