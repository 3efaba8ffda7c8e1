/* Messages for people, on standard error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

bool cli_uses_colour(void) {
  const char *const no_colour = getenv("NO_COLOR"), *const term = getenv("TERM");
  return isatty(STDERR_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
         (term == NULL || strcmp(term, "dumb") != 0);
}

void cli_clear_line(cli_program *program) {
  if (program->line_width > 0) {
    fprintf(stderr, "\r%*s\r", program->line_width, "");
    program->line_width = 0;
  }
}

void cli_note(cli_program *program, const char *format, ...) {
  cli_clear_line(program);
  va_list args;
  va_start(args, format);
  fputs("ensgrad: ", stderr);
  (void)vfprintf(stderr, format, args); /* nowhere to say that stderr is lost */
  fputc('\n', stderr);
  va_end(args);
}

static void print_prefix(const char *colour, const char *kind) {
  const bool uses_colour = cli_uses_colour();
  fprintf(stderr, "ensgrad: %s%s:%s ", uses_colour ? colour : "", kind, uses_colour ? "\033[0m" : "");
}

void cli_print_error(cli_program *program, eg_status status, const char *text) {
  cli_clear_line(program);
  const char *const shown = text[0] != '\0' ? text : eg_status_text(status);
  const bool has_place = strstr(shown, ": error: ") != NULL; /* those of a study say file:line:column */
  if (!has_place) {
    print_prefix("\033[1;31m", "error");
  }
  const size_t length = strlen(shown);
  fprintf(stderr, "%s%s", shown, shown[length - 1] != '\n' ? "\n" : "");
  if (program->is_json) {
    cli_json_begin(program, "error");
    cli_json_text(program, "status", eg_status_text(status));
    cli_json_number(program, "exit_code", eg_status_exit_code(status));
    cli_json_text(program, "message", shown);
    cli_json_end(program);
  }
}

/* A line that carries on the warning above it: the quoted line of a study ("    3 | ..") or the mark below.
 */
static bool is_continuation(const char *line) {
  return line[0] == ' ';
}

void cli_print_warnings(cli_program *program) {
  const char *line = eg_context_warnings(program->ctx);
  if (*line != '\0') {
    cli_clear_line(program);
  }
  while (*line != '\0') {
    const size_t length = strcspn(line, "\n");
    if (length > 0 && !is_continuation(line)) {
      print_prefix("\033[1;33m", "warning");
    }
    /* A warning about a study brings "file:line:column: warning: "; one word of it is enough. */
    const char *const own = strstr(line, ": warning: ");
    if (own != NULL && own < line + length) {
      const char *const rest = own + strlen(": warning: ");
      fprintf(stderr, "%.*s: %.*s\n", (int)(own - line), line, (int)(length - (size_t)(rest - line)), rest);
    } else if (length > 0) {
      fprintf(stderr, "%.*s\n", (int)length, line);
    }
    line += length + (line[length] == '\n');
  }
  eg_context_clear_warnings(program->ctx);
}

eg_status cli_report(cli_program *program, eg_status status) {
  cli_print_warnings(program);
  if (status != EG_OK) {
    cli_print_error(program, status, eg_context_message(program->ctx));
  }
  return status;
}
