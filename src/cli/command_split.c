/* ensgrad split: rates of rare escapes. */
#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"threads", '\0', "N", "CPU workers; default: one per core", false},
    {"set", '\0', "KEY=VALUE", "replace a value of the study; may be repeated", true},
    {"json", '\0', NULL, "the same as one JSON object on one line", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status split(cli_program *program, const cli_args *args) {
  eg_split_options settings = {.threads = 0, .as_json = program->is_json};
  eg_study *study = NULL;
  eg_status status = cli_read_study(program, &cli_command_split, args, &settings.threads, &study);
  if (status != EG_OK) {
    return status;
  }
  char *text = NULL;
  status = eg_run_split(program->ctx, study, &settings, &text);
  status = cli_print_owned(program, status, text);
  cli_print_warnings(program);
  eg_study_free(study);
  return status;
}

const cli_command cli_command_split = {
    .name = "split",
    .operands = "STUDY.yaml",
    .least = 1,
    .most = 1,
    .summary = "rates of escapes too rare to wait for, by adaptive multilevel splitting",
    .details = "Does what the study's key 'splitting' says and prints, for every run, the flux of exits from A, the\n"
               "probability that one of them reaches B before it returns, and the rate, their product, with errors\n"
               "from independent repeats. The numbers are a function of the study alone. Nothing is written.\n"
               "  ensgrad split escape.yaml --set splitting.replicas=512\n",
    .options = options,
    .run = split,
};
