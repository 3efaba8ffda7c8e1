/* ensgrad verify: are these result files whole? */
#include <stdint.h>

#include "cli/cli.h"

static const cli_option options[] = {{NULL, '\0', NULL, NULL, false}};

static eg_status worse(eg_status a, eg_status b) {
  return eg_status_exit_code(b) > eg_status_exit_code(a) ? b : a;
}

static eg_status verify(cli_program *program, const cli_args *args) {
  eg_status worst = EG_OK;
  for (size_t i = 0; i < args->n_operands; i++) {
    int is_complete = 0;
    const eg_status status = eg_result_check(program->ctx, args->operands[i], &is_complete);
    if (cli_report(program, status) == EG_OK) {
      cli_print(program, "%s: sealed, %s\n", args->operands[i], is_complete ? "complete" : "partial");
    }
    worst = worse(worst, status);
  }
  return worst;
}

const cli_command cli_command_verify = {
    .name = "verify",
    .operands = "FILE.h5 ...",
    .least = 1,
    .most = SIZE_MAX,
    .summary = "check the seal and the content of result files",
    .details = "Exit code 7 if one of them is damaged, foreign or not sealed, 5 if one cannot be read.\n",
    .options = options,
    .run = verify,
};
