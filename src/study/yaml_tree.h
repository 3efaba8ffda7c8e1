/* YAML text to a tree that knows the place of every key and value. Anchors, aliases and tags are refused. */
#ifndef EG_STUDY_YAML_TREE_H
#define EG_STUDY_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "study/arena.h"
#include "study/error_list.h"

enum { EG_YAML_MAX_DEPTH = 16, EG_YAML_MAX_KEYS = 256 };

typedef enum eg_yaml_kind {
  EG_YAML_BAD, /* an error has been reported here: checks pass over it in silence */
  EG_YAML_SCALAR,
  EG_YAML_LIST,
  EG_YAML_MAP
} eg_yaml_kind;

typedef struct eg_yaml_node eg_yaml_node;
struct eg_yaml_node {
  eg_yaml_kind kind;
  eg_place place;
  const char *text;     /* scalar */
  bool is_quoted;       /* scalar: in quotes or a block, so never a number, a flag or null */
  eg_yaml_node **keys;  /* map: scalars, distinct */
  eg_yaml_node **items; /* map, list: the values */
  size_t n, capacity;
};

/* The tree of one document, owned by the arena. NULL where nothing useful can be built; the errors say why.
   An empty document gives a null scalar. source as in eg_place. */
eg_yaml_node *eg_yaml_parse(eg_arena *arena, eg_error_list *errors, int source, const char *text,
                            size_t length);

eg_yaml_node *eg_yaml_new(eg_arena *arena, eg_yaml_kind kind, eg_place place, const char *text);
/* key NULL in a list. */
void eg_yaml_append(eg_arena *arena, eg_yaml_node *parent, eg_yaml_node *key, eg_yaml_node *value);

bool eg_yaml_is_null(const eg_yaml_node *node);
/* Index of a key; map->n if absent. */
size_t eg_yaml_index(const eg_yaml_node *map, const char *key);
/* Value of a key; NULL if absent or if map is NULL or not a map. */
const eg_yaml_node *eg_yaml_get(const eg_yaml_node *map, const char *key);
/* The key itself; NULL likewise. */
const eg_yaml_node *eg_yaml_key(const eg_yaml_node *map, const char *key);

#endif
