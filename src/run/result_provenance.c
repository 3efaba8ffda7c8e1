/* Where a result comes from. All that may differ between two equal runs is here and nowhere else. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "build_info.h"
#include "core/rng.h"
#include "run/result_parts.h"

static eg_status text(eg_context *ctx, eg_builder *b, const char *name, const char *value) {
  return eg_labelled_set_group_text(ctx, b->file, "/provenance", name, value != NULL ? value : "");
}

static eg_status number(eg_context *ctx, eg_builder *b, const char *name, int64_t value) {
  return eg_labelled_set_group(ctx, b->file, "/provenance", name, EG_TYPE_I64, 1, &value);
}

static eg_status count(eg_context *ctx, eg_builder *b, const char *name, uint64_t value) {
  return eg_labelled_set_group(ctx, b->file, "/provenance", name, EG_TYPE_U64, 1, &value);
}

/* The file by its full name, so that `ensgrad replay` finds it from any folder; as it was written if it has none. */
static eg_status file_name(eg_context *ctx, eg_builder *b, const char *name, const char *path) {
  char *const full = path == NULL ? NULL : realpath(path, NULL);
  const eg_status status = text(ctx, b, name, full != NULL ? full : path);
  free(full);
  return status;
}

static eg_status overrides(eg_context *ctx, eg_builder *b) {
  static const char *const dim = "override";
  const eg_study *const s = b->plan->study;
  if (s->n_overrides == 0) {
    return EG_OK;
  }
  return eg_labelled_add(ctx, b->file, "/provenance", "overrides", EG_TYPE_TEXT, 1, &dim, &s->n_overrides, s->overrides,
                         NULL);
}

static eg_status parents(eg_context *ctx, eg_builder *b) {
  static const char *const dim = "parent";
  const eg_campaign *const c = b->summary->campaign;
  if (c->n_parents == 0) {
    return EG_OK;
  }
  return eg_labelled_add(ctx, b->file, "/provenance", "parents", EG_TYPE_TEXT, 1, &dim, &c->n_parents, c->parents, NULL);
}

eg_status eg_build_provenance(eg_context *ctx, eg_builder *b) {
  const eg_campaign *const c = b->summary->campaign;
  const eg_study *const s = b->plan->study;
  const uint64_t seed = s->seed;
  char host[256] = "", date[40] = "", hdf5[32];
  const time_t now = time(NULL);
  struct tm utc;
  (void)gethostname(host, sizeof host - 1); /* an unknown host stays empty */
  if (gmtime_r(&now, &utc) != NULL) {
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
  }
  (void)snprintf(hdf5, sizeof hdf5, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
  EG_TRY(eg_labelled_add(ctx, b->file, "/provenance", "study", EG_TYPE_TEXT, 0, NULL, NULL, &s->text, NULL));
  EG_TRY(eg_labelled_add(ctx, b->file, "/provenance", "study_resolved", EG_TYPE_TEXT, 0, NULL, NULL, &s->canonical, NULL));
  EG_TRY(overrides(ctx, b));
  EG_TRY(parents(ctx, b));
  EG_TRY(file_name(ctx, b, "study_file", s->path));
  EG_TRY(file_name(ctx, b, "data_file", s->model.data));
  EG_TRY(file_name(ctx, b, "model_file", s->model.file));
  EG_TRY(text(ctx, b, "version", EG_BUILD_VERSION));
  EG_TRY(text(ctx, b, "git_commit", EG_BUILD_COMMIT));
  EG_TRY(number(ctx, b, "git_dirty", EG_BUILD_IS_DIRTY));
  EG_TRY(text(ctx, b, "build_type", EG_BUILD_TYPE));
  EG_TRY(text(ctx, b, "compiler", EG_BUILD_COMPILER));
  EG_TRY(text(ctx, b, "hdf5_version", hdf5));
  EG_TRY(text(ctx, b, "backend", c->backend));
  EG_TRY(text(ctx, b, "device", c->device));
  EG_TRY(number(ctx, b, "threads", c->threads));
  EG_TRY(count(ctx, b, "device_tiles_checked", c->spot.checked));
  EG_TRY(count(ctx, b, "device_tiles_agreed", c->spot.agreed));
  EG_TRY(count(ctx, b, "device_tiles_discarded", c->spot.discarded));
  EG_TRY(text(ctx, b, "precision", s->float_state ? "float state" : "double state"));
  EG_TRY(text(ctx, b, "noise", eg_noise_name(s->noise)));
  EG_TRY(text(ctx, b, "rng", "philox4x32-10"));
  EG_TRY(number(ctx, b, "rng_layout_version", EG_RNG_LAYOUT_VERSION));
  EG_TRY(eg_labelled_set_group(ctx, b->file, "/provenance", "seed", EG_TYPE_U64, 1, &seed));
  EG_TRY(text(ctx, b, "command_line", c->command_line));
  EG_TRY(text(ctx, b, "hostname", host));
  EG_TRY(text(ctx, b, "slurm_job_id", getenv("SLURM_JOB_ID")));
  EG_TRY(text(ctx, b, "written", date));
  return eg_labelled_set_group(ctx, b->file, "/provenance", "wall_seconds", EG_TYPE_F64, 1, &c->wall_seconds);
}
