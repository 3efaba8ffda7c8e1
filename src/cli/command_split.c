/* ensgrad split: rates of rare escapes. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"output", 'o', "FILE", "write every repeat to FILE, and go on with what is there", false},
    {"force", '\0', NULL, "start anew and replace what is in FILE", false},
    {"threads", '\0', "N", "CPU workers; default: one per core", false},
    {"snapshot", '\0', "TIME", "write finished repeats this often; default 60", false},
    {"max-time", '\0', "TIME", "end before this time is over, with what is done in FILE", false},
    {"set", '\0', "KEY=VALUE", "replace a value of the study; may be repeated", true},
    {"json", '\0', NULL, "the same as one JSON object on one line", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status split(cli_program *program, const cli_args *args) {
  eg_split_options settings;
  eg_study *study = NULL;
  char *text = NULL;
  eg_split_options_default(&settings);
  settings.as_json = program->is_json;
  settings.output = cli_value(args, "output");
  settings.force = cli_flag(args, "force");
  eg_status status =
      cli_read_times(program, &cli_command_split, args, &settings.snapshot_seconds, &settings.max_time);
  if (status != EG_OK) {
    return status;
  }
  if (settings.output != NULL && (settings.output[0] == '\0' || cli_is_same_file(settings.output, args->operands[0]))) {
    return cli_fail_usage(program, &cli_command_split, "'%s' is no name for a result; it needs a file of its own",
                          settings.output);
  }
  status = cli_read_study(program, &cli_command_split, args, &settings.threads, &study);
  if (status != EG_OK) {
    return status;
  }
  char *const command = cli_command_line(program, NULL);
  settings.command_line = command;
  if (settings.output != NULL) { /* without a file nothing would be left by a stop */
    cli_catch_stop_signals();
    settings.stop = cli_stop_flag();
  }
  status = eg_run_split(program->ctx, study, &settings, &text);
  if (status == EG_STOPPED) {
    cli_note(program, "%s", eg_context_message(program->ctx));
  } else {
    status = cli_print_owned(program, status, text);
  }
  cli_print_warnings(program);
  free(command);
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
               "from independent repeats. The numbers are a function of the study alone. With -o every repeat is kept, and\n"
               "a stop (a signal, --max-time: exit code 75) loses those in hand alone: the same command goes on.\n"
               "'ensgrad info FILE' prints the table again.\n"
               "  ensgrad split escape.yaml --set splitting.replicas=512\n",
    .options = options,
    .run = split,
};
