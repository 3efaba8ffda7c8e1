/* Errors of variables of the result, for `until`: which values an entry speaks of, and how far their error bars are from what is
   asked for. What the variables are called is known once a result is made, so an empty one judges the study. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/until.h"

static const double INTERVAL = 2 * 1.959963984540054;

typedef struct error_bar {
  const eg_variable *value, *stderr_, *low, *high; /* stderr_, or the ends of a 95 % interval */
  const eg_variable *variance, *variance_stderr; /* of one realisation; NULL: not kept, .. */
  const eg_variable *kurtosis, *count;           /* .. then of what the value is made of; NULL: nothing is known of tails */
  const eg_variable *interpolation;              /* of quantiles: an error of the grid's, beside that; NULL: none */
} error_bar;

static const eg_variable *find(const eg_labelled *file, const char *name, const char *suffix) {
  static const char *const groups[] = {"/", "/analysis"};
  char full[200];
  (void)snprintf(full, sizeof full, "%s%s", name, suffix);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    const eg_variable *const v = eg_labelled_find(file, groups[i], full);
    if (v != NULL) {
      return v;
    }
  }
  return NULL;
}

static bool is_alike(const eg_variable *a, const eg_variable *b) {
  if (a == NULL || b == NULL || b->type != EG_TYPE_F64 || a->rank != b->rank) {
    return false;
  }
  for (int i = 0; i < a->rank; i++) {
    if (strcmp(a->dims[i], b->dims[i]) != 0) {
      return false;
    }
  }
  return true;
}

/* The variable whose kurtosis tells of the tails under an error bar: that of the path statistic an exponent is fitted to, or its own.
   Counts (rates, quantiles, exponents of tails) have error bars that tails do not touch, whatever `of` names. */
static void get_source(const eg_variable *v, const char *name, char *source, size_t size) {
  const eg_attribute *const of = eg_labelled_attribute(v, "of");
  const bool is_fit = strncmp(name, "diffusion", strlen("diffusion")) == 0 && of != NULL && of->type == EG_TYPE_TEXT;
  (void)snprintf(source, size, "%s", is_fit ? ((char *const *)of->data)[0] : of == NULL ? name : "");
}

/* False if there is no such variable, or no error bar of it. */
static bool find_bar(const eg_labelled *file, const char *name, error_bar *bar) {
  const eg_variable *const v = find(file, name, "");
  if (v == NULL || v->type != EG_TYPE_F64) {
    return false;
  }
  char source[160];
  get_source(v, name, source, sizeof source);
  *bar = (error_bar){v, find(file, name, "_stderr"), find(file, name, "_low"), find(file, name, "_high"),
                     find(file, name, "_variance"), find(file, name, "_variance_stderr"),
                     find(file, source, "_kurtosis"), find(file, source, "_count"), find(file, name, "_interpolation")};
  bar->interpolation = is_alike(v, bar->interpolation) ? bar->interpolation : NULL;
  bar->stderr_ = is_alike(v, bar->stderr_) ? bar->stderr_ : NULL;
  return bar->stderr_ != NULL || (is_alike(v, bar->low) && is_alike(v, bar->high));
}

/* ---- one value of a variable ---- */

static size_t index_along(const eg_variable *v, size_t cell, int dim) {
  for (int i = v->rank - 1; i > dim; i--) {
    cell /= v->shape[i];
  }
  return cell % v->shape[dim];
}

static int dim_of(const eg_variable *v, const char *name) {
  int i = 0;
  while (i < v->rank && strcmp(v->dims[i], name) != 0) {
    i++;
  }
  return i < v->rank ? i : -1;
}

/* A variable over some of the dimensions of `v`: where it has the value that belongs to a cell of `v`. False: over others too. */
static bool place_in(const eg_variable *coordinate, const eg_variable *v, size_t cell, size_t *place) {
  *place = 0;
  for (int i = 0; i < coordinate->rank; i++) {
    const int dim = dim_of(v, coordinate->dims[i]);
    if (dim < 0 || coordinate->shape[i] != v->shape[dim]) {
      return false;
    }
    *place = *place * coordinate->shape[i] + index_along(v, cell, dim);
  }
  return coordinate->rank > 0;
}

static bool is_number(const char *text, double *number) {
  char *end = NULL;
  *number = strtod(text, &end);
  return end != text && *end == '\0';
}

static bool is_equal(const eg_variable *v, size_t at, const char *wanted) {
  double number;
  if (v->type == EG_TYPE_TEXT) {
    return strcmp(((char *const *)v->data)[at], wanted) == 0;
  }
  const double value = v->type == EG_TYPE_F64   ? ((const double *)v->data)[at]
                       : v->type == EG_TYPE_I64 ? (double)((const int64_t *)v->data)[at]
                       : v->type == EG_TYPE_I32 ? (double)((const int32_t *)v->data)[at]
                                                : NAN;
  return is_number(wanted, &number) && fabs(value - number) <= 1e-9 * fabs(number);
}

/* Does the variable have what an entry of `where` names: a coordinate, or a dimension without one? */
static bool has_where(const eg_labelled *file, const eg_variable *v, const eg_study_where *where) {
  const eg_variable *const coordinate = find(file, where->dim, "");
  size_t place;
  double number;
  return coordinate != NULL ? place_in(coordinate, v, 0, &place)
                            : dim_of(v, where->dim) >= 0 && is_number(where->value, &number);
}

static bool is_where(const eg_labelled *file, const eg_variable *v, size_t cell, const eg_study_where *where) {
  const eg_variable *const coordinate = find(file, where->dim, "");
  size_t place = 0;
  double number = NAN;
  if (coordinate != NULL) {
    return place_in(coordinate, v, cell, &place) && is_equal(coordinate, place, where->value);
  }
  return is_number(where->value, &number) && (double)index_along(v, cell, dim_of(v, where->dim)) == number;
}

/* The runs that a value depends on: [0] and [1], or of all runs EG_NO_RUN. */
static void runs_of(const eg_plan *plan, const eg_variable *v, size_t cell, size_t runs[2]) {
  const int run = dim_of(v, "run"), difference = dim_of(v, "difference");
  runs[0] = runs[1] = EG_NO_RUN;
  if (run >= 0) {
    runs[0] = runs[1] = index_along(v, cell, run);
  } else if (difference >= 0) {
    const eg_difference *const d = &plan->differences[index_along(v, cell, difference)];
    runs[0] = d->first;
    runs[1] = d->second;
  }
}

/* Is the dimension that of the times of a schedule, and is a record of another time than the entry's there? That is the last one
   unless `time` or, of a schedule other than observe.at, `where` says else. */
static bool is_other_time(const eg_plan *plan, const eg_run *run, const eg_study_until *u, const char *dim, size_t index) {
  size_t s = 0;
  while (s < plan->n_schedules && strcmp(plan->schedules[s].time, dim) != 0 && strcmp(plan->schedules[s].record, dim) != 0) {
    s++;
  }
  if (s == plan->n_schedules) {
    return false;
  }
  for (size_t i = 0; s > 0 && i < u->n_where; i++) {
    if (strcmp(u->where[i].dim, plan->schedules[s].time) == 0 || strcmp(u->where[i].dim, plan->schedules[s].step) == 0) {
      return false;
    }
  }
  const eg_run_schedule *const at = &run->schedules[s];
  return isnan(u->time) ? index != at->n - 1 : index >= at->n || fabs(at->times[index] - u->time) > 1e-9 * fabs(u->time);
}

static bool is_meant(const eg_labelled *file, const eg_plan *plan, const eg_study_until *u, const eg_variable *v,
                     size_t cell, const size_t runs[2]) {
  const eg_run *const run = &plan->runs[runs[0] == EG_NO_RUN ? 0 : runs[0]];
  if (u->label != NULL && strcmp(run->dynamics->label, u->label) != 0 &&
      strcmp(plan->runs[runs[1] == EG_NO_RUN ? 0 : runs[1]].dynamics->label, u->label) != 0) {
    return false;
  }
  if (runs[0] != EG_NO_RUN && plan->runs[runs[0]].is_deterministic && plan->runs[runs[1]].is_deterministic) {
    return false; /* nothing to estimate */
  }
  for (int i = 0; i < v->rank; i++) {
    const size_t index = index_along(v, cell, i);
    if (is_other_time(plan, run, u, v->dims[i], index) ||
        (strcmp(v->dims[i], "point") == 0 && index != (size_t)u->point)) {
      return false;
    }
  }
  for (size_t i = 0; i < u->n_where; i++) {
    if (!is_where(file, v, cell, &u->where[i])) {
      return false;
    }
  }
  return true;
}

static double number_at(const eg_variable *v, size_t at) {
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[at] : (double)((const int64_t *)v->data)[at];
}

/* Is place i of `v` that of a cell of `value` in all dimensions that both have? */
static bool is_beside(const eg_variable *v, size_t i, const eg_variable *value, size_t cell) {
  for (int d = 0; d < v->rank; d++) {
    const int dim = dim_of(value, v->dims[d]);
    if (dim >= 0 && index_along(v, i, d) != index_along(value, cell, dim)) {
      return false;
    }
  }
  return true;
}

/* Effective samples n / ((kurtosis - 1) / 2) of a value: by the error of its variance, variance sqrt((kurtosis - 1) / n); or the
   fewest of what it is made of, at its own run and point: of all lags, say, that an exponent is fitted to. */
static double effective(const error_bar *bar, size_t cell) {
  double least = INFINITY;
  if (is_alike(bar->value, bar->variance) && is_alike(bar->value, bar->variance_stderr)) {
    const double ratio = number_at(bar->variance, cell) / number_at(bar->variance_stderr, cell);
    return isnan(ratio) ? least : 2 * ratio * ratio;
  }
  for (size_t i = 0; bar->kurtosis != NULL && bar->count != NULL && i < eg_variable_size(bar->kurtosis); i++) {
    size_t place = 0;
    if (!is_beside(bar->kurtosis, i, bar->value, cell) || !place_in(bar->count, bar->kurtosis, i, &place)) {
      continue;
    }
    const double kurtosis = number_at(bar->kurtosis, i), n = number_at(bar->count, place) / fmax(1, (kurtosis - 1) / 2);
    least = n < least ? n : least; /* NaN: a value that cannot vary */
  }
  return least;
}

/* The largest error that will do. */
static double most_of(const error_bar *bar, const eg_study_until *u, size_t cell) {
  return isnan(u->relative) ? u->stderr_ : u->relative * fabs(number_at(bar->value, cell));
}

/* What more realisations do not make smaller, over the error asked for. */
static double floor_of(const error_bar *bar, const eg_study_until *u, size_t cell) {
  const double floor = bar->interpolation != NULL ? number_at(bar->interpolation, cell) / most_of(bar, u, cell) : 0;
  return isnan(floor) ? 0 : floor;
}

/* Error over the one asked for. An error of 0 is none: nothing has happened yet. */
static double left_of(const error_bar *bar, const eg_study_until *u, size_t cell) {
  const double error = bar->stderr_ != NULL ? number_at(bar->stderr_, cell)
                                            : (number_at(bar->high, cell) - number_at(bar->low, cell)) / INTERVAL;
  const double left = error / most_of(bar, u, cell), floor = floor_of(bar, u, cell);
  return error > 0 && !isnan(left) ? (floor > 0 ? sqrt(left * left + floor * floor) : left) : INFINITY;
}

void eg_until_variable_look(const eg_plan *plan, const eg_labelled *file, const eg_study_until *u, bool *is_reached,
                            double *left, double *floor) {
  error_bar bar;
  if (!find_bar(file, u->variable, &bar)) {
    return; /* eg_until_check has refused it */
  }
  for (size_t cell = 0; cell < eg_variable_size(bar.value); cell++) {
    size_t runs[2];
    runs_of(plan, bar.value, cell, runs);
    if (!is_meant(file, plan, u, bar.value, cell, runs)) {
      continue;
    }
    const double own = fmax(left_of(&bar, u, cell), eg_until_want(effective(&bar, cell)));
    const bool is_enough = own <= 1;
    const double own_floor = floor_of(&bar, u, cell);
    for (size_t r = 0; r < plan->n_runs; r++) {
      if (runs[0] == EG_NO_RUN || r == runs[0] || r == runs[1]) {
        left[r] = own <= left[r] ? left[r] : own;
        floor[r] = fmax(floor[r], own_floor);
        is_reached[r] = is_reached[r] && is_enough;
      }
    }
  }
}

/* ---- is the study right? ---- */

/* Some variables with error bars, those first that begin as the name does. */
static void list_variables(const eg_labelled *file, const char *name, eg_text *text) {
  enum { MOST = 12 };
  const char *listed[MOST];
  size_t n = 0;
  for (size_t length = strlen(name) + 1; length-- > 0;) {
    for (size_t i = 0; i < file->n_variables && n < MOST; i++) {
      const eg_variable *const v = &file->variables[i];
      error_bar bar;
      bool is_listed = !(strcmp(v->group, "/") == 0 || strcmp(v->group, "/analysis") == 0) ||
                       strncmp(v->name, name, length) != 0 || !find_bar(file, v->name, &bar);
      for (size_t k = 0; k < n; k++) {
        is_listed = is_listed || listed[k] == v->name;
      }
      if (!is_listed) {
        eg_text_append(text, "%s%s", n == 0 ? "" : ", ", v->name);
        listed[n++] = v->name;
      }
    }
  }
}

static eg_status check_one(eg_context *ctx, const eg_plan *plan, const eg_labelled *file, const eg_study_until *u) {
  const eg_study *const s = plan->study;
  error_bar bar;
  size_t n = 0;
  if (!find_bar(file, u->variable, &bar)) {
    eg_text text = {0};
    list_variables(file, u->variable, &text);
    const eg_status status =
        eg_study_fail_at(ctx, s, u->mark, "'until.variable' = '%s' is no variable with an error bar of this study's result; "
                                          "there are: %s, ..", u->variable, eg_text_string(&text));
    eg_text_free(&text);
    return status;
  }
  for (size_t i = 0; i < u->n_where; i++) {
    static const char *const own[] = {"run", "dynamics", "point", "time", "record"};
    for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) {
      if (strcmp(u->where[i].dim, own[k]) == 0) {
        return eg_study_fail_at(ctx, s, u->mark, "'until.where' has '%s', which 'until.%s' chooses", own[k],
                                k < 2 ? "dynamics" : (k == 2 ? "point" : "time"));
      }
    }
    if (!has_where(file, bar.value, &u->where[i])) {
      eg_text text = {0};
      for (int k = 0; k < bar.value->rank; k++) {
        eg_text_append(&text, "%s%s", k == 0 ? "" : ", ", bar.value->dims[k]);
      }
      const eg_status status =
          eg_study_fail_at(ctx, s, u->mark, "'until.where' has '%s', and '%s' is over (%s)", u->where[i].dim, u->variable,
                           eg_text_string(&text));
      eg_text_free(&text);
      return status;
    }
  }
  if (dim_of(bar.value, "run") < 0 && dim_of(bar.value, "difference") < 0) {
    if (u->label != NULL) {
      return eg_study_fail_at(ctx, s, u->mark, "'%s' is not over run, so 'until.dynamics' has no meaning; choose with 'where'",
                              u->variable);
    }
    for (size_t r = 1; r < plan->n_runs; r++) {
      if (plan->until_set[r] != plan->until_set[0]) {
        return eg_study_fail_at(ctx, s, u->mark, "'%s' is not a number of a run, a difference, or an analysis that compares runs",
                                u->variable);
      }
    }
  }
  for (size_t cell = 0; cell < eg_variable_size(bar.value); cell++) {
    size_t runs[2];
    runs_of(plan, bar.value, cell, runs);
    n += is_meant(file, plan, u, bar.value, cell, runs);
  }
  return n > 0 ? EG_OK
               : eg_study_fail_at(ctx, s, u->mark, "no value of '%s' is what 'where', 'dynamics', 'point' and 'time' ask for",
                                  u->variable);
}

eg_status eg_until_check(eg_context *ctx, const eg_plan *plan) {
  eg_labelled *file = NULL;
  eg_campaign *campaign = NULL;
  eg_status status = EG_OK;
  if (!eg_until_has_variables(plan)) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &campaign));
  EG_TRY_DONE(eg_campaign_statistics(ctx, campaign, &file));
  for (size_t i = 0; i < plan->study->n_until; i++) {
    if (plan->study->until[i].variable != NULL) {
      EG_TRY_DONE(check_one(ctx, plan, file, &plan->study->until[i]));
    }
  }
done:
  eg_labelled_free(file);
  eg_campaign_free(campaign);
  return status;
}

bool eg_until_has_floor(const eg_plan *plan, const eg_labelled *file) {
  error_bar bar;
  for (size_t i = 0; i < plan->study->n_until; i++) {
    const char *const name = plan->study->until[i].variable;
    if (name != NULL && find_bar(file, name, &bar) && bar.interpolation != NULL) {
      return true;
    }
  }
  return false;
}

bool eg_until_has_variables(const eg_plan *plan) {
  for (size_t i = 0; i < plan->study->n_until; i++) {
    if (plan->study->until[i].variable != NULL) {
      return true;
    }
  }
  return false;
}
