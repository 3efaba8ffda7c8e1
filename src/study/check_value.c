/* One value of the tree against one row of the schema. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

static void describe_node(const eg_yaml_node *node, eg_text *out) {
  if (node->kind == EG_YAML_MAP) {
    eg_text_append(out, "a mapping");
  } else if (node->kind == EG_YAML_LIST) {
    eg_text_append(out, node->n == 0 ? "an empty list" : "a list");
  } else if (node->is_quoted) {
    eg_text_append(out, "the text \"%s\"", EG_SHORT(node->text));
  } else {
    eg_text_append(out, "'%s'", EG_SHORT(node->text));
  }
}

/* A list where one number belongs is mostly meant to be swept. */
static const char *sweep_hint(const eg_schema_row *row, const eg_yaml_node *node) {
  const bool wants_number = (row->accepts & (EG_NUMBER | EG_WHOLE)) != 0 && (row->accepts & EG_LIST) == 0;
  if (node->kind != EG_YAML_LIST || !wants_number || strncmp(row->path, "sweep.", 6) == 0) {
    return "";
  }
  const char *dot = strrchr(row->path, '.');
  eg_text axis = {0};
  eg_text_append(&axis, "sweep.%s", dot == NULL ? row->path : dot + 1);
  const bool is_axis = eg_schema_find(eg_text_string(&axis)) != NULL;
  eg_text_free(&axis);
  const bool is_param = strncmp(row->path, "model.", 6) == 0 && eg_schema_find(row->path) == NULL;
  return is_axis || is_param ? "; to run several values, sweep it" : "";
}

void eg_report_type(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node) {
  if (node->kind == EG_YAML_BAD) {
    return; /* already reported */
  }
  eg_text wanted = {0};
  eg_text got = {0};
  eg_schema_describe_type(row, &wanted);
  if (eg_yaml_is_null(node)) {
    eg_error_add(c->errors, node->place, "'%s' has no value; it must be %s", EG_SHORT(row->path),
                 eg_text_string(&wanted));
  } else {
    describe_node(node, &got);
    eg_error_add(c->errors, node->place, "'%s' must be %s, got %s%s", EG_SHORT(row->path),
                 eg_text_string(&wanted), eg_text_string(&got), sweep_hint(row, node));
  }
  eg_text_free(&wanted);
  eg_text_free(&got);
}

static void report_range(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node) {
  eg_text range = {0};
  eg_schema_describe_range(row, &range);
  eg_error_add(c->errors, node->place, "'%s' = %s is out of range %s", EG_SHORT(row->path),
               EG_SHORT(node->text), eg_text_string(&range));
  eg_text_free(&range);
}

bool eg_expect(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, eg_yaml_kind kind) {
  if (node->kind != kind || eg_yaml_is_null(node)) {
    eg_report_type(c, row, node);
    return false;
  }
  return true;
}

static bool is_in_range(const eg_schema_row *row, double value) {
  if (row->low >= row->high) {
    return true; /* a row without a range */
  }
  return value >= row->low && value <= row->high && !((row->accepts & EG_POSITIVE) != 0 && value <= row->low);
}

bool eg_read_number(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, double *out) {
  double value = 0.0;
  if (node->kind != EG_YAML_SCALAR || node->is_quoted) {
    eg_report_type(c, row, node);
    return false;
  }
  switch (eg_number_parse(node->text, &value)) {
  case EG_NUMBER_GOOD:
    break;
  case EG_NUMBER_MALFORMED:
    eg_report_type(c, row, node);
    return false;
  case EG_NUMBER_BEYOND_DOUBLE:
    eg_error_add(c->errors, node->place, "'%s' = %s is beyond what a double can hold", EG_SHORT(row->path),
                 EG_SHORT(node->text));
    return false;
  case EG_NUMBER_BY_ZERO:
    eg_error_add(c->errors, node->place, "'%s' = %s divides by zero", EG_SHORT(row->path),
                 EG_SHORT(node->text));
    return false;
  }
  if ((row->accepts & EG_WHOLE) != 0 && floor(value) != value) {
    eg_report_type(c, row, node);
    return false;
  }
  if (!is_in_range(row, value)) {
    report_range(c, row, node);
    return false;
  }
  *out = value;
  return true;
}

bool eg_read_numbers(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, eg_number_list *out) {
  const bool is_list = node->kind == EG_YAML_LIST && (row->accepts & EG_LIST) != 0;
  if (is_list && node->n == 0) {
    eg_error_add(c->errors, node->place, "'%s' needs at least one value", EG_SHORT(row->path));
    return false;
  }
  const size_t n = is_list ? node->n : 1;
  double *values = eg_arena_get(c->memory, n, sizeof *values);
  if (values == NULL) {
    return false;
  }
  const eg_schema_row item = eg_schema_item(row);
  bool is_good = true;
  for (size_t i = 0; i < n; i++) {
    is_good =
        eg_read_number(c, is_list ? &item : row, is_list ? node->items[i] : node, &values[i]) && is_good;
  }
  if (is_good) {
    *out = (eg_number_list){values, n, node->place.mark};
  }
  return is_good;
}

bool eg_read_word(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, size_t *index) {
  if (!eg_expect(c, row, node, EG_YAML_SCALAR)) {
    return false;
  }
  const size_t n = eg_count_words(row->words);
  for (size_t i = 0; i < n; i++) {
    if (strcmp(row->words[i], node->text) == 0) {
      *index = i;
      return true;
    }
  }
  const char *nearest = eg_nearest_name(node->text, row->words, n);
  eg_text words = {0};
  eg_schema_list_words(row->words, &words);
  eg_error_add(c->errors, node->place, "'%s' = '%s' is not known; %s%s%sallowed: %s", row->path,
               EG_SHORT(node->text), nearest == NULL ? "" : "did you mean '", nearest == NULL ? "" : nearest,
               nearest == NULL ? "" : "'? ", eg_text_string(&words));
  eg_text_free(&words);
  return false;
}

bool eg_read_text(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, char **out) {
  if (!eg_expect(c, row, node, EG_YAML_SCALAR)) {
    return false;
  }
  *out = eg_arena_copy(c->memory, node->text, strlen(node->text));
  return *out != NULL;
}

bool eg_read_flag(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, bool *out) {
  const bool is_plain = node->kind == EG_YAML_SCALAR && !node->is_quoted;
  if (is_plain && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
    *out = node->text[0] == 't';
    return true;
  }
  eg_report_type(c, row, node);
  return false;
}

bool eg_read_seed(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, uint64_t *out) {
  const bool is_plain = node->kind == EG_YAML_SCALAR && !node->is_quoted;
  if (is_plain && eg_seed_parse(node->text, out)) {
    return true;
  }
  double value = 0.0;
  if (is_plain && eg_number_parse(node->text, &value) == EG_NUMBER_GOOD && floor(value) == value) {
    report_range(c, row, node);
  } else {
    eg_report_type(c, row, node);
  }
  return false;
}
