/* Analysis stationary of runs with a velocity: the second moments of (x, v) in the window, their rotation and the kinetic
   energies of the modes, where feature velocity is observed with its covariance. Formulas: docs/statistics.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/stationary.h"
#include "run/result_parts.h"

/* Numbers of one node, in this order. */
typedef struct layout {
  size_t velocity, cross, position, current, circulation, kinetic, ratio, n;
} layout;

static layout layout_of(size_t d) {
  layout l;
  l.velocity = 0;
  l.cross = l.velocity + d * d;
  l.position = l.cross + d * d;
  l.current = l.position + d * d;
  l.circulation = l.current + d * d;
  l.kinetic = l.circulation + 1;
  l.ratio = l.kinetic + d;
  l.n = l.ratio + 1;
  return l;
}

/* What is known of one run without its sums; NaN: not known. */
typedef struct phase_theory {
  size_t d;
  double step, mass;                    /* mass: kinetic energy of a mode = mass x variance of its velocity; NaN */
  const double *curvature, *modes, *M;  /* (d), (d, d): eigenvectors (rows) of H; (2 d, 2 d): map of the mean in one step */
  const double *expected;               /* (2 d, 2 d): covariance of (x, v) in the long-time limit */
} phase_theory;

static size_t theory_size(size_t d) {
  return d + d * d + 3 * 4 * d * d + 2 * d;
}

/* C h + h C = rate (1 + momentum) V (chain) and h C = mass V (equation): mass = rate (1 + momentum) / 2 makes kinetic energies equal
   to those of x in a stationary law. Of heavy balls; dampening and look-ahead have other balances. */
static double mass_of(const eg_run *run) {
  const eg_study_chain *const c = &run->chain;
  const bool is_heavy_ball = run->dynamics->id == EG_SGD && !c->nesterov && c->dampening == 0 && !(c->decoupled && c->weight_decay > 0);
  const bool is_known = is_heavy_ball || run->dynamics->id == EG_LANGEVIN;
  return is_known ? run->learning_rate * (1 + c->momentum) / 2 : NAN;
}

static eg_status make_theory(eg_context *ctx, const eg_plan *plan, const eg_run *run, size_t point, double *space, phase_theory *t) {
  const size_t d = (size_t)plan->dim, D = 2 * d;
  double *const curvature = space, *const modes = curvature + d, *const M = modes + d * d, *const expected = M + D * D,
         *const H = expected + D * D, *const mean = H + D * D;
  bool is_there = false;
  for (size_t i = 0; i < theory_size(d); i++) {
    space[i] = NAN;
  }
  *t = (phase_theory){d, run->learning_rate, mass_of(run), curvature, modes, M, expected};
  if (!run->has_scheme_oracle || (size_t)run->lifted.dim != D) {
    return EG_OK;
  }
  for (size_t i = 0; i < d * d; i++) {
    H[i] = run->affine.H[i] + (i / d == i % d ? run->chain.weight_decay : 0);
  }
  EG_TRY(eg_symmetric_eigen(ctx, d, H, curvature, modes));
  EG_TRY(eg_affine_mean_map(ctx, &run->lifted, &run->scheme_law, M));
  double *start = NULL;
  EG_TRY(eg_allocate(ctx, D + D * D, sizeof *start, &start));
  (void)eg_run_start_moments(plan, run, point, start, start + D);
  const eg_status status =
      eg_affine_stationary(ctx, &run->lifted, &run->scheme_law, start, start + D, &is_there, mean, expected);
  free(start);
  for (size_t i = 0; i < D * D; i++) {
    expected[i] -= mean[i / D] * mean[i % D];
  }
  return status;
}

static double quadratic(size_t d, const double *row, const double *A, size_t stride) {
  double sum = 0;
  for (size_t i = 0; i < d * d; i++) {
    sum += row[i / d] * A[i / d * stride + i % d] * row[i % d];
  }
  return sum;
}

/* E (z_i' z_j - z_j' z_i), z' the next state. */
static double rotation(const phase_theory *t, const double *Z, size_t i, size_t j) {
  const size_t D = 2 * t->d;
  double sum = 0;
  for (size_t k = 0; k < D; k++) {
    sum += t->M[i * D + k] * Z[k * D + j] - t->M[j * D + k] * Z[k * D + i];
  }
  return sum;
}

/* Everything that follows from the covariance Z (2 d, 2 d) of (x, v). */
static void derive(const phase_theory *t, const double *Z, double *out) {
  const size_t d = t->d, D = 2 * d;
  const layout l = layout_of(d);
  double potential = 0, kinetic = 0;
  out[l.circulation] = 0;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) {
      out[l.velocity + i * d + j] = Z[(d + i) * D + d + j];
      out[l.cross + i * d + j] = Z[i * D + d + j];
      out[l.position + i * d + j] = rotation(t, Z, i, j) / t->step;
      out[l.current + i * d + j] = rotation(t, Z, i, d + j) / t->step;
    }
    out[l.circulation] += out[l.current + i * d + i];
    out[l.kinetic + i] = t->mass * quadratic(d, t->modes + i * d, Z + d * D + d, D);
    kinetic += out[l.kinetic + i];
    potential += t->curvature[i] * quadratic(d, t->modes + i * d, Z, D);
  }
  out[l.ratio] = potential > 0 ? kinetic / potential : NAN;
}

typedef struct window {
  size_t begin, end, point, x, v; /* records; columns of x0 and v0 */
} window;

/* Mean over the window of the covariance of (x, v). */
static void measure(const eg_plan *plan, const phase_theory *t, const eg_node_shape *shape, const double *node, window w, double *Z,
                    double *out) {
  const size_t d = t->d, D = 2 * d;
  memset(Z, 0, D * D * sizeof *Z);
  for (size_t record = w.begin; record < w.end; record++) {
    const size_t row = eg_summary_row(plan, record, w.point);
    for (size_t i = 0; i < D * D; i++) {
      const size_t a = i / D < d ? w.x + i / D : w.v + i / D - d, b = i % D < d ? w.x + i % D : w.v + i % D - d;
      const eg_moments m = eg_node_moments(shape, node, row, a);
      const double sum = a == b ? m.M2 : eg_node_comoment(shape, node, row, a > b ? a : b, a > b ? b : a);
      Z[i] += (m.n > 1 ? sum / (m.n - 1) : NAN) / (double)(w.end - w.begin);
    }
  }
  derive(t, Z, out);
}

/* value, error, expected: (layout.n) each, in this order in `cell`. */
static eg_status fill_cell(eg_context *ctx, const eg_builder *b, const eg_study_stationary *study, size_t r, size_t point, double *cell) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  const size_t d = (size_t)plan->dim, n = layout_of(d).n;
  window w = {0, run->job.n_records, point, eg_plan_feature(plan, "x")->first, eg_plan_feature(plan, "velocity")->first};
  double *space = NULL, *left = NULL, leave_out[EG_BLOCKS];
  phase_theory t;
  eg_status status = EG_OK;
  EG_TRY(eg_plan_stationary_first(ctx, plan, run, &run->schedules[0], study, &w.begin));
  EG_TRY_DONE(eg_allocate(ctx, theory_size(d) + 4 * d * d, sizeof *space, &space));
  EG_TRY_DONE(make_theory(ctx, plan, run, point, space, &t));
  for (size_t i = 0; i < 2 * n; i++) {
    cell[i] = NAN;
  }
  derive(&t, t.expected, cell + 2 * n);
  if (s->n_blocks == 0 || run->is_deterministic) {
    goto done;
  }
  double *const Z = space + theory_size(d);
  EG_TRY_DONE(eg_allocate(ctx, s->n_blocks * n, sizeof *left, &left));
  measure(plan, &t, &s->shape, s->total, w, Z, cell);
  for (size_t i = 0; i < s->n_blocks; i++) {
    measure(plan, &t, &s->shape, s->leave_out + i * s->shape.values, w, Z, left + i * n);
  }
  for (size_t k = 0; k < n; k++) {
    for (size_t i = 0; i < s->n_blocks; i++) {
      leave_out[i] = left[i * n + k];
    }
    cell[n + k] = isnan(cell[k]) ? NAN : eg_jackknife_stderr(s->n_blocks, leave_out, cell[k]);
  }
done:
  free(left);
  free(space);
  return status;
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, int rank, const double *cells, size_t first,
                     double *values, const char *long_name) {
  const size_t d = (size_t)b->plan->dim, n_cells = b->plan->n_runs * b->plan->n_points, size = 3 * layout_of(d).n;
  const size_t m = rank == 0 ? 1 : rank == 1 ? d : d * d;
  const char *dims[4] = {"run"};
  size_t shape[4] = {b->plan->n_runs}, index = 0;
  int n_dims = 1;
  char name[64];
  if (b->plan->n_points > 1) {
    dims[n_dims] = "point";
    shape[n_dims++] = b->plan->n_points;
  }
  for (int k = 0; k < rank; k++) {
    dims[n_dims] = k == 0 ? "component" : "component_2";
    shape[n_dims++] = d;
  }
  for (size_t i = 0; i < n_cells; i++) {
    memcpy(values + i * m, cells + i * size + first, m * sizeof *values);
  }
  (void)snprintf(name, sizeof name, "%s%s", prefix, suffix);
  EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, n_dims, dims, shape, values, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_all(eg_context *ctx, eg_builder *b, const char *prefix, const double *cells) {
  const size_t d = (size_t)b->plan->dim;
  const layout l = layout_of(d);
  const struct {
    const char *suffix;
    int rank;
    size_t first;
    const char *long_name;
  } outputs[] = {
      {"_velocity_covariance", 2, l.velocity, "covariance of the velocity, mean over the window"},
      {"_cross_covariance", 2, l.cross, "covariance of x (rows) and the velocity"},
      {"_position_current", 2, l.position, "E (x_i' x_j - x_j' x_i) per unit time, x' the next state; 0 in detailed balance of x"},
      {"_phase_current", 2, l.current, "E (x_i' v_j - v_j' x_i) per unit time, (x', v') the next state: rotation in the plane of x_i and v_j"},
      {"_circulation", 0, l.circulation, "its trace"},
      {"_kinetic_energy", 1, l.kinetic, "rate (1 + momentum) / 2 times variance of the velocity along each eigenvector of the Hessian"},
      {"_kinetic_ratio", 0, l.ratio, "kinetic energy of all modes over that of x; 1 if stationary"},
  };
  double *values = NULL;
  char suffix[40];
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, b->plan->n_runs * b->plan->n_points * d * d, sizeof *values, &values));
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    EG_TRY_DONE(add(ctx, b, prefix, outputs[i].suffix, outputs[i].rank, cells, outputs[i].first, values, outputs[i].long_name));
    (void)snprintf(suffix, sizeof suffix, "%s_stderr", outputs[i].suffix);
    EG_TRY_DONE(add(ctx, b, prefix, suffix, outputs[i].rank, cells, l.n + outputs[i].first, values, "its error by jackknife over blocks"));
    (void)snprintf(suffix, sizeof suffix, "%s_expected", outputs[i].suffix);
    EG_TRY_DONE(add(ctx, b, prefix, suffix, outputs[i].rank, cells, 2 * l.n + outputs[i].first, values,
                    "long-time limit of the scheme that was run"));
  }
done:
  free(values);
  return status;
}

eg_status eg_build_phase(eg_context *ctx, eg_builder *b, const char *prefix, const eg_study_stationary *study) {
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points, size = 3 * layout_of((size_t)b->plan->dim).n;
  double *cells = NULL;
  eg_status status = EG_OK;
  if (eg_plan_feature(b->plan, "velocity") == NULL || !b->plan->with_covariance) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, n * size, sizeof *cells, &cells));
  for (size_t i = 0; i < n; i++) {
    EG_TRY_DONE(fill_cell(ctx, b, study, i / n_points, i % n_points, cells + i * size));
  }
  status = add_all(ctx, b, prefix, cells);
done:
  free(cells);
  return status;
}
