/* ensgrad selftest: known answers on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"all", '\0', NULL, "run the gallery: every dynamics and scheme against its exact value", false},
    {"gallery", '\0', "DIR", "with --all: the studies of this folder instead of the installed ones", false},
    {"backend", '\0', "NAME", "auto (default: all that work here), cpu, cuda", false},
    {"threads", '\0', "N", "with --all: CPU workers; default: all cores", false},
    {"set", '\0', "KEY=VALUE", "with --all: replace a value of every study; may be repeated", true},
    {"json", '\0', NULL, "with --all: rows as JSON lines", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status check_options(cli_program *program, const cli_args *args, int *threads) {
  static const char *const of_all[] = {"gallery", "threads", "json"};
  for (size_t i = 0; i < sizeof of_all / sizeof of_all[0] && !cli_flag(args, "all"); i++) {
    if (cli_value(args, of_all[i]) != NULL) {
      return cli_fail_usage(program, &cli_command_selftest, "--%s belongs to --all", of_all[i]);
    }
  }
  if (args->n_list > 0 && !cli_flag(args, "all")) {
    return cli_fail_usage(program, &cli_command_selftest, "--set belongs to --all");
  }
  const eg_status status = cli_read_threads(program, &cli_command_selftest, cli_value(args, "threads"), threads);
  return status != EG_OK ? status : cli_check_overrides(program, &cli_command_selftest, args);
}

static eg_status run_tests(cli_program *program, const cli_args *args, int threads, char **text) {
  const char *const backend = cli_value(args, "backend");
  if (!cli_flag(args, "all")) {
    return eg_selftest(program->ctx, backend != NULL ? backend : "auto", text);
  }
  const eg_selftest_options all = {.backend = backend,
                                   .gallery = cli_value(args, "gallery"),
                                   .overrides = args->list,
                                   .n_overrides = args->n_list,
                                   .threads = threads,
                                   .as_json = program->is_json};
  return eg_selftest_all(program->ctx, &all, text);
}

static eg_status selftest(cli_program *program, const cli_args *args) {
  eg_status status = cli_check_backend(program, &cli_command_selftest, cli_value(args, "backend"), false);
  int threads = 0;
  status = status != EG_OK ? status : check_options(program, args, &threads);
  if (status != EG_OK) {
    return status;
  }
  char *text = NULL;
  status = run_tests(program, args, threads, &text);
  if (status == EG_ERR_CLAIM && text != NULL) { /* the rows show which one failed */
    cli_print(program, "%s%s", text, text[0] != '\0' && text[strlen(text) - 1] != '\n' ? "\n" : "");
    (void)fflush(stdout); /* checked at the end of the program */
  }
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_selftest = {
    .name = "selftest",
    .operands = "",
    .least = 0,
    .most = 0,
    .summary = "compare this machine with the built-in known answers",
    .details = "Bit hashes of noise and kernels, and exact solutions. With --all every study of the gallery is run and\n"
               "every mean with a known value is judged, with one false alarm in a million such tests.\n"
               "Exit code 4 if a row failed.\n",
    .options = options,
    .run = selftest,
};
