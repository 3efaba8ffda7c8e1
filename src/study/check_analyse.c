/* analyse: the analyses asked for, each a mapping of its name to its settings. */
#include <math.h>
#include <string.h>

#include "core/launch.h"
#include "study/checker.h"
#include "study/quote.h"

enum { MIN_RATES = 3 }; /* a slope with a check of its own needs three step sizes */

/* key: reference, which may be `exact`, or richardson.coarse, which may not. */
static void check_label(eg_checker *c, const eg_yaml_node *node, const char *key, bool may_be_exact, const char *reference) {
  const eg_study *study = c->study;
  const char *names[EG_MAX_DYNAMICS + 2] = {"exact"};
  size_t n = may_be_exact ? 1 : 0;
  for (size_t i = 0; i < study->n_dynamics; i++) {
    names[n++] = study->dynamics[i].label;
  }
  for (size_t i = 0; i < n; i++) {
    if (strcmp(names[i], reference) == 0) {
      return;
    }
  }
  const char *nearest = eg_nearest_name(reference, names, n);
  eg_text known = {0};
  eg_schema_list_words(names, &known);
  eg_error_add(c->errors, node->place,
               "'analyse.weak-error.%s' = '%s' is %s the label of a dynamics; "
               "%s%s%sallowed: %s",
               key, EG_SHORT(reference), may_be_exact ? "neither 'exact' nor" : "not", nearest == NULL ? "" : "did you mean '",
               nearest == NULL ? "" : EG_SHORT(nearest), nearest == NULL ? "" : "'? ",
               eg_text_string(&known));
  eg_text_free(&known);
}

static bool is_observed(const eg_study *study, const char *feature) {
  for (size_t i = 0; i < study->observe.n_features; i++) {
    if (strcmp(study->observe.features[i], feature) == 0) {
      return true;
    }
  }
  return false;
}

static void read_features(eg_checker *c, const eg_yaml_node *node, eg_study_weak_error *analysis) {
  const eg_schema_row *row = eg_schema_find("analyse.weak-error.features");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  unsigned seen = 0;
  analysis->features = eg_arena_get(c->memory, eg_count_words(row->words), sizeof *analysis->features);
  for (size_t i = 0; analysis->features != NULL && i < (is_list ? node->n : 1); i++) {
    const eg_yaml_node *item = is_list ? node->items[i] : node;
    size_t word = 0;
    if (!eg_read_word(c, is_list ? &item_row : row, item, &word)) {
      continue;
    }
    const char *feature = row->words[word];
    if (c->are_features_good && !is_observed(c->study, feature)) {
      eg_error_add(c->errors, item->place, "'%s' is not among 'observe.features'", feature);
    } else if ((seen & (1u << word)) != 0) {
      eg_error_add(c->errors, item->place, "the feature '%s' is listed twice", feature);
    } else {
      analysis->features[analysis->n_features++] = eg_arena_copy(c->memory, feature, strlen(feature));
    }
    seen |= 1u << word;
  }
}

/* Counts what is written, so that a wrong value in the sweep is not reported twice. */
static void check_rates(eg_checker *c, eg_place place, eg_sweep_target over) {
  const eg_yaml_node *sweep = eg_yaml_get(c->root, "sweep");
  const char *other = over == EG_SWEEP_L ? "l" : over == EG_SWEEP_SUBSTEPS ? "substeps" : NULL;
  const eg_yaml_node *rates[] = {eg_yaml_get(sweep, other != NULL ? other : "learning_rate"),
                                 other != NULL ? NULL : eg_yaml_get(sweep, "time_step")};
  for (int i = 0; i < 2; i++) {
    if (rates[i] != NULL && rates[i]->kind == EG_YAML_LIST && rates[i]->n >= MIN_RATES) {
      return;
    }
  }
  const bool is_process = c->model != NULL && c->model->is_process;
  eg_error_add(c->errors, place, "'analyse.weak-error' needs '%s' swept over at least %d values",
               other != NULL ? other : (is_process ? "time_step" : "learning_rate"), MIN_RATES);
}

/* A reference that is extrapolated: needs a run as reference, and another of its law. */
static void read_richardson(eg_checker *c, const eg_yaml_node *map, eg_study_weak_error *analysis) {
  const eg_yaml_node *const node = eg_yaml_get(map, "richardson");
  char *coarse = NULL;
  if (node == NULL || !eg_expect(c, eg_schema_find("analyse.weak-error.richardson"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.weak-error.richardson", NULL);
  const bool has_order = eg_get_number(c, node, "analyse.weak-error.richardson.order", &analysis->order);
  if (!eg_get_text(c, node, "analyse.weak-error.richardson.coarse", &coarse) || !has_order) {
    return; /* reported */
  }
  if (c->are_dynamics_good) {
    check_label(c, eg_yaml_get(node, "coarse"), "richardson.coarse", false, coarse);
  }
  if (analysis->reference == NULL || strcmp(analysis->reference, "exact") == 0) {
    eg_error_add(c->errors, node->place, "'analyse.weak-error.richardson' extrapolates a run: 'reference' must be the label of the "
                                         "dynamics with the shorter steps, not 'exact'");
    return;
  }
  if (strcmp(analysis->reference, coarse) == 0) {
    eg_error_add(c->errors, node->place, "'analyse.weak-error.richardson' needs two runs of one law with different steps; '%s' is both "
                                         "'reference' and 'coarse'",
                 EG_SHORT(coarse));
    return;
  }
  analysis->coarse = coarse;
  analysis->coarse_mark = node->place.mark;
}

static void read_weak_error(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_study_weak_error analysis = {.mark = key->place.mark};
  if (!eg_expect(c, eg_schema_find("analyse.weak-error"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.weak-error", NULL);
  static const eg_sweep_target targets[] = {EG_SWEEP_LEARNING_RATE, EG_SWEEP_L, EG_SWEEP_SUBSTEPS}; /* eg_over_words */
  size_t word = 0;
  if (eg_get_word(c, node, "analyse.weak-error.over", &word)) {
    analysis.over = targets[word];
  }
  check_rates(c, key->place, analysis.over);
  const eg_yaml_node *reference = eg_yaml_get(node, "reference");
  if (reference == NULL) {
    analysis.reference = eg_arena_copy(c->memory, "exact", 5);
  } else if (eg_get_text(c, node, "analyse.weak-error.reference", &analysis.reference)) {
    analysis.reference_mark = reference->place.mark;
    if (c->are_dynamics_good) {
      check_label(c, reference, "reference", true, analysis.reference);
    }
  }
  read_richardson(c, node, &analysis);
  if (eg_yaml_get(node, "features") != NULL) {
    read_features(c, eg_yaml_get(node, "features"), &analysis);
  }
  c->study->weak_error[c->study->n_weak_error++] = analysis;
}

/* A name that is none of those that `names`, up to a NULL, holds. what: "is not .." */
static void report_name(eg_checker *c, eg_place place, const char *key, const char *name, const char *what, const char *const *names) {
  const char *const nearest = eg_nearest_name(name, names, eg_count_words(names));
  eg_text known = {0};
  for (size_t i = 0; names[i] != NULL; i++) {
    eg_text_append(&known, "%s%s", i > 0 ? ", " : "; there are: ", EG_SHORT(names[i]));
  }
  eg_error_add(c->errors, place, "'%s' = '%s' %s%s%s%s%s", key, EG_SHORT(name), what, nearest == NULL ? "" : "; did you mean '",
               nearest == NULL ? "" : EG_SHORT(nearest), nearest == NULL ? "" : "'?", nearest == NULL ? eg_text_string(&known) : "");
  eg_text_free(&known);
}

/* Names of all observe.paths that satisfy `is_meant`, and room for more of other kinds; NULL where there is no memory. */
static const char **names_of_paths(eg_checker *c, bool (*is_meant)(const eg_study_path *), size_t n_more, size_t *n) {
  const eg_study_observe *const o = &c->study->observe;
  const char **const names = eg_arena_get(c->memory, o->n_paths + n_more + 1, sizeof *names);
  *n = 0;
  for (size_t i = 0; i < o->n_paths && names != NULL; i++) {
    if (is_meant(&o->paths[i])) {
      names[(*n)++] = o->paths[i].name;
    }
  }
  return names;
}

static bool is_squared(const eg_study_path *path) {
  return path->kind == EG_PATH_MSD || path->kind == EG_PATH_TAMSD || path->kind == EG_PATH_CORRELATOR_MSD;
}

/* The path statistic that is fitted: the one named, or the first that can be. */
static bool find_path(eg_checker *c, eg_place place, const char *name, size_t *path) {
  const eg_study_observe *o = &c->study->observe;
  for (size_t i = 0; i < o->n_paths; i++) {
    if (name == NULL ? is_squared(&o->paths[i]) : strcmp(o->paths[i].name, name) == 0) {
      *path = i;
      if (!is_squared(&o->paths[i])) {
        eg_error_add(c->errors, place, "'analyse.diffusion.of' = '%s' is no msd, time-averaged-msd or correlator-msd", EG_SHORT(name));
      }
      return is_squared(&o->paths[i]);
    }
  }
  if (name != NULL) {
    size_t n = 0;
    const char **const names = names_of_paths(c, is_squared, 0, &n);
    if (names != NULL) {
      report_name(c, place, "analyse.diffusion.of", name, "is not the name of one of 'observe.paths'", names);
    }
  } else {
    eg_error_add(c->errors, place,
                 "'analyse.diffusion' needs 'observe.paths' with the statistic msd, time-averaged-msd or correlator-msd, for the covariance "
                 "of its lags");
  }
  return false;
}

static void read_diffusion(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_study_diffusion d = {.to = INFINITY, .mark = key->place.mark};
  char *name = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.diffusion"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.diffusion", NULL);
  if (eg_yaml_get(node, "of") != NULL && !eg_get_text(c, node, "analyse.diffusion.of", &name)) {
    return;
  }
  (void)eg_get_number(c, node, "analyse.diffusion.from", &d.from); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, "analyse.diffusion.to", &d.to);
  if (d.to <= d.from) {
    eg_error_add(c->errors, key->place, "'analyse.diffusion': the window is empty, 'from' is not below 'to'");
  }
  if (find_path(c, name != NULL ? eg_yaml_get(node, "of")->place : key->place, name, &d.path)) {
    c->study->diffusion[c->study->n_diffusion++] = d;
  }
}

/* The crossing, or exit, that is analysed: the one named, or the first crossing. */
static bool find_crossing(eg_checker *c, eg_place place, const char *name, size_t *monitor, bool *is_exit) {
  const eg_study_observe *o = &c->study->observe;
  for (size_t i = 0; i < o->n_monitors; i++) {
    const bool is_crossing = o->monitors[i].operation == EG_MONITOR_CROSSING;
    if (name == NULL ? is_crossing : strcmp(o->monitors[i].name, name) == 0) {
      *monitor = i;
      if (!is_crossing) {
        eg_error_add(c->errors, place, "'analyse.escape.of' = '%s' is no crossing", EG_SHORT(name));
      }
      return is_crossing;
    }
    if (name != NULL && o->monitors[i].exit != NULL && strcmp(o->monitors[i].exit, name) == 0) {
      *monitor = i; /* the first of its crossings */
      *is_exit = true;
      return true;
    }
  }
  if (name != NULL) {
    const char *names[2 * EG_MOST_MONITORS + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < o->n_monitors; i++) {
      if (o->monitors[i].operation == EG_MONITOR_CROSSING) {
        names[n++] = o->monitors[i].name;
      }
    }
    for (size_t i = 0; i < o->n_monitors; i++) { /* each exit once */
      bool is_new = o->monitors[i].exit != NULL;
      for (size_t k = 0; k < i && is_new; k++) {
        is_new = o->monitors[k].exit == NULL || strcmp(o->monitors[k].exit, o->monitors[i].exit) != 0;
      }
      if (is_new) {
        names[n++] = o->monitors[i].exit;
      }
    }
    report_name(c, place, "analyse.escape.of", name, "is not the name of one of 'observe.monitors', nor of an exit", names);
  } else {
    eg_error_add(c->errors, place, "'analyse.escape' needs 'observe.monitors' with the operation crossing");
  }
  return false;
}

static void read_escape(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_study_escape e = {.mark = key->place.mark, .minimum_curvature = NAN, .saddle_curvature = NAN, .barrier = NAN,
                       .diffusion = NAN, .loss_ratio = NAN, .temperature = NAN};
  char *name = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.escape"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.escape", NULL);
  if (eg_yaml_get(node, "of") != NULL && !eg_get_text(c, node, "analyse.escape.of", &name)) {
    return;
  }
  (void)eg_get_number(c, node, "analyse.escape.from", &e.from); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, "analyse.escape.minimum_curvature", &e.minimum_curvature);
  (void)eg_get_number(c, node, "analyse.escape.saddle_curvature", &e.saddle_curvature);
  (void)eg_get_number(c, node, "analyse.escape.barrier", &e.barrier);
  (void)eg_get_number(c, node, "analyse.escape.diffusion", &e.diffusion);
  (void)eg_get_number(c, node, "analyse.escape.loss_ratio", &e.loss_ratio);
  (void)eg_get_number(c, node, "analyse.escape.temperature", &e.temperature);
  const bool has_kramers = !isnan(e.barrier) && !isnan(e.diffusion), has_power = !isnan(e.loss_ratio) && !isnan(e.temperature);
  const bool has_curvatures = !isnan(e.minimum_curvature) && !isnan(e.saddle_curvature);
  if (isnan(e.barrier) != isnan(e.diffusion) || isnan(e.loss_ratio) != isnan(e.temperature) ||
      isnan(e.minimum_curvature) != isnan(e.saddle_curvature) || has_curvatures != (has_kramers || has_power)) {
    eg_error_add(c->errors, key->place,
                 "a prediction needs 'minimum_curvature' and 'saddle_curvature', and Kramers' 'barrier' and 'diffusion', the "
                 "power law 'loss_ratio' and 'temperature'");
  }
  if (find_crossing(c, name != NULL ? eg_yaml_get(node, "of")->place : key->place, name, &e.monitor, &e.is_exit)) {
    c->study->escape[c->study->n_escape++] = e;
  }
}

static bool is_counted(const eg_study_path *path) {
  return path->has_histogram;
}
static bool is_no_path(const eg_study_path *path) {
  (void)path;
  return false;
}

/* The histogram of that name ("x", "x1", "norm2"), or the first. */
static bool find_histogram(eg_checker *c, eg_place place, const char *key, const char *name, size_t *histogram) {
  const eg_study_observe *o = &c->study->observe;
  const bool may_be_path = strcmp(key, "analyse.quantiles.of") == 0;
  size_t n = 0;
  const char **const names = names_of_paths(c, may_be_path ? is_counted : is_no_path, o->n_histograms, &n);
  for (size_t i = 0; i < o->n_histograms && names != NULL; i++) {
    eg_text own = {0};
    eg_text_append(&own, "%s", o->histograms[i].feature);
    if (o->histograms[i].component >= 0) {
      eg_text_append(&own, "%d", o->histograms[i].component);
    }
    names[n++] = eg_arena_copy(c->memory, eg_text_string(&own), strlen(eg_text_string(&own)));
    const bool is_it = name == NULL || strcmp(eg_text_string(&own), name) == 0;
    eg_text_free(&own);
    if (is_it) {
      *histogram = i;
      return true;
    }
  }
  if (name != NULL && names != NULL) {
    report_name(c, place, key, name,
                may_be_path ? "is not the name of one of 'observe.histograms', or of 'observe.paths' with a histogram"
                            : "is not the name of one of 'observe.histograms'",
                names);
  } else if (name == NULL) {
    eg_error_add(c->errors, place, "'analyse.quantiles' needs 'observe.histograms', or 'observe.paths' with a histogram");
  }
  return false;
}

/* The path statistic of that name whose values are counted, or the first of them. */
static bool find_counted_path(const eg_study_observe *o, const char *name, size_t *path) {
  for (size_t i = 0; i < o->n_paths; i++) {
    if (o->paths[i].has_histogram && (name == NULL || strcmp(o->paths[i].name, name) == 0)) {
      *path = i;
      return true;
    }
  }
  return false;
}

static void read_quantiles(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  static double usual[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
  eg_study_quantiles q = {.probabilities = {usual, sizeof usual / sizeof usual[0], {0, 0}}, .mark = key->place.mark};
  const eg_yaml_node *written = eg_yaml_get(node, "probabilities");
  char *name = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.quantiles"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.quantiles", NULL);
  if (eg_yaml_get(node, "of") != NULL && !eg_get_text(c, node, "analyse.quantiles.of", &name)) {
    return;
  }
  if (written != NULL && !eg_read_numbers(c, eg_schema_find("analyse.quantiles.probabilities"), written, &q.probabilities)) {
    return;
  }
  for (size_t i = 1; i < q.probabilities.n; i++) {
    if (q.probabilities.values[i] <= q.probabilities.values[i - 1]) {
      eg_error_add(c->errors, written->place, "'analyse.quantiles.probabilities' must increase");
      return;
    }
  }
  q.is_of_path = (name != NULL || c->study->observe.n_histograms == 0) && find_counted_path(&c->study->observe, name, &q.histogram);
  if (q.is_of_path || find_histogram(c, name != NULL ? eg_yaml_get(node, "of")->place : key->place, "analyse.quantiles.of", name, &q.histogram)) {
    c->study->quantiles[c->study->n_quantiles++] = q;
  }
}

static void read_stationary(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_study_stationary s = {.from = NAN, .tail_from = NAN, .mark = key->place.mark};
  char *name = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.stationary"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.stationary", NULL);
  (void)eg_get_number(c, node, "analyse.stationary.from", &s.from); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, "analyse.stationary.tail_from", &s.tail_from);
  if (c->are_features_good && !is_observed(c->study, "x")) {
    eg_error_add(c->errors, key->place, "'analyse.stationary' needs 'x' among 'observe.features'");
    return;
  }
  if (!isnan(s.tail_from) && eg_yaml_get(node, "tail") == NULL) {
    eg_error_add(c->errors, key->place, "'analyse.stationary.tail_from' needs 'tail', the histogram that it speaks of");
    return;
  }
  if (eg_yaml_get(node, "tail") != NULL) {
    const eg_place place = eg_yaml_get(node, "tail")->place;
    if (!eg_get_text(c, node, "analyse.stationary.tail", &name) ||
        !find_histogram(c, place, "analyse.stationary.tail", name, &s.tail)) {
      return;
    }
    const eg_study_histogram *const h = &c->study->observe.histograms[s.tail];
    if (!h->is_log || strcmp(h->feature, "x") == 0) {
      eg_error_add(c->errors, place, "'analyse.stationary.tail' = '%s' needs a histogram of loss, norm2, .. with 'scale: log'", EG_SHORT(name));
      return;
    }
    s.has_tail = true;
  }
  c->study->stationary[c->study->n_stationary++] = s;
}

static void read_scaling(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  static const char *const needed[] = {"norm2", "gradient_norm2"};
  eg_study_scaling s = {.from = NAN, .closeness = 1.4142135623730951, .mark = key->place.mark};
  char *label = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.scaling-rule"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.scaling-rule", NULL);
  (void)eg_get_number(c, node, "analyse.scaling-rule.from", &s.from); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, "analyse.scaling-rule.closeness", &s.closeness);
  for (size_t i = 0; i < 2 && c->are_features_good; i++) {
    if (!is_observed(c->study, needed[i])) {
      eg_error_add(c->errors, key->place, "'analyse.scaling-rule' needs '%s' among 'observe.features'", needed[i]);
      return;
    }
  }
  if (eg_yaml_get(node, "against") != NULL && c->are_dynamics_good) {
    if (!eg_get_text(c, node, "analyse.scaling-rule.against", &label)) {
      return;
    }
    for (size_t i = 0; i < c->study->n_dynamics; i++) {
      s.against = strcmp(c->study->dynamics[i].label, label) == 0 ? label : s.against;
    }
    if (s.against == NULL) {
      const char *labels[EG_MAX_DYNAMICS + 1] = {NULL};
      for (size_t i = 0; i < c->study->n_dynamics; i++) {
        labels[i] = c->study->dynamics[i].label;
      }
      report_name(c, eg_yaml_get(node, "against")->place, "analyse.scaling-rule.against", label, "is not the label of a dynamics", labels);
      return;
    }
  }
  c->study->scaling[c->study->n_scaling++] = s;
}

static bool has_logarithm(const eg_study_path *path) {
  return path->kind == EG_PATH_DISTANCE && path->powers.n > 0 && path->powers.values[0] == 0;
}

static void read_flow(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_study_flow f = {.from = NAN, .mark = key->place.mark};
  const eg_study *const study = c->study;
  char *name = NULL, *label = NULL;
  if (!eg_expect(c, eg_schema_find("analyse.flow"), node, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, node, "analyse.flow", NULL);
  if (eg_yaml_get(node, "of") != NULL && !eg_get_text(c, node, "analyse.flow.of", &name)) {
    return;
  }
  (void)eg_get_number(c, node, "analyse.flow.from", &f.from); /* absent or reported: the default stays */
  for (f.path = 0; f.path < study->observe.n_paths; f.path++) {
    const eg_study_path *const path = &study->observe.paths[f.path];
    if (name == NULL ? has_logarithm(path) : strcmp(path->name, name) == 0) {
      break;
    }
  }
  if (f.path == study->observe.n_paths || !has_logarithm(&study->observe.paths[f.path])) {
    const bool is_there = f.path < study->observe.n_paths;
    size_t n = 0;
    const char **const names = names_of_paths(c, has_logarithm, 0, &n);
    if (name != NULL && names != NULL && !is_there) {
      report_name(c, eg_yaml_get(node, "of")->place, "analyse.flow.of", name, "is not the name of one of 'observe.paths'", names);
    } else {
      eg_error_add(c->errors, key->place, "'analyse.flow' needs 'observe.paths' with the statistic distance and 0 among its powers%s%s",
                   name == NULL ? "" : ", which is not ", name == NULL ? "" : EG_SHORT(name));
    }
    return;
  }
  if (eg_yaml_get(node, "reference") != NULL && c->are_dynamics_good) {
    if (!eg_get_text(c, node, "analyse.flow.reference", &label)) {
      return;
    }
    for (size_t i = 0; i < study->n_dynamics; i++) {
      f.reference = strcmp(study->dynamics[i].label, label) == 0 ? label : f.reference;
    }
    if (f.reference == NULL) {
      const char *labels[EG_MAX_DYNAMICS + 1] = {NULL};
      for (size_t i = 0; i < c->study->n_dynamics; i++) {
        labels[i] = c->study->dynamics[i].label;
      }
      report_name(c, eg_yaml_get(node, "reference")->place, "analyse.flow.reference", label, "is not the label of a dynamics", labels);
      return;
    }
    if (study->noise_common) {
      eg_error_add(c->errors, key->place, "'analyse.flow.reference' takes the runs as independent and cannot be used with noise: common");
      return;
    }
  }
  c->study->flow[c->study->n_flow++] = f;
}

static void read_entry(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  if (strcmp(key->text, "weak-error") == 0) {
    read_weak_error(c, key, node);
  } else if (strcmp(key->text, "diffusion") == 0) {
    read_diffusion(c, key, node);
  } else if (strcmp(key->text, "escape") == 0) {
    read_escape(c, key, node);
  } else if (strcmp(key->text, "quantiles") == 0) {
    read_quantiles(c, key, node);
  } else if (strcmp(key->text, "stationary") == 0) {
    read_stationary(c, key, node);
  } else if (strcmp(key->text, "scaling-rule") == 0) {
    read_scaling(c, key, node);
  } else if (strcmp(key->text, "flow") == 0) {
    read_flow(c, key, node);
  } else {
    const char *nearest = eg_nearest_name(key->text, eg_analysis_words, eg_count_words(eg_analysis_words));
    eg_error_add(c->errors, key->place, "unknown analysis '%s'; %s%s%s", EG_SHORT(key->text),
                 nearest == NULL ? "allowed: weak-error, diffusion, escape, quantiles, stationary, scaling-rule, flow" : "did you mean '", nearest == NULL ? "" : nearest,
                 nearest == NULL ? "" : "'?");
  }
}

static size_t count_entries(const eg_yaml_node *node) {
  if (node->kind != EG_YAML_LIST) {
    return node->n;
  }
  size_t n = 0;
  for (size_t i = 0; i < node->n; i++) {
    n += node->items[i]->n;
  }
  return n;
}

void eg_check_analyse(eg_checker *c) {
  const eg_yaml_node *node = eg_yaml_get(c->root, "analyse");
  if (node == NULL) {
    return;
  }
  const size_t n = count_entries(node);
  if (n > EG_MAX_ANALYSES) {
    eg_error_add(c->errors, node->place, "'analyse' has %zu entries; at most %d", n, EG_MAX_ANALYSES);
    return;
  }
  c->study->weak_error = eg_arena_get(c->memory, n, sizeof *c->study->weak_error);
  c->study->diffusion = eg_arena_get(c->memory, n, sizeof *c->study->diffusion);
  c->study->escape = eg_arena_get(c->memory, n, sizeof *c->study->escape);
  c->study->quantiles = eg_arena_get(c->memory, n, sizeof *c->study->quantiles);
  c->study->stationary = eg_arena_get(c->memory, n, sizeof *c->study->stationary);
  c->study->scaling = eg_arena_get(c->memory, n, sizeof *c->study->scaling);
  c->study->flow = eg_arena_get(c->memory, n, sizeof *c->study->flow);
  const bool has_memory = c->study->weak_error != NULL && c->study->diffusion != NULL && c->study->escape != NULL &&
                          c->study->quantiles != NULL && c->study->stationary != NULL && c->study->scaling != NULL && c->study->flow != NULL;
  const bool is_list = node->kind == EG_YAML_LIST;
  const eg_schema_row *row = eg_schema_find("analyse");
  const eg_schema_row item_row = eg_schema_item(row);
  for (size_t i = 0; has_memory && i < (is_list ? node->n : 1); i++) {
    const eg_yaml_node *map = is_list ? node->items[i] : node;
    if (!eg_expect(c, is_list ? &item_row : row, map, EG_YAML_MAP)) {
      continue;
    }
    for (size_t k = 0; k < map->n; k++) {
      read_entry(c, map->keys[k], map->items[k]);
    }
  }
}
