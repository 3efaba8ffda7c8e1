/* --set key=value: puts a value into the tree before it is checked, so the same checks speak about it. */
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

/* Where a plain word may stand for a mapping: the key that the word is the value of. */
static const struct {
  const char *group, *key;
} short_forms[] = {{"model", "name"}, {"dynamics", "name"}, {"noise", "kind"}};

static eg_yaml_node *expand_short_form(eg_arena *arena, const char *group, eg_yaml_node *word) {
  const char *key = NULL;
  for (size_t i = 0; i < sizeof short_forms / sizeof short_forms[0]; i++) {
    if (strcmp(short_forms[i].group, group) == 0) {
      key = short_forms[i].key;
    }
  }
  if (key == NULL) {
    return NULL;
  }
  eg_yaml_node *value = word;
  if (strcmp(group, "noise") == 0 && strcmp(word->text, "common") == 0) {
    key = "common";
    value = eg_yaml_new(arena, EG_YAML_SCALAR, word->place, "true");
  }
  eg_yaml_node *map = eg_yaml_new(arena, EG_YAML_MAP, word->place, "");
  eg_yaml_node *name = eg_yaml_new(arena, EG_YAML_SCALAR, word->place, key);
  if (map != NULL && name != NULL && value != NULL) {
    eg_yaml_append(arena, map, name, value);
  }
  return map;
}

static void set_item(eg_arena *arena, eg_yaml_node *map, const char *key, eg_place place,
                     eg_yaml_node *value) {
  const size_t i = eg_yaml_index(map, key);
  if (i < map->n) {
    map->keys[i]->place = place; /* errors about the key are now errors of the override */
    map->items[i] = value;
    return;
  }
  eg_yaml_node *node = eg_yaml_new(arena, EG_YAML_SCALAR, place, eg_arena_copy(arena, key, strlen(key)));
  if (node != NULL && node->text != NULL) {
    eg_yaml_append(arena, map, node, value);
  }
}

/* The mapping under a key, made if there is none; NULL if something else is there. */
static eg_yaml_node *descend(eg_arena *arena, eg_yaml_node *map, const char *key, eg_place place) {
  const size_t i = eg_yaml_index(map, key);
  if (i < map->n && map->items[i]->kind == EG_YAML_MAP) {
    return map->items[i];
  }
  eg_yaml_node *made = NULL;
  if (i == map->n || eg_yaml_is_null(map->items[i])) {
    made = eg_yaml_new(arena, EG_YAML_MAP, place, "");
    if (made != NULL) {
      set_item(arena, map, key, place, made);
    }
  } else if (map->items[i]->kind == EG_YAML_SCALAR) {
    made = expand_short_form(arena, key, map->items[i]);
    if (made != NULL) {
      map->items[i] = made;
    }
  }
  return made;
}

static bool is_dotted_name(const char *path) {
  return path[0] != '\0' && path[0] != '.' && strstr(path, "..") == NULL && path[strlen(path) - 1] != '.';
}

static void set_path(eg_arena *arena, eg_error_list *errors, eg_yaml_node *root, char *path, eg_place place,
                     eg_yaml_node *value) {
  eg_yaml_node *map = root;
  char *part = path;
  for (;;) {
    /* Keys of the sweep are dotted themselves. */
    const bool is_in_sweep = part != path && strcmp(path, "sweep") == 0;
    char *dot = is_in_sweep ? NULL : strchr(part, '.');
    if (dot == NULL) {
      set_item(arena, map, part, place, value);
      return;
    }
    *dot = '\0';
    map = descend(arena, map, part, place);
    if (map == NULL) {
      eg_error_add(errors, place, "'%s' is not a mapping: replace it as a whole", EG_SHORT(part));
      return;
    }
    part = dot + 1;
  }
}

void eg_override_apply(eg_arena *arena, eg_error_list *errors, eg_yaml_node *root, int index,
                       const char *text) {
  const eg_place place = {index + 1, {0, 0}, 1};
  const char *equals = strchr(text, '=');
  if (equals == NULL) {
    eg_error_add(errors, place, "there is no '='; wanted: key=value");
    return;
  }
  char *path = eg_arena_copy(arena, text, (size_t)(equals - text));
  eg_yaml_node *value = eg_yaml_parse(arena, errors, index + 1, equals + 1, strlen(equals + 1));
  if (path != NULL && !is_dotted_name(path)) {
    eg_error_add(errors, place, "the key is not a dotted name; wanted: key=value");
  } else if (path != NULL && value != NULL) {
    set_path(arena, errors, root, path, place, value);
  }
}
