/* ensgrad models: what can be simulated. */
#include "cli/cli.h"

static const cli_option options[] = {{NULL, '\0', NULL, NULL, false}};

static eg_status models(cli_program *program, const cli_args *args) {
  char *text = NULL;
  const char *const name = args->n_operands > 0 ? args->operands[0] : NULL;
  const eg_status status = eg_models_text(program->ctx, name, &text);
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_models = {
    .name = "models",
    .operands = "[NAME]",
    .least = 0,
    .most = 1,
    .summary = "list the models, or explain one",
    .details = "",
    .options = options,
    .run = models,
};
