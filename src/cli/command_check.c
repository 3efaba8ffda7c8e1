/* ensgrad check: plan a study and print what it would cost. */
#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"threads", '\0', "N", "predict for that many CPU workers; default: all cores", false},
    {"set", '\0', "KEY=VALUE", "replace a value of the study; may be repeated", true},
    {"json", '\0', NULL, "the same as one JSON object on one line", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status check(cli_program *program, const cli_args *args) {
  eg_check_options settings = {.threads = 0, .as_json = program->is_json};
  eg_study *study = NULL;
  eg_status status = cli_read_study(program, &cli_command_check, args, &settings.threads, &study);
  if (status != EG_OK) {
    return status;
  }
  char *text = NULL;
  status = eg_run_check(program->ctx, study, &settings, &text);
  status = cli_print_owned(program, status, text);
  cli_print_warnings(program);
  eg_study_free(study);
  return status;
}

const cli_command cli_command_check = {
    .name = "check",
    .operands = "STUDY.yaml",
    .least = 1,
    .most = 1,
    .summary = "check a study, print its plan and predict time and memory",
    .details = "All mistakes are reported at once, with their places. Exit code 3 if there are any, or if the memory\n"
               "at hand does not hold the run; what would fit is named.\n\n"
               "The study's kernels are timed for about a second and extrapolated; nothing is written. Bytes are\n"
               "exact, times hold for cores with nothing else to do. UNSTABLE marks runs whose second moments grow\n"
               "without bound.\n",
    .options = options,
    .run = check,
};
