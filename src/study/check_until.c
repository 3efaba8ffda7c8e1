/* until: errors that end a run before all its realisations. Component, point and time are judged by the plan. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

static char *copy(eg_checker *c, const char *text) { return eg_arena_copy(c->memory, text, strlen(text)); }

/* Names of dimensions are those of the result: judged when it is known. */
static void read_where(eg_checker *c, const eg_yaml_node *map, eg_study_until *u) {
  const eg_yaml_node *const where = eg_get_map(c, map, "until.where");
  if (where == NULL) {
    return;
  }
  u->where = eg_arena_get(c->memory, where->n, sizeof *u->where);
  for (size_t i = 0; u->where != NULL && i < where->n; i++) {
    const eg_yaml_node *const value = where->items[i];
    if (value->kind != EG_YAML_SCALAR || eg_yaml_is_null(value)) {
      eg_error_add(c->errors, where->keys[i]->place, "'until.where' takes one word or number for '%s'",
                   EG_SHORT(where->keys[i]->text));
      continue;
    }
    u->where[u->n_where++] = (eg_study_where){copy(c, where->keys[i]->text), copy(c, value->text)};
  }
}

static void read_one(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *map) {
  static const char *const sizes[] = {"stderr", "relative", NULL}, *const values[] = {"feature", "variable", NULL};
  eg_study_until u = {.stderr_ = NAN, .relative = NAN, .time = NAN, .mark = map->place.mark};
  const size_t errors_before = c->errors->count;
  size_t word = 0;
  if (!eg_expect(c, row, map, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, map, "until", NULL);
  if (eg_get_text(c, map, "until.feature", &u.feature)) {
    u.mark = eg_yaml_get(map, "feature")->place.mark;
  }
  if (eg_get_text(c, map, "until.variable", &u.variable)) {
    u.mark = eg_yaml_get(map, "variable")->place.mark;
  }
  read_where(c, map, &u);
  if (eg_check_at_most_one(c, map, "until", values) == 0) {
    eg_error_add(c->errors, map->place, "'until' needs 'feature' or 'variable'");
  }
  for (size_t i = 0; i < 2; i++) { /* what goes with the other kind alone */
    const char *const key = i == 0 ? "statistic" : "where";
    if (eg_yaml_get(map, key) != NULL && eg_yaml_get(map, i == 0 ? "variable" : "feature") != NULL) {
      eg_error_add(c->errors, eg_yaml_key(map, key)->place, "'until.%s' goes with '%s'", key,
                   i == 0 ? "feature" : "variable");
    }
  }
  u.is_variance = eg_get_word(c, map, "until.statistic", &word) && word == 1;
  (void)eg_get_number(c, map, "until.stderr", &u.stderr_); /* absent or reported, as those below */
  (void)eg_get_number(c, map, "until.relative", &u.relative);
  (void)eg_get_number(c, map, "until.time", &u.time);
  (void)eg_get_number(c, map, "until.point", &u.point);
  if (eg_check_at_most_one(c, map, "until", sizes) == 0) {
    eg_error_add(c->errors, map->place, "'until' needs 'stderr' or 'relative'");
  }
  u.label = eg_get_label(c, map, "until.dynamics");
  if (c->errors->count == errors_before) {
    c->study->until[c->study->n_until++] = u;
  }
}

void eg_check_until(eg_checker *c) {
  const eg_yaml_node *node = eg_yaml_get(c->root, "until");
  if (node == NULL) {
    return;
  }
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  const eg_schema_row *row = eg_schema_find("until");
  const eg_schema_row item_row = eg_schema_item(row);
  if (n == 0 || n > EG_MAX_UNTIL) {
    eg_error_add(c->errors, node->place, "'until' has %zu entries; allowed: 1 to %d", n, EG_MAX_UNTIL);
    return;
  }
  c->study->until = eg_arena_get(c->memory, n, sizeof *c->study->until);
  for (size_t i = 0; c->study->until != NULL && i < n; i++) {
    read_one(c, is_list ? &item_row : row, is_list ? node->items[i] : node);
  }
}
