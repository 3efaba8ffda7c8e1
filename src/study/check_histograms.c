/* observe.histograms and observe.keep. */
#include <math.h>
#include <string.h>

#include "core/launch.h"
#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

/* Rounding must not move a guessed bin by more than one (stats/histogram.h): bins no narrower than this, relative to the
   larger limit, or to the larger logarithm of a limit. */
static const double NARROWEST_BIN = 0x1p-40, LARGEST_LIMIT = 1e300, SMALLEST_BIN = 1e-290;

/* "x12" is component 12 of x. -1: no component; false: not a name of that form. */
static bool split_component(const char *text, int *component) {
  const size_t digits = strlen(text) - 1;
  if (text[0] != 'x' || digits == 0 || digits > 6 || strspn(text + 1, "0123456789") != digits ||
      (digits > 1 && text[1] == '0')) {
    return false;
  }
  *component = 0;
  for (const char *c = text + 1; *c != '\0'; c++) {
    *component = 10 * *component + (*c - '0');
  }
  return true;
}

static bool is_observed(const eg_study_observe *observe, const char *feature) {
  for (size_t i = 0; i < observe->n_features; i++) {
    if (strcmp(observe->features[i], feature) == 0) {
      return true;
    }
  }
  return false;
}

static void refuse_unobserved(eg_checker *c, const char *what, const char *feature, eg_place place) {
  if (c->are_features_good && !is_observed(&c->study->observe, feature)) {
    eg_error_add(c->errors, place, "%s of '%s', which is not among 'observe.features': add it there", what, feature);
  }
}

/* "out", "out_time", "out_first" of a monitor, or the time of an exit. */
static bool is_of_monitor(const eg_study_observe *observe, const char *text) {
  bool is = false;
  for (size_t i = 0; i < observe->n_monitors; i++) {
    const eg_study_monitor *m = &observe->monitors[i];
    const size_t n = strlen(m->name), k = m->exit == NULL ? 0 : strlen(m->exit);
    const char *const ending = strncmp(text, m->name, n) == 0 ? text + n : "?";
    is = is || ending[0] == '\0' || (strcmp(ending, "_time") == 0 && m->operation == EG_MONITOR_CROSSING) ||
         (k > 0 && (strcmp(ending, "_first") == 0 || (strncmp(text, m->exit, k) == 0 && strcmp(text + k, "_time") == 0)));
  }
  return is;
}

static bool read_feature(eg_checker *c, const eg_yaml_node *map, eg_study_histogram *h) {
  char *text = NULL;
  const size_t n = eg_count_words(eg_feature_words);
  if (!eg_get_text(c, map, "observe.histograms.feature", &text)) {
    return false;
  }
  const eg_place place = eg_yaml_get(map, "feature")->place;
  h->component = -1;
  h->feature = text;
  if (is_of_monitor(&c->study->observe, text)) {
    return true;
  }
  if (split_component(text, &h->component)) {
    h->feature[1] = '\0';
  }
  for (size_t i = 0; i < n; i++) {
    if (strcmp(eg_feature_words[i], h->feature) == 0) {
      if (!h->at.is_given) {
        refuse_unobserved(c, "a histogram", h->feature, place);
      }
      return true;
    }
  }
  const char *nearest = eg_nearest_name(text, eg_feature_words, n);
  eg_text words = {0};
  eg_schema_list_words(eg_feature_words, &words);
  eg_error_add(c->errors, place, "'observe.histograms.feature' = '%s' is not known; %s%s%sallowed: %s, x0, x1, .., or a monitor",
               EG_SHORT(text), nearest == NULL ? "" : "did you mean '", nearest == NULL ? "" : nearest,
               nearest == NULL ? "" : "'? ", eg_text_string(&words));
  eg_text_free(&words);
  return false;
}

static void refuse_twice(eg_checker *c, const eg_study_histogram *h, eg_place place) {
  for (size_t i = 0; i < c->study->observe.n_histograms; i++) {
    const eg_study_histogram *other = &c->study->observe.histograms[i];
    if (strcmp(other->feature, h->feature) == 0 && other->component == h->component) {
      eg_error_add(c->errors, place, "two histograms of '%s'; one is stored under that name", h->feature);
    }
  }
}

/* Both limits or none; increasing; wide enough for the bins. */
static void read_limits(eg_checker *c, const eg_yaml_node *map, eg_study_histogram *h) {
  const bool has_low = eg_yaml_get(map, "low") != NULL, has_high = eg_yaml_get(map, "high") != NULL;
  h->low = NAN;
  h->high = NAN;
  if (!has_low && !has_high) {
    return;
  }
  const eg_yaml_node *one = eg_yaml_get(map, has_low ? "low" : "high");
  if (has_low != has_high) {
    eg_error_add(c->errors, one->place, "'observe.histograms' needs both 'low' and 'high', or neither of them");
    return;
  }
  if (!eg_get_number(c, map, "observe.histograms.low", &h->low) ||
      !eg_get_number(c, map, "observe.histograms.high", &h->high)) {
    return;
  }
  const eg_place place = eg_yaml_get(map, "high")->place;
  const double largest = fmax(fabs(h->low), fabs(h->high));
  if (h->low >= h->high) {
    eg_error_add(c->errors, place, "'observe.histograms.high' = %s is not above 'low' = %s", EG_NUMBER_TEXT(h->high),
                 EG_NUMBER_TEXT(h->low));
  } else if (h->is_log && h->low <= 0) {
    eg_error_add(c->errors, one->place, "'scale: log' needs 'low' > 0, got %s", EG_NUMBER_TEXT(h->low));
  } else if (largest > LARGEST_LIMIT) {
    eg_error_add(c->errors, place, "the limits of a histogram are at most 1e300");
  } else {
    const double width = (h->is_log ? log(h->high) - log(h->low) : h->high - h->low) / h->bins;
    const double scale = h->is_log ? fmax(1.0, fmax(fabs(log(h->low)), fabs(log(h->high)))) : largest;
    if (!(width >= fmax(NARROWEST_BIN * scale, SMALLEST_BIN))) {
      eg_error_add(c->errors, place, "%s bins between %s and %s are narrower than a double tells apart safely",
                   EG_NUMBER_TEXT(h->bins), EG_NUMBER_TEXT(h->low), EG_NUMBER_TEXT(h->high));
    }
  }
}

static void read_histogram(eg_checker *c, const eg_yaml_node *map) {
  eg_study_histogram h = {.bins = 64, .mark = map->place.mark};
  size_t word = 0;
  eg_check_keys(c, map, "observe.histograms", NULL);
  eg_check_at(c, map, "observe.histograms.at", &h.at);
  const bool is_named = read_feature(c, map, &h);
  (void)eg_get_number(c, map, "observe.histograms.bins", &h.bins); /* absent or reported: the default stays */
  if (eg_get_word(c, map, "observe.histograms.scale", &word)) {
    h.is_log = word == 1;
  }
  read_limits(c, map, &h);
  if (is_named) {
    refuse_twice(c, &h, map->place);
    c->study->observe.histograms[c->study->observe.n_histograms++] = h;
  }
}

static void read_histograms(eg_checker *c, const eg_yaml_node *node) {
  const eg_schema_row *row = eg_schema_find("observe.histograms");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  if (n > EG_MAX_HISTOGRAMS) {
    eg_error_add(c->errors, node->place, "'observe.histograms' has %zu entries; at most %d", n, EG_MAX_HISTOGRAMS);
    return;
  }
  c->study->observe.histograms = eg_arena_get(c->memory, n, sizeof *c->study->observe.histograms);
  for (size_t i = 0; c->study->observe.histograms != NULL && i < n; i++) {
    const eg_yaml_node *map = is_list ? node->items[i] : node;
    if (eg_expect(c, is_list ? &item_row : row, map, EG_YAML_MAP)) {
      read_histogram(c, map);
    }
  }
}

/* Two names of histograms; whether a component is there, the plan says. */
static void read_joint(eg_checker *c, const eg_yaml_node *map) {
  eg_study_joint joint = {.mark = map->place.mark};
  eg_check_keys(c, map, "observe.joint_histograms", NULL);
  if (eg_get_text(c, map, "observe.joint_histograms.of", &joint.of[0]) &&
      eg_get_text(c, map, "observe.joint_histograms.with", &joint.of[1])) {
    c->study->observe.joints[c->study->observe.n_joints++] = joint;
  }
}

static void read_joints(eg_checker *c, const eg_yaml_node *node) {
  const eg_schema_row *row = eg_schema_find("observe.joint_histograms");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  if (n > EG_MAX_HISTOGRAMS) {
    eg_error_add(c->errors, node->place, "'observe.joint_histograms' has %zu entries; at most %d", n, EG_MAX_HISTOGRAMS);
    return;
  }
  c->study->observe.joints = eg_arena_get(c->memory, n, sizeof *c->study->observe.joints);
  for (size_t i = 0; c->study->observe.joints != NULL && i < n; i++) {
    const eg_yaml_node *map = is_list ? node->items[i] : node;
    if (eg_expect(c, is_list ? &item_row : row, map, EG_YAML_MAP)) {
      read_joint(c, map);
    }
  }
}

static void add_kept(eg_checker *c, const eg_yaml_node *node, const eg_schema_row *row) {
  eg_study_observe *observe = &c->study->observe;
  size_t word = 0;
  if (!eg_read_word(c, row, node, &word)) {
    return;
  }
  const char *feature = eg_feature_words[word];
  for (size_t i = 0; i < observe->n_kept_features; i++) {
    if (strcmp(observe->kept_features[i], feature) == 0) {
      eg_error_add(c->errors, node->place, "'%s' is listed twice", feature);
      return;
    }
  }
  if (!observe->kept_at.is_given) {
    refuse_unobserved(c, "paths", feature, node->place);
  }
  observe->kept_features[observe->n_kept_features] = eg_arena_copy(c->memory, feature, strlen(feature));
  observe->n_kept_features += observe->kept_features[observe->n_kept_features] != NULL;
}

static void read_keep(eg_checker *c, const eg_yaml_node *map) {
  eg_study_observe *observe = &c->study->observe;
  const eg_yaml_node *of = eg_yaml_get(map, "of");
  const eg_schema_row *row = eg_schema_find("observe.keep.of");
  eg_check_keys(c, map, "observe.keep", NULL);
  eg_check_at(c, map, "observe.keep.at", &observe->kept_at);
  (void)eg_get_number(c, map, "observe.keep.realisations", &observe->kept); /* reported */
  observe->kept_mark = map->place.mark;
  observe->kept_features = eg_arena_get(c->memory, eg_count_words(eg_feature_words), sizeof *observe->kept_features);
  if (of == NULL || observe->kept_features == NULL) {
    return;
  }
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = of->kind == EG_YAML_LIST;
  if (is_list && of->n == 0) {
    eg_error_add(c->errors, of->place, "'observe.keep.of' needs at least one word");
  }
  for (size_t i = 0; i < (is_list ? of->n : 1); i++) {
    add_kept(c, is_list ? of->items[i] : of, is_list ? &item_row : row);
  }
}

void eg_check_histograms(eg_checker *c, const eg_yaml_node *observe) {
  if (eg_yaml_get(observe, "histograms") != NULL) {
    read_histograms(c, eg_yaml_get(observe, "histograms"));
  }
  if (eg_yaml_get(observe, "joint_histograms") != NULL) {
    read_joints(c, eg_yaml_get(observe, "joint_histograms"));
  }
  const eg_yaml_node *keep = eg_get_map(c, observe, "observe.keep");
  if (keep != NULL) {
    read_keep(c, keep);
  }
}
