/* model: a built-in one checked against the catalogue, or a user's file with its parameters as written. */
#include <math.h>
#include <string.h>

#include "model/shape.h"
#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

static char *resolve_path(eg_checker *c, const char *key, const char *path, eg_place place) {
  if (path[0] == '\0') {
    eg_error_add(c->errors, place, "'%s' is empty; it must be a path", key);
  }
  const char *folder = path[0] == '/' ? "" : c->folder;
  const size_t length = strlen(folder);
  char *full = eg_arena_get(c->memory, length + strlen(path) + 1, 1);
  if (full != NULL) {
    memcpy(full, folder, length);
    memcpy(full + length, path, strlen(path));
  }
  return full;
}

static void find_model(eg_checker *c, const char *name, eg_place place) {
  enum { MAX_MODELS = 64 };
  const char *names[MAX_MODELS + 1] = {NULL};
  c->model = eg_model_find(name);
  c->is_model_known = c->model != NULL;
  if (c->is_model_known) {
    return;
  }
  size_t n = 0;
  for (; n < eg_model_count() && n < MAX_MODELS; n++) {
    names[n] = eg_model_at(n)->name;
  }
  const char *nearest = eg_nearest_name(name, names, n);
  eg_text known = {0};
  eg_schema_list_words(names, &known);
  eg_error_add(c->errors, place, "'model.name' = '%s' is not known; %s%s%sallowed: %s", EG_SHORT(name),
               nearest == NULL ? "" : "did you mean '", nearest == NULL ? "" : nearest,
               nearest == NULL ? "" : "'? ", eg_text_string(&known));
  eg_text_free(&known);
}

static void read_name_and_file(eg_checker *c, const eg_yaml_node *map) {
  static const char *const either[] = {"name", "file", NULL};
  eg_study_model *model = &c->study->model;
  const size_t n = eg_check_at_most_one(c, map, "model", either);
  if (n == 0) {
    eg_error_add(c->errors, map->place, "missing required key 'model.name' (or 'model.file')");
  }
  const bool has_name = eg_get_text(c, map, "model.name", &model->name);
  char *file = NULL;
  const bool has_file = eg_get_text(c, map, "model.file", &file);
  if (n != 1) {
    return;
  }
  if (has_name) {
    find_model(c, model->name, eg_yaml_get(map, "name")->place);
  } else if (has_file) {
    model->file = resolve_path(c, "model.file", file, eg_yaml_get(map, "file")->place);
    c->is_model_known = true;
  }
}

static void refuse_keys(eg_checker *c, const eg_yaml_node *map, const char *const *keys, const char *why) {
  for (size_t i = 0; keys[i] != NULL; i++) {
    const eg_yaml_node *key = eg_yaml_key(map, keys[i]);
    if (key != NULL) {
      eg_error_add(c->errors, key->place, "'model.%s' is not for '%s', %s", keys[i], c->model->name, why);
    }
  }
}

static void read_columns(eg_checker *c, const eg_yaml_node *map) {
  const eg_yaml_node *node = eg_yaml_get(map, "columns");
  eg_number_list *const columns = &c->study->model.columns;
  if (node == NULL || !eg_read_numbers(c, eg_schema_find("model.columns"), node, columns)) {
    return;
  }
  for (size_t i = 0; i < columns->n; i++) {
    for (size_t k = 0; k < i; k++) {
      if (columns->values[i] == columns->values[k]) {
        eg_error_add(c->errors, node->place, "'model.columns' names column %g twice", columns->values[i]);
        return;
      }
    }
  }
}

/* Rows of equal length, at least one input and the target. */
static void read_rows(eg_checker *c, const eg_yaml_node *node) {
  eg_study_model *const model = &c->study->model;
  eg_schema_row item = *eg_schema_find("model.rows");
  item.accepts = EG_NUMBER | EG_LIST;
  if (!eg_expect(c, eg_schema_find("model.rows"), node, EG_YAML_LIST)) {
    return;
  }
  if (node->n == 0) {
    eg_error_add(c->errors, node->place, "'model.rows' needs at least one row");
  }
  double *values = NULL;
  for (size_t i = 0; i < node->n; i++) {
    eg_number_list row = {0};
    if (!eg_read_numbers(c, &item, node->items[i], &row)) {
      return;
    }
    if (row.n < 2 || (i > 0 && row.n != model->width)) {
      eg_error_add(c->errors, node->items[i]->place, "this row has %zu number%s; rows have the inputs and, last, the target, as "
                   "many in each", row.n, row.n == 1 ? "" : "s");
      return;
    }
    model->width = row.n;
    values = i == 0 ? eg_arena_get(c->memory, node->n, row.n * sizeof *values) : values;
    if (values == NULL) {
      return;
    }
    memcpy(values + i * row.n, row.values, row.n * sizeof *values);
  }
  model->rows = values;
  model->n_rows = node->n;
  model->data_mark = node->place.mark;
}

static void read_shape(eg_checker *c, const eg_yaml_node *map) {
  const eg_yaml_node *node = eg_yaml_get(map, "shape");
  eg_number_list *const shape = &c->study->model.shape;
  if (node == NULL) {
    return;
  }
  if (c->model == NULL || c->model->shape == NULL) {
    eg_error_add(c->errors, eg_yaml_key(map, "shape")->place, "'model.shape' is for built-in models made of layers, of which "
                 "'%s' is none", c->model != NULL ? c->model->name : "a model file");
    return;
  }
  if (eg_read_numbers(c, eg_schema_find("model.shape"), node, shape) && (shape->n < 2 || shape->n > EG_MOST_LAYERS + 1)) {
    eg_error_add(c->errors, node->place, "'model.shape' has %zu width%s; allowed: 2 to %d of them, %s", shape->n,
                 shape->n == 1 ? "" : "s", EG_MOST_LAYERS + 1, c->model->shape);
  }
}

static void read_data_keys(eg_checker *c, const eg_yaml_node *map) {
  static const char *const of_data[] = {"data", "rows", "inputs", "target", "columns", "standardize", "ridge", NULL};
  static const char *const of_files[] = {"inputs", "target", NULL};
  static const char *const of_inputs[] = {"standardize", NULL};
  static const char *const either[] = {"data", "rows", NULL};
  static const char *const of_others[] = {"dimension", NULL};
  eg_study_model *model = &c->study->model;
  if (c->model != NULL && !c->model->has_rows) {
    refuse_keys(c, map, of_data, "which takes no data");
  } else if (c->model != NULL) {
    refuse_keys(c, map, of_others, "which takes it from the data");
    if (eg_check_at_most_one(c, map, "model", either) == 0) {
      eg_error_add(c->errors, map->place, "missing required key 'model.data': '%s' needs a data file, or 'model.rows'",
                   c->model->name);
    }
    if (c->model->has_coefficients) {
      refuse_keys(c, map, of_inputs, "whose rows are coefficients of the loss");
      model->standardize = false;
    }
  }
  if (eg_yaml_get(map, "rows") != NULL) {
    if (c->model != NULL) {
      refuse_keys(c, map, of_files, "whose rows stand in the study");
    }
    read_rows(c, eg_yaml_get(map, "rows"));
  }
  double dimension = 0.0;
  char *data = NULL;
  if (eg_get_number(c, map, "model.dimension", &dimension)) {
    model->dimension = (int)dimension;
  }
  if (eg_get_text(c, map, "model.data", &data)) {
    const eg_place place = eg_yaml_get(map, "data")->place;
    model->data = resolve_path(c, "model.data", data, place);
    model->data_mark = place.mark;
  }
  (void)eg_get_text(c, map, "model.inputs", &model->inputs); /* absent or reported: the default stays */
  (void)eg_get_text(c, map, "model.target", &model->target);
  read_columns(c, map);
  (void)eg_get_flag(c, map, "model.standardize", &model->standardize);
  (void)eg_get_number(c, map, "model.ridge", &model->ridge);
  eg_refuse_swept(c, map, "ridge", "ridge");
  eg_refuse_swept(c, map, "ridge", "model.ridge");
}

static bool is_schema_key(const char *key) {
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const char *known = eg_schema_key_below(eg_schema_at(i), "model");
    if (known != NULL && strcmp(known, key) == 0) {
      return true;
    }
  }
  return false;
}

static char *model_path(eg_checker *c, const char *param) {
  const size_t length = strlen(param);
  char *path = eg_arena_get(c->memory, length + sizeof "model.", 1);
  if (path != NULL) {
    memcpy(path, "model.", 6);
    memcpy(path + 6, param, length);
  }
  return path;
}

/* info NULL: a user's model, whose header decides about ranges later. */
static void read_param(eg_checker *c, const eg_yaml_node *map, size_t i, const eg_param_info *info) {
  const char *name = map->keys[i]->text;
  eg_schema_row row = {
      .path = model_path(c, name), .accepts = EG_NUMBER | EG_LIST, .low = -INFINITY, .high = INFINITY};
  if (info != NULL) {
    row.accepts = info->is_vector ? EG_NUMBER | EG_LIST : EG_NUMBER;
    row.low = info->low;
    row.high = info->high;
  }
  eg_study_param param = {.name = eg_arena_copy(c->memory, name, strlen(name))};
  if (row.path == NULL || param.name == NULL) {
    return;
  }
  if (eg_read_numbers(c, &row, map->items[i], &param.value)) {
    c->study->model.params[c->study->model.n_params++] = param;
  }
  eg_refuse_swept(c, map, name, row.path);
}

static const eg_param_info *find_param(const eg_model_info *model, const char *name) {
  for (size_t i = 0; i < model->n_params; i++) {
    if (strcmp(model->params[i].name, name) == 0) {
      return &model->params[i];
    }
  }
  return NULL;
}

static void read_params(eg_checker *c, const eg_yaml_node *map) {
  c->study->model.params = eg_arena_get(c->memory, map->n, sizeof *c->study->model.params);
  if (c->study->model.params == NULL) {
    return;
  }
  for (size_t i = 0; i < map->n; i++) {
    const char *name = map->keys[i]->text;
    const eg_param_info *info = c->model == NULL ? NULL : find_param(c->model, name);
    if (!is_schema_key(name) && (info != NULL || c->model == NULL)) {
      read_param(c, map, i, info);
    }
  }
}

static void check_built_in_keys(eg_checker *c, const eg_yaml_node *map) {
  const char **names = eg_arena_get(c->memory, c->model->n_params + 1, sizeof *names);
  if (names == NULL) {
    return;
  }
  for (size_t i = 0; i < c->model->n_params; i++) {
    names[i] = c->model->params[i].name;
  }
  eg_check_keys(c, map, "model", names);
}

void eg_check_model(eg_checker *c) {
  eg_study_model *model = &c->study->model;
  const eg_yaml_node *node = eg_yaml_get(c->root, "model");
  if (node == NULL) {
    return;
  }
  model->mark = node->place.mark;
  const eg_yaml_node empty = {.kind = EG_YAML_MAP, .place = node->place};
  if (node->kind == EG_YAML_SCALAR && !eg_yaml_is_null(node)) { /* only its name */
    if (!eg_read_text(c, eg_schema_find("model"), node, &model->name)) {
      return;
    }
    find_model(c, model->name, node->place);
    node = &empty;
  } else if (eg_expect(c, eg_schema_find("model"), node, EG_YAML_MAP)) {
    read_name_and_file(c, node);
  } else {
    return;
  }
  if (c->is_model_known) {
    if (c->model != NULL) {
      check_built_in_keys(c, node);
    }
    read_data_keys(c, node);
    read_shape(c, node);
    read_params(c, node);
  }
}

/* The first vector decides, later ones must agree. */
static void compare_length(eg_checker *c, const char **first, size_t *length, const char *path, size_t n,
                           eg_mark mark) {
  if (*first == NULL) {
    *first = path;
    *length = n;
  } else if (*length != n) {
    eg_error_add(c->errors, (eg_place){0, mark, 1}, "'%s' has %zu component%s, but '%s' has %zu",
                 EG_SHORT(path), n, n == 1 ? "" : "s", EG_SHORT(*first), *length);
  }
}

void eg_check_dimension(eg_checker *c) {
  const eg_study_model *model = &c->study->model;
  const char *first = NULL;
  size_t length = 0;
  if (model->dimension > 0) {
    compare_length(c, &first, &length, "model.dimension", (size_t)model->dimension, model->mark);
  }
  for (size_t i = 0; i < model->n_params; i++) {
    const eg_number_list *value = &model->params[i].value;
    if (value->n > 1 && c->model != NULL) { /* a user's lists need not be vectors */
      compare_length(c, &first, &length, model->params[i].name, value->n, value->mark);
    }
  }
  if (c->study->start.width > 1) {
    compare_length(c, &first, &length, "start", c->study->start.width, c->study->start.mark);
  }
}
