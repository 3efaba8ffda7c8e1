/* Lane form or team form, and what depends on it: padding, layout of the data rows, tiles, the work of a step. */
#include <string.h>

#include "core/form.h"
#include "core/model.h"
#include "core/rows.h"
#include "model/units.h"
#include "plan/plan.h"

static const char *model_name(const eg_plan *plan) {
  return plan->study->model.name != NULL ? plan->study->model.name : plan->study->model.file;
}

static eg_status take_team(eg_context *ctx, eg_plan *plan) {
  if (plan->dim > EG_TEAM_MAX) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark, "the study has %d dimensions; at most %d are allowed",
                            plan->dim, EG_TEAM_MAX);
  }
  plan->form = EG_FORM_TEAM;
  plan->padded_dim = (plan->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES * EG_TEAM_LANES;
  return EG_OK;
}

eg_status eg_plan_form(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  const bool has_team = s->model.name != NULL && eg_unit_find_team(s->model.name, s->float_state, NULL) != NULL;
  if (s->form == EG_STUDY_FORM_TEAM && !has_team) {
    return eg_study_fail_at(ctx, s, s->form_mark, "model '%s' has no team form; allowed: auto, lane", model_name(plan));
  }
  plan->form = EG_FORM_LANE;
  const eg_unit *const unit = eg_plan_unit(plan);
  const bool has_lane = unit != NULL && unit->dim >= plan->dim;
  if (s->form == EG_STUDY_FORM_TEAM || (s->form == EG_STUDY_FORM_AUTO && !has_lane && has_team)) {
    return take_team(ctx, plan);
  }
  if (!has_lane) {
    const int most = s->model.file != NULL ? unit->dim : eg_unit_max_dim(s->model.name);
    return eg_study_fail_at(ctx, s, s->model.mark, "model '%s' has at most %d dimension%s here%s; the study has %d",
                            model_name(plan), most, most == 1 ? "" : "s", has_team ? " in form lane (team has more)" : "",
                            plan->dim);
  }
  plan->padded_dim = unit->dim;
  return EG_OK;
}

const char *eg_plan_form_name(const eg_plan *plan) {
  if ((eg_plan_unit(plan)->caps & EG_CAP_POPULATION) != 0) {
    return "population";
  }
  return plan->form == EG_FORM_TEAM ? "team" : "lane";
}

static void lay_out_team(eg_plan *plan) {
  const size_t n = plan->data.n_rows, d = plan->data.n_columns, D = (size_t)plan->padded_dim;
  for (size_t j = 0; j < n; j++) {
    memcpy(plan->rows + j * D, plan->data.inputs + j * d, d * sizeof(double));
    plan->rows[n * D + j] = plan->data.target[j];
  }
}

static void lay_out_lane(eg_plan *plan) {
  const size_t n = plan->data.n_rows, d = plan->data.n_columns;
  const int columns = plan->padded_dim + 1;
  for (size_t j = 0; j < n; j++) {
    for (size_t k = 0; k < d; k++) {
      plan->rows[eg_rows_at(n, columns, j, (int)k)] = plan->data.inputs[j * d + k];
    }
    plan->rows[eg_rows_at(n, columns, j, plan->padded_dim)] = plan->data.target[j];
  }
}

eg_status eg_plan_lay_out_rows(eg_context *ctx, eg_plan *plan) {
  const size_t n = plan->data.n_rows;
  const bool is_team = plan->form == EG_FORM_TEAM;
  if (n == 0) {
    return EG_OK;
  }
  plan->n_row_values =
      (size_t)(is_team ? eg_team_rows_size(n, plan->padded_dim) : eg_rows_size(n, plan->padded_dim + 1));
  EG_TRY(eg_allocate(ctx, plan->n_row_values, sizeof(double), &plan->rows));
  if (is_team) {
    lay_out_team(plan);
  } else {
    lay_out_lane(plan);
  }
  return EG_OK;
}

/* The tile rule (layout version 1): 4096 realisations while points x dim <= 16, else the largest power of two with
   tile x points x dim <= 65536; smaller where the study would fill fewer than 64 tiles, so that all workers and all
   64 blocks have something; never below EG_LANES in lane form, 1 in team form. A rule of the study alone. (Populations:
   population.c.) */
uint32_t eg_plan_tile(const eg_plan *plan, uint64_t n_realisations) {
  if ((eg_plan_unit(plan)->caps & EG_CAP_FRACTIONAL) != 0) {
    return EG_LANES; /* one block, whose paths stay in their buffer while the tile is advanced in parts */
  }
  const size_t width = plan->n_points * (size_t)plan->dim;
  const uint32_t least = plan->form == EG_FORM_TEAM ? 1 : EG_LANES;
  uint32_t tile = 4096;
  while (width > 16 && tile > least && (size_t)tile * width > 65536) {
    tile /= 2;
  }
  while (tile > least && (n_realisations + tile - 1) / tile < EG_BLOCKS) {
    tile /= 2;
  }
  return tile;
}

/* Limits from the first tile need realisations in it. */
eg_status eg_plan_check_team(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const bool is_small = plan->form == EG_FORM_TEAM && !run->is_deterministic && run->job.tile < EG_LANES;
  for (size_t i = 0; i < plan->n_histograms && is_small; i++) {
    if (plan->histograms[i].is_automatic) {
      return eg_study_fail_at(ctx, plan->study, plan->histograms[i].study->mark,
                              "the histogram of '%s' takes its limits from the first tile, which in team form has only %u "
                              "realisations of %d components; at least %d are needed: give the limits",
                              plan->histograms[i].name, run->job.tile, plan->dim, EG_LANES);
    }
  }
  return EG_OK;
}

/* Passes of one step over the data or a matrix: a half flow is one staged product, or four drifts by Runge and Kutta. */
double eg_plan_step_work(const eg_plan *plan, const eg_run *run) {
  const char *const stepper = run->job.stepper;
  const double D = plan->padded_dim;
  const int caps = eg_plan_unit(plan)->caps;
  const bool is_by_rows = (caps & EG_CAP_MARGIN) != 0 || eg_plan_classes(plan) > 0;
  const double drift = (is_by_rows ? (double)plan->data.n_rows : D) * (run->job.launch.correction != 0 ? 2 : 1);
  const double half_flow = (caps & EG_CAP_FLOW) != 0 ? D : 4 * drift;
  double passes = 0;
  if (plan->form == EG_FORM_TEAM || is_by_rows) {
    const bool is_flow = strncmp(stepper, "strang", 6) == 0 || strcmp(stepper, "gradient_flow") == 0;
    const bool is_langevin = strncmp(stepper, "langevin", 8) == 0; /* a push before and one behind */
    passes = is_flow ? 2 * half_flow : is_langevin ? 2 * drift : (strncmp(stepper, "euler", 5) == 0 ? drift : 0);
  }
  return (1.0 + (double)run->job.launch.fold_count + passes) * D;
}
