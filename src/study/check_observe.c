/* observe: when, which features, which statistics. */
#include <string.h>

#include "study/checker.h"

static bool has_feature(const eg_study_observe *observe, const char *feature) {
  for (size_t i = 0; i < observe->n_features; i++) {
    if (strcmp(observe->features[i], feature) == 0) {
      return true;
    }
  }
  return false;
}

static void put_feature(eg_checker *c, const char *feature, eg_place place, eg_mark mark) {
  eg_study_observe *observe = &c->study->observe;
  const bool needs_loss = strcmp(feature, "loss") == 0 || strcmp(feature, "gradient_norm2") == 0 ||
                          strcmp(feature, "noise_trace") == 0;
  if (needs_loss && c->model != NULL && c->model->is_process) {
    eg_error_add(c->errors, place, "'%s' is a process: it has no '%s'", c->model->name, feature);
  }
  char *name = eg_arena_copy(c->memory, feature, strlen(feature));
  if (name != NULL) {
    observe->features[observe->n_all_features] = name;
    observe->feature_marks[observe->n_all_features] = mark;
    observe->n_all_features++;
  }
}

static void add_feature(eg_checker *c, const char *feature, eg_place place) {
  eg_study_observe *observe = &c->study->observe;
  if (has_feature(observe, feature)) {
    eg_error_add(c->errors, place, "the feature '%s' is listed twice", feature);
    return;
  }
  put_feature(c, feature, place, place.mark);
  observe->n_features = observe->n_all_features;
}

/* One that only an entry with times of its own needs. */
static void add_extra(eg_checker *c, const char *feature, eg_place place, eg_mark mark) {
  const eg_study_observe *const observe = &c->study->observe;
  for (size_t i = 0; i < observe->n_all_features; i++) {
    if (strcmp(observe->features[i], feature) == 0) {
      return;
    }
  }
  for (size_t i = 0; eg_feature_words[i] != NULL; i++) {
    if (strcmp(eg_feature_words[i], feature) == 0) { /* else a monitor */
      put_feature(c, feature, place, mark);
    }
  }
}

/* What entries with times of their own are made of, once all that is observed at observe.at is known. */
static void add_extras(eg_checker *c, eg_place place) {
  const eg_study_observe *const observe = &c->study->observe;
  for (size_t i = 0; i < observe->n_histograms; i++) {
    add_extra(c, observe->histograms[i].feature, place, observe->histograms[i].mark);
  }
  for (size_t i = 0; i < observe->n_kept_features; i++) {
    add_extra(c, observe->kept_features[i], place, observe->kept_mark);
  }
  for (size_t i = 0; i < observe->n_paths; i++) {
    for (size_t k = 0; eg_path_needs(&observe->paths[i], k) != NULL; k++) {
      add_extra(c, eg_path_needs(&observe->paths[i], k), place, observe->paths[i].mark);
    }
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
  eg_check_at(c, map, "observe.at", &observe->at);
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
        if (!observe->paths[i].at.is_given && !has_feature(observe, eg_path_needs(&observe->paths[i], k))) {
          add_feature(c, eg_path_needs(&observe->paths[i], k), eg_yaml_get(map, "paths")->place);
        }
      }
    }
  }
  add_extras(c, map->place);
}
