/* The file of a splitting, and its repeats back from one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "run/result_parts.h"
#include "run/split.h"

static const char GROUP[] = "/splitting";

/* ---- what the repeats say together ---- */

enum { FLUX, PROBABILITY, RATE, ROUNDS, STEPS, N_NUMBERS };

static const char *const names[N_NUMBERS] = {"flux", "probability", "rate", "rounds", "steps"};

static double number_of(const eg_split_estimate *e, int which) {
  const double numbers[N_NUMBERS] = {e->flux, e->probability, e->rate, e->rounds, e->steps};
  return numbers[which];
}

static size_t n_done(const eg_split_work *w, size_t run) {
  size_t n = 0;
  for (size_t i = 0; i < w->n_repeats; i++) {
    n += w->is_done[run * w->n_repeats + i];
  }
  return n;
}

static eg_estimate mean_of(const eg_split_work *w, size_t run, int which) {
  const double n = (double)n_done(w, run);
  double mean = n > 0 ? 0 : NAN, square = 0;
  for (size_t i = run * w->n_repeats; i < (run + 1) * w->n_repeats; i++) {
    mean += w->is_done[i] ? number_of(&w->estimates[i], which) / n : 0;
  }
  for (size_t i = run * w->n_repeats; i < (run + 1) * w->n_repeats; i++) {
    const double d = number_of(&w->estimates[i], which) - mean;
    square += w->is_done[i] ? d * d : 0;
  }
  const bool is_unseen = which <= RATE && mean == 0; /* what no repeat has seen is no number without an error */
  return (eg_estimate){mean, n > 1 && !is_unseen ? sqrt(square / (n - 1) / n) : NAN};
}

typedef struct column {
  const char *name, *long_name;
  double (*get)(const eg_split_work *w, size_t run);
} column;

static double half_width(const eg_split_work *w, size_t r) {
  return eg_student_quantile(0.05, (double)n_done(w, r) - 1) * mean_of(w, r, RATE).stderr_;
}
static double get_flux(const eg_split_work *w, size_t r) { return mean_of(w, r, FLUX).value; }
static double get_flux_stderr(const eg_split_work *w, size_t r) { return mean_of(w, r, FLUX).stderr_; }
static double get_probability(const eg_split_work *w, size_t r) { return mean_of(w, r, PROBABILITY).value; }
static double get_probability_stderr(const eg_split_work *w, size_t r) { return mean_of(w, r, PROBABILITY).stderr_; }
static double get_rate(const eg_split_work *w, size_t r) { return mean_of(w, r, RATE).value; }
static double get_rate_stderr(const eg_split_work *w, size_t r) { return mean_of(w, r, RATE).stderr_; }
static double get_low(const eg_split_work *w, size_t r) {
  const double low = get_rate(w, r) - half_width(w, r);
  return low < 0 ? 0 : low;
}
static double get_high(const eg_split_work *w, size_t r) { return get_rate(w, r) + half_width(w, r); }
static double get_rounds(const eg_split_work *w, size_t r) { return mean_of(w, r, ROUNDS).value; }
static double get_steps(const eg_split_work *w, size_t r) { return mean_of(w, r, STEPS).value * (double)n_done(w, r); }
static double get_repeats(const eg_split_work *w, size_t r) { return (double)n_done(w, r); }
static double get_extinct(const eg_split_work *w, size_t r) {
  size_t n = 0;
  for (size_t i = r * w->n_repeats; i < (r + 1) * w->n_repeats; i++) {
    n += w->is_done[i] && w->estimates[i].probability == 0;
  }
  return (double)n;
}

static const column columns[] = {
    {"splitting_flux", "exits from A per unit time, mean over repeats", get_flux},
    {"splitting_flux_stderr", "its standard error", get_flux_stderr},
    {"splitting_probability", "that an exit reaches B before it returns to A, mean over repeats", get_probability},
    {"splitting_probability_stderr", "its standard error", get_probability_stderr},
    {"splitting_rate", "of escapes, mean over repeats of flux x probability", get_rate},
    {"splitting_rate_stderr", "its standard error", get_rate_stderr},
    {"splitting_rate_low", "lower end of Student's 95 % interval, not below 0", get_low},
    {"splitting_rate_high", "upper end of the 95 % interval", get_high},
    {"splitting_rounds", "of killing, mean over repeats", get_rounds},
    {"splitting_steps", "integrator steps of all paths and repeats", get_steps},
    {"splitting_repeats", "repeats done", get_repeats},
    {"splitting_extinct", "repeats that died out", get_extinct},
};

static eg_status add_together(eg_context *ctx, const eg_split_work *w, eg_labelled *file) {
  const char *const dims[1] = {"run"};
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, w->plan->n_runs, sizeof *values, &values));
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    size_t index = 0;
    for (size_t r = 0; r < w->plan->n_runs; r++) {
      values[r] = columns[i].get(w, r);
    }
    EG_TRY_DONE(
        eg_labelled_add(ctx, file, "/analysis", columns[i].name, EG_TYPE_F64, 1, dims, &w->plan->n_runs, values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, file, index, "bits", "machine"));
    EG_TRY_DONE(eg_labelled_set_text(ctx, file, index, "long_name", columns[i].long_name));
  }
done:
  free(values);
  return status;
}

/* ---- the repeats ---- */

static eg_status add_repeats(eg_context *ctx, const eg_split_work *w, eg_labelled *file) {
  const char *const dims[2] = {"run", "repeat"};
  const size_t shape[2] = {w->plan->n_runs, w->n_repeats}, n = shape[0] * shape[1];
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  for (int k = 0; k < N_NUMBERS; k++) {
    for (size_t i = 0; i < n; i++) {
      values[i] = w->is_done[i] ? number_of(&w->estimates[i], k) : NAN;
    }
    EG_TRY_DONE(eg_labelled_add(ctx, file, GROUP, names[k], EG_TYPE_F64, 2, dims, shape, values, NULL));
  }
done:
  free(values);
  return status;
}

static eg_status add_numbers(eg_context *ctx, const eg_split_work *w, eg_labelled *file) {
  const eg_study_splitting *const s = &w->plan->study->splitting;
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"low", s->low}, {"high", s->high}, {"replicas", s->replicas}, {"repeats", s->repeats}};
  const uint64_t layout = EG_RNG_LAYOUT_VERSION;
  EG_TRY(eg_labelled_add(ctx, file, GROUP, "study", EG_TYPE_TEXT, 0, NULL, NULL, &w->plan->study->canonical, NULL));
  EG_TRY(eg_labelled_set_group_text(ctx, file, GROUP, "feature", s->feature));
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    EG_TRY(eg_labelled_set_group(ctx, file, GROUP, numbers[i].name, EG_TYPE_F64, 1, &numbers[i].value));
  }
  EG_TRY(eg_labelled_set_group(ctx, file, GROUP, "rng_layout_version", EG_TYPE_U64, 1, &layout));
  return eg_labelled_set_group(ctx, file, GROUP, "data_hash", EG_TYPE_U64, 1, &w->plan->data_hash);
}

static bool is_complete(const eg_split_work *w) {
  for (size_t r = 0; r < w->plan->n_runs; r++) {
    if (n_done(w, r) < w->n_repeats) {
      return false;
    }
  }
  return true;
}

eg_status eg_split_file(eg_context *ctx, const eg_split_work *w, eg_labelled **out) {
  eg_summary summary;
  eg_builder b;
  eg_campaign *campaign = NULL; /* empty: for the provenance */
  eg_status status = EG_OK;
  memset(&summary, 0, sizeof summary);
  memset(&b, 0, sizeof b);
  b.plan = w->plan;
  b.summary = &summary;
  EG_TRY_DONE(eg_labelled_create(ctx, &b.file));
  EG_TRY_DONE(eg_campaign_create(ctx, w->plan, &campaign));
  summary.campaign = campaign;
  campaign->backend = "cpu";
  campaign->threads = w->threads;
  campaign->command_line = w->command_line;
  campaign->wall_seconds = w->wall_seconds;
  EG_TRY_DONE(eg_build_coordinates(ctx, &b));
  EG_TRY_DONE(add_repeats(ctx, w, b.file));
  EG_TRY_DONE(add_numbers(ctx, w, b.file));
  EG_TRY_DONE(add_together(ctx, w, b.file));
  EG_TRY_DONE(eg_build_provenance(ctx, &b));
  EG_TRY_DONE(eg_build_schema(ctx, &b, is_complete(w)));
  *out = b.file;
  b.file = NULL;
done:
  eg_campaign_free(campaign);
  eg_labelled_free(b.file);
  return status;
}

/* ---- back ---- */

bool eg_is_split_result(const eg_labelled *file) { return eg_labelled_find(file, GROUP, "study") != NULL; }

static bool attribute_is(const eg_labelled *file, const char *name, uint64_t value) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, GROUP, name);
  return a != NULL && a->type == EG_TYPE_U64 && a->n == 1 && *(const uint64_t *)a->data == value;
}

eg_status eg_split_restore(eg_context *ctx, const eg_labelled *file, const char *path, eg_split_work *w) {
  const eg_variable *const study = eg_labelled_find(file, GROUP, "study");
  const eg_attribute *const wall = eg_labelled_group_attribute(file, "/provenance", "wall_seconds");
  const bool is_same = study != NULL && study->type == EG_TYPE_TEXT && study->rank == 0 &&
                       strcmp(((char *const *)study->data)[0], w->plan->study->canonical) == 0;
  if (!is_same || !attribute_is(file, "rng_layout_version", EG_RNG_LAYOUT_VERSION) ||
      !attribute_is(file, "data_hash", w->plan->data_hash)) {
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s %s; choose another file, or --force to replace it", path,
                   study == NULL ? "is no result of a splitting"
                   : is_same     ? "was made from other data, or by another version of ensgrad"
                                 : "holds the splitting of another study");
  }
  for (int k = 0; k < N_NUMBERS; k++) {
    const eg_variable *const v = eg_labelled_find(file, GROUP, names[k]);
    if (v == NULL || v->type != EG_TYPE_F64 || v->rank != 2 || v->shape[0] != w->plan->n_runs || v->shape[1] != w->n_repeats) {
      return eg_fail(ctx, EG_ERR_DAMAGED, "%s: its repeats contradict its study", path);
    }
    for (size_t i = 0; i < w->plan->n_runs * w->n_repeats; i++) {
      eg_split_estimate *const e = &w->estimates[i];
      double *const numbers[N_NUMBERS] = {&e->flux, &e->probability, &e->rate, &e->rounds, &e->steps};
      *numbers[k] = ((const double *)v->data)[i];
      w->is_done[i] = (k == 0 || w->is_done[i]) && !isnan(*numbers[k]);
    }
  }
  w->wall_seconds = wall != NULL && wall->type == EG_TYPE_F64 && wall->n == 1 ? *(const double *)wall->data : 0;
  return EG_OK;
}
