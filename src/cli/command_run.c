/* ensgrad run: advance a study into a result file. */
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"output", 'o', "FILE", "result file; default: the study's name with .h5, in this folder", false},
    {"force", '\0', NULL, "start anew and replace what is in FILE", false},
    {"set", '\0', "KEY=VALUE",
     "replace a value of the study, e.g. --set realisations=2^20,\n--set model.ridge=0.1; may be repeated",
     true},
    {"backend", '\0', "NAME", "auto (default: the GPUs, or the CPU if there is none), cpu, cuda,\nall (GPUs and CPU together)", false},
    {"devices", '\0', "LIST", "GPUs to use, as in 0,2; default: all that 'ensgrad devices' shows", false},
    {"threads", '\0', "N", "CPU workers; default: all cores (the result does not depend on it)", false},
    {"snapshot", '\0', "TIME", "write a partial result this often; default 60", false},
    {"max-time", '\0', "TIME", "end with a partial result before this time is over", false},
    {"shard", '\0', "K/N", "advance part K (0 to N-1) of N; slurm: K and N of this task or array element", false},
    {"check-tiles", '\0', "N",
     "make one in N of the tiles that a GPU made again on the CPU and compare;\ndefault 1000, 0: none", false},
    {"device-timeout", '\0', "TIME", "give a GPU up that shows no sign of life for so long; default 10m", false},
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
    "ends it at once; what was computed since the last snapshot is then lost.\n"
    "A shard writes NAME.shard-K-of-N.h5 beside FILE; 'ensgrad merge -o NAME.h5 NAME.shard-*.h5' gives the bits of\n"
    "the single run.\n";

cli_study_runner cli_run_study = eg_run_study;

static eg_status run_study(eg_context *ctx, const eg_run_options *run, const void *study) {
  return cli_run_study(ctx, study, run);
}

static eg_status run(cli_program *program, const cli_args *args) {
  const double started = cli_seconds_now();
  cli_run_settings settings;
  eg_study *study = NULL;
  eg_status status = cli_run_settings_read(program, &cli_command_run, args, &settings);
  if (status != EG_OK) {
    return status;
  }
  status = eg_study_load(program->ctx, args->operands[0], args->list, args->n_list, &study);
  if (status == EG_OK) {
    cli_catch_stop_signals();
    if (!settings.is_quiet) {
      cli_note(program, "writing to %s%s", settings.output,
               cli_value(args, "output") == NULL ? " (choose another file with -o)" : "");
    }
    status = cli_run_with_progress(program, &settings, run_study, study);
  }
  status = cli_tell_outcome(program, &settings, started, status);
  eg_study_free(study);
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
