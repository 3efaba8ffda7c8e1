/* observe: when, which features, which statistics. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/number.h"

/* The last allowed value, where it is already known: the end of the run. */
static void check_increasing(eg_checker *c, const eg_yaml_node *node, const char *path,
                             const eg_number_list *at, double end, const char *end_name) {
  for (size_t i = 0; i < at->n; i++) {
    const eg_place place = node->kind == EG_YAML_LIST ? node->items[i]->place : node->place;
    if (i > 0 && at->values[i] <= at->values[i - 1]) {
      eg_error_add(c->errors, place, "'%s' must increase: %s follows %s", path, EG_NUMBER_TEXT(at->values[i]),
                   EG_NUMBER_TEXT(at->values[i - 1]));
      return;
    }
    if (!isnan(end) && at->values[i] > end * (1.0 + 1e-9)) {
      eg_error_add(c->errors, place, "'%s' = %s is behind the end: '%s' = %s", path,
                   EG_NUMBER_TEXT(at->values[i]), end_name, EG_NUMBER_TEXT(end));
      return;
    }
  }
}

static void read_count(eg_checker *c, const eg_yaml_node *map, const char *path, eg_observe_kind kind) {
  double n = 0.0;
  if (eg_get_number(c, map, path, &n)) {
    c->study->observe.kind = kind;
    c->study->observe.n = (size_t)n;
  }
}

static void read_steps(eg_checker *c, const eg_yaml_node *node) {
  static const char *const kinds[] = {"log", "linear", NULL};
  const char *path = "observe.at.steps";
  eg_study_observe *observe = &c->study->observe;
  if (node->kind != EG_YAML_MAP) {
    if (eg_read_numbers(c, eg_schema_find(path), node, &observe->at)) {
      observe->kind = EG_AT_STEPS;
      check_increasing(c, node, path, &observe->at, c->study->steps, "steps");
    }
    return;
  }
  eg_check_keys(c, node, path, NULL);
  if (eg_check_at_most_one(c, node, path, kinds) == 0) {
    eg_error_add(c->errors, node->place, "'observe.at.steps' needs one of 'log', 'linear'");
  }
  read_count(c, node, "observe.at.steps.log", EG_AT_STEPS_LOG);
  read_count(c, node, "observe.at.steps.linear", EG_AT_STEPS_LINEAR);
  if (observe->kind == EG_AT_STEPS_LOG && (double)observe->n > c->study->steps) { /* false for NaN */
    eg_error_add(c->errors, node->place, "'observe.at.steps.log' asks for %zu distinct steps out of %s",
                 observe->n, EG_NUMBER_TEXT(c->study->steps));
  }
}

static void read_at(eg_checker *c, const eg_yaml_node *node) {
  static const char *const kinds[] = {"linear", "steps", NULL};
  const char *path = "observe.at";
  eg_study_observe *observe = &c->study->observe;
  observe->mark = node->place.mark;
  if (node->kind != EG_YAML_MAP) {
    if (eg_read_numbers(c, eg_schema_find(path), node, &observe->at)) {
      observe->kind = EG_AT_TIMES;
      check_increasing(c, node, path, &observe->at, c->study->horizon, "horizon");
    }
    return;
  }
  eg_check_keys(c, node, path, NULL);
  if (eg_check_at_most_one(c, node, path, kinds) == 0) {
    eg_error_add(c->errors, node->place, "'observe.at' needs a list of times or one of 'linear', 'steps'");
  }
  read_count(c, node, "observe.at.linear", EG_AT_LINEAR);
  if (eg_yaml_get(node, "steps") != NULL) {
    read_steps(c, eg_yaml_get(node, "steps"));
  }
}

static bool has_feature(const eg_study_observe *observe, const char *feature) {
  for (size_t i = 0; i < observe->n_features; i++) {
    if (strcmp(observe->features[i], feature) == 0) {
      return true;
    }
  }
  return false;
}

static void add_feature(eg_checker *c, const char *feature, eg_place place) {
  eg_study_observe *observe = &c->study->observe;
  const bool needs_loss = strcmp(feature, "loss") == 0 || strcmp(feature, "gradient_norm2") == 0 ||
                          strcmp(feature, "noise_trace") == 0;
  if (has_feature(observe, feature)) {
    eg_error_add(c->errors, place, "the feature '%s' is listed twice", feature);
    return;
  }
  if (needs_loss && c->model != NULL && c->model->is_process) {
    eg_error_add(c->errors, place, "'%s' is a process: it has no '%s'", c->model->name, feature);
  }
  char *name = eg_arena_copy(c->memory, feature, strlen(feature));
  if (name != NULL) {
    observe->features[observe->n_features] = name;
    observe->feature_marks[observe->n_features] = place.mark;
    observe->n_features++;
  }
}

/* Call `use` for every word of a word or a list of words. */
static void each_word(eg_checker *c, const eg_yaml_node *node, const char *path,
                      void (*use)(eg_checker *c, const char *word, eg_place place)) {
  const eg_schema_row *row = eg_schema_find(path);
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  if (is_list && node->n == 0) {
    eg_error_add(c->errors, node->place, "'%s' needs at least one word", path);
  }
  for (size_t i = 0; i < (is_list ? node->n : 1); i++) {
    const eg_yaml_node *item = is_list ? node->items[i] : node;
    size_t word = 0;
    if (eg_read_word(c, is_list ? &item_row : row, item, &word)) {
      use(c, row->words[word], item->place);
    }
  }
}

static void add_statistic(eg_checker *c, const char *statistic, eg_place place) {
  unsigned bit = 1;
  for (size_t i = 0; strcmp(eg_statistic_words[i], statistic) != 0; i++) {
    bit *= 2;
  }
  c->study->observe.statistics |= bit;
  if (bit == EG_STAT_MSD && !has_feature(&c->study->observe, "displacement2")) {
    add_feature(c, "displacement2", place); /* the mean squared displacement is its mean */
  }
}

void eg_check_observe(eg_checker *c) {
  eg_study_observe *observe = &c->study->observe;
  observe->statistics = EG_STAT_MOMENTS;
  if (eg_yaml_get(c->root, "observe") == NULL) {
    return;
  }
  const eg_yaml_node *map = eg_get_map(c, c->root, "observe");
  const size_t max_features = eg_count_words(eg_feature_words);
  observe->features = eg_arena_get(c->memory, max_features, sizeof *observe->features);
  observe->feature_marks = eg_arena_get(c->memory, max_features, sizeof *observe->feature_marks);
  if (map == NULL || observe->features == NULL || observe->feature_marks == NULL) {
    return;
  }
  eg_check_keys(c, map, "observe", NULL);
  if (eg_yaml_get(map, "at") != NULL) {
    read_at(c, eg_yaml_get(map, "at"));
  }
  if (eg_yaml_get(map, "features") != NULL) {
    const size_t errors_before = c->errors->count;
    each_word(c, eg_yaml_get(map, "features"), "observe.features", add_feature);
    c->are_features_good = c->errors->count == errors_before;
  }
  if (eg_yaml_get(map, "statistics") != NULL) {
    each_word(c, eg_yaml_get(map, "statistics"), "observe.statistics", add_statistic);
  }
  if (eg_yaml_get(map, "monitors") != NULL) { /* before histograms, which may be of them */
    eg_check_monitors(c, eg_yaml_get(map, "monitors"));
  }
  eg_check_histograms(c, map);
  if (eg_yaml_get(map, "paths") != NULL) {
    eg_check_paths(c, eg_yaml_get(map, "paths"));
    for (size_t i = 0; i < observe->n_paths; i++) {
      for (size_t k = 0; eg_path_needs(&observe->paths[i], k) != NULL; k++) {
        if (!has_feature(observe, eg_path_needs(&observe->paths[i], k))) {
          add_feature(c, eg_path_needs(&observe->paths[i], k), eg_yaml_get(map, "paths")->place);
        }
      }
    }
  }
}
