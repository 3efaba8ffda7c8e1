/* ensgrad export: a result file in another form. */
#include <stdlib.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"csv", '\0', NULL, "comma-separated values (the default and only form)", false},
    {"output", 'o', "FILE", "write to FILE; default: standard output", false},
    {"force", '\0', NULL, "replace FILE if it is there", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status export_result(cli_program *program, const cli_args *args) {
  const char *const path = cli_value(args, "output");
  if (path != NULL && cli_is_same_file(path, args->operands[0])) {
    return cli_fail_usage(program, &cli_command_export, "'%s' is the result itself; choose another file",
                          path);
  }
  char *text = NULL;
  eg_status status = eg_result_csv(program->ctx, args->operands[0], &text);
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
    .details = "One line for every run, point, time, feature and component. For Python, xarray opens the "
               "result file\n"
               "itself: xarray.open_dataset(\"FILE.h5\").\n",
    .options = options,
    .run = export_result,
};
