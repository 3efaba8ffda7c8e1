/* What `run`, `extend` and `merge` tell: progress, the table or why there is none, a summary in JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/run_settings.h"

double cli_seconds_now(void) {
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

/* A shard has no table of its own: its estimates are those of a part. */
static void print_shard(cli_program *program, const cli_run_settings *settings) {
  if (!settings->is_quiet) {
    cli_note(program, "shard %" PRIu64 "/%" PRIu64 " is finished: %s; 'ensgrad merge' makes one result of all shards",
             settings->run.shard, settings->run.n_shards, settings->output);
  }
}

static void print_stopped(cli_program *program, const cli_run_settings *settings) {
  const char *const signal_name = cli_stop_signal_name();
  char *const command = cli_command_line(program, "--force");
  cli_note(program, "stopped early (%s); %s is a valid partial result; continue with: %s",
           signal_name[0] != '\0' ? signal_name : "--max-time", settings->output,
           command != NULL ? command : "the same command");
  free(command);
}

/* What came out, for people. A claim that failed is told below the table that shows it. */
static eg_status tell(cli_program *program, const cli_run_settings *settings, eg_status status) {
  if (status == EG_STOPPED) {
    if (settings->is_round_over) {
      cli_note(program, "%s", eg_context_message(program->ctx));
    } else {
      print_stopped(program, settings);
    }
    return status;
  }
  if (status != EG_OK && status != EG_ERR_CLAIM) {
    return cli_report(program, status);
  }
  if (settings->run.n_shards > 1) {
    print_shard(program, settings);
    return EG_OK;
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

eg_status cli_run_with_progress(cli_program *program, const cli_run_settings *settings, cli_work work, const void *user) {
  char *const command = cli_command_line(program, NULL);
  cli_progress progress;
  cli_progress_start(&progress, program, settings->is_quiet);
  eg_run_options run = settings->run;
  run.output = settings->output;
  run.stop = cli_stop_flag();
  run.progress = cli_progress_show;
  run.user = &progress;
  run.command_line = command;
  const eg_status status = work(program->ctx, &run, user);
  cli_progress_end(&progress);
  const bool made_steps = progress.is_known; /* a run that steps reports at least once */
  if (status == EG_OK && !made_steps && !settings->is_quiet) {
    cli_note(program, "%s is complete already; nothing was done (--force starts anew)", settings->output);
  }
  free(command);
  return status;
}

eg_status cli_tell_outcome(cli_program *program, const cli_run_settings *settings, double started, eg_status status) {
  cli_print_warnings(program);
  status = tell(program, settings, status);
  if (program->is_json) {
    cli_json_begin(program, "summary");
    cli_json_text(program, "status", eg_status_text(status));
    cli_json_number(program, "exit_code", eg_status_exit_code(status));
    cli_json_text(program, "output", settings->output);
    cli_json_number(program, "wall_seconds", cli_seconds_now() - started);
    cli_json_end(program);
  }
  return status;
}
