/* ensgrad check: plan a study and print what it costs, without a step. */
#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"set", '\0', "KEY=VALUE", "replace a value of the study; may be repeated", true},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status check(cli_program *program, const cli_args *args) {
  eg_status status = cli_check_overrides(program, &cli_command_check, args);
  if (status != EG_OK) {
    return status;
  }
  eg_study *study = NULL;
  status = eg_study_load(program->ctx, args->operands[0], args->list, args->n_list, &study);
  if (status != EG_OK) {
    return cli_report(program, status);
  }
  char *text = NULL;
  status = eg_run_check(program->ctx, study, &text);
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
    .summary = "check a study and print its plan and cost, without a step",
    .details = "All mistakes are reported at once, with their places. Exit code 3 if there are any.\n",
    .options = options,
    .run = check,
};
