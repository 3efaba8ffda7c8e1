/* Lines about the currents of the stationary analyses: rotation in the planes of two components, and of one and a velocity. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "analysis/moments.h"
#include "run/result_text.h"

enum { MOST = 4 };                         /* components whose planes are all listed; of more, the plane with the surest current of each kind */
static const double FALSE_ALARMS = 1e-6;   /* of one table */
static const double DEGREES = 63;          /* of a jackknife over 64 blocks */

static const struct {
  const char *suffix;
  bool is_matrix, has_velocity;
} kinds[] = {{"_current", true, false}, {"_position_current", true, false}, {"_phase_current", true, true}, {"_circulation", false, true}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* A run and point of a table. */
typedef struct place {
  const eg_labelled *file;
  const char *prefix, *run;
  size_t point, n_points, at, n; /* at: run and point as one index, of n */
  double limit;               /* on |z| */
} place;

static double number(const place *p, const char *suffix, const char *what, size_t i) {
  char full[48];
  (void)snprintf(full, sizeof full, "%s%s", suffix, what);
  return eg_analysis_value(p->file, p->prefix, full, i);
}

static void append_row(eg_text *text, const place *p, const char *suffix, const char *plane, size_t i) {
  const double value = number(p, suffix, "", i), error = number(p, suffix, "_stderr", i), expected = number(p, suffix, "_expected", i);
  eg_text_append(text, "%-28s ", p->run);
  if (p->n_points > 1) {
    eg_text_append(text, "%-5zu ", p->point);
  }
  eg_text_append(text, "%-12s %-12.6g ", plane, value);
  if (!(error > 0)) {
    eg_text_append(text, "%-9s\n", isnan(error) ? "-" : "0");
    return;
  }
  eg_text_append(text, "%-9.2g %-+9.2f", error, value / error);
  if (!isnan(expected)) {
    const double z = (value - expected) / error;
    const bool is_judged = eg_analysis_value(p->file, p->prefix, "_judged", p->at) != 0;
    eg_text_append(text, " %-12.6g %+.2f%s", expected, z, !is_judged ? " heavy tails, not judged" : fabs(z) > p->limit ? " NOT the expected one" : "");
  }
  eg_text_append(text, "\n");
}

static void append_kind(eg_text *text, const place *p, size_t kind, size_t d) {
  const char *const suffix = kinds[kind].suffix;
  const size_t first = p->at * d * d;
  size_t farthest = 0;
  double largest = -1;
  char plane[40];
  if (!kinds[kind].is_matrix) {
    if (!isnan(number(p, suffix, "", p->at))) {
      append_row(text, p, suffix, "circulation", p->at);
    }
    return;
  }
  const eg_variable *const v = eg_analysis_find(p->file, p->prefix, suffix);
  if (v == NULL || eg_variable_size(v) / d / d != p->n) {
    return; /* not there, or a file of somebody else */
  }
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < d * d; i++) {
      const double value = number(p, suffix, "", first + i), z = fabs(value / number(p, suffix, "_stderr", first + i));
      if (isnan(value) || (!kinds[kind].has_velocity && i / d >= i % d)) {
        continue; /* not known, or of a plane that is there already */
      }
      if (pass == 0 && z > largest) {
        largest = z;
        farthest = i;
      } else if (pass == 1 && (d <= MOST || (largest >= 0 && i == farthest))) {
        (void)snprintf(plane, sizeof plane, kinds[kind].has_velocity ? "x%zu, v%zu" : "x%zu, x%zu", i / d, i % d);
        append_row(text, p, suffix, plane, first + i);
      }
    }
  }
}

/* Numbers that are known, of all kinds. */
static size_t count(const eg_labelled *file, const char *prefix) {
  size_t n = 0;
  for (size_t k = 0; k < N_KINDS; k++) {
    const eg_variable *const v = eg_analysis_find(file, prefix, kinds[k].suffix);
    for (size_t i = 0; v != NULL && i < eg_variable_size(v); i++) {
      n += !isnan(eg_result_at(v, i));
    }
  }
  return n;
}

void eg_result_currents_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24], run[128];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "stationary" : "stationary_%d", a);
    const eg_variable *const v = eg_analysis_find(file, prefix, "_mean");
    if (v == NULL || v->rank < 2 || v->rank > 3 || eg_variable_size(v) == 0) {
      return;
    }
    const size_t n_points = v->rank == 3 ? v->shape[1] : 1, d = v->shape[v->rank - 1], n = count(file, prefix);
    if (n == 0 || (d == 1 && eg_analysis_find(file, prefix, "_phase_current") == NULL)) {
      continue; /* one component has no plane */
    }
    eg_text_append(text,
                   "\nCurrents per unit time in the stationary law, E (a' b - b' a) of a plane, ' the next state: 0 in detailed balance%s\n",
                   d > MOST ? "; of all planes of a kind, the surest" : "");
    eg_text_append(text, "%-28s %s%-12s %-12s %-9s %-9s %-12s %s\n", "run", n_points > 1 ? "point " : "", "plane", "current", "stderr",
                   "over it", "expected", "z");
    for (size_t i = 0; i < v->shape[0] * n_points; i++) {
      eg_result_run_name(file, i / n_points, run, sizeof run);
      const place p = {file, prefix, run, i % n_points, n_points, i, v->shape[0] * n_points, eg_student_quantile(FALSE_ALARMS / (double)n, DEGREES)};
      for (size_t k = 0; k < N_KINDS; k++) {
        append_kind(text, &p, k, d);
      }
    }
  }
}
