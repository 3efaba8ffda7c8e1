/* ensgrad info: the table of a result file, as `run` printed it. */
#include "cli/cli.h"

static const cli_option options[] = {{NULL, '\0', NULL, NULL, false}};

static eg_status info(cli_program *program, const cli_args *args) {
  char *text = NULL;
  const eg_status status = eg_result_table(program->ctx, args->operands[0], &text);
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_info = {
    .name = "info",
    .operands = "FILE.h5",
    .least = 1,
    .most = 1,
    .summary = "print the table of a result file, also of a partial one",
    .details = "",
    .options = options,
    .run = info,
};
