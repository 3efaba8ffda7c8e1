/* All errors of one study, gathered, sorted by place and turned into one message. */
#ifndef EG_STUDY_ERROR_LIST_H
#define EG_STUDY_ERROR_LIST_H

#include <stddef.h>

#include "base/text.h"
#include "study/study.h"

typedef struct eg_place {
  int source;   /* 0: the study file; i + 1: override i */
  eg_mark mark; /* line 0: no particular line */
  int width;    /* columns to underline */
} eg_place;

enum { EG_MAX_ERRORS = 50 };

typedef struct eg_error {
  eg_place place;
  size_t order; /* as found; decides between errors of one place */
  eg_text text;
} eg_error;

typedef struct eg_error_list {
  const char *path, *text;
  size_t length;
  const char *const *overrides;
  eg_error items[EG_MAX_ERRORS];
  size_t count; /* all that were found, also those that are not kept */
} eg_error_list;

void eg_error_add(eg_error_list *errors, eg_place place, const char *format, ...) EG_PRINTF(3, 4);
/* The message, without a line end behind the last line. Sorts the list. */
void eg_error_list_write(eg_error_list *errors, eg_text *out);
void eg_error_list_free(eg_error_list *errors);

#endif
