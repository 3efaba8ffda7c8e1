/* The keys of one mapping against the schema. */
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

enum { MAX_NAMES = 320 }; /* keys of one mapping of the schema and the parameters of a model */

static const char *last_component(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot == NULL ? path : dot + 1;
}

bool eg_get_number(eg_checker *c, const eg_yaml_node *map, const char *path, double *out) {
  const eg_yaml_node *node = eg_yaml_get(map, last_component(path));
  return node != NULL && eg_read_number(c, eg_schema_find(path), node, out);
}

bool eg_get_word(eg_checker *c, const eg_yaml_node *map, const char *path, size_t *index) {
  const eg_yaml_node *node = eg_yaml_get(map, last_component(path));
  return node != NULL && eg_read_word(c, eg_schema_find(path), node, index);
}

bool eg_get_text(eg_checker *c, const eg_yaml_node *map, const char *path, char **out) {
  const eg_yaml_node *node = eg_yaml_get(map, last_component(path));
  return node != NULL && eg_read_text(c, eg_schema_find(path), node, out);
}

bool eg_get_flag(eg_checker *c, const eg_yaml_node *map, const char *path, bool *out) {
  const eg_yaml_node *node = eg_yaml_get(map, last_component(path));
  return node != NULL && eg_read_flag(c, eg_schema_find(path), node, out);
}

const eg_yaml_node *eg_get_map(eg_checker *c, const eg_yaml_node *map, const char *path) {
  const eg_yaml_node *node = eg_yaml_get(map, last_component(path));
  return node != NULL && eg_expect(c, eg_schema_find(path), node, EG_YAML_MAP) ? node : NULL;
}

bool eg_has_word(const char *words, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = words; length > 0 && (at = strstr(at, word)) != NULL; at += length) {
    const bool starts = at == words || at[-1] == ' ';
    if (starts && (at[length] == ' ' || at[length] == '\0')) {
      return true;
    }
  }
  return false;
}

static size_t gather_names(const char *prefix, const char *const *extra, const char **names) {
  size_t n = 0;
  for (size_t i = 0; i < eg_schema_count() && n < MAX_NAMES; i++) {
    const char *key = eg_schema_key_below(eg_schema_at(i), prefix);
    if (key != NULL) {
      names[n++] = key;
    }
  }
  for (size_t i = 0; extra != NULL && extra[i] != NULL && n < MAX_NAMES; i++) {
    names[n++] = extra[i];
  }
  return n;
}

static bool is_among(const char *word, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(names[i], word) == 0) {
      return true;
    }
  }
  return false;
}

/* A name that was given without its group: 'curvature' for 'model.curvature'. */
static const char *find_by_ending(const char *word, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(last_component(names[i]), word) == 0) {
      return names[i];
    }
  }
  return NULL;
}

/* The list of all names is long: one unknown key of a mapping shows it. Returns whether this one did. */
static bool report_unknown(eg_checker *c, const eg_yaml_node *key, const char *prefix,
                           const char *const *names, size_t n, bool is_listed) {
  const char *dot = prefix[0] == '\0' ? "" : ".";
  const char *nearest = find_by_ending(key->text, names, n);
  nearest = nearest == NULL ? eg_nearest_name(key->text, names, n) : nearest;
  if (nearest != NULL) {
    eg_error_add(c->errors, key->place, "unknown key '%s%s%s'; did you mean '%s%s%s'?", prefix, dot,
                 EG_SHORT(key->text), prefix, dot, nearest);
    return is_listed;
  }
  if (is_listed) {
    eg_error_add(c->errors, key->place, "unknown key '%s%s%s'", prefix, dot, EG_SHORT(key->text));
    return true;
  }
  eg_text known = {0};
  for (size_t i = 0; i < n; i++) {
    eg_text_append(&known, "%s%s", i > 0 ? ", " : "", names[i]);
  }
  eg_error_add(c->errors, key->place, "unknown key '%s%s%s'; known here: %s", prefix, dot,
               EG_SHORT(key->text), eg_text_string(&known));
  eg_text_free(&known);
  return true;
}

void eg_check_keys(eg_checker *c, const eg_yaml_node *map, const char *prefix, const char *const *extra) {
  const char *names[MAX_NAMES];
  const size_t n = gather_names(prefix, extra, names);
  bool is_listed = false;
  for (size_t i = 0; i < map->n; i++) {
    if (!is_among(map->keys[i]->text, names, n)) {
      is_listed = report_unknown(c, map->keys[i], prefix, names, n, is_listed);
    }
  }
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const eg_schema_row *row = eg_schema_at(i);
    const char *key = eg_schema_key_below(row, prefix);
    if (key != NULL && (row->accepts & EG_REQUIRED) != 0 && eg_yaml_get(map, key) == NULL) {
      eg_error_add(c->errors, map->place, "missing required key '%s'", row->path);
    }
  }
}

size_t eg_check_at_most_one(eg_checker *c, const eg_yaml_node *map, const char *prefix,
                            const char *const *keys) {
  const char *first = NULL;
  size_t n = 0;
  for (size_t i = 0; i < map->n; i++) {
    const eg_yaml_node *key = map->keys[i];
    if (!is_among(key->text, keys, eg_count_words(keys))) {
      continue;
    }
    n++;
    if (first == NULL) {
      first = key->text;
    } else {
      const char *dot = prefix[0] == '\0' ? "" : ".";
      eg_error_add(c->errors, key->place, "'%s%s%s' and '%s%s%s' exclude each other", prefix, dot, first,
                   prefix, dot, key->text);
    }
  }
  return n;
}
