#include "study/yaml_tree.h"

#include <limits.h>
#include <string.h>
#include <yaml.h>

#include "study/quote.h"

typedef struct tree_reader {
  yaml_parser_t parser;
  eg_arena *arena;
  eg_error_list *errors;
  int source;
  const char *text;
  size_t length;
} tree_reader;

eg_yaml_node *eg_yaml_new(eg_arena *arena, eg_yaml_kind kind, eg_place place, const char *text) {
  eg_yaml_node *node = eg_arena_get(arena, 1, sizeof *node);
  if (node != NULL) {
    node->kind = kind;
    node->place = place;
    node->text = text;
  }
  return node;
}

void eg_yaml_append(eg_arena *arena, eg_yaml_node *parent, eg_yaml_node *key, eg_yaml_node *value) {
  if (parent->n == parent->capacity) {
    const size_t capacity = parent->capacity == 0 ? 8 : 2 * parent->capacity;
    eg_yaml_node **keys = eg_arena_get(arena, capacity, sizeof *keys);
    eg_yaml_node **items = eg_arena_get(arena, capacity, sizeof *items);
    if (keys == NULL || items == NULL) {
      return;
    }
    if (parent->n > 0) {
      memcpy(keys, parent->keys, parent->n * sizeof *keys);
      memcpy(items, parent->items, parent->n * sizeof *items);
    }
    parent->keys = keys;
    parent->items = items;
    parent->capacity = capacity;
  }
  parent->keys[parent->n] = key;
  parent->items[parent->n] = value;
  parent->n++;
}

bool eg_yaml_is_null(const eg_yaml_node *node) {
  if (node->kind != EG_YAML_SCALAR || node->is_quoted) {
    return false;
  }
  const char *text = node->text;
  return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
         strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

size_t eg_yaml_index(const eg_yaml_node *map, const char *key) {
  size_t i = 0;
  while (i < map->n && strcmp(map->keys[i]->text, key) != 0) {
    i++;
  }
  return i;
}

static bool has_key(const eg_yaml_node *map, const char *key) {
  return map != NULL && map->kind == EG_YAML_MAP && eg_yaml_index(map, key) < map->n;
}

const eg_yaml_node *eg_yaml_get(const eg_yaml_node *map, const char *key) {
  return has_key(map, key) ? map->items[eg_yaml_index(map, key)] : NULL;
}

const eg_yaml_node *eg_yaml_key(const eg_yaml_node *map, const char *key) {
  return has_key(map, key) ? map->keys[eg_yaml_index(map, key)] : NULL;
}

static int to_int(size_t value) {
  return value < INT_MAX - 1 ? (int)value : INT_MAX - 1;
}

/* Place of an event. Overrides have no lines: they are quoted whole. */
static eg_place place_of(const tree_reader *reader, const yaml_event_t *event) {
  if (reader->source > 0) {
    return (eg_place){reader->source, {0, 0}, 1};
  }
  const yaml_mark_t *start = &event->start_mark;
  const yaml_mark_t *end = &event->end_mark;
  int width = 1;
  if (event->type == YAML_SCALAR_EVENT || event->type == YAML_ALIAS_EVENT) {
    width = end->line > start->line ? INT_MAX / 2 : to_int(end->column - start->column);
  }
  return (eg_place){0, {to_int(start->line) + 1, to_int(start->column) + 1}, width > 0 ? width : 1};
}

static void report_syntax(tree_reader *reader) {
  const yaml_parser_t *parser = &reader->parser;
  if (parser->error == YAML_MEMORY_ERROR) {
    reader->arena->is_broken = true;
    return;
  }
  const char *problem = parser->problem == NULL ? "this is not YAML" : parser->problem;
  const bool is_reader_error = parser->error == YAML_READER_ERROR;
  eg_mark mark = {to_int(parser->problem_mark.line) + 1, to_int(parser->problem_mark.column) + 1};
  const char *hint = "";
  if (is_reader_error) { /* libyaml gives a byte here, not a mark */
    mark = eg_mark_of_offset(reader->text, reader->length, parser->problem_offset);
    hint = "; a study is plain UTF-8 text";
  } else if (eg_character_at(reader->text, reader->length, mark) == '\t') {
    hint = "; indent with blanks, a tab is not allowed here";
  }
  const eg_mark none = {0, 0};
  const eg_place place = {reader->source, reader->source > 0 ? none : mark, 1};
  eg_text context = {0};
  if (!is_reader_error && parser->context != NULL) {
    eg_text_append(&context, " %s", parser->context);
    if (reader->source == 0 && parser->context_mark.line != parser->problem_mark.line) {
      eg_text_append(&context, " that starts at line %d", to_int(parser->context_mark.line) + 1);
    }
  }
  eg_error_add(reader->errors, place, "%s%s%s", problem, eg_text_string(&context), hint);
  eg_text_free(&context);
}

static bool next_event(tree_reader *reader, yaml_event_t *event) {
  if (yaml_parser_parse(&reader->parser, event) == 0) {
    report_syntax(reader);
    return false;
  }
  return true;
}

/* Anchors and tags are errors, but the value behind them is still checked. */
static void refuse_properties(tree_reader *reader, eg_place place, const yaml_char_t *anchor,
                              const yaml_char_t *tag) {
  if (anchor != NULL) {
    eg_error_add(reader->errors, place, "anchors ('&%s') are not supported: write the value out",
                 EG_SHORT((const char *)anchor));
  }
  if (tag != NULL) {
    eg_error_add(reader->errors, place, "tags ('%s') are not supported: the key decides the type",
                 EG_SHORT((const char *)tag));
  }
}

static eg_yaml_node *read_scalar(tree_reader *reader, const yaml_event_t *event) {
  const char *text = (const char *)event->data.scalar.value;
  const size_t length = event->data.scalar.length;
  const eg_place place = place_of(reader, event);
  refuse_properties(reader, place, event->data.scalar.anchor, event->data.scalar.tag);
  if (memchr(text, '\0', length) != NULL) {
    eg_error_add(reader->errors, place, "a text must not contain the character NUL");
    return eg_yaml_new(reader->arena, EG_YAML_BAD, place, "");
  }
  const char *copy = eg_arena_copy(reader->arena, text, length);
  eg_yaml_node *node = eg_yaml_new(reader->arena, EG_YAML_SCALAR, place, copy);
  if (node == NULL || copy == NULL) {
    return NULL;
  }
  node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  return node;
}

static eg_yaml_node *read_node(tree_reader *reader, const yaml_event_t *event, int depth);

static eg_yaml_node *read_next(tree_reader *reader, yaml_event_type_t end, bool *is_end, int depth) {
  yaml_event_t event;
  if (!next_event(reader, &event)) {
    return NULL;
  }
  *is_end = event.type == end;
  eg_yaml_node *node = *is_end ? NULL : read_node(reader, &event, depth);
  yaml_event_delete(&event);
  return node;
}

static bool read_list(tree_reader *reader, eg_yaml_node *list, int depth) {
  for (;;) {
    bool is_end = false;
    eg_yaml_node *item = read_next(reader, YAML_SEQUENCE_END_EVENT, &is_end, depth);
    if (item == NULL) {
      return is_end;
    }
    eg_yaml_append(reader->arena, list, NULL, item);
  }
}

static bool is_usable_key(tree_reader *reader, const eg_yaml_node *map, const eg_yaml_node *key) {
  if (key->kind != EG_YAML_SCALAR || key->text[0] == '\0') {
    if (key->kind != EG_YAML_BAD) {
      eg_error_add(reader->errors, key->place, "a key must be a word");
    }
    return false;
  }
  const size_t first = eg_yaml_index(map, key->text);
  if (first == map->n) {
    return true;
  }
  if (reader->source > 0) {
    eg_error_add(reader->errors, key->place, "duplicate key '%s'", EG_SHORT(key->text));
  } else {
    eg_error_add(reader->errors, key->place, "duplicate key '%s' (first at line %d)", EG_SHORT(key->text),
                 map->keys[first]->place.mark.line);
  }
  return false;
}

static bool read_map(tree_reader *reader, eg_yaml_node *map, int depth) {
  for (;;) {
    bool is_end = false;
    eg_yaml_node *key = read_next(reader, YAML_MAPPING_END_EVENT, &is_end, depth);
    if (key == NULL) {
      return is_end;
    }
    eg_yaml_node *value = read_next(reader, YAML_NO_EVENT, &is_end, depth);
    if (value == NULL) {
      return false;
    }
    if (map->n == EG_YAML_MAX_KEYS) {
      eg_error_add(reader->errors, key->place, "more than %d keys in one mapping", EG_YAML_MAX_KEYS);
      return false;
    }
    if (is_usable_key(reader, map, key)) {
      eg_yaml_append(reader->arena, map, key, value);
    }
  }
}

/* NULL: stop reading, the reason has been reported. */
static eg_yaml_node *read_node(tree_reader *reader, const yaml_event_t *event, int depth) {
  const eg_place place = place_of(reader, event);
  if (event->type == YAML_SCALAR_EVENT) {
    return read_scalar(reader, event);
  }
  if (event->type == YAML_ALIAS_EVENT) {
    eg_error_add(reader->errors, place, "aliases ('*%s') are not supported: write the value out",
                 EG_SHORT((const char *)event->data.alias.anchor));
    return eg_yaml_new(reader->arena, EG_YAML_BAD, place, "");
  }
  if (depth >= EG_YAML_MAX_DEPTH) {
    eg_error_add(reader->errors, place, "nested deeper than %d levels", EG_YAML_MAX_DEPTH);
    return NULL;
  }
  const bool is_map = event->type == YAML_MAPPING_START_EVENT;
  if (is_map) {
    refuse_properties(reader, place, event->data.mapping_start.anchor, event->data.mapping_start.tag);
  } else {
    refuse_properties(reader, place, event->data.sequence_start.anchor, event->data.sequence_start.tag);
  }
  eg_yaml_node *node = eg_yaml_new(reader->arena, is_map ? EG_YAML_MAP : EG_YAML_LIST, place, "");
  if (node == NULL) {
    return NULL;
  }
  const bool is_complete = is_map ? read_map(reader, node, depth + 1) : read_list(reader, node, depth + 1);
  return is_complete ? node : NULL;
}

/* The one document of the stream; a null scalar if there is none. */
static eg_yaml_node *read_document(tree_reader *reader) {
  yaml_event_t event;
  eg_yaml_node *root = NULL;
  bool is_done = false;
  while (!is_done) {
    if (!next_event(reader, &event)) {
      return NULL;
    }
    const yaml_event_type_t type = event.type;
    if (type == YAML_STREAM_END_EVENT) {
      is_done = true;
      if (root == NULL) {
        const eg_place start = {reader->source, {reader->source > 0 ? 0 : 1, reader->source > 0 ? 0 : 1}, 1};
        root = eg_yaml_new(reader->arena, EG_YAML_SCALAR, start, "");
      }
    } else if (type == YAML_DOCUMENT_START_EVENT && root != NULL) {
      eg_error_add(reader->errors, place_of(reader, &event), "a second document starts here; a study is one");
      is_done = true;
    } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
               type != YAML_DOCUMENT_END_EVENT) {
      root = read_node(reader, &event, 0);
      is_done = root == NULL;
    }
    yaml_event_delete(&event);
  }
  return root;
}

eg_yaml_node *eg_yaml_parse(eg_arena *arena, eg_error_list *errors, int source, const char *text,
                            size_t length) {
  tree_reader reader = {.arena = arena, .errors = errors, .source = source, .text = text, .length = length};
  if (yaml_parser_initialize(&reader.parser) == 0) {
    arena->is_broken = true;
    return NULL;
  }
  const size_t skipped = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* byte order mark */
  reader.text = text + skipped;
  reader.length = length - skipped;
  yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.text, reader.length);
  eg_yaml_node *root = read_document(&reader);
  yaml_parser_delete(&reader.parser);
  return arena->is_broken ? NULL : root;
}
