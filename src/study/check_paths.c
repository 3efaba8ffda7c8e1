/* observe.paths: statistics of whole paths. What needs the steps of a run, the plan judges (plan/paths.c). */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "stats/paths.h"
#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

enum { MAX_NAME = 24 };

/* The default name: the word, as a name of a variable. */
static char *name_of_word(eg_checker *c, const char *word) {
  char *const name = eg_arena_copy(c->memory, word, strlen(word));
  for (char *at = name; at != NULL && *at != '\0'; at++) {
    *at = *at == '-' ? '_' : *at;
  }
  return name;
}

static void check_name(eg_checker *c, eg_place place, const char *name) {
  bool is_good = isalpha((unsigned char)name[0]) != 0 && strlen(name) <= MAX_NAME;
  for (const char *at = name; *at != '\0'; at++) {
    is_good = is_good && (isalnum((unsigned char)*at) || *at == '_') && (unsigned char)*at < 0x80;
  }
  if (!is_good) {
    eg_error_add(c->errors, place, "the name '%s' must be a letter and up to %d more letters, digits and underscores",
                 EG_SHORT(name), MAX_NAME - 1);
  }
  for (size_t i = 0; i < c->study->observe.n_paths; i++) {
    if (strcmp(c->study->observe.paths[i].name, name) == 0) {
      eg_error_add(c->errors, place, "two path statistics are called '%s': give one of them another 'name'", name);
    }
  }
}

/* A key that belongs to some statistics only. */
static bool has_key(eg_checker *c, const eg_yaml_node *map, const char *key, bool is_for_it, const char *who) {
  const eg_yaml_node *node = eg_yaml_key(map, key);
  if (node != NULL && !is_for_it) {
    eg_error_add(c->errors, node->place, "'observe.paths.%s' is a key of %s only", key, who);
  }
  return node != NULL && is_for_it;
}

static bool split_component(const char *text, int *component) {
  const size_t digits = text[0] == 'x' ? strspn(text + 1, "0123456789") : 0;
  if (digits == 0 || digits > 6 || text[1 + digits] != '\0' || (digits > 1 && text[1] == '0')) {
    return false;
  }
  *component = 0;
  for (size_t i = 0; i < digits; i++) {
    *component = 10 * *component + (text[1 + i] - '0');
  }
  return true;
}

bool eg_path_has_column(eg_path_kind kind) {
  return kind == EG_PATH_TWO_TIME || kind == EG_PATH_M_POINT || kind == EG_PATH_PRODUCT || kind == EG_PATH_CHARACTERISTIC ||
         kind == EG_PATH_TAIL || kind == EG_PATH_TIME_AVERAGE || kind == EG_PATH_CORRELATOR;
}

bool eg_path_is_streamed(eg_path_kind kind) {
  return kind == EG_PATH_TIME_AVERAGE || kind == EG_PATH_CORRELATOR || kind == EG_PATH_CORRELATOR_MSD;
}

/* "x3" or a scalar feature under `key`; `out` is the default. */
static void read_column(eg_checker *c, const eg_yaml_node *map, const char *path, bool is_for_it, const char *who,
                        eg_study_column *out) {
  const char *const key = strrchr(path, '.') + 1;
  char *text = NULL;
  if (!has_key(c, map, key, is_for_it, who) || !eg_get_text(c, map, path, &text)) {
    return;
  }
  for (size_t i = 1; eg_feature_words[i] != NULL; i++) {
    if (strcmp(eg_feature_words[i], text) == 0) {
      *out = (eg_study_column){text, 0};
      return;
    }
  }
  if (!split_component(text, &out->component)) {
    eg_error_add(c->errors, eg_yaml_get(map, key)->place,
                 "'%s' = '%s' is not known; allowed: norm2, loss, gradient_norm2, displacement2, noise_trace, or a component: x0, x1, ..",
                 path, EG_SHORT(text));
  }
  out->feature = eg_arena_copy(c->memory, "x", 1);
}

static void read_numbers(eg_checker *c, const eg_yaml_node *map, const char *key, const char *path, bool is_for_it,
                         const char *who, eg_number_list *list) {
  if (!has_key(c, map, key, is_for_it, who) || !eg_read_numbers(c, eg_schema_find(path), eg_yaml_get(map, key), list)) {
    return;
  }
  list->mark = eg_yaml_get(map, key)->place.mark;
  for (size_t i = 1; i < list->n; i++) {
    if (list->values[i] <= list->values[i - 1]) {
      eg_error_add(c->errors, eg_yaml_get(map, key)->place, "'%s' must increase: %s follows %s", path,
                   EG_NUMBER_TEXT(list->values[i]), EG_NUMBER_TEXT(list->values[i - 1]));
      return;
    }
  }
}

/* Are the values powers of displacements, or means of them? */
static bool has_squares(eg_path_kind kind) {
  return kind == EG_PATH_MSD || kind == EG_PATH_MOMENTS || kind == EG_PATH_TAMSD || kind == EG_PATH_CORRELATOR_MSD;
}

/* When samples are taken, and how many values a level of a correlator has. */
static void read_sampling(eg_checker *c, const eg_yaml_node *map, eg_study_path *p) {
  static const char who[] = "time-average, correlator and correlator-msd";
  const bool is_streamed = eg_path_is_streamed(p->kind);
  if (has_key(c, map, "every", is_streamed, who)) {
    (void)eg_get_number(c, map, "observe.paths.every", &p->every); /* reported, as all below */
  }
  if (has_key(c, map, "from", is_streamed, who)) {
    (void)eg_get_number(c, map, "observe.paths.from", &p->from);
  }
  if (has_key(c, map, "to", is_streamed, who) && eg_get_number(c, map, "observe.paths.to", &p->to) && p->to <= p->from) {
    eg_error_add(c->errors, eg_yaml_get(map, "to")->place, "the window of path statistic '%s' is empty: from %s to %s",
                 EG_SHORT(p->name), EG_NUMBER_TEXT(p->from), EG_NUMBER_TEXT(p->to));
  }
  if (has_key(c, map, "values", is_streamed && p->kind != EG_PATH_TIME_AVERAGE, "correlator and correlator-msd") &&
      eg_get_number(c, map, "observe.paths.values", &p->per_level) && fmod(p->per_level, 2) != 0) {
    eg_error_add(c->errors, eg_yaml_get(map, "values")->place, "'observe.paths.values' = %s must be even",
                 EG_NUMBER_TEXT(p->per_level));
  }
}

static void read_one(eg_checker *c, const eg_yaml_node *map) {
  eg_study_path p = {.mark = map->place.mark, .origin = NAN, .largest = 1000, .side = 2, .every = 1, .to = NAN, .per_level = NAN};
  size_t word = 0;
  eg_check_keys(c, map, "observe.paths", NULL);
  if (!eg_get_word(c, map, "observe.paths.statistic", &word)) {
    return;
  }
  p.kind = (eg_path_kind)word;
  if (!eg_get_text(c, map, "observe.paths.name", &p.name)) {
    p.name = name_of_word(c, eg_path_words[word]);
  }
  if (p.name == NULL) {
    return;
  }
  check_name(c, map->place, p.name);
  if (has_key(c, map, "at", !eg_path_is_streamed(p.kind), "statistics that are made of observations")) {
    eg_check_at(c, map, "observe.paths.at", &p.at);
  }
  if (has_key(c, map, "origin",
              p.kind == EG_PATH_MSD || p.kind == EG_PATH_MOMENTS || p.kind == EG_PATH_VELOCITY || p.kind == EG_PATH_PRODUCT ||
                  p.kind == EG_PATH_TAIL,
              "msd, moments, velocity, product and tail")) {
    (void)eg_get_number(c, map, "observe.paths.origin", &p.origin); /* reported */
  }
  read_numbers(c, map, "powers", "observe.paths.powers", p.kind == EG_PATH_MOMENTS || p.kind == EG_PATH_DISTANCE,
               "moments and distance", &p.powers);
  for (size_t i = 0; i < p.powers.n; i++) {
    if (p.powers.values[i] < 0.0625 && !(p.powers.values[i] == 0 && p.kind == EG_PATH_DISTANCE)) {
      eg_error_add(c->errors, eg_yaml_get(map, "powers")->place, "'observe.paths.powers' = %s must be at least 1/16; 0, the logarithm, is for "
                   "distance only", EG_NUMBER_TEXT(p.powers.values[i]));
    }
  }
  read_numbers(c, map, "arguments", "observe.paths.arguments", p.kind == EG_PATH_CHARACTERISTIC, "characteristic",
               &p.arguments);
  if (p.kind == EG_PATH_CHARACTERISTIC && eg_yaml_get(map, "arguments") == NULL) {
    eg_error_add(c->errors, map->place, "path statistic '%s' needs 'arguments', the u of E exp(i u f)", EG_SHORT(p.name));
  }
  read_numbers(c, map, "lags", "observe.paths.lags", p.kind == EG_PATH_TAMSD || p.kind == EG_PATH_VELOCITY,
               "time-averaged-msd and velocity", &p.lags);
  if (p.kind == EG_PATH_TAMSD && p.lags.n > 0 && p.lags.values[0] == 0) {
    eg_error_add(c->errors, eg_yaml_get(map, "lags")->place, "'observe.paths.lags' of time-averaged-msd begin with 1, got 0");
  }
  if (has_key(c, map, "histogram", has_squares(p.kind), "msd, moments, time-averaged-msd and correlator-msd")) {
    (void)eg_get_flag(c, map, "observe.paths.histogram", &p.has_histogram); /* reported */
  }
  p.of.feature = eg_arena_copy(c->memory, "x", 1);
  read_column(c, map, "observe.paths.feature", eg_path_has_column(p.kind),
              "two-time, m-point, product, characteristic, tail, time-average and correlator", &p.of);
  read_sampling(c, map, &p);
  if (has_key(c, map, "largest", p.kind == EG_PATH_TAIL, "tail")) {
    (void)eg_get_number(c, map, "observe.paths.largest", &p.largest); /* reported */
  }
  if (has_key(c, map, "side", p.kind == EG_PATH_TAIL, "tail") && eg_get_word(c, map, "observe.paths.side", &word)) {
    p.side = (int)word;
  }
  p.with = p.of;
  p.has_with = p.kind == EG_PATH_TIME_AVERAGE && eg_yaml_get(map, "with") != NULL;
  if (has_key(c, map, "combine", p.kind == EG_PATH_TIME_AVERAGE, "time-average") && eg_get_word(c, map, "observe.paths.combine", &word)) {
    p.combine = (eg_combine)word;
    if (p.combine == EG_COMBINE_RATIO && !p.has_with) {
      eg_error_add(c->errors, eg_yaml_get(map, "combine")->place, "'combine: ratio' of path statistic '%s' needs 'with', the feature that "
                   "the other one is divided by", EG_SHORT(p.name));
    }
  }
  read_column(c, map, "observe.paths.with", p.kind == EG_PATH_PRODUCT || p.has_with, "product and time-average", &p.with);
  c->study->observe.paths[c->study->observe.n_paths++] = p;
}

const char *eg_path_needs(const eg_study_path *path, size_t i) {
  if (i > 0) {
    return i == 1 && (path->kind == EG_PATH_PRODUCT || path->has_with) ? path->with.feature : NULL;
  }
  if (eg_path_has_column(path->kind)) {
    return path->of.feature;
  }
  const bool is_from_start = (path->kind == EG_PATH_MSD || path->kind == EG_PATH_MOMENTS) && isnan(path->origin);
  return is_from_start ? "displacement2" : "x";
}

void eg_check_paths(eg_checker *c, const eg_yaml_node *node) {
  const eg_schema_row *row = eg_schema_find("observe.paths");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  if (n > EG_MOST_PATH_STATISTICS) {
    eg_error_add(c->errors, node->place, "'observe.paths' has %zu entries; at most %d", n, EG_MOST_PATH_STATISTICS);
    return;
  }
  c->study->observe.paths = eg_arena_get(c->memory, n, sizeof *c->study->observe.paths);
  for (size_t i = 0; c->study->observe.paths != NULL && i < n; i++) {
    const eg_yaml_node *map = is_list ? node->items[i] : node;
    if (eg_expect(c, is_list ? &item_row : row, map, EG_YAML_MAP)) {
      read_one(c, map);
    }
  }
}
