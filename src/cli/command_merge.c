/* ensgrad merge: shards and partial results as one result. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run_settings.h"

static const cli_option options[] = {
    {"output", 'o', "FILE", "result file", false},
    {"allow-gaps", '\0', NULL, "write a partial result where tiles are missing; 'ensgrad run' completes it", false},
    {"force", '\0', NULL, "replace FILE if it is there", false},
    {"data", '\0', "FILE", "the data file, if it is not where it was; its contents must be the same", false},
    {"model", '\0', "FILE", "the model file, if the result was made with one: it is compiled and run;\nits contents must be the same", false},
    {"json", '\0', NULL, "messages as JSON lines on stdout, text on stderr", false},
    {"quiet", 'q', NULL, "no notes: only the table, warnings and errors", false},
    {NULL, '\0', NULL, NULL, false},
};

/* Numbers within names by their value: neighbouring shards come after each other, and few sums stay open. */
static int by_name(const void *a, const void *b) {
  return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static eg_status merge_files(cli_program *program, const cli_args *args, const cli_run_settings *settings) {
  const eg_merge_options merge = {.output = settings->output,
                                  .allow_gaps = cli_flag(args, "allow-gaps"),
                                  .force = cli_flag(args, "force"),
                                  .data = cli_value(args, "data"),
                                  .model = cli_value(args, "model")};
  const char **const paths = calloc(args->n_operands, sizeof *paths);
  if (paths == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  memcpy(paths, args->operands, args->n_operands * sizeof *paths);
  qsort(paths, args->n_operands, sizeof *paths, by_name);
  int is_complete = 0;
  const eg_status status = eg_merge(program->ctx, paths, args->n_operands, &merge, &is_complete);
  if (status == EG_OK && !is_complete && !settings->is_quiet) {
    cli_note(program, "%s is a partial result; 'ensgrad run' with the study and -o %s completes it", settings->output,
             settings->output);
  }
  free(paths);
  return status;
}

static eg_status merge(cli_program *program, const cli_args *args) {
  const double started = cli_seconds_now();
  const char *const output = cli_value(args, "output");
  cli_run_settings settings = {.is_quiet = cli_flag(args, "quiet")};
  if (output == NULL || output[0] == '\0') {
    return cli_fail_usage(program, &cli_command_merge, "-o FILE is missing: where shall the result be written?");
  }
  for (size_t i = 0; i < args->n_operands; i++) {
    if (cli_is_same_file(output, args->operands[i])) {
      return cli_fail_usage(program, &cli_command_merge, "'%s' is one of the files to merge; choose another output",
                            output);
    }
  }
  settings.output = strdup(output);
  if (settings.output == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  const eg_status merged = merge_files(program, args, &settings);
  settings.is_round_over = merged == EG_STOPPED;
  const eg_status status = cli_tell_outcome(program, &settings, started, merged);
  cli_run_settings_free(&settings);
  return status;
}

const cli_command cli_command_merge = {
    .name = "merge",
    .operands = "FILE.h5 ...",
    .least = 1,
    .most = SIZE_MAX,
    .summary = "make one result of shards and partial results",
    .details = "Any division into files, in any order, gives the bits of the single run. Exit code 8 if a tile is in two\n"
               "files, or in none (--allow-gaps: a partial result is written then, which 'ensgrad run' completes), 3 if\n"
               "the files are of different studies, data or versions, 7 if one is damaged or foreign, 75 at the end of a\n"
               "round of a study with 'until' or 'multilevel' that is not the last: 'ensgrad extend' goes on.\n",
    .options = options,
    .run = merge,
};
