/* From the tree to the checked study: what the check_*.c files share. Every check goes on after an error. */
#ifndef EG_STUDY_CHECKER_H
#define EG_STUDY_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/catalogue.h"
#include "study/arena.h"
#include "study/error_list.h"
#include "study/schema.h"
#include "study/study.h"
#include "study/yaml_tree.h"

enum {
  EG_MAX_RUNS = 4096,
  EG_MAX_DYNAMICS = 256,
  EG_MAX_ANALYSES = 64,
  EG_MAX_GROUPS = 64,
  EG_MAX_HISTOGRAMS = 64,
  EG_MAX_EXPECTATIONS = 256,
  EG_MAX_UNTIL = 64,
  EG_MAX_LABEL = 64
};

typedef struct eg_checker {
  eg_error_list *errors;
  eg_arena *memory; /* of the study */
  eg_study *study;
  const char *folder; /* of the study file, with '/' at its end, or "" */
  const eg_yaml_node *root;
  const eg_model_info *model; /* NULL: a user's file, or wrong */
  bool is_model_known;        /* model, or a user's file: more can be said about its keys */
  bool are_dynamics_good;     /* their labels can be referred to */
  bool are_features_good;     /* the list of observed features is complete */
} eg_checker;

/* check_value.c: one value against one row. All report what is wrong and return false; the result is
 * untouched. */
bool eg_read_number(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, double *out);
/* A list, or one number standing for a list of one. */
bool eg_read_numbers(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, eg_number_list *out);
bool eg_read_word(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, size_t *index);
bool eg_read_text(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, char **out);
bool eg_read_flag(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, bool *out);
bool eg_read_seed(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, uint64_t *out);
/* Is the node of this kind and not null? Reports what it is otherwise. */
bool eg_expect(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node, eg_yaml_kind kind);
/* "'key' must be .., got .." in the words of the row. */
void eg_report_type(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node);

/* check_key.c: keys of one mapping. The eg_get functions take the value of the last component of `path` in
   `map`, and return false if it is absent or wrong. */
bool eg_get_number(eg_checker *c, const eg_yaml_node *map, const char *path, double *out);
bool eg_get_word(eg_checker *c, const eg_yaml_node *map, const char *path, size_t *index);
bool eg_get_text(eg_checker *c, const eg_yaml_node *map, const char *path, char **out);
bool eg_get_flag(eg_checker *c, const eg_yaml_node *map, const char *path, bool *out);
/* The value of that key if it is a map; NULL if absent or wrong. */
const eg_yaml_node *eg_get_map(eg_checker *c, const eg_yaml_node *map, const char *path);
/* Report unknown keys with the nearest known one, and missing ones. extra: more names up to a NULL, or NULL.
 */
void eg_check_keys(eg_checker *c, const eg_yaml_node *map, const char *prefix, const char *const *extra);
/* How many of the keys (NULL-terminated, below `prefix`) are in the map; a second one is reported. */
size_t eg_check_at_most_one(eg_checker *c, const eg_yaml_node *map, const char *prefix,
                            const char *const *keys);
/* Is `word` among the blank-separated `words`? */
bool eg_has_word(const char *words, const char *word);

/* check_dynamics.c: 1 to 64 printable characters, and not "exact" */
bool eg_is_good_label(const char *label);

/* One file each. Order matters only where said in check_study.c. */
void eg_check_study(eg_checker *c);
void eg_check_model(eg_checker *c);
void eg_check_dimension(eg_checker *c); /* after model and start: do their vectors agree? */
void eg_check_time(eg_checker *c);
void eg_check_start(eg_checker *c);
void eg_check_dynamics(eg_checker *c);
/* check_chain.c: what one entry of `dynamics` says of its chain. */
void eg_check_chain(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics);
/* check_gradient_noise.c: and of the law of its noise. */
void eg_check_gradient_noise(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics);
void eg_check_sweep(eg_checker *c);
void eg_check_groups(eg_checker *c);
void eg_check_observe(eg_checker *c);
/* check_at.c: the key `at` of `map`, if it is there; path: "observe.at", "observe.paths.at", .. */
void eg_check_at(eg_checker *c, const eg_yaml_node *map, const char *path, eg_study_at *at);
void eg_check_histograms(eg_checker *c, const eg_yaml_node *observe); /* and kept paths; after the features */
void eg_check_paths(eg_checker *c, const eg_yaml_node *node);    /* of observe.paths */
void eg_check_monitors(eg_checker *c, const eg_yaml_node *node); /* of observe.monitors */
void eg_check_analyse(eg_checker *c);
void eg_check_absorbing(eg_checker *c); /* what absorbing crossings rule out */
void eg_check_expect(eg_checker *c);
void eg_check_until(eg_checker *c);
void eg_check_splitting(eg_checker *c);
void eg_check_multilevel(eg_checker *c);
/* check_expect.c: the text under `key` if it is the label of a dynamics; else NULL, reported if it is there. */
char *eg_get_label(eg_checker *c, const eg_yaml_node *map, const char *key);

/* check_sweep.c: is the key (as written in `sweep`) swept; the key node or NULL. */
const eg_yaml_node *eg_swept(const eg_checker *c, const char *key);
/* Report a key of `map` that is also swept under `key`. */
void eg_refuse_swept(eg_checker *c, const eg_yaml_node *map, const char *name, const char *key);

/* canonical.c: text of a checked study; false without memory. */
bool eg_study_canonical(const eg_study *study, const eg_model_info *model, eg_text *out);

/* override.c: put override `index` ("key=value") into the tree. */
void eg_override_apply(eg_arena *arena, eg_error_list *errors, eg_yaml_node *root, int index,
                       const char *text);

#endif
