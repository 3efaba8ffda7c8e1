/* The one table of what a study may say: for the checks, the messages and `ensgrad help study`. */
#ifndef EG_STUDY_SCHEMA_H
#define EG_STUDY_SCHEMA_H

#include <stddef.h>

#include "base/text.h"
#include "study/names.h"

/* What a key accepts, as bits: one kind of scalar and the collections beside it. */
enum {
  EG_TEXT = 1 << 0,
  EG_WORD = 1 << 1, /* one of `words` */
  EG_NUMBER = 1 << 2,
  EG_WHOLE = 1 << 3, /* a whole number kept as a double */
  EG_SEED = 1 << 4,  /* 64 bits */
  EG_FLAG = 1 << 5,
  EG_LIST = 1 << 6,  /* of that scalar */
  EG_LISTS = 1 << 7, /* list of lists of numbers */
  EG_MAP = 1 << 8,
  EG_MAPS = 1 << 9, /* list of mappings or of that scalar */
  /* and the rules beside them */
  EG_POSITIVE = 1 << 10, /* low is not itself allowed */
  EG_REQUIRED = 1 << 11  /* in its mapping, always */
};

typedef struct eg_schema_row {
  const char *path; /* dotted; <..> stands for names that the model decides */
  unsigned accepts;
  const char *fallback; /* the default in words; NULL: none */
  double low, high;     /* of numbers, inclusive */
  const char *const *words;
  const char *only; /* dynamics that have the key, separated by blanks; NULL: does not apply */
  const char *doc;
} eg_schema_row;

size_t eg_schema_count(void);
const eg_schema_row *eg_schema_at(size_t i);
/* NULL if there is no such row. */
const eg_schema_row *eg_schema_find(const char *path);
/* What stands behind `prefix.` in the path; NULL if the row is not directly below it ("" is the top). */
const char *eg_schema_key_below(const eg_schema_row *row, const char *prefix);

/* The row for one item of a list: it does not accept lists again. */
eg_schema_row eg_schema_item(const eg_schema_row *row);

/* "a number or a list of numbers" */
void eg_schema_describe_type(const eg_schema_row *row, eg_text *out);
/* "(0, inf)"; nothing if every number is allowed */
void eg_schema_describe_range(const eg_schema_row *row, eg_text *out);
void eg_schema_list_words(const char *const *words, eg_text *out);

#endif
