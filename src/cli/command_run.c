/* ensgrad run: advance a study into a result file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"output", 'o', "FILE", "result file; default: the study's name with .h5, in this folder", false},
    {"force", '\0', NULL, "start anew and replace what is in FILE", false},
    {"set", '\0', "KEY=VALUE",
     "replace a value of the study, e.g. --set realisations=2^20,\n--set model.ridge=0.1; may be repeated",
     true},
    {"backend", '\0', "NAME", "auto (default: a GPU if there is one), cpu, cuda", false},
    {"threads", '\0', "N", "CPU workers; default: all cores (the result does not depend on it)", false},
    {"snapshot", '\0', "TIME", "write a partial result this often; default 60", false},
    {"max-time", '\0', "TIME", "end with a partial result before this time is over", false},
    {"json", '\0', NULL, "messages as JSON lines on stdout, text on stderr", false},
    {"quiet", 'q', NULL, "no progress and no notes: only the table, warnings and errors", false},
    {NULL, '\0', NULL, NULL, false},
};

static const char details[] =
    "TIME is in seconds, or 90s, 55m, 2h, 1d, 1h30m.\n\n"
    "An absent FILE is started, a partial result of the same study is continued, a complete one is left as "
    "it\n"
    "is. Another study's result or a foreign file is never replaced without --force.\n"
    "SIGTERM, SIGINT (Ctrl-C), SIGUSR1, SIGHUP and SIGXCPU end the run with a valid partial result and exit\n"
    "code 75: the same command (without --force) continues it, to the same bits. A second SIGINT or SIGTERM\n"
    "ends it at once; what was computed since the last snapshot is then lost.\n";

static double seconds_now(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Only for people: in JSON mode the table goes to stderr. */
static eg_status print_table(cli_program *program, const char *path, bool is_quiet) {
  char *text = NULL;
  const eg_status status = eg_result_table(program->ctx, path, &text);
  if (status != EG_OK || !program->is_json) {
    return cli_print_owned(program, status, text);
  }
  if (!is_quiet) {
    fputs(text, stderr);
  }
  free(text);
  return EG_OK;
}

static void print_stopped(cli_program *program, const cli_run_settings *settings) {
  const char *const signal_name = cli_stop_signal_name();
  char *const command = cli_command_line(program, "--force");
  cli_note(program, "stopped early (%s); %s is a valid partial result; continue with: %s",
           signal_name[0] != '\0' ? signal_name : "--max-time", settings->output,
           command != NULL ? command : "the same command");
  free(command);
}

static eg_status run_study(cli_program *program, const cli_run_settings *settings, const eg_study *study) {
  char *const command = cli_command_line(program, NULL);
  cli_progress progress;
  cli_progress_start(&progress, program, settings->is_quiet);
  eg_run_options run = settings->run;
  run.output = settings->output;
  run.stop = cli_stop_flag();
  run.progress = cli_progress_show;
  run.user = &progress;
  run.command_line = command;
  const eg_status status = eg_run_study(program->ctx, study, &run);
  cli_progress_end(&progress);
  const bool made_steps = progress.is_known; /* a run that steps reports at least once */
  if (status == EG_OK && !made_steps && !settings->is_quiet) {
    cli_note(program, "%s is complete already; nothing was done (--force starts anew)", settings->output);
  }
  free(command);
  cli_print_warnings(program);
  return status;
}

/* What came out, for people. A claim that failed is told below the table that shows it. */
static eg_status finish(cli_program *program, const cli_run_settings *settings, eg_status status) {
  if (status == EG_STOPPED) {
    print_stopped(program, settings);
    return status;
  }
  if (status != EG_OK && status != EG_ERR_CLAIM) {
    return cli_report(program, status);
  }
  char *const message = strdup(eg_context_message(program->ctx)); /* the table's calls may replace it */
  const eg_status table_status = print_table(program, settings->output, settings->is_quiet);
  if (status == EG_ERR_CLAIM) {
    (void)fflush(stdout); /* checked at the end of the program */
    cli_print_error(program, status, message != NULL ? message : "");
  }
  free(message);
  return status != EG_OK ? status : table_status;
}

static eg_status load_and_run(cli_program *program, const cli_args *args, const cli_run_settings *settings) {
  eg_study *study = NULL;
  eg_status status = eg_study_load(program->ctx, args->operands[0], args->list, args->n_list, &study);
  if (cli_report(program, status) != EG_OK) {
    return status;
  }
  cli_catch_stop_signals();
  if (!settings->is_quiet) {
    cli_note(program, "writing to %s%s", settings->output,
             cli_value(args, "output") == NULL ? " (choose another file with -o)" : "");
  }
  status = finish(program, settings, run_study(program, settings, study));
  eg_study_free(study);
  return status;
}

static eg_status run(cli_program *program, const cli_args *args) {
  const double started = seconds_now();
  cli_run_settings settings;
  eg_status status = cli_run_settings_read(program, &cli_command_run, args, &settings);
  if (status != EG_OK) {
    return status;
  }
  status = load_and_run(program, args, &settings);
  if (program->is_json) {
    cli_json_begin(program, "summary");
    cli_json_text(program, "status", eg_status_text(status));
    cli_json_number(program, "exit_code", eg_status_exit_code(status));
    cli_json_text(program, "output", settings.output);
    cli_json_number(program, "wall_seconds", seconds_now() - started);
    cli_json_end(program);
  }
  cli_run_settings_free(&settings);
  return status;
}

const cli_command cli_command_run = {
    .name = "run",
    .operands = "STUDY.yaml",
    .least = 1,
    .most = 1,
    .summary = "run a study, or continue it, and print the table of results",
    .details = details,
    .options = options,
    .run = run,
};
