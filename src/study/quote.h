/* Text of the user shown back to the user: control characters and broken UTF-8 never reach the terminal. */
#ifndef EG_STUDY_QUOTE_H
#define EG_STUDY_QUOTE_H

#include <stddef.h>

#include "base/text.h"
#include "study/study.h"

typedef struct eg_short_text {
  char data[200];
} eg_short_text;

/* The first 40 characters, "..." behind them if there were more. */
eg_short_text eg_shorten(const char *text);
#define EG_SHORT(text) (eg_shorten(text).data)

/**
 * Append the line of the mark with its number, and a second line that underlines `width` columns with ^~~~.
 *
 * text    the whole file, length bytes; lines end as libyaml ends them
 * width   columns to underline; 0: to the end of the word
 *
 * Appends nothing for a mark without a line.
 */
void eg_quote_line(eg_text *out, const char *text, size_t length, eg_mark mark, int width);

/* Line and column of a byte. */
eg_mark eg_mark_of_offset(const char *text, size_t length, size_t offset);
/* First byte of the character at a place; '\n' behind the end of its line. */
char eg_character_at(const char *text, size_t length, eg_mark mark);

#endif
