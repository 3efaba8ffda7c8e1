/* Standard output, with every write checked. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void remember_failure(cli_program *program) {
  if (program->stdout_errno == 0) {
    program->stdout_errno = errno != 0 ? errno : EIO;
  }
}

void cli_print(cli_program *program, const char *format, ...) {
  va_list args;
  va_start(args, format);
  errno = 0;
  const int n = vprintf(format, args);
  va_end(args);
  if (n < 0) {
    remember_failure(program);
  }
}

eg_status cli_print_owned(cli_program *program, eg_status status, char *text) {
  if (status != EG_OK) {
    free(text);
    return cli_report(program, status);
  }
  const size_t length = strlen(text);
  cli_print(program, "%s%s", text, length > 0 && text[length - 1] != '\n' ? "\n" : "");
  free(text);
  return EG_OK;
}

eg_status cli_finish_output(cli_program *program, eg_status status) {
  errno = 0;
  if (fflush(stdout) != 0) {
    remember_failure(program);
  }
  if (program->stdout_errno == 0) {
    return status;
  }
  if (program->stdout_errno != EPIPE) { /* with EPIPE the reader left on purpose, as head does */
    fprintf(stderr, "ensgrad: error: standard output cannot be written: %s\n",
            strerror(program->stdout_errno));
  }
  return status == EG_OK ? EG_ERR_OUTPUT : status;
}
