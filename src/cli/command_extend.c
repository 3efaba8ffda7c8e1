/* ensgrad extend: more realisations for a result. */
#include <string.h>

#include "cli/run_settings.h"

static const cli_option options[] = {
    {"realisations", 'n', "N", "how many there are in the end, e.g. 2^24; with 'until' or 'multilevel' the most, by default\nthose of the study", false},
    {"output", 'o', "FILE", "result file; default: the result itself, which is replaced by the longer one", false},
    {"force", '\0', NULL, "start again from the result and replace what is in FILE", false},
    {"data", '\0', "FILE", "the data file, if it is not where it was; its contents must be the same", false},
    {"model", '\0', "FILE", "the model file, if the result was made with one: it is compiled and run;\nits contents must be the same", false},
    {"backend", '\0', "NAME", "auto (default: the GPUs, or the CPU if there is none), cpu, cuda,\nall (GPUs and CPU together)", false},
    {"devices", '\0', "LIST", "GPUs to use, as in 0,2; default: all that 'ensgrad devices' shows", false},
    {"threads", '\0', "N", "CPU workers; default: all cores (the result does not depend on it)", false},
    {"shard", '\0', "K/N", "add part K (0 to N-1) of N of what is missing; slurm: K and N of this task or array element", false},
    {"snapshot", '\0', "TIME", "write a partial result this often; default 60", false},
    {"max-time", '\0', "TIME", "end with a partial result before this time is over", false},
    {"check-tiles", '\0', "N",
     "make one in N of the tiles that a GPU made again on the CPU and compare;\ndefault 1000, 0: none", false},
    {"device-timeout", '\0', "TIME", "give a GPU up that shows no sign of life for so long; default 10m", false},
    {"json", '\0', NULL, "messages as JSON lines on stdout, text on stderr", false},
    {"quiet", 'q', NULL, "no progress and no notes: only the table, warnings and errors", false},
    {NULL, '\0', NULL, NULL, false},
};

typedef struct request {
  const char *path, *n, *data, *model;
} request;

static eg_status work(eg_context *ctx, const eg_run_options *run, const void *user) {
  const request *const r = user;
  return eg_extend(ctx, r->path, r->n, r->data, r->model, run);
}

static eg_status extend(cli_program *program, const cli_args *args) {
  const double started = cli_seconds_now();
  const request r = {args->operands[0], cli_value(args, "realisations"), cli_value(args, "data"),
                     cli_value(args, "model")};
  const char *const output = cli_value(args, "output");
  cli_run_settings settings;
  eg_status status = cli_run_settings_common(program, &cli_command_extend, args, &settings);
  if (status != EG_OK) {
    return status;
  }
  if (output != NULL && output[0] == '\0') {
    return cli_fail_usage(program, &cli_command_extend, "the name of the output file is empty");
  }
  settings.output = strdup(output != NULL ? output : r.path);
  if (settings.output == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  status = cli_read_shard(program, &cli_command_extend, cli_value(args, "shard"), &settings.run);
  if (status == EG_OK && settings.run.n_shards > 1) {
    status = cli_name_shard(program, &settings);
  }
  if (status != EG_OK) {
    cli_run_settings_free(&settings);
    return status;
  }
  cli_catch_stop_signals();
  if (!settings.is_quiet) {
    cli_note(program, "extending %s, writing to %s", r.path, settings.output);
  }
  status = cli_tell_outcome(program, &settings, started, cli_run_with_progress(program, &settings, work, &r));
  cli_run_settings_free(&settings);
  return status;
}

const cli_command cli_command_extend = {
    .name = "extend",
    .operands = "FILE.h5",
    .least = 1,
    .most = 1,
    .summary = "add realisations to a result",
    .details =
        "The bits are those of one run with N realisations. Stopped early (exit code 75), the same command\n"
        "continues. Only whole tiles can be taken over (4096 realisations, fewer for large models): a result whose\n"
        "number of realisations is no multiple of its tile, or is below 64 tiles of the longer run, is refused with\n"
        "the numbers that would do. A shard writes NAME.shard-K-of-N.h5 beside FILE; shard 0 has what was there, and\n"
        "'ensgrad merge -o NAME.h5 NAME.shard-*.h5' gives the longer result. With 'until' or 'multilevel' shards\n"
        "make what the sums in FILE ask for next: a round, after which merge ends with 75 if there is another.\n",
    .options = options,
    .run = extend,
};
