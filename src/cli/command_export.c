/* ensgrad export: a result file in another form. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"csv", '\0', NULL, "comma-separated values (the default and only form)", false},
    {"what", '\0', "WHAT", "estimates (default), histograms or paths (the kept ones)", false},
    {"output", 'o', "FILE", "write to FILE; default: standard output", false},
    {"force", '\0', NULL, "replace FILE if it is there", false},
    {NULL, '\0', NULL, NULL, false},
};

static const struct {
  const char *name;
  eg_status (*csv)(eg_context *ctx, const char *path, char **text);
} forms[] = {{"estimates", eg_result_csv}, {"histograms", eg_result_histograms_csv}, {"paths", eg_result_paths_csv}};
enum { N_FORMS = sizeof forms / sizeof forms[0] };

static eg_status export_result(cli_program *program, const cli_args *args) {
  const char *const path = cli_value(args, "output");
  if (path != NULL && cli_is_same_file(path, args->operands[0])) {
    return cli_fail_usage(program, &cli_command_export, "'%s' is the result itself; choose another file",
                          path);
  }
  const char *const what = cli_value(args, "what") != NULL ? cli_value(args, "what") : forms[0].name;
  size_t form = 0;
  while (form < N_FORMS && strcmp(forms[form].name, what) != 0) {
    form++;
  }
  if (form == N_FORMS) {
    return cli_fail_usage(program, &cli_command_export, "--what is '%s'; allowed: estimates, histograms, paths", what);
  }
  char *text = NULL;
  eg_status status = forms[form].csv(program->ctx, args->operands[0], &text);
  if (status != EG_OK || path == NULL) {
    return cli_print_owned(program, status, text);
  }
  cli_print_warnings(program);
  status = cli_write_text(program, path, text, cli_flag(args, "force"));
  free(text);
  return status;
}

const cli_command cli_command_export = {
    .name = "export",
    .operands = "FILE.h5",
    .least = 1,
    .most = 1,
    .summary = "write the estimates of a result file as CSV",
    .details = "One line for every run, point, time, feature and component (and bin, or realisation).\n"
               "For Python, xarray opens the result file itself: xarray.open_dataset(\"FILE.h5\").\n",
    .options = options,
    .run = export_result,
};
