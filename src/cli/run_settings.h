/* The options of `ensgrad run` as numbers. */
#ifndef EG_CLI_RUN_SETTINGS_H
#define EG_CLI_RUN_SETTINGS_H

#include "cli/cli.h"

enum { CLI_MOST_DEVICES = 64 };

typedef struct cli_run_settings {
  eg_run_options run; /* backend, devices, threads, times, force */
  int devices[CLI_MOST_DEVICES];
  char *output;
  bool is_quiet, is_round_over; /* of shards that are merged, with another round to come: where EG_STOPPED has its own message */
} cli_run_settings;

/* Read and check them; wrong ones are printed (EG_ERR_USAGE). Nothing to free on failure. */
EG_NODISCARD eg_status cli_run_settings_read(cli_program *program, const cli_command *command,
                                             const cli_args *args, cli_run_settings *settings);
void cli_run_settings_free(cli_run_settings *settings);

/* The shard of --shard K/N or slurm; NULL leaves the whole study. */
EG_NODISCARD eg_status cli_read_shard(cli_program *program, const cli_command *command, const char *text,
                                      eg_run_options *run);

/* The output gets the name of its shard: NAME.h5 of shard 3 of 10 becomes NAME.shard-3-of-10.h5. */
EG_NODISCARD eg_status cli_name_shard(cli_program *program, cli_run_settings *settings);

/* Backend, threads, times and flags, but no output and no shard. */
EG_NODISCARD eg_status cli_run_settings_common(cli_program *program, const cli_command *command,
                                               const cli_args *args, cli_run_settings *settings);

/* Are the --set texts KEY=VALUE? */
EG_NODISCARD eg_status cli_check_overrides(cli_program *program, const cli_command *command,
                                           const cli_args *args);

/* The number of --threads; NULL leaves it as it is. */
EG_NODISCARD eg_status cli_read_threads(cli_program *program, const cli_command *command, const char *text,
                                        int *threads);

/* The seconds of --snapshot and --max-time; absent ones leave theirs as they are. */
EG_NODISCARD eg_status cli_read_times(cli_program *program, const cli_command *command, const cli_args *args, double *snapshot,
                                      double *max_time);

/* For commands that take STUDY.yaml, --set and --threads: the study, with its overrides, and the threads. */
EG_NODISCARD eg_status cli_read_study(cli_program *program, const cli_command *command, const cli_args *args, int *threads,
                                      eg_study **study);

/* Is it a backend name? NULL is. has_all: `all` is one. */
EG_NODISCARD eg_status cli_check_backend(cli_program *program, const cli_command *command, const char *name, bool has_all);

/* ---- run_outcome.c ---- */

typedef eg_status (*cli_work)(eg_context *ctx, const eg_run_options *run, const void *user);

double cli_seconds_now(void); /* on a monotonic clock */

/* Call `work` with the settings, progress and the stop flag. */
eg_status cli_run_with_progress(cli_program *program, const cli_run_settings *settings, cli_work work,
                                const void *user);

/* What came out: the table, that it was stopped, or the error; in JSON mode the summary. Returns the final status. */
eg_status cli_tell_outcome(cli_program *program, const cli_run_settings *settings, double started,
                           eg_status status);

#endif
