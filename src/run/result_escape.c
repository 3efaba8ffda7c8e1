/* Analysis escape: rate of first crossings, survival at every observation, predictions beside. A crossing monitor leaves the
   share of trajectories that have crossed and the mean time before; both are exact sums, so nothing else is needed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "run/result_parts.h"

typedef struct escape_cell {
  eg_escape_fit fit;
  double jackknife, from, to, lost, censored, kramers, power_law;
  double *survival; /* (4, n_records): share, stderr, low, high */
  double *grid;     /* (6, n_edges): time, events before, and the same four; NULL: no histogram of the time */
} escape_cell;

/* Column of a crossing (or of its stopped time) in a record. */
static size_t column_of(const eg_plan *plan, size_t monitor, int32_t id) {
  for (size_t i = 0; i < plan->n_features; i++) {
    if (plan->features[i].id == id && plan->features[i].monitor == monitor) {
      return plan->features[i].first;
    }
  }
  return 0;
}

/* Trajectories that have crossed by each observation, and the time at risk until then. */
static void read_sums(const eg_plan *plan, const eg_run_summary *s, const double *node, size_t monitor, size_t point,
                      size_t n, double *crossed, double *risk) {
  const size_t exit = column_of(plan, monitor, EG_FEATURE_MONITOR), time = column_of(plan, monitor, EG_FEATURE_MONITOR_TIME);
  for (size_t t = 0; t < n; t++) {
    const eg_moments m = eg_node_moments(&s->shape, node, eg_summary_row(plan, t, point), exit);
    crossed[t] = nearbyint(m.n * m.mean);
    risk[t] = m.n * eg_node_moments(&s->shape, node, eg_summary_row(plan, t, point), time).mean;
  }
}

/* The name of the next other crossing from `first` on that absorbs, or NULL. */
static const char *next_rival(const eg_plan *plan, size_t monitor, size_t *first) {
  const eg_study_observe *const o = &plan->study->observe;
  while (*first < o->n_monitors) {
    const size_t i = (*first)++;
    if (i != monitor && o->monitors[i].is_absorbing) {
      return o->monitors[i].name;
    }
  }
  return NULL;
}

static bool has_rival(const eg_plan *plan, size_t monitor) {
  size_t first = 0;
  return next_rival(plan, monitor, &first) != NULL;
}

/* The histogram of the stopped time of a crossing, NULL if there is none, or if another crossing absorbs: times that end there
   look like events. */
static const eg_plan_histogram *grid_of(const eg_plan *plan, size_t monitor) {
  char name[40];
  if (has_rival(plan, monitor)) {
    return NULL;
  }
  (void)snprintf(name, sizeof name, "%s_time", plan->study->observe.monitors[monitor].name);
  for (size_t i = 0; i < plan->n_histograms; i++) {
    if (strcmp(plan->histograms[i].name, name) == 0) {
      return &plan->histograms[i];
    }
  }
  return NULL;
}

static size_t edges_of(const eg_plan *plan, size_t monitor) {
  const eg_plan_histogram *const h = grid_of(plan, monitor);
  return h == NULL ? 0 : plan->grids[h->first].bins + 1;
}

/* Survival at the edges of that histogram, from its counts at the last observation: an event lies below an edge, a trajectory that
   has not crossed has the end as its stopped time and lies below no edge up to there. NaN behind the end. */
static eg_status fill_grid(eg_context *ctx, const eg_builder *b, size_t monitor, size_t r, size_t point, escape_cell *cell) {
  const eg_plan *const plan = b->plan;
  const eg_plan_histogram *const h = grid_of(plan, monitor);
  const eg_run_histograms *const stored = &b->summary->campaign->runs[r].histograms;
  if (h == NULL) {
    return EG_OK;
  }
  const eg_histogram *const grid = &plan->grids[h->first];
  const eg_run_schedule *const times = &plan->runs[r].schedules[h->schedule];
  const size_t n = grid->bins + 1;
  const uint64_t *const counts = stored->counts + eg_plan_counts_at(plan, &plan->runs[r], h->schedule, times->n - 1, point) + grid->count;
  double total = 0, events = 0;
  EG_TRY(eg_allocate(ctx, 6 * n, sizeof *cell->grid, &cell->grid));
  for (size_t i = 0; i < n + 1; i++) {
    total += (double)counts[i];
  }
  for (size_t i = 0; i < n; i++) {
    double *const at = cell->grid + i;
    events += (double)counts[i];
    at[0] = stored->edges[grid->edge + i];
    at[n] = at[2 * n] = at[3 * n] = at[4 * n] = at[5 * n] = NAN;
    if (total > 0 && at[0] <= times->times[times->n - 1] * (1 + 1e-12)) {
      at[n] = events;
      eg_escape_survival(total, events, &at[2 * n], &at[3 * n], &at[4 * n], &at[5 * n]);
    }
  }
  return EG_OK;
}

static eg_status fill_cell(eg_context *ctx, const eg_builder *b, const eg_study_escape *study, size_t r, size_t point,
                           escape_cell *cell) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  const size_t n = run->job.n_records;
  double *sums = NULL, leave_out[EG_BLOCKS];
  size_t first = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_plan_escape_first(ctx, plan, run, study, &first));
  EG_TRY_DONE(eg_allocate(ctx, 2 * n, sizeof *sums, &sums));
  EG_TRY_DONE(eg_allocate(ctx, 4 * plan->n_records, sizeof *cell->survival, &cell->survival));
  for (size_t i = 0; i < 4 * plan->n_records; i++) {
    cell->survival[i] = NAN;
  }
  cell->fit = (eg_escape_fit){0, 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  cell->jackknife = cell->censored = cell->lost = NAN;
  cell->from = study->from;
  cell->to = run->times[n - 1];
  cell->kramers = eg_escape_kramers(study->minimum_curvature, study->saddle_curvature, study->barrier, study->diffusion);
  cell->power_law =
      eg_escape_power_law(study->minimum_curvature, study->saddle_curvature, study->loss_ratio, study->temperature);
  if (s->n_blocks == 0) {
    goto done;
  }
  EG_TRY_DONE(fill_grid(ctx, b, study->monitor, r, point, cell));
  for (size_t i = 0; i < s->n_blocks; i++) {
    eg_escape_fit part;
    read_sums(plan, s, s->leave_out + i * s->shape.values, study->monitor, point, n, sums, sums + n);
    eg_escape_fit_rate(n, sums, sums + n, first, &part);
    leave_out[i] = part.rate;
  }
  read_sums(plan, s, s->total, study->monitor, point, n, sums, sums + n);
  eg_escape_fit_rate(n, sums, sums + n, first, &cell->fit);
  cell->jackknife = eg_jackknife_stderr(s->n_blocks, leave_out, cell->fit.rate);
  for (size_t t = 0; t < n; t++) {
    const double finite = s->total[eg_summary_row(plan, t, point) * s->shape.records.row_values];
    cell->lost = s->n_started - finite;
    cell->censored = finite - sums[t];
    eg_escape_survival(finite, sums[t], &cell->survival[t], &cell->survival[plan->n_records + t],
                       &cell->survival[2 * plan->n_records + t], &cell->survival[3 * plan->n_records + t]);
  }
done:
  free(sums);
  return status;
}

/* ---- writing ---- */

static double get_events(const escape_cell *c) { return c->fit.events; }
static double get_risk(const escape_cell *c) { return c->fit.risk; }
static double get_rate(const escape_cell *c) { return c->fit.rate; }
static double get_stderr(const escape_cell *c) { return c->fit.rate_stderr; }
static double get_low(const escape_cell *c) { return c->fit.rate_low; }
static double get_high(const escape_cell *c) { return c->fit.rate_high; }
static double get_jackknife(const escape_cell *c) { return c->jackknife; }
static double get_from(const escape_cell *c) { return c->from; }
static double get_to(const escape_cell *c) { return c->to; }
static double get_censored(const escape_cell *c) { return c->censored; }
static double get_lost(const escape_cell *c) { return c->lost; }
static double get_chi2(const escape_cell *c) { return c->fit.chi2; }
static double get_dof(const escape_cell *c) { return c->fit.dof; }
static double get_p_value(const escape_cell *c) { return c->fit.p_value; }
static double get_kramers(const escape_cell *c) { return c->kramers; }
static double get_power_law(const escape_cell *c) { return c->power_law; }

static const struct {
  const char *suffix;
  double (*get)(const escape_cell *cell);
  const char *long_name;
} variables[] = {
    {"_events", get_events, "crossings in the window"},
    {"_risk", get_risk, "time at risk in the window, all trajectories together"},
    {"_rate", get_rate, "events / time at risk: maximum likelihood of an exponential law with censoring"},
    {"_rate_stderr", get_stderr, "standard error of the rate"},
    {"_rate_low", get_low, "lower end of the exact 95 % interval"},
    {"_rate_high", get_high, "upper end of the exact 95 % interval"},
    {"_rate_jackknife_stderr", get_jackknife, "error of the rate by jackknife over blocks"},
    {"_from", get_from, "begin of the window, time"},
    {"_to", get_to, "end of the window, time"},
    {"_censored", get_censored, "trajectories that have not crossed by the end"},
    {"_lost", get_lost, "trajectories that became non-finite: they count neither as crossed nor at risk"},
    {"_chi2", get_chi2, "chi^2 of events between observations against a constant rate"},
    {"_dof", get_dof, "its degrees of freedom"},
    {"_p_value", get_p_value, "its upper tail probability: small where the law is not exponential"},
    {"_kramers", get_kramers, "Kramers' prediction of the rate"},
    {"_power_law", get_power_law, "power-law prediction of the rate, noise proportional to the loss"},
};

/* Attribute `absorbed_by`: the other crossings that stop trajectories; left out where there is none. */
static eg_status add_rivals(eg_context *ctx, eg_builder *b, size_t index, size_t monitor) {
  eg_text names = {0};
  size_t first = 0;
  eg_status status = EG_OK;
  for (const char *name = next_rival(b->plan, monitor, &first); name != NULL; name = next_rival(b->plan, monitor, &first)) {
    eg_text_append(&names, "%s%s", names.length > 0 ? ", " : "", name);
  }
  if (names.length > 0) {
    status = eg_labelled_set_text(ctx, b->file, index, "absorbed_by", eg_text_string(&names));
  }
  eg_text_free(&names);
  return status;
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, size_t monitor, const char *dim, size_t n,
                     const double *values, const char *long_name) {
  const char *dims[3] = {"run"};
  size_t shape[3] = {b->plan->n_runs}, index = 0;
  int rank = 1;
  char name[64];
  if (b->plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = b->plan->n_points;
  }
  if (dim != NULL) {
    dims[rank] = dim;
    shape[rank++] = n;
  }
  (void)snprintf(name, sizeof name, "%s%s", prefix, suffix);
  EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "of", b->plan->study->observe.monitors[monitor].name));
  EG_TRY(add_rivals(ctx, b, index, monitor));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_all(eg_context *ctx, eg_builder *b, const char *prefix, size_t monitor, const escape_cell *cells) {
  static const char *const survival[4] = {"_survival", "_survival_stderr", "_survival_low", "_survival_high"};
  const bool is_beside = has_rival(b->plan, monitor);
  const char *const long_names[4] = {is_beside ? "share of trajectories that have not crossed by this exit, stopped by another or not"
                                               : "share of trajectories that have not crossed",
                                     "its standard error", "lower end of Wilson's 95 % interval", "upper end of Wilson's 95 % interval"};
  const size_t n = b->plan->n_runs * b->plan->n_points, n_records = b->plan->n_records;
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, n * n_records, sizeof *values, &values));
  for (size_t v = 0; v < sizeof variables / sizeof variables[0]; v++) {
    for (size_t i = 0; i < n; i++) {
      values[i] = variables[v].get(&cells[i]);
    }
    const bool is_censored = variables[v].get == get_censored;
    EG_TRY_DONE(add(ctx, b, prefix, variables[v].suffix, monitor, NULL, 0, values,
                    is_beside && is_censored ? "trajectories that have not crossed by this exit by the end, stopped by another or not"
                                             : variables[v].long_name));
  }
  for (size_t k = 0; k < 4; k++) {
    for (size_t i = 0; i < n; i++) {
      memcpy(values + i * n_records, cells[i].survival + k * n_records, n_records * sizeof *values);
    }
    EG_TRY_DONE(add(ctx, b, prefix, survival[k], monitor, b->plan->has_common_times ? "time" : "record", n_records, values, long_names[k]));
  }
done:
  free(values);
  return status;
}

/* Survival on the grid of the stopped time's histogram. */
static eg_status add_grid(eg_context *ctx, eg_builder *b, const char *prefix, size_t monitor, const escape_cell *cells,
                          size_t n_edges) {
  static const char *const suffixes[6] = {"_grid_time", "_grid_events", "_grid_survival", "_grid_survival_stderr",
                                          "_grid_survival_low", "_grid_survival_high"};
  static const char *const long_names[6] = {"edges of the bins of the stopped time", "crossings before that time",
                                            "share of trajectories that have not crossed before that time", "its standard error",
                                            "lower end of Wilson's 95 % interval", "upper end of Wilson's 95 % interval"};
  const size_t n = b->plan->n_runs * b->plan->n_points;
  char dim[40];
  double *values = NULL;
  eg_status status = EG_OK;
  (void)snprintf(dim, sizeof dim, "%s_grid_edge", prefix);
  EG_TRY(eg_allocate(ctx, n * n_edges, sizeof *values, &values));
  for (size_t k = 0; k < 6 && n_edges > 0; k++) {
    for (size_t i = 0; i < n * n_edges; i++) {
      const double *const grid = cells[i / n_edges].grid;
      values[i] = grid == NULL ? NAN : grid[k * n_edges + i % n_edges];
    }
    EG_TRY_DONE(add(ctx, b, prefix, suffixes[k], monitor, dim, n_edges, values, long_names[k]));
  }
done:
  free(values);
  return status;
}

eg_status eg_build_escape(eg_context *ctx, eg_builder *b) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  for (size_t a = 0; a < b->plan->study->n_escape; a++) {
    const eg_study_escape *const study = &b->plan->study->escape[a];
    escape_cell *cells = NULL;
    char prefix[24];
    eg_status status = EG_OK;
    (void)snprintf(prefix, sizeof prefix, a == 0 ? "escape" : "escape_%zu", a + 1);
    EG_TRY(eg_allocate(ctx, n, sizeof *cells, &cells));
    for (size_t i = 0; i < n && status == EG_OK; i++) {
      status = fill_cell(ctx, b, study, i / n_points, i % n_points, &cells[i]);
    }
    if (status == EG_OK) {
      status = add_all(ctx, b, prefix, study->monitor, cells);
    }
    if (status == EG_OK) {
      status = add_grid(ctx, b, prefix, study->monitor, cells, edges_of(b->plan, study->monitor));
    }
    for (size_t i = 0; i < n; i++) {
      free(cells[i].survival);
      free(cells[i].grid);
    }
    free(cells);
    EG_TRY(status);
  }
  return EG_OK;
}
