#include "study/error_list.h"

#include <stdlib.h>

#include "study/quote.h"

static size_t kept(const eg_error_list *errors) {
  return errors->count < EG_MAX_ERRORS ? errors->count : EG_MAX_ERRORS;
}

void eg_error_add(eg_error_list *errors, eg_place place, const char *format, ...) {
  if (errors->count < EG_MAX_ERRORS) {
    eg_error *error = &errors->items[errors->count];
    *error = (eg_error){place, errors->count, {0}};
    va_list args;
    va_start(args, format);
    eg_text_append_v(&error->text, format, args);
    va_end(args);
  }
  errors->count++;
}

static int compare_errors(const void *left, const void *right) {
  const eg_error *a = left;
  const eg_error *b = right;
  if (a->place.source != b->place.source) {
    return a->place.source < b->place.source ? -1 : 1;
  }
  if (a->place.mark.line != b->place.mark.line) {
    return a->place.mark.line < b->place.mark.line ? -1 : 1;
  }
  if (a->place.mark.column != b->place.mark.column) {
    return a->place.mark.column < b->place.mark.column ? -1 : 1;
  }
  return a->order < b->order ? -1 : 1;
}

static void write_error(const eg_error_list *errors, const eg_error *error, eg_text *out) {
  const eg_place *place = &error->place;
  const char *text = eg_text_string(&error->text);
  if (place->source > 0) {
    eg_text_append(out, "--set %s: error: %s", EG_SHORT(errors->overrides[place->source - 1]), text);
  } else if (place->mark.line < 1) {
    eg_text_append(out, "%s: error: %s", errors->path, text);
  } else {
    eg_text_append(out, "%s:%d:%d: error: %s", errors->path, place->mark.line, place->mark.column, text);
    eg_quote_line(out, errors->text, errors->length, place->mark, place->width > 0 ? place->width : 1);
  }
}

void eg_error_list_write(eg_error_list *errors, eg_text *out) {
  const size_t n = kept(errors);
  qsort(errors->items, n, sizeof errors->items[0], compare_errors);
  for (size_t i = 0; i < n; i++) {
    if (i > 0) {
      eg_text_append(out, "\n");
    }
    write_error(errors, &errors->items[i], out);
    out->is_broken = out->is_broken || errors->items[i].text.is_broken;
  }
  if (errors->count > n) {
    eg_text_append(out, "\n%s: error: and %zu more", errors->path, errors->count - n);
  }
}

void eg_error_list_free(eg_error_list *errors) {
  for (size_t i = 0; i < kept(errors); i++) {
    eg_text_free(&errors->items[i].text);
  }
  errors->count = 0;
}
