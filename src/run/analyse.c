/* eg_analyse: group /analysis made anew from the sums in a result file. */
#include "ensgrad/analyse.h"

#include <string.h>

#include "io/result_file.h"
#include "run/campaign.h"
#include "run/result_text.h"
#include "run/split.h"
#include "run/stored_study.h"

static const char GROUP[] = "/analysis";

void eg_analyse_options_default(eg_analyse_options *options) {
  memset(options, 0, sizeof *options);
}

/* An override of anything else would describe another ensemble than the one that was run. */
static eg_status check_overrides(eg_context *ctx, const eg_analyse_options *options) {
  for (size_t i = 0; i < options->n_overrides; i++) {
    const char *const text = options->overrides[i];
    const size_t length = strcspn(text, ".=");
    if (length != strlen("analyse") || strncmp(text, "analyse", length) != 0) {
      return eg_fail(ctx, EG_ERR_USAGE, "--set %s: what was simulated cannot be changed; allowed: analyse=.., analyse.KEY=..",
                     text);
    }
  }
  return EG_OK;
}

static eg_status check_output(eg_context *ctx, const eg_analyse_options *options) {
  bool exists = false;
  if (options->output == NULL) {
    return EG_OK;
  }
  EG_TRY(eg_result_probe_output(ctx, options->output, &exists));
  if (exists && !options->force) {
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s is there already; choose another file, or --force to replace it", options->output);
  }
  return EG_OK;
}

static eg_status analyse(eg_context *ctx, const char *path, const eg_plan *plan, eg_labelled *file) {
  eg_campaign *campaign = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_campaign_create(ctx, plan, &campaign));
  EG_TRY_DONE(eg_campaign_restore(ctx, campaign, file, path));
  eg_labelled_clear_group(file, GROUP);
  status = eg_campaign_analyse(ctx, campaign, file);
done:
  eg_campaign_free(campaign);
  return status;
}

eg_status eg_analyse(eg_context *ctx, const char *path, const eg_analyse_options *options) {
  eg_labelled *file = NULL;
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(check_overrides(ctx, options));
  EG_TRY_DONE(check_output(ctx, options));
  EG_TRY_DONE(eg_result_open(ctx, path, &file));
  if (eg_is_split_result(file)) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_STUDY, "%s holds a splitting, of which there are no analyses; 'ensgrad info' prints it", path));
  }
  const eg_named_files files = {options->data, options->model};
  EG_TRY_DONE(eg_stored_study(ctx, path, file, files, options->overrides, options->n_overrides, &study));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(eg_stored_check(ctx, path, file, plan));
  EG_TRY_DONE(analyse(ctx, path, plan, file));
  EG_TRY_DONE(eg_labelled_set_group_text(ctx, file, "/provenance", "analyse_command_line",
                                         options->command_line != NULL ? options->command_line : ""));
  status = eg_result_write(ctx, file, options->output != NULL ? options->output : path);
done:
  eg_plan_free(plan);
  eg_study_free(study);
  eg_labelled_free(file);
  return status;
}
