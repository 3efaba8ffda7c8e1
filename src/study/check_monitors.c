/* observe.monitors: features looked at after every step. What needs the dimension or the steps of a run, the plan judges. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/launch.h"
#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

enum { MAX_NAME = 24 };

/* Names of a result file that an observable must not take, and endings that the numbers made of an observable have. */
static const char *const taken_names[] = {
    "x", "norm2", "loss", "gradient_norm2", "displacement2", "clock", "noise_trace", "velocity", "msd", "covariance", "run", "point", "time", "record", "step",
    "component", "feature", "feature_2", "dynamics", "scheme", "factor", "stepper", "description", "learning_rate",
    "time_step", "batch_size", "substeps", "horizon", "ridge", "integrator_step", "stability_limit", "diverged_count",
    "difference", "difference_group", "difference_first", "difference_second", "difference_first_run",
    "difference_second_run"};
static const char *const taken_endings[] = {"_stderr", "_count", "_variance", "_skewness", "_kurtosis", "_exact",
                                            "_expected", "_z", "_judged", "_exponent", "_time",
                                            "_bin", "_bin_low", "_bin_high", "_histogram", "_below", "_above", "_path",
                                            "_difference", "_first", "_steps"};

static bool ends_with(const char *text, const char *ending) {
  const size_t n = strlen(text), k = strlen(ending);
  return n > k && strcmp(text + n - k, ending) == 0;
}

static bool is_well_formed(const char *name) {
  bool is_good = isalpha((unsigned char)name[0]) != 0 && strlen(name) <= MAX_NAME;
  for (const char *c = name; *c != '\0'; c++) {
    is_good = is_good && (isalnum((unsigned char)*c) || *c == '_') && (unsigned char)*c < 0x80;
  }
  return is_good;
}

static void check_name(eg_checker *c, const eg_yaml_node *node, const char *name) {
  const eg_study_observe *observe = &c->study->observe;
  if (!is_well_formed(name)) {
    eg_error_add(c->errors, node->place,
                 "the monitor name '%s' must be a letter and up to %d more letters, digits and underscores",
                 EG_SHORT(name), MAX_NAME - 1);
    return;
  }
  for (size_t i = 0; i < sizeof taken_names / sizeof taken_names[0]; i++) {
    if (strcmp(taken_names[i], name) == 0) {
      eg_error_add(c->errors, node->place, "the monitor name '%s' is taken by another variable of the result", name);
      return;
    }
  }
  const bool is_swept = strncmp(name, "model_", 6) == 0 || strncmp(name, "start_", 6) == 0; /* coordinates of a sweep */
  for (size_t i = 0; i < sizeof taken_endings / sizeof taken_endings[0]; i++) {
    if (ends_with(name, taken_endings[i])) {
      eg_error_add(c->errors, node->place,
                   "the monitor name '%s' must not end in '%s': variables that are made of an observable do", name,
                   taken_endings[i]);
      return;
    }
  }
  if (strncmp(name, "path_", 5) == 0) {
    eg_error_add(c->errors, node->place, "the monitor name '%s' must not begin with 'path_': statistics of paths do", name);
  }
  if (strncmp(name, "joint_", 6) == 0) {
    eg_error_add(c->errors, node->place, "the monitor name '%s' must not begin with 'joint_': joint histograms do", name);
  }
  if (is_swept) {
    eg_error_add(c->errors, node->place, "the monitor name '%s' must not begin with '%.6s': coordinates of a sweep do",
                 name, name);
  }
  for (size_t i = 0; i < observe->n_monitors; i++) {
    if (strcmp(observe->monitors[i].name, name) == 0) {
      eg_error_add(c->errors, node->place, "two monitors are called '%s'", name);
    }
    if (observe->monitors[i].exit != NULL && strcmp(observe->monitors[i].exit, name) == 0) {
      eg_error_add(c->errors, node->place, "'%s' is the exit of another monitor already", name);
    }
  }
}

/* "norm2" or "x3". */
static void check_feature(eg_checker *c, const eg_yaml_node *node, const char *text, eg_study_monitor *m) {
  static const struct {
    const char *word;
    int id;
  } scalars[] = {{"norm2", EG_FEATURE_NORM2},
                 {"loss", EG_FEATURE_LOSS},
                 {"gradient_norm2", EG_FEATURE_GRADIENT_NORM2},
                 {"displacement2", EG_FEATURE_DISPLACEMENT2}};
  for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
    if (strcmp(scalars[i].word, text) == 0) {
      m->feature = scalars[i].id;
      if ((m->feature == EG_FEATURE_LOSS || m->feature == EG_FEATURE_GRADIENT_NORM2) && c->model != NULL &&
          c->model->is_process) {
        eg_error_add(c->errors, node->place, "'%s' is a process: it has no '%s'", c->model->name, text);
      }
      return;
    }
  }
  const size_t n_digits = text[0] == 'x' ? strspn(text + 1, "0123456789") : 0;
  if (n_digits == 0 || n_digits > 7 || text[1 + n_digits] != '\0' || (n_digits > 1 && text[1] == '0')) {
    eg_error_add(c->errors, node->place,
                 "'observe.monitors.feature' = '%s' is not known; allowed: norm2, loss, gradient_norm2, displacement2, or a "
                 "component: x0, x1, ..",
                 EG_SHORT(text));
    return;
  }
  m->feature = EG_FEATURE_X;
  for (size_t i = 0; i < n_digits; i++) {
    m->component = 10 * m->component + (text[1 + i] - '0');
  }
}

/* A key that belongs to some operations only. */
static bool is_allowed(eg_checker *c, const eg_yaml_node *map, const char *key, bool is_for_it, const char *who) {
  const eg_yaml_node *node = eg_yaml_key(map, key);
  if (node != NULL && !is_for_it) {
    eg_error_add(c->errors, node->place, "'observe.monitors.%s' is a key of %s only", key, who);
  }
  return node != NULL && is_for_it;
}

static void read_window(eg_checker *c, const eg_yaml_node *map, eg_study_monitor *m) {
  const bool has_window = m->operation == EG_MONITOR_SUM || m->operation == EG_MONITOR_MEAN;
  const double end = c->study->horizon;
  if (is_allowed(c, map, "from", has_window, "sum and mean")) {
    (void)eg_get_number(c, map, "observe.monitors.from", &m->from); /* reported: the default stays */
  }
  if (is_allowed(c, map, "to", has_window, "sum and mean")) {
    (void)eg_get_number(c, map, "observe.monitors.to", &m->to);
  }
  if (!isnan(m->to) && m->to <= m->from) {
    eg_error_add(c->errors, eg_yaml_get(map, "to")->place, "the window of monitor '%s' is empty: from %s to %s",
                 EG_SHORT(m->name), EG_NUMBER_TEXT(m->from), EG_NUMBER_TEXT(m->to));
  } else if (!isnan(end) && (m->from >= end || m->to > end * (1.0 + 1e-9))) { /* false for NaN */
    const eg_yaml_node *at = m->from >= end ? eg_yaml_get(map, "from") : eg_yaml_get(map, "to");
    eg_error_add(c->errors, at == NULL ? map->place : at->place,
                 "the window of monitor '%s' does not end within the run: 'horizon' = %s", EG_SHORT(m->name),
                 EG_NUMBER_TEXT(end));
  }
}

/* The name of an exit may be that of other monitors' exit, not of a monitor. */
static void check_exit(eg_checker *c, const eg_yaml_node *node, const char *name) {
  for (size_t i = 0; i < c->study->observe.n_monitors; i++) {
    const char *const other = c->study->observe.monitors[i].exit;
    if (other != NULL && strcmp(other, name) == 0) {
      return; /* checked with the first of them */
    }
  }
  check_name(c, node, name);
}

static void read_crossing(eg_checker *c, const eg_yaml_node *map, eg_study_monitor *m) {
  const bool is_crossing = m->operation == EG_MONITOR_CROSSING;
  size_t word = 0;
  if (is_allowed(c, map, "level", is_crossing, "crossing")) {
    (void)eg_get_number(c, map, "observe.monitors.level", &m->level); /* reported */
  } else if (is_crossing) {
    eg_error_add(c->errors, map->place, "monitor '%s' is a crossing: it needs 'level'", EG_SHORT(m->name));
  }
  if (is_allowed(c, map, "direction", is_crossing, "crossing") &&
      eg_get_word(c, map, "observe.monitors.direction", &word)) {
    m->direction = (int)word + 1;
  }
  if (is_allowed(c, map, "exit", is_crossing, "crossing") && eg_get_text(c, map, "observe.monitors.exit", &m->exit)) {
    check_exit(c, eg_yaml_get(map, "exit"), m->exit);
  }
  if (is_allowed(c, map, "absorbing", is_crossing, "crossing")) {
    (void)eg_get_flag(c, map, "observe.monitors.absorbing", &m->is_absorbing); /* reported */
  }
  if (is_allowed(c, map, "noise", is_crossing, "crossing") && eg_get_number(c, map, "observe.monitors.noise", &m->noise) &&
      m->direction == EG_DIRECTION_ANY) {
    eg_error_add(c->errors, eg_yaml_get(map, "noise")->place,
                 "'observe.monitors.noise' shifts the level towards the start: 'direction' must be up or down");
  }
}

static void read_one(eg_checker *c, const eg_yaml_node *map) {
  eg_study_monitor m = {.mark = map->place.mark, .to = NAN, .direction = EG_DIRECTION_ANY};
  char *feature = NULL;
  size_t word = 0;
  eg_check_keys(c, map, "observe.monitors", NULL);
  const bool has_name = eg_get_text(c, map, "observe.monitors.name", &m.name);
  if (has_name) {
    check_name(c, eg_yaml_get(map, "name"), m.name);
  }
  if (eg_get_text(c, map, "observe.monitors.feature", &feature)) {
    check_feature(c, eg_yaml_get(map, "feature"), feature, &m);
  }
  if (!has_name || !eg_get_word(c, map, "observe.monitors.operation", &word)) {
    return; /* reported; the other keys depend on it */
  }
  m.operation = (int)word;
  read_window(c, map, &m);
  read_crossing(c, map, &m);
  c->study->observe.monitors[c->study->observe.n_monitors++] = m;
}

void eg_check_monitors(eg_checker *c, const eg_yaml_node *node) {
  const eg_schema_row *row = eg_schema_find("observe.monitors");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  if (n > EG_MOST_MONITORS) {
    eg_error_add(c->errors, node->place, "'observe.monitors' has %zu entries; at most %d", n, EG_MOST_MONITORS);
    return;
  }
  c->study->observe.monitors = eg_arena_get(c->memory, n, sizeof *c->study->observe.monitors);
  for (size_t i = 0; c->study->observe.monitors != NULL && i < n; i++) {
    const eg_yaml_node *map = is_list ? node->items[i] : node;
    if (eg_expect(c, is_list ? &item_row : row, map, EG_YAML_MAP)) {
      read_one(c, map);
    }
  }
}
