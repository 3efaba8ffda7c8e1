/* ensgrad selftest: known answers on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run_settings.h"

static const cli_option options[] = {
    {"backend", '\0', "NAME", "auto (default: all that work here), cpu, cuda", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status selftest(cli_program *program, const cli_args *args) {
  const char *const given = cli_value(args, "backend");
  eg_status status = cli_check_backend(program, &cli_command_selftest, given);
  if (status != EG_OK) {
    return status;
  }
  char *text = NULL;
  status = eg_selftest(program->ctx, given != NULL ? given : "auto", &text);
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
    .details = "Bit hashes of noise and kernels, and exact solutions. Exit code 4 if a row failed.\n",
    .options = options,
    .run = selftest,
};
