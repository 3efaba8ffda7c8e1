/* Analysis escape: rate of first crossings, survival at every observation, predictions beside. A crossing monitor leaves the
   share of trajectories that have crossed and the mean time before; both are exact sums, so nothing else is needed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "run/result_parts.h"

/* Curves: counts, then survival and incidence with error and interval. Over observations, and over the edges of the histogram of
   the stopped time. */
enum { TIME, EVENTS, RIVALS, LOST, SURVIVAL, INCIDENCE = SURVIVAL + 4, CURVES = INCIDENCE + 4 };

typedef struct escape_cell {
  eg_escape_fit fit;
  double jackknife, from, to, lost, censored, kramers, power_law;
  double *survival; /* (CURVES, n_records) */
  double *grid;     /* (CURVES, n_edges); NULL: nothing is counted there */
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

/* What trajectories leave by: one crossing, or all of an exit. */
typedef struct passage {
  size_t monitor; /* the first of the exit */
  bool is_exit;
} passage;

static bool is_part(const eg_plan *plan, passage p, size_t i) {
  const eg_study_monitor *const m = plan->study->observe.monitors;
  return p.is_exit ? m[i].exit != NULL && strcmp(m[i].exit, m[p.monitor].exit) == 0 : i == p.monitor;
}

static const char *name_of(const eg_plan *plan, passage p) {
  const eg_study_monitor *const m = &plan->study->observe.monitors[p.monitor];
  return p.is_exit ? m->exit : m->name;
}

static bool is_absorbing_of(const eg_plan *plan, passage p) {
  bool is_all = true;
  for (size_t i = 0; i < plan->study->observe.n_monitors; i++) {
    is_all = is_all && (!is_part(plan, p, i) || plan->study->observe.monitors[i].is_absorbing);
  }
  return is_all;
}

/* Does a crossing of an exit count where it came first alone? A trajectory that its exit stops leaves once: of two crossings at one step by
   the one that stands first in the study. Where some of an exit do not absorb, who comes behind another has still crossed. */
static bool leaves_once(const eg_plan *plan, size_t i) {
  return plan->study->observe.monitors[i].exit != NULL && is_absorbing_of(plan, (passage){i, true});
}

static int32_t counted(const eg_plan *plan, size_t i) {
  return leaves_once(plan, i) ? EG_FEATURE_EXIT : EG_FEATURE_MONITOR;
}

/* Trajectories that have crossed by each observation, and the time at risk until then. */
static void read_sums(const eg_plan *plan, const eg_run_summary *s, const double *node, passage p, size_t point,
                      size_t n, double *crossed, double *risk) {
  const size_t time = column_of(plan, p.monitor, p.is_exit ? EG_FEATURE_EXIT_TIME : EG_FEATURE_MONITOR_TIME);
  for (size_t t = 0; t < n; t++) {
    double finite = 0;
    crossed[t] = 0;
    for (size_t i = 0; i < plan->study->observe.n_monitors; i++) {
      if (is_part(plan, p, i)) { /* of an exit the one that came first */
        const size_t column = column_of(plan, i, p.is_exit ? EG_FEATURE_EXIT : counted(plan, i));
        const eg_moments m = eg_node_moments(&s->shape, node, eg_summary_row(plan, t, point), column);
        crossed[t] += nearbyint(m.n * m.mean);
        finite = m.n;
      }
    }
    risk[t] = finite * eg_node_moments(&s->shape, node, eg_summary_row(plan, t, point), time).mean;
  }
}

/* The name of the next other crossing from `first` on that absorbs, or NULL. */
static const char *next_rival(const eg_plan *plan, passage p, size_t *first) {
  const eg_study_observe *const o = &plan->study->observe;
  while (*first < o->n_monitors) {
    const size_t i = (*first)++;
    if (!is_part(plan, p, i) && o->monitors[i].is_absorbing) {
      return o->monitors[i].name;
    }
  }
  return NULL;
}

static bool has_rival(const eg_plan *plan, passage p) {
  size_t first = 0;
  return next_rival(plan, p, &first) != NULL;
}

/* Where the stopped times of a crossing are counted: alone, or together with whether it has happened, which other crossings that
   absorb make necessary (a time that ends there looks like an event). */
typedef struct escape_counts {
  const eg_plan_histogram *time; /* NULL: nowhere */
  const eg_histogram_pair *pair; /* NULL: alone */
  bool is_swapped;               /* the time is the pair's second */
} escape_counts;

static const eg_plan_histogram *histogram_called(const eg_plan *plan, const char *name, const char *suffix) {
  char whole[40];
  (void)snprintf(whole, sizeof whole, "%s%s", name, suffix);
  for (size_t i = 0; i < plan->n_histograms; i++) {
    if (strcmp(plan->histograms[i].name, whole) == 0) {
      return &plan->histograms[i];
    }
  }
  return NULL;
}

static escape_counts counts_of(const eg_plan *plan, passage of) {
  const char *const name = name_of(plan, of);
  const bool is_once = !of.is_exit && leaves_once(plan, of.monitor);
  const eg_plan_histogram *const time = histogram_called(plan, name, "_time"), *const has_left = histogram_called(plan, name, is_once ? "_first" : "");
  escape_counts c = {time, NULL, false};
  if (time == NULL || !has_rival(plan, of)) {
    return c;
  }
  for (size_t i = 0; has_left != NULL && i < plan->study->observe.n_joints; i++) {
    const eg_histogram_pair *const p = &plan->pairs[i];
    if ((p->first == time->first && p->second == has_left->first) || (p->second == time->first && p->first == has_left->first)) {
      c.pair = p;
      c.is_swapped = p->second == time->first;
    }
  }
  c.time = c.pair != NULL ? time : NULL;
  return c;
}

static size_t edges_of(const eg_plan *plan, passage p) {
  const escape_counts c = counts_of(plan, p);
  return c.time == NULL ? 0 : plan->grids[c.time->first].bins + 1;
}

/* Place of a value among the counts of a grid: 0 below it, bins + 1 above it. */
static size_t place_of(const eg_histogram *grid, const double *edges, double value) {
  size_t place = 0;
  while (place <= grid->bins && value >= edges[grid->edge + place]) {
    place++;
  }
  return place;
}

/* Events and rivals among the counts of stopped times at place i; false: a bin holds both. */
static bool read_place(const eg_plan *plan, const escape_counts *c, const uint64_t *row, const double *edges, size_t i,
                       double *events, double *rivals) {
  if (c->pair == NULL) {
    *events = (double)row[plan->grids[c->time->first].count + i];
    *rivals = 0;
    return true;
  }
  const eg_histogram *const other = &plan->grids[c->is_swapped ? c->pair->first : c->pair->second];
  const size_t yes = place_of(other, edges, 1), no = place_of(other, edges, 0);
  const size_t bins = (size_t)plan->grids[c->time->first].bins + 2, others = (size_t)other->bins + 2;
  const uint64_t *const at = row + c->pair->count;
  *events = (double)(c->is_swapped ? at[yes * bins + i] : at[i * others + yes]);
  *rivals = (double)(c->is_swapped ? at[no * bins + i] : at[i * others + no]);
  return yes != no;
}

/* Trajectories lost by time t, of `total` by the end of the counts: known at observations, between them as if spread evenly. */
static double lost_by(const eg_plan *plan, const eg_run *run, const eg_run_summary *s, size_t point, double t, double end, double total) {
  double before = 0, lost_before = 0, after = end, lost_after = total;
  for (size_t i = 0; i < run->job.n_records && run->times[i] < end; i++) {
    const double lost = s->n_started - s->total[eg_summary_row(plan, i, point) * s->shape.records.row_values];
    if (run->times[i] >= t) {
      after = run->times[i];
      lost_after = lost;
      break;
    }
    before = run->times[i];
    lost_before = lost;
  }
  return t <= before ? 0 : nearbyint(lost_before + (lost_after - lost_before) * fmin(1, (t - before) / (after - before)));
}

static void copy_curve(size_t n, const eg_escape_share *curve, double *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = curve[i].share;
    out[n + i] = curve[i].stderr_;
    out[2 * n + i] = curve[i].low;
    out[3 * n + i] = curve[i].high;
  }
}

/* Both curves behind the counts of n_known of n times. */
static eg_status fill_curves(eg_context *ctx, double started, size_t n, size_t n_known, double *curves) {
  const eg_escape_counts counts = {n_known, started, curves + EVENTS * n, curves + RIVALS * n, curves + LOST * n};
  eg_escape_share *shares = NULL;
  EG_TRY(eg_allocate(ctx, 2 * n, sizeof *shares, &shares));
  for (size_t i = 0; i < 2 * n; i++) {
    shares[i] = (eg_escape_share){NAN, NAN, NAN, NAN};
  }
  eg_escape_curves(&counts, shares, shares + n);
  copy_curve(n, shares, curves + SURVIVAL * n);
  copy_curve(n, shares + n, curves + INCIDENCE * n);
  free(shares);
  return EG_OK;
}

/* Both laws at the edges of the histogram, from its counts at the last observation: who has left lies below an edge, who has not
   has the end as its stopped time and lies below no edge up to there. NaN behind the end. */
static eg_status fill_grid(eg_context *ctx, const eg_builder *b, passage p, size_t r, size_t point, escape_cell *cell) {
  const eg_plan *const plan = b->plan;
  const escape_counts c = counts_of(plan, p);
  if (c.time == NULL) {
    return EG_OK;
  }
  const eg_run_histograms *const stored = &b->summary->campaign->runs[r].histograms;
  const eg_histogram *const grid = &plan->grids[c.time->first];
  const eg_run_schedule *const times = &plan->runs[r].schedules[c.time->schedule];
  const eg_run_summary *const s = &b->summary->runs[r];
  const size_t n = grid->bins + 1;
  const uint64_t *const row = stored->counts + eg_plan_counts_at(plan, &plan->runs[r], c.time->schedule, times->n - 1, point);
  const double end = times->times[times->n - 1];
  double total = 0, events = 0, rivals = 0, *curves = NULL;
  const bool is_absorbing = is_absorbing_of(plan, p); /* else it may be lost behind its crossing */
  bool is_known = true;
  size_t n_known = 0;
  EG_TRY(eg_allocate(ctx, CURVES * n, sizeof *curves, &curves));
  cell->grid = curves;
  for (size_t i = 0; i < n + 1; i++) {
    total += (double)row[grid->count + i];
  }
  for (size_t i = 0; i < n; i++) {
    double here, there;
    is_known = read_place(plan, &c, row, stored->edges, i, &here, &there) && is_known && total > 0;
    events += here;
    rivals += there;
    curves[TIME * n + i] = stored->edges[grid->edge + i];
    const bool is_seen = is_known && curves[TIME * n + i] <= end * (1 + 1e-12);
    n_known += is_seen;
    curves[EVENTS * n + i] = is_seen ? events : NAN;
    curves[RIVALS * n + i] = is_seen ? rivals : NAN;
    curves[LOST * n + i] = !is_seen        ? NAN
                           : is_absorbing ? lost_by(plan, &plan->runs[r], s, point, curves[i], end, s->n_started - total)
                                          : 0;
  }
  return fill_curves(ctx, is_absorbing ? s->n_started : total, n, n_known, curves);
}

/* Trajectories that an absorbing crossing other than this one has stopped. Those of one exit tell which was first; of two exits, or
   without one, two at one step both count. */
static double stopped_elsewhere(const eg_plan *plan, const eg_run_summary *s, passage p, size_t t, size_t point) {
  const eg_study_observe *const o = &plan->study->observe;
  const size_t row = eg_summary_row(plan, t, point);
  double stopped = 0;
  for (size_t i = 0; i < o->n_monitors; i++) {
    if (o->monitors[i].is_absorbing && !is_part(plan, p, i)) {
      const eg_moments m = eg_node_moments(&s->shape, s->total, row, column_of(plan, i, counted(plan, i)));
      stopped += nearbyint(m.n * m.mean);
    }
  }
  return stopped;
}

/* Both laws at the observations. A crossing that does not absorb goes on beside others: what these stop before it is not known
   here, nor what was lost behind it, so its survival is of the finite trajectories, and NaN beside others. */
static eg_status fill_survival(eg_context *ctx, const eg_builder *b, passage p, const eg_run *run, const eg_run_summary *s,
                               size_t point, const double *crossed, escape_cell *cell) {
  const eg_plan *const plan = b->plan;
  const bool is_absorbing = is_absorbing_of(plan, p);
  const size_t n = plan->n_records, n_run = run->job.n_records;
  double *const c = cell->survival;
  for (size_t t = 0; t < n_run; t++) {
    const double finite = s->total[eg_summary_row(plan, t, point) * s->shape.records.row_values];
    c[TIME * n + t] = run->times[t];
    c[EVENTS * n + t] = crossed[t];
    c[RIVALS * n + t] = is_absorbing && has_rival(plan, p) ? stopped_elsewhere(plan, s, p, t, point) : 0;
    c[LOST * n + t] = s->n_started - finite;
  }
  if (is_absorbing) {
    return fill_curves(ctx, s->n_started, n, n_run, c);
  }
  for (size_t t = 0; t < n_run; t++) {
    const double finite = s->n_started - c[LOST * n + t];
    double *const at = c + INCIDENCE * n + t, *const rest = c + SURVIVAL * n + t;
    eg_escape_survival(finite, finite - crossed[t], &at[0], &at[n], &at[2 * n], &at[3 * n]);
    if (has_rival(plan, p)) {
      c[RIVALS * n + t] = NAN;
    } else {
      eg_escape_survival(finite, crossed[t], &rest[0], &rest[n], &rest[2 * n], &rest[3 * n]);
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
  const passage of = {study->monitor, study->is_exit};
  double *sums = NULL, leave_out[EG_BLOCKS];
  size_t first = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_plan_escape_first(ctx, plan, run, study, &first));
  EG_TRY_DONE(eg_allocate(ctx, 2 * n, sizeof *sums, &sums));
  EG_TRY_DONE(eg_allocate(ctx, CURVES * plan->n_records, sizeof *cell->survival, &cell->survival));
  for (size_t i = 0; i < CURVES * plan->n_records; i++) {
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
  EG_TRY_DONE(fill_grid(ctx, b, of, r, point, cell));
  for (size_t i = 0; i < s->n_blocks; i++) {
    eg_escape_fit part;
    read_sums(plan, s, s->leave_out + i * s->shape.values, of, point, n, sums, sums + n);
    eg_escape_fit_rate(n, sums, sums + n, first, &part);
    leave_out[i] = part.rate;
  }
  read_sums(plan, s, s->total, of, point, n, sums, sums + n);
  eg_escape_fit_rate(n, sums, sums + n, first, &cell->fit);
  cell->jackknife = eg_jackknife_stderr(s->n_blocks, leave_out, cell->fit.rate);
  const double finite = s->total[eg_summary_row(plan, n - 1, point) * s->shape.records.row_values];
  cell->lost = s->n_started - finite;
  cell->censored = finite - sums[n - 1];
  EG_TRY_DONE(fill_survival(ctx, b, of, run, s, point, sums, cell));
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
static eg_status add_rivals(eg_context *ctx, eg_builder *b, size_t index, passage p) {
  eg_text names = {0};
  size_t first = 0;
  eg_status status = EG_OK;
  for (const char *name = next_rival(b->plan, p, &first); name != NULL; name = next_rival(b->plan, p, &first)) {
    eg_text_append(&names, "%s%s", names.length > 0 ? ", " : "", name);
  }
  if (names.length > 0) {
    status = eg_labelled_set_text(ctx, b->file, index, "absorbed_by", eg_text_string(&names));
  }
  eg_text_free(&names);
  return status;
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, passage p, const char *dim, size_t n,
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
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "of", name_of(b->plan, p)));
  if (p.is_exit) {
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "passage", "exit"));
  }
  EG_TRY(add_rivals(ctx, b, index, p));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

/* What a curve is written as; rivals and the incidence only beside other exits, where it is not 1 - survival. */
static const struct {
  int curve;
  bool is_beside; /* only where other crossings absorb */
  const char *suffix, *long_name;
} curves[] = {
    {RIVALS, true, "_rivals", "trajectories that another crossing has stopped before that time, without this one"},
    {LOST, false, "_lost", "trajectories lost by that time, spread evenly between observations; 0, and left out, where the crossing does not absorb"},
    {SURVIVAL, false, "_survival", "Kaplan and Meier's share that has not crossed, other exits and losses taken as censoring"},
    {SURVIVAL + 1, false, "_survival_stderr", "its standard error"},
    {SURVIVAL + 2, false, "_survival_low", "lower end of its 95 % interval (Wilson)"},
    {SURVIVAL + 3, false, "_survival_high", "upper end of its 95 % interval (Wilson)"},
    {INCIDENCE, true, "_incidence", "Aalen and Johansen's share that has left by this exit and no other before"},
    {INCIDENCE + 1, true, "_incidence_stderr", "its standard error"},
    {INCIDENCE + 2, true, "_incidence_low", "lower end of its 95 % interval (Wilson)"},
    {INCIDENCE + 3, true, "_incidence_high", "upper end of its 95 % interval (Wilson)"},
};

/* One curve of all cells, over the observations or the grid (which has its own lost trajectories). */
static eg_status add_curve(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, passage p,
                           const escape_cell *cells, int curve, bool is_grid, size_t n_times, const char *long_name) {
  const size_t n = b->plan->n_runs * b->plan->n_points;
  char dim[40];
  double *values = NULL;
  eg_status status = EG_OK;
  (void)snprintf(dim, sizeof dim, "%s_grid_edge", prefix);
  EG_TRY(eg_allocate(ctx, n * n_times, sizeof *values, &values));
  for (size_t i = 0; i < n * n_times; i++) {
    const double *const from = is_grid ? cells[i / n_times].grid : cells[i / n_times].survival;
    values[i] = from == NULL ? NAN : from[(size_t)curve * n_times + i % n_times];
  }
  const char *const over = is_grid ? dim : b->plan->has_common_times ? "time" : "record";
  status = add(ctx, b, prefix, suffix, p, over, n_times, values, long_name);
  free(values);
  return status;
}

static eg_status add_all(eg_context *ctx, eg_builder *b, const char *prefix, passage p, const escape_cell *cells) {
  const bool is_beside = has_rival(b->plan, p);
  const size_t n = b->plan->n_runs * b->plan->n_points;
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  for (size_t v = 0; v < sizeof variables / sizeof variables[0]; v++) {
    for (size_t i = 0; i < n; i++) {
      values[i] = variables[v].get(&cells[i]);
    }
    const bool is_censored = variables[v].get == get_censored;
    EG_TRY_DONE(add(ctx, b, prefix, variables[v].suffix, p, NULL, 0, values,
                    is_beside && is_censored ? "trajectories that have not crossed by this exit by the end, stopped by another or not"
                                             : variables[v].long_name));
  }
  for (size_t k = 0; k < sizeof curves / sizeof curves[0]; k++) {
    if (curves[k].curve != LOST && (is_beside || !curves[k].is_beside)) {
      EG_TRY_DONE(add_curve(ctx, b, prefix, curves[k].suffix, p, cells, curves[k].curve, false, b->plan->n_records,
                            curves[k].long_name));
    }
  }
done:
  free(values);
  return status;
}

/* The same on the grid of the stopped time's histogram. */
static eg_status add_grid(eg_context *ctx, eg_builder *b, const char *prefix, passage p, const escape_cell *cells,
                          size_t n_edges) {
  if (n_edges == 0) {
    return EG_OK;
  }
  EG_TRY(add_curve(ctx, b, prefix, "_grid_time", p, cells, TIME, true, n_edges, "edges of the bins of the stopped time"));
  EG_TRY(add_curve(ctx, b, prefix, "_grid_events", p, cells, EVENTS, true, n_edges, "crossings before that time"));
  for (size_t k = 0; k < sizeof curves / sizeof curves[0]; k++) {
    char suffix[40];
    (void)snprintf(suffix, sizeof suffix, "_grid%s", curves[k].suffix);
    if (has_rival(b->plan, p) || !curves[k].is_beside) {
      EG_TRY(add_curve(ctx, b, prefix, suffix, p, cells, curves[k].curve, true, n_edges, curves[k].long_name));
    }
  }
  return EG_OK;
}

eg_status eg_build_escape(eg_context *ctx, eg_builder *b) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points;
  for (size_t a = 0; a < b->plan->study->n_escape; a++) {
    const eg_study_escape *const study = &b->plan->study->escape[a];
    const passage of = {study->monitor, study->is_exit};
    escape_cell *cells = NULL;
    char prefix[24];
    eg_status status = EG_OK;
    (void)snprintf(prefix, sizeof prefix, a == 0 ? "escape" : "escape_%zu", a + 1);
    EG_TRY(eg_allocate(ctx, n, sizeof *cells, &cells));
    for (size_t i = 0; i < n && status == EG_OK; i++) {
      status = fill_cell(ctx, b, study, i / n_points, i % n_points, &cells[i]);
    }
    if (status == EG_OK) {
      status = add_all(ctx, b, prefix, of, cells);
    }
    if (status == EG_OK) {
      status = add_grid(ctx, b, prefix, of, cells, edges_of(b->plan, of));
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
