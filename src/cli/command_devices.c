/* ensgrad devices: what can compute here. */
#include "cli/cli.h"

static const cli_option options[] = {{NULL, '\0', NULL, NULL, false}};

static eg_status devices(cli_program *program, const cli_args *args) {
  (void)args; /* has neither options nor operands */
  char *text = NULL;
  const eg_status status = eg_devices_text(program->ctx, &text);
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_devices = {
    .name = "devices",
    .operands = "",
    .least = 0,
    .most = 0,
    .summary = "list what can compute here: CPU kernels, GPUs or why there are none",
    .details = "",
    .options = options,
    .run = devices,
};
