/* ensgrad verify: are these result files whole? */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const cli_option options[] = {{NULL, '\0', NULL, NULL, false}};

static eg_status worse(eg_status a, eg_status b) {
  return eg_status_exit_code(b) > eg_status_exit_code(a) ? b : a;
}

/* "complete" or "partial": the table says it in its second line, "FILE: STATUS". */
static void print_sealed(cli_program *program, const char *path) {
  char *text = NULL;
  char word[24] = "";
  if (eg_result_table(program->ctx, path, &text) == EG_OK) {
    const char *const line = strchr(text, '\n');
    const size_t length = strlen(path);
    if (line != NULL && strncmp(line + 1, path, length) == 0 && strncmp(line + 1 + length, ": ", 2) == 0) {
      const char *const found = line + 1 + length + 2;
      (void)snprintf(word, sizeof word, ", %.*s", (int)strcspn(found, " \n"), found); /* short words */
    }
  }
  free(text);
  cli_print(program, "%s: sealed%s\n", path, word);
}

static eg_status verify(cli_program *program, const cli_args *args) {
  eg_status worst = EG_OK;
  for (size_t i = 0; i < args->n_operands; i++) {
    const eg_status status = eg_result_check(program->ctx, args->operands[i]);
    if (cli_report(program, status) == EG_OK) {
      print_sealed(program, args->operands[i]);
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
