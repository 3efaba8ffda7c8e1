/* Analysis diffusion: exponent and prefactor of a mean squared displacement of every run and point, with the covariance of its
   lags, and the jackknife over blocks as a second opinion. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/diffusion.h"
#include "run/result_parts.h"

typedef struct diffusion_cell {
  eg_diffusion_fit fit;
  double jackknife, from, to, samples, effective;
} diffusion_cell;

/* Means and covariance of the lags of one node. */
typedef struct lag_sums {
  double msd[EG_DIFFUSION_MOST_LAGS], covariance[EG_DIFFUSION_MOST_LAGS * EG_DIFFUSION_MOST_LAGS];
  eg_diffusion_data data;
} lag_sums;

static void read_sums(const eg_node_rows *section, const double *node, size_t point, const double *time, lag_sums *s) {
  const size_t n = section->n_columns;
  s->data = (eg_diffusion_data){n, time, s->msd, s->covariance, 0, 0};
  for (size_t f = 0; f < n; f++) {
    const eg_moments m = eg_node_section_moments(section, node, point, f);
    s->data.samples = m.n;
    s->data.effective += (m.M2 > 0 ? eg_effective_samples(&m) : m.n) / (double)n; /* a constant has no tails */
    s->msd[f] = m.n > 1 ? m.mean : NAN;
    for (size_t g = 0; g < n; g++) {
      s->covariance[f * n + g] = eg_node_section_comoment(section, node, point, f, g) / (m.n - 1);
    }
  }
}

/* Lags between from and to. */
static void find_window(const double *time, size_t n, const eg_study_diffusion *study, size_t *first, size_t *length) {
  static const double rounding = 1e-9; /* as of observation times */
  *first = 0;
  while (*first < n && time[*first] < study->from * (1 - rounding)) {
    (*first)++;
  }
  *length = 0;
  while (*first + *length < n && time[*first + *length] <= study->to * (1 + rounding)) {
    (*length)++;
  }
}

static eg_status fit_cell(eg_context *ctx, const eg_builder *b, const eg_study_diffusion *study, size_t run, size_t point,
                          diffusion_cell *cell) {
  const eg_run_summary *const summary = &b->summary->runs[run];
  const eg_node_rows *const section = &summary->shape.paths[study->path];
  const eg_run_path *const path = &b->plan->runs[run].paths[study->path];
  double time[EG_DIFFUSION_MOST_LAGS], leave_out[EG_BLOCKS];
  lag_sums *s = NULL;
  size_t first = 0, length = 0;
  const bool may_shorten = study->from == 0 && study->to == INFINITY;
  EG_TRY(eg_allocate(ctx, 1, sizeof *s, &s));
  for (size_t i = 0; i < path->n_lags; i++) {
    time[i] = (double)path->lags[i] * b->plan->runs[run].learning_rate;
  }
  find_window(time, path->n_lags, study, &first, &length);
  s->data = (eg_diffusion_data){0, time, s->msd, s->covariance, 0, 0};
  if (summary->n_blocks > 0) {
    read_sums(section, summary->total, point, time, s);
  } else {
    length = 0;
  }
  eg_diffusion_fit_window(&s->data, first, length, may_shorten, &cell->fit);
  cell->samples = s->data.samples;
  cell->effective = s->data.effective;
  const eg_diffusion_fit *const fit = &cell->fit;
  const bool is_fitted = fit->n_used > 0 && fit->verdict != EG_DIFFUSION_TOO_FEW_PATHS;
  for (size_t i = 0; i < summary->n_blocks && is_fitted; i++) {
    read_sums(section, summary->leave_out + i * summary->shape.values, point, time, s);
    leave_out[i] = eg_diffusion_exponent(&s->data, fit->first, fit->n_used);
  }
  cell->jackknife = is_fitted ? eg_jackknife_stderr(summary->n_blocks, leave_out, fit->exponent) : NAN;
  cell->from = fit->n_used > 0 ? time[fit->first] : NAN;
  cell->to = fit->n_used > 0 ? time[fit->first + fit->n_used - 1] : NAN;
  free(s);
  return EG_OK;
}

/* ---- writing ---- */

static double get_exponent(const diffusion_cell *c) { return c->fit.exponent; }
static double get_stderr(const diffusion_cell *c) { return c->fit.exponent_stderr; }
static double get_low(const diffusion_cell *c) { return c->fit.exponent_low; }
static double get_high(const diffusion_cell *c) { return c->fit.exponent_high; }
static double get_jackknife(const diffusion_cell *c) { return c->jackknife; }
static double get_prefactor(const diffusion_cell *c) { return c->fit.prefactor; }
static double get_prefactor_stderr(const diffusion_cell *c) { return c->fit.prefactor_stderr; }
static double get_prefactor_low(const diffusion_cell *c) { return c->fit.prefactor_low; }
static double get_prefactor_high(const diffusion_cell *c) { return c->fit.prefactor_high; }
static double get_from(const diffusion_cell *c) { return c->from; }
static double get_to(const diffusion_cell *c) { return c->to; }
static double get_n_used(const diffusion_cell *c) { return c->fit.verdict == EG_DIFFUSION_TOO_FEW_PATHS ? 2 : (double)c->fit.n_used; }
static double get_samples(const diffusion_cell *c) { return c->samples; }
static double get_effective(const diffusion_cell *c) { return c->effective; }
static double get_is_chosen(const diffusion_cell *c) { return c->fit.is_chosen; }
static double get_p_value(const diffusion_cell *c) { return c->fit.p_value; }
static double get_p_value_asked(const diffusion_cell *c) { return c->fit.p_value_asked; }
static double get_crossover(const diffusion_cell *c) { return c->fit.crossover_time; }
static double get_before(const diffusion_cell *c) { return c->fit.exponent_before; }
static double get_after(const diffusion_cell *c) { return c->fit.exponent_after; }
static double get_crossover_stderr(const diffusion_cell *c) { return c->fit.crossover_time_stderr; }
static double get_before_stderr(const diffusion_cell *c) { return c->fit.exponent_before_stderr; }
static double get_after_stderr(const diffusion_cell *c) { return c->fit.exponent_after_stderr; }
static double get_crossover_p_value(const diffusion_cell *c) { return c->fit.crossover_p_value; }
static double get_two_point(const diffusion_cell *c) { return c->fit.two_point; }
static double get_two_point_stderr(const diffusion_cell *c) { return c->fit.two_point_stderr; }
static double get_naive(const diffusion_cell *c) { return c->fit.naive; }
static double get_naive_stderr(const diffusion_cell *c) { return c->fit.naive_stderr; }
static double get_verdict(const diffusion_cell *c) { return c->fit.verdict; }

static const struct {
  const char *suffix;
  double (*get)(const diffusion_cell *cell);
  const char *long_name;
} variables[] = {
    {"_exponent", get_exponent, "exponent of D t^exponent, generalised least squares with the covariance of the lags"},
    {"_exponent_stderr", get_stderr, "standard error of the exponent"},
    {"_exponent_low", get_low, "lower end of the 95 % interval"},
    {"_exponent_high", get_high, "upper end of the 95 % interval"},
    {"_exponent_jackknife_stderr", get_jackknife, "error of the exponent by jackknife over blocks"},
    {"_prefactor", get_prefactor, "D of D t^exponent, length^2 / time^exponent"},
    {"_prefactor_stderr", get_prefactor_stderr, "standard error of D"},
    {"_prefactor_low", get_prefactor_low, "lower end of the 95 % interval"},
    {"_prefactor_high", get_prefactor_high, "upper end of the 95 % interval"},
    {"_from", get_from, "shortest lag of the fit, time"},
    {"_to", get_to, "longest lag of the fit, time"},
    {"_n_used", get_n_used, "lags of the fit"},
    {"_window_chosen", get_is_chosen, "1: the longest window that a power law fits, since it does not fit all lags"},
    {"_p_value", get_p_value, "probability of the misfit in the window of the fit"},
    {"_p_value_asked", get_p_value_asked, "probability of the misfit of one power law in the window asked for"},
    {"_crossover_time", get_crossover, "time of the best crossover between two power laws in the window asked for"},
    {"_crossover_time_stderr", get_crossover_stderr, "its standard error, for a crossover that is there"},
    {"_exponent_before", get_before, "exponent before that crossover"},
    {"_exponent_before_stderr", get_before_stderr, "its standard error, the crossover's place taken as unknown"},
    {"_exponent_after", get_after, "exponent after it"},
    {"_exponent_after_stderr", get_after_stderr, "its standard error, the crossover's place taken as unknown"},
    {"_crossover_p_value", get_crossover_p_value, "probability of so large a change of the exponent, all lags tried"},
    {"_two_point", get_two_point, "slope between the ends of the window"},
    {"_two_point_stderr", get_two_point_stderr, "its standard error"},
    {"_naive", get_naive, "ordinary least squares, lags taken as independent; shown as a warning"},
    {"_naive_stderr", get_naive_stderr, "error bar of that, too small several times"},
    {"_samples", get_samples, "trajectories"},
    {"_effective", get_effective, "effective samples that the tails leave of them, mean over the lags: the interval is Student's with these"},
    {"_verdict", get_verdict,
     "1: one power law, 2: crossover, 0: curved, -1: too few lags, -2: too few trajectories for so many lags, slope between the ends"},
};

static eg_status add_variables(eg_context *ctx, eg_builder *b, const char *prefix, const char *of,
                               const diffusion_cell *cells) {
  const size_t n = b->plan->n_runs * b->plan->n_points;
  const char *const dims[2] = {"run", "point"};
  const size_t shape[2] = {b->plan->n_runs, b->plan->n_points};
  char name[64], path[40];
  double *values = NULL;
  eg_status status = EG_OK;
  (void)snprintf(path, sizeof path, "path_%s", of);
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  for (size_t v = 0; v < sizeof variables / sizeof variables[0]; v++) {
    size_t index = 0;
    for (size_t i = 0; i < n; i++) {
      values[i] = variables[v].get(&cells[i]);
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, variables[v].suffix);
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, b->plan->n_points > 1 ? 2 : 1, dims, shape,
                                values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "of", path));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", variables[v].long_name));
  }
done:
  free(values);
  return status;
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_study_diffusion *const study = &b->plan->study->diffusion[a];
  const size_t n_points = b->plan->n_points;
  diffusion_cell *cells = NULL;
  char prefix[24];
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "diffusion" : "diffusion_%zu", a + 1);
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * n_points, sizeof *cells, &cells));
  for (size_t i = 0; i < b->plan->n_runs * n_points; i++) {
    EG_TRY_DONE(fit_cell(ctx, b, study, i / n_points, i % n_points, &cells[i]));
  }
  status = add_variables(ctx, b, prefix, b->plan->study->observe.paths[study->path].name, cells);
done:
  free(cells);
  return status;
}

eg_status eg_build_diffusion(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_diffusion; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
