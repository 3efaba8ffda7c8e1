/* The command line as text. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

/* Append a word, quoted for a POSIX shell if it needs it; returns the end. */
static char *append_word(char *out, const char *word) {
  const size_t length = strlen(word);
  if (length > 0 && strspn(word, plain) == length) {
    memcpy(out, word, length);
    return out + length;
  }
  *out++ = '\'';
  for (const char *c = word; *c != '\0'; c++) {
    if (*c == '\'') {
      memcpy(out, "'\\''", 4);
      out += 4;
    } else {
      *out++ = *c;
    }
  }
  *out++ = '\'';
  return out;
}

char *cli_command_line(const cli_program *program, const char *left_out) {
  size_t size = 1;
  for (int i = 0; i < program->argc; i++) {
    size += 4 * strlen(program->argv[i]) + 3; /* all of it quotes, two around them, a blank */
  }
  char *const text = malloc(size);
  if (text == NULL) {
    return NULL;
  }
  char *end = text;
  for (int i = 0; i < program->argc; i++) {
    if (left_out != NULL && strcmp(program->argv[i], left_out) == 0) {
      continue;
    }
    if (i > 0) {
      *end++ = ' ';
    }
    end = append_word(end, program->argv[i]);
  }
  *end = '\0';
  return text;
}
