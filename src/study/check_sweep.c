/* sweep: which key an axis sets, its values in that key's range, and the number of runs. */
#include <stdlib.h>
#include <string.h>

#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

static const struct {
  const char *key;
  eg_sweep_target target;
  const char *path; /* the schema row that gives the range of one value */
} axes[] = {
    {"learning_rate", EG_SWEEP_LEARNING_RATE, "learning_rate"},
    {"time_step", EG_SWEEP_LEARNING_RATE, "time_step"},
    {"batch_size", EG_SWEEP_BATCH_SIZE, "dynamics.batch_size"},
    {"substeps", EG_SWEEP_SUBSTEPS, "dynamics.substeps"},
    {"horizon", EG_SWEEP_HORIZON, "horizon"},
    {"ridge", EG_SWEEP_RIDGE, "model.ridge"},
    {"model.ridge", EG_SWEEP_RIDGE, "model.ridge"},
    {"start.point", EG_SWEEP_START_POINT, "start.point"},
    {"start.mean", EG_SWEEP_START_MEAN, "start.normal.mean"},
    {"start.std", EG_SWEEP_START_STD, "start.normal.std"},
    {"l", EG_SWEEP_L, "dynamics.l"},
    {"momentum", EG_SWEEP_MOMENTUM, "dynamics.momentum"},
    {"weight_decay", EG_SWEEP_WEIGHT_DECAY, "dynamics.weight_decay"},
    {"tail_index", EG_SWEEP_TAIL_INDEX, "dynamics.tail_index"},
};
enum { N_AXES = sizeof axes / sizeof axes[0] };

const eg_yaml_node *eg_swept(const eg_checker *c, const char *key) {
  return eg_yaml_key(eg_yaml_get(c->root, "sweep"), key);
}

void eg_refuse_swept(eg_checker *c, const eg_yaml_node *map, const char *name, const char *key) {
  const eg_yaml_node *given = eg_yaml_key(map, name);
  if (given != NULL && eg_swept(c, key) != NULL) {
    eg_error_add(c->errors, given->place, "'%s' is swept; remove it here or in the sweep", EG_SHORT(key));
  }
}

static bool find_param(const eg_checker *c, const char *name, eg_param_info *out) {
  for (size_t i = 0; c->model != NULL && i < c->model->n_params; i++) {
    if (strcmp(c->model->params[i].name, name) == 0) {
      *out = c->model->params[i];
      return true;
    }
  }
  return false;
}

/* Parameters of a user's model are anything that is not a key of `model` itself. */
static bool is_user_param(const eg_checker *c, const char *name) {
  const bool is_user_model = c->is_model_known && c->model == NULL;
  for (size_t i = 0; is_user_model && i < eg_schema_count(); i++) {
    const char *key = eg_schema_key_below(eg_schema_at(i), "model");
    if (key != NULL && strcmp(key, name) == 0) {
      return false;
    }
  }
  return is_user_model && name[0] != '\0';
}

/* Fill in target, param and the row for the values; false if the key is not an axis. */
static bool resolve_axis(eg_checker *c, const char *key, eg_sweep_axis *axis, eg_schema_row *row) {
  row->accepts = EG_NUMBER;
  row->low = row->high = 0.0; /* no range */
  for (int i = 0; i < N_AXES; i++) {
    if (strcmp(axes[i].key, key) == 0) {
      *row = *eg_schema_find(axes[i].path);
      axis->target = axes[i].target;
      return true;
    }
  }
  eg_param_info info = {0};
  if (strncmp(key, "model.", 6) != 0) {
    return false;
  }
  const bool is_known = find_param(c, key + 6, &info);
  if (!is_known && !is_user_param(c, key + 6)) {
    return false;
  }
  if (is_known) {
    row->low = info.low;
    row->high = info.high;
  }
  axis->target = EG_SWEEP_PARAM;
  axis->param = eg_arena_copy(c->memory, key + 6, strlen(key + 6));
  return axis->param != NULL;
}

/* A key of the study that is no axis deserves a better answer than "unknown". */
static bool is_other_key(const char *key) {
  eg_text path = {0};
  eg_text_append(&path, "sweep.%s", key);
  const bool is_axis = eg_schema_find(eg_text_string(&path)) != NULL;
  eg_text_free(&path);
  return !is_axis && eg_schema_find(key) != NULL;
}

static char *param_key(eg_checker *c, const char *param) {
  eg_text key = {0};
  eg_text_append(&key, "model.%s", param);
  char *copy = eg_arena_copy(c->memory, eg_text_string(&key), key.length);
  eg_text_free(&key);
  return copy;
}

/* Known are the schema's axes, the model's parameters, and what an unknown model or a user's may have. */
static void check_axis_names(eg_checker *c, const eg_yaml_node *map) {
  const size_t n_params = c->model == NULL ? 0 : c->model->n_params;
  const char **names = eg_arena_get(c->memory, n_params + map->n + 1, sizeof *names);
  size_t n = 0;
  for (size_t i = 0; names != NULL && i < n_params; i++) {
    names[n++] = param_key(c, c->model->params[i].name);
  }
  for (size_t i = 0; names != NULL && i < map->n; i++) {
    const char *key = map->keys[i]->text;
    const bool is_param = strncmp(key, "model.", 6) == 0;
    if (is_param && (!c->is_model_known || is_user_param(c, key + 6))) {
      names[n++] = key;
    } else if (is_other_key(key)) {
      eg_error_add(c->errors, map->keys[i]->place, "'%s' cannot be swept", key);
      names[n++] = key;
    }
  }
  if (!c->memory->is_broken) {
    eg_check_keys(c, map, "sweep", names);
  }
}

static bool any_dynamics_has(const eg_study *study, const char *path) {
  const char *only = eg_schema_find(path)->only;
  for (size_t i = 0; i < study->n_dynamics; i++) {
    if (eg_has_word(only, eg_dynamics_name(study->dynamics[i].id))) {
      return true;
    }
  }
  return false;
}

/* The key of `dynamics` that an axis sets, or NULL. */
static const char *dynamics_key(eg_sweep_target target) {
  switch (target) {
  case EG_SWEEP_BATCH_SIZE:
    return "dynamics.batch_size";
  case EG_SWEEP_SUBSTEPS:
    return "dynamics.substeps";
  case EG_SWEEP_L:
    return "dynamics.l";
  case EG_SWEEP_MOMENTUM:
    return "dynamics.momentum";
  case EG_SWEEP_WEIGHT_DECAY:
    return "dynamics.weight_decay";
  case EG_SWEEP_TAIL_INDEX:
    return "dynamics.tail_index";
  default:
    return NULL;
  }
}

/* Axes that would change nothing. */
static void check_effect(eg_checker *c, const eg_yaml_node *key, eg_sweep_target target) {
  const eg_study_start *start = &c->study->start;
  const bool is_normal = start->kind == EG_START_NORMAL;
  const char *problem = NULL;
  const char *const option = dynamics_key(target);
  if (option != NULL) {
    if (c->are_dynamics_good && !any_dynamics_has(c->study, option)) {
      eg_error_add(c->errors, key->place, "'sweep.%s' has no effect: no dynamics of this study has '%s'",
                   EG_SHORT(key->text), strchr(option, '.') + 1);
    }
  } else if (target == EG_SWEEP_RIDGE && c->model != NULL && !c->model->has_rows) {
    problem = "the model has no 'ridge'";
  } else if (target == EG_SWEEP_START_POINT && (is_normal || start->n_points > 1)) {
    problem = "it needs a single start point";
  } else if ((target == EG_SWEEP_START_MEAN || target == EG_SWEEP_START_STD) && !is_normal) {
    problem = "it needs start: {normal: {}}";
  }
  if (problem != NULL) {
    eg_error_add(c->errors, key->place, "'sweep.%s' has no effect: %s", EG_SHORT(key->text), problem);
  }
}

static bool are_distinct(eg_checker *c, const eg_yaml_node *node, const char *path,
                         const eg_number_list *values) {
  for (size_t i = 1; i < values->n; i++) {
    for (size_t j = 0; j < i; j++) {
      if (values->values[i] == values->values[j]) {
        eg_error_add(c->errors, node->items[i]->place, "'%s' has the value %s twice", EG_SHORT(path),
                     EG_NUMBER_TEXT(values->values[i]));
        return false;
      }
    }
  }
  return true;
}

static void read_axis(eg_checker *c, const eg_yaml_node *key, const eg_yaml_node *node) {
  eg_sweep_axis axis = {0};
  eg_schema_row row = {0};
  if (!resolve_axis(c, key->text, &axis, &row)) {
    return; /* check_axis_names speaks about it */
  }
  eg_text path = {0};
  eg_text_append(&path, "sweep.%s", key->text);
  row.path = eg_text_string(&path);
  row.accepts |= EG_LIST;
  check_effect(c, key, axis.target);
  if (node->kind == EG_YAML_LIST && node->n > EG_MAX_RUNS) {
    eg_error_add(c->errors, node->place, "'%s' has %zu values; at most %d", EG_SHORT(row.path), node->n,
                 EG_MAX_RUNS);
  } else if (eg_read_numbers(c, &row, node, &axis.values) && are_distinct(c, node, row.path, &axis.values)) {
    axis.key = eg_arena_copy(c->memory, key->text, strlen(key->text));
    c->study->sweep[c->study->n_sweep++] = axis;
  }
  eg_text_free(&path);
}

/* YAML mappings have no order, so runs must not depend on one: axes stand in the order of the schema. */
static int compare_axes(const void *left, const void *right) {
  const eg_sweep_axis *a = left;
  const eg_sweep_axis *b = right;
  if (a->target != b->target) {
    return a->target < b->target ? -1 : 1;
  }
  return a->param == NULL || b->param == NULL ? 0 : strcmp(a->param, b->param);
}

static void check_number_of_runs(eg_checker *c, eg_place place) {
  const eg_study *study = c->study;
  double n_runs = (double)study->n_dynamics;
  eg_text product = {0};
  eg_text_append(&product, "%zu dynamics", study->n_dynamics);
  for (size_t i = 0; i < study->n_sweep; i++) {
    n_runs *= (double)study->sweep[i].values.n;
    eg_text_append(&product, " x %zu %s", study->sweep[i].values.n, EG_SHORT(study->sweep[i].key));
  }
  if (n_runs > EG_MAX_RUNS) {
    eg_error_add(c->errors, place, "%s runs (%s) are too many; at most %d", EG_NUMBER_TEXT(n_runs),
                 eg_text_string(&product), EG_MAX_RUNS);
  }
  eg_text_free(&product);
}

void eg_check_sweep(eg_checker *c) {
  static const char *const ridges[] = {"ridge", "model.ridge", NULL};
  if (eg_yaml_get(c->root, "sweep") == NULL) {
    return;
  }
  const eg_yaml_node *map = eg_get_map(c, c->root, "sweep");
  if (map == NULL) {
    return;
  }
  c->study->sweep = eg_arena_get(c->memory, map->n, sizeof *c->study->sweep);
  if (c->study->sweep == NULL) {
    return;
  }
  check_axis_names(c, map);
  (void)eg_check_at_most_one(c, map, "sweep", ridges); /* the second one is reported */
  for (size_t i = 0; i < map->n; i++) {
    read_axis(c, map->keys[i], map->items[i]);
  }
  if (c->memory->is_broken) {
    return;
  }
  qsort(c->study->sweep, c->study->n_sweep, sizeof *c->study->sweep, compare_axes);
  check_number_of_runs(c, map->place);
}
