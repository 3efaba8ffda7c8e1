/* dynamics: a list of names or mappings, each with the options of its kind, and distinct labels. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

/* Options of another kind of dynamics are known keys in the wrong place: say whose they are. */
static void refuse_foreign_options(eg_checker *c, const eg_yaml_node *map, const char *name) {
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const eg_schema_row *row = eg_schema_at(i);
    const char *option = row->only == NULL ? NULL : eg_schema_key_below(row, "dynamics");
    const eg_yaml_node *key = option == NULL ? NULL : eg_yaml_key(map, option);
    if (key != NULL && !eg_has_word(row->only, name)) {
      eg_error_add(c->errors, key->place, "'%s' has no '%s'; only for: %s", name, option, row->only);
    }
  }
}

/* The function of kernels/core/model.h that a model lacks for the dynamics; NULL: no single one. */
static const char *missing_function(const eg_model_info *model, const char *name) {
  const bool has_own_noise = strcmp(name, "sde") == 0 || strcmp(name, "levy") == 0; /* of the model's, not of a loss */
  if (model->is_process) {
    return has_own_noise ? NULL : "eg_loss";
  }
  return model->has_rows && has_own_noise ? "eg_noise_diagonal" : NULL;
}

static void check_allowed_by_model(eg_checker *c, const char *name, eg_place place) {
  if (c->model != NULL && !eg_has_word(c->model->dynamics, name)) {
    const char *const missing = missing_function(c->model, name);
    eg_error_add(c->errors, place, "'%s' cannot be used with the model '%s'; it has: %s%s%s", name, c->model->name,
                 c->model->dynamics, missing == NULL ? "" : "; the model lacks ", missing == NULL ? "" : missing);
  }
}

static void read_options(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics,
                         eg_place place) {
  const char *name = eg_dynamics_name(dynamics->id);
  size_t word = 0;
  refuse_foreign_options(c, map, name);
  check_allowed_by_model(c, name, place);
  const bool has_batch = eg_has_word(eg_schema_find("dynamics.batch_size")->only, name);
  const bool has_substeps = eg_has_word(eg_schema_find("dynamics.substeps")->only, name);
  if (has_batch && eg_swept(c, "batch_size") != NULL) {
    dynamics->batch_size = NAN;
    eg_refuse_swept(c, map, "batch_size", "batch_size");
  } else if (has_batch && eg_is_chain(dynamics->id) && eg_yaml_get(map, "batch_size") == NULL) {
    eg_error_add(c->errors, place, "'%s' needs 'batch_size' (here, or sweep: {batch_size: [..]})", name);
  }
  if (has_substeps && eg_swept(c, "substeps") != NULL) {
    dynamics->substeps = NAN;
    eg_refuse_swept(c, map, "substeps", "substeps");
  }
  (void)eg_get_number(c, map, "dynamics.batch_size",
                      &dynamics->batch_size); /* absent or reported: the default stays */
  (void)eg_get_number(c, map, "dynamics.substeps", &dynamics->substeps);
  if (eg_get_word(c, map, "dynamics.sampling", &word)) {
    dynamics->sampling = (eg_sampling)word;
  }
  if (eg_get_word(c, map, "dynamics.factor", &word)) {
    dynamics->factor = (eg_factor)(word + 1);
  }
  if (eg_get_word(c, map, "dynamics.scheme", &word)) {
    dynamics->scheme = (eg_scheme)(word + 1);
  }
  (void)eg_get_number(c, map, "dynamics.nodes", &dynamics->nodes);
  eg_check_chain(c, map, dynamics);
  eg_check_gradient_noise(c, map, dynamics);
}

bool eg_is_good_label(const char *label) {
  const size_t length = strlen(label);
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)label[i] < 0x20 || label[i] == 0x7F) {
      return false;
    }
  }
  return length > 0 && length <= EG_MAX_LABEL && strcmp(label, "exact") != 0;
}

static void read_label(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics) {
  char *label = NULL;
  if (!eg_get_text(c, map, "dynamics.label", &label)) {
    return;
  }
  const eg_place place = eg_yaml_get(map, "label")->place;
  if (!eg_is_good_label(label)) {
    eg_error_add(c->errors, place, "'dynamics.label' = '%s': 1 to %d printable characters, and not 'exact'",
                 EG_SHORT(label), EG_MAX_LABEL);
    return;
  }
  for (size_t i = 0; i < c->study->n_dynamics; i++) {
    const char *other = c->study->dynamics[i].label;
    if (other != NULL && strcmp(other, label) == 0) {
      eg_error_add(c->errors, place, "the label '%s' is used twice", EG_SHORT(label));
      return;
    }
  }
  dynamics->label = label;
}

static void read_one(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node) {
  eg_study_dynamics dynamics = {.batch_size = 1.0, .substeps = 1.0, .nodes = 2.0, .mark = node->place.mark};
  const eg_yaml_node empty = {.kind = EG_YAML_MAP, .place = node->place};
  const eg_yaml_node *map = node;
  const eg_yaml_node *name = node;
  if (node->kind != EG_YAML_SCALAR || eg_yaml_is_null(node)) {
    if (!eg_expect(c, row, node, EG_YAML_MAP)) {
      return;
    }
    eg_check_keys(c, map, "dynamics", NULL);
    name = eg_yaml_get(map, "name");
  } else {
    map = &empty;
  }
  size_t word = 0;
  if (name == NULL || !eg_read_word(c, eg_schema_find("dynamics.name"), name, &word)) {
    return;
  }
  dynamics.id = (eg_dynamics_id)word;
  read_options(c, map, &dynamics, name->place);
  read_label(c, map, &dynamics);
  c->study->dynamics[c->study->n_dynamics++] = dynamics;
}

static bool is_label_taken(const eg_study *study, const char *label) {
  for (size_t i = 0; i < study->n_dynamics; i++) {
    if (study->dynamics[i].label != NULL && strcmp(study->dynamics[i].label, label) == 0) {
      return true;
    }
  }
  return false;
}

/* The name; "#2", "#3", .. behind it where that is taken. Labels that were written come first. */
static void fill_labels(eg_checker *c) {
  eg_study *study = c->study;
  int next[EG_N_DYNAMICS] = {0}; /* per kind of dynamics; keeps this linear */
  for (size_t i = 0; i < study->n_dynamics; i++) {
    eg_study_dynamics *dynamics = &study->dynamics[i];
    const char *name = eg_dynamics_name(dynamics->id);
    eg_text label = {0};
    while (dynamics->label == NULL) {
      eg_text_free(&label);
      const int number = ++next[dynamics->id];
      eg_text_append(&label, "%s", name);
      if (number > 1) {
        eg_text_append(&label, "#%d", number);
      }
      if (label.is_broken) {
        c->memory->is_broken = true;
        break;
      }
      if (!is_label_taken(study, label.data)) {
        dynamics->label = eg_arena_copy(c->memory, label.data, label.length);
        if (dynamics->label == NULL) {
          break;
        }
      }
    }
    eg_text_free(&label);
  }
}

void eg_check_dynamics(eg_checker *c) {
  const eg_yaml_node *node = eg_yaml_get(c->root, "dynamics");
  if (node == NULL) {
    return;
  }
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  const eg_schema_row *row = eg_schema_find("dynamics");
  const eg_schema_row item_row = eg_schema_item(row);
  const size_t errors_before = c->errors->count;
  if (n == 0 || n > EG_MAX_DYNAMICS) {
    eg_error_add(c->errors, node->place, "'dynamics' has %zu entries; allowed: 1 to %d", n, EG_MAX_DYNAMICS);
    return;
  }
  c->study->dynamics = eg_arena_get(c->memory, n, sizeof *c->study->dynamics);
  if (c->study->dynamics == NULL) {
    return;
  }
  for (size_t i = 0; i < n; i++) {
    read_one(c, is_list ? &item_row : row, is_list ? node->items[i] : node);
  }
  fill_labels(c);
  c->are_dynamics_good = c->errors->count == errors_before && !c->memory->is_broken;
}
