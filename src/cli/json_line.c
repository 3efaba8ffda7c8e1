/* JSON lines: every message is one object on one line of standard output. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Bytes of the well-formed UTF-8 character at c (RFC 3629, table in section 4), 0 if it is none. */
static size_t utf8_length(const unsigned char *c) {
  const size_t n = c[0] >= 0xC2 && c[0] <= 0xDF   ? 2
                   : c[0] >= 0xE0 && c[0] <= 0xEF ? 3
                   : c[0] >= 0xF0 && c[0] <= 0xF4 ? 4
                                                  : 0;
  const unsigned low = c[0] == 0xE0 ? 0xA0 : c[0] == 0xF0 ? 0x90 : 0x80;
  const unsigned high = c[0] == 0xED ? 0x9F : c[0] == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < n; i++) {
    if (c[i] < (i == 1 ? low : 0x80) || c[i] > (i == 1 ? high : 0xBF)) {
      return 0;
    }
  }
  return n;
}

static void print_string(cli_program *program, const char *text) {
  cli_print(program, "\"");
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
    size_t n = 1;
    if (*c == '"' || *c == '\\') {
      cli_print(program, "\\%c", *c);
    } else if (*c == '\n') {
      cli_print(program, "\\n");
    } else if (*c < 0x20 || *c == 0x7F) {
      cli_print(program, "\\u%04x", (unsigned)*c);
    } else if (*c < 0x80) {
      cli_print(program, "%c", *c);
    } else if ((n = utf8_length(c)) > 0) {
      cli_print(program, "%.*s", (int)n, (const char *)c);
    } else {
      cli_print(program, "\\ufffd"); /* file names may hold any bytes; JSON may not */
      n = 1;
    }
    c += n;
  }
  cli_print(program, "\"");
}

void cli_json_begin(cli_program *program, const char *message_type) {
  cli_print(program, "{\"message_type\": \"%s\"", message_type);
}

void cli_json_text(cli_program *program, const char *key, const char *value) {
  cli_print(program, ", \"%s\": ", key);
  if (value == NULL) {
    cli_print(program, "null");
  } else {
    print_string(program, value);
  }
}

void cli_json_number(cli_program *program, const char *key, double value) {
  if (isfinite(value)) {
    cli_print(program, ", \"%s\": %.15g", key, value);
  } else {
    cli_print(program, ", \"%s\": null", key);
  }
}

void cli_json_bool(cli_program *program, const char *key, bool value) {
  cli_print(program, ", \"%s\": %s", key, value ? "true" : "false");
}

void cli_json_end(cli_program *program) {
  cli_print(program, "}\n");
  errno = 0;
  if (fflush(stdout) != 0 && program->stdout_errno == 0) {
    program->stdout_errno = errno != 0 ? errno : EIO;
  }
}
