/* The options of `ensgrad run` as numbers. */
#ifndef EG_CLI_RUN_SETTINGS_H
#define EG_CLI_RUN_SETTINGS_H

#include "cli/cli.h"

typedef struct cli_run_settings {
  eg_run_options run; /* backend, threads, times, force */
  char *output;
  bool is_quiet;
} cli_run_settings;

/* Read and check them; wrong ones are printed (EG_ERR_USAGE). Nothing to free on failure. */
EG_NODISCARD eg_status cli_run_settings_read(cli_program *program, const cli_command *command,
                                             const cli_args *args, cli_run_settings *settings);
void cli_run_settings_free(cli_run_settings *settings);

/* Are the --set texts KEY=VALUE? */
EG_NODISCARD eg_status cli_check_overrides(cli_program *program, const cli_command *command,
                                           const cli_args *args);

/* The number of --threads; NULL leaves it as it is. */
EG_NODISCARD eg_status cli_read_threads(cli_program *program, const cli_command *command, const char *text,
                                        int *threads);

/* Is it a backend name? NULL is. */
EG_NODISCARD eg_status cli_check_backend(cli_program *program, const cli_command *command, const char *name);

#endif
