/*
 * One step of a shipped dynamics as a random map, by all its outcomes. A study with discrete noise (rows, pairs of rows,
 * two-point) moves a grid of points by the same realisation; the distinct places they go to are the outcomes. Each has a
 * weight that is a multiple of 1 / elementary, and is the one nearest to its frequency. What follows from the step is then
 * free of statistics: laws of several steps, and from a step of Euler-Maruyama the drift and covariance of the equation.
 */
#ifndef EG_TESTS_OUTCOMES_H
#define EG_TESTS_OUTCOMES_H

#include "run_text.h"

typedef struct outcomes {
  size_t n, width; /* width: points x components */
  double *to;      /* (n, width) */
  double *weight;  /* (n) */
  double *from;    /* (width) */
  double h;        /* the step */
} outcomes;

static size_t outcome_width;

static inline int compare_outcomes(const void *a, const void *b) {
  return memcmp(*(const double *const *)a, *(const double *const *)b, outcome_width * sizeof(double));
}

static inline void outcomes_free(outcomes *o) {
  free(o->to);
  free(o->weight);
  free(o->from);
}

/* Where n_points go in every realisation, to rows_ (realisations, width) from column `first` on. */
static inline void run_outcomes(const char *folder, const char *model, const char *dynamics, double h, size_t n_points,
                                size_t dim, const double *from, size_t realisations, size_t width, size_t first,
                                double *rows_) {
  enum { ROOM = 16384 };
  static char text[ROOM];
  int at = snprintf(text, ROOM, "seed: 11\nmodel: %s\nstart: {points: [", model);
  for (size_t i = 0; i < n_points * dim; i++) {
    at += snprintf(text + at, (size_t)(ROOM - at), "%s%.17g%s", i % dim == 0 ? (i == 0 ? "[" : ", [") : ", ", from[i],
                   i % dim == dim - 1 ? "]" : "");
  }
  (void)snprintf(text + at, (size_t)(ROOM - at),
                 "]}\nlearning_rate: %.17g\nsteps: 1\nnoise: two-point\ndynamics: %s\nrealisations: %zu\n"
                 "observe: {at: {steps: [1]}, features: [x], keep: {realisations: %zu, of: x}}\n",
                 h, dynamics, realisations, realisations);
  eg_labelled *const file = run_text(folder, text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (point, realisation, time, component) */
  if (v == NULL || eg_variable_size(v) != n_points * dim * realisations) {
    stop_with("kept paths of another shape");
    return;
  }
  for (size_t r = 0; r < realisations; r++) {
    for (size_t i = 0; i < n_points * dim; i++) {
      rows_[r * width + first + i] = ((const double *)v->data)[(i / dim * realisations + r) * dim + i % dim];
    }
  }
  eg_labelled_free(file);
}

/* model, dynamics: as in a study; from (n_points, dim). A run keeps at most 1e6 values, so the points are moved a few at a
   time: the noise of a realisation does not depend on them. */
static inline outcomes outcomes_of(const char *folder, const char *model, const char *dynamics, double h, size_t n_points,
                                   size_t dim, const double *from, size_t elementary, size_t realisations) {
  const size_t width = n_points * dim, together = 1000000 / (realisations * dim);
  outcomes out = {.width = width, .h = h, .from = calloc(width, sizeof(double))};
  double *const rows_ = calloc(width * realisations, sizeof(double));
  const double **const order = calloc(realisations, sizeof *order);
  memcpy(out.from, from, width * sizeof(double));
  for (size_t first = 0; first < n_points; first += together) {
    const size_t n = n_points - first < together ? n_points - first : together;
    run_outcomes(folder, model, dynamics, h, n, dim, from + first * dim, realisations, width, first * dim, rows_);
  }
  for (size_t r = 0; r < realisations; r++) {
    order[r] = rows_ + r * width;
  }
  outcome_width = width;
  qsort(order, realisations, sizeof *order, compare_outcomes);
  out.to = calloc(elementary * width, sizeof(double));
  out.weight = calloc(elementary, sizeof(double));
  double total = 0;
  for (size_t r = 0; r < realisations;) {
    size_t end = r + 1;
    while (end < realisations && compare_outcomes(&order[r], &order[end]) == 0) {
      end++;
    }
    if (out.n == elementary) {
      stop_with("more outcomes than there can be");
    }
    memcpy(out.to + out.n * width, order[r], width * sizeof(double));
    out.weight[out.n] = round((double)(end - r) * (double)elementary / (double)realisations) / (double)elementary;
    total += out.weight[out.n++];
    r = end;
  }
  CHECK(fabs(total - 1) < 1e-12);
  free(rows_);
  free(order);
  return out;
}

/* Drift per time at coordinate i, and covariance per time of coordinates i and j. */
static inline double outcome_drift(const outcomes *o, size_t i) {
  double sum = 0;
  for (size_t k = 0; k < o->n; k++) {
    sum += o->weight[k] * (o->to[k * o->width + i] - o->from[i]);
  }
  return sum / o->h;
}

static inline double outcome_covariance(const outcomes *o, size_t i, size_t j) {
  const double a = o->from[i] + o->h * outcome_drift(o, i), b = o->from[j] + o->h * outcome_drift(o, j);
  double sum = 0;
  for (size_t k = 0; k < o->n; k++) {
    sum += o->weight[k] * (o->to[k * o->width + i] - a) * (o->to[k * o->width + j] - b);
  }
  return sum / o->h;
}

#endif
