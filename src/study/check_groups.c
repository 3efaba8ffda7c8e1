/* groups: labels of dynamics whose runs share their noise. What needs the runs themselves is judged by the plan. */
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

/* A dynamics by its label; n_dynamics if there is none, which is reported. */
static size_t find_member(eg_checker *c, const eg_yaml_node *node, const char *label) {
  const eg_study *study = c->study;
  const char *names[EG_MAX_DYNAMICS + 1] = {NULL};
  for (size_t i = 0; i < study->n_dynamics; i++) {
    names[i] = study->dynamics[i].label;
    if (strcmp(names[i], label) == 0) {
      return i;
    }
  }
  const char *nearest = eg_nearest_name(label, names, study->n_dynamics);
  eg_text known = {0};
  eg_schema_list_words(names, &known);
  eg_error_add(c->errors, node->place, "'groups.members': '%s' is not the label of a dynamics; %s%s%sallowed: %s",
               EG_SHORT(label), nearest == NULL ? "" : "did you mean '", nearest == NULL ? "" : EG_SHORT(nearest),
               nearest == NULL ? "" : "'? ", eg_text_string(&known));
  eg_text_free(&known);
  return study->n_dynamics;
}

/* A run has one noise, so a dynamics is in one group. The label of the group that has it, or NULL. */
static const char *group_of(const eg_study *study, const eg_study_group *self, size_t dynamics) {
  for (size_t g = 0; g <= study->n_groups; g++) {
    const eg_study_group *group = g < study->n_groups ? &study->groups[g] : self;
    for (size_t i = 0; i < group->n_members; i++) {
      if (group->members[i] == dynamics) {
        return group->label;
      }
    }
  }
  return NULL;
}

static void read_members(eg_checker *c, const eg_yaml_node *node, eg_study_group *group) {
  const eg_schema_row *row = eg_schema_find("groups.members");
  const eg_schema_row item_row = eg_schema_item(row);
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  group->members = eg_arena_get(c->memory, n, sizeof *group->members);
  for (size_t i = 0; group->members != NULL && i < n; i++) {
    const eg_yaml_node *item = is_list ? node->items[i] : node;
    char *label = NULL;
    if (!eg_read_text(c, is_list ? &item_row : row, item, &label) || !c->are_dynamics_good) {
      continue;
    }
    const size_t member = find_member(c, item, label);
    const char *taken = member == c->study->n_dynamics ? NULL : group_of(c->study, group, member);
    if (taken != NULL) {
      eg_error_add(c->errors, item->place, "'%s' is already a member of the group '%s'; a run has one noise",
                   EG_SHORT(label), EG_SHORT(taken));
    } else if (member < c->study->n_dynamics) {
      group->members[group->n_members++] = member;
    }
  }
}

/* across: the axis must be swept, and it concerns one dynamics. */
static void read_axis(eg_checker *c, const eg_yaml_node *node, eg_study_group *group) {
  size_t word = 0;
  if (!eg_read_word(c, eg_schema_find("groups.across"), node, &word)) {
    return;
  }
  const char *name = eg_across_words[word];
  group->has_axis = true;
  group->axis = strcmp(name, "substeps") == 0 ? EG_SWEEP_SUBSTEPS : EG_SWEEP_LEARNING_RATE;
  const eg_yaml_node *values = eg_yaml_get(eg_yaml_get(c->root, "sweep"), name);
  if (values == NULL || values->kind != EG_YAML_LIST || values->n < 2) {
    eg_error_add(c->errors, node->place, "'groups.across: %s' needs 'sweep.%s' with at least 2 values", name, name);
  }
}

static void read_extrapolate(eg_checker *c, const eg_yaml_node *map, eg_study_group *group) {
  const eg_yaml_node *node = eg_yaml_get(map, "extrapolate"), *axis = eg_yaml_get(map, "across");
  if (node == NULL || !eg_get_number(c, map, "groups.extrapolate", &group->extrapolate)) {
    return;
  }
  if (axis == NULL || (axis->kind == EG_YAML_SCALAR && strcmp(axis->text, "learning_rate") == 0)) {
    eg_error_add(c->errors, node->place,
                 "'groups.extrapolate' takes runs of one law with different steps: it needs 'across: substeps', or of a process "
                 "'across: time_step'");
  }
}

/* A second member like the first behind the dynamics. */
static void add_twin(eg_checker *c, eg_study_group *group) {
  eg_study *const study = c->study;
  eg_study_dynamics *const dynamics = eg_arena_get(c->memory, study->n_dynamics + 1, sizeof *dynamics);
  size_t *const members = eg_arena_get(c->memory, 2, sizeof *members);
  eg_text label = {0};
  if (dynamics == NULL || members == NULL) {
    return;
  }
  memcpy(dynamics, study->dynamics, study->n_dynamics * sizeof *dynamics);
  eg_study_dynamics *const twin = &dynamics[study->n_dynamics];
  *twin = dynamics[group->members[0]];
  eg_text_append(&label, "%s antithetic", twin->label);
  twin->label = label.data == NULL ? NULL : eg_arena_copy(c->memory, label.data, label.length);
  twin->is_antithetic = true;
  eg_text_free(&label);
  for (size_t i = 0; twin->label != NULL && i < study->n_dynamics; i++) {
    if (strcmp(dynamics[i].label, twin->label) == 0) {
      eg_error_add(c->errors, (eg_place){.mark = group->mark}, "the label '%s' is that of the twin; give the dynamics another",
                   EG_SHORT(twin->label));
    }
  }
  members[0] = group->members[0];
  members[1] = study->n_dynamics;
  group->members = members;
  group->n_members = 2;
  group->is_antithetic = true;
  study->dynamics = dynamics;
  study->n_dynamics++;
}

static bool is_label_used(const eg_study *study, const char *label) {
  for (size_t i = 0; i < study->n_groups; i++) {
    if (strcmp(study->groups[i].label, label) == 0) {
      return true;
    }
  }
  return false;
}

/* NULL is reported, or was. */
static char *read_label(eg_checker *c, const eg_yaml_node *map) {
  char *label = NULL;
  if (!eg_get_text(c, map, "groups.label", &label)) {
    return NULL;
  }
  const eg_place place = eg_yaml_get(map, "label")->place;
  if (!eg_is_good_label(label)) {
    eg_error_add(c->errors, place, "'groups.label' = '%s': 1 to %d printable characters, and not 'exact'",
                 EG_SHORT(label), EG_MAX_LABEL);
    return NULL;
  }
  if (is_label_used(c->study, label)) {
    eg_error_add(c->errors, place, "the label '%s' of a group is used twice", EG_SHORT(label));
    return NULL;
  }
  return label;
}

static void read_group(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *node) {
  if (!eg_expect(c, row, node, EG_YAML_MAP)) {
    return;
  }
  const size_t errors_before = c->errors->count;
  eg_study_group group = {.mark = node->place.mark};
  eg_check_keys(c, node, "groups", NULL);
  const eg_yaml_node *members = eg_yaml_get(node, "members"), *axis = eg_yaml_get(node, "across");
  group.label = read_label(c, node);
  if (group.label == NULL) {
    return;
  }
  group.mark = eg_yaml_get(node, "label")->place.mark;
  if (members != NULL) {
    read_members(c, members, &group);
  }
  if (axis != NULL) {
    read_axis(c, axis, &group);
  }
  read_extrapolate(c, node, &group);
  if (c->errors->count != errors_before || !c->are_dynamics_good) {
    return;
  }
  bool is_antithetic = false;
  if (eg_get_flag(c, node, "groups.antithetic", &is_antithetic) && is_antithetic) {
    if (group.n_members != 1 || group.has_axis) {
      eg_error_add(c->errors, eg_yaml_get(node, "antithetic")->place, "a group with 'antithetic' has one member and no 'across'");
      return;
    }
    add_twin(c, &group);
    if (c->errors->count != errors_before) {
      return;
    }
  }
  if (group.has_axis && group.n_members != 1) {
    eg_error_add(c->errors, members->place, "a group across the values of a sweep has one member, not %zu",
                 group.n_members);
  } else if (!group.has_axis && group.n_members < 2) {
    eg_error_add(c->errors, members->place, "a group needs at least 2 members, or 'across' with one");
  } else {
    c->study->groups[c->study->n_groups++] = group;
  }
}

void eg_check_groups(eg_checker *c) {
  const eg_yaml_node *key = eg_yaml_key(c->root, "groups"), *node = eg_yaml_get(c->root, "groups");
  if (node == NULL) {
    return;
  }
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  const eg_schema_row *row = eg_schema_find("groups");
  const eg_schema_row item_row = eg_schema_item(row);
  if (n > EG_MAX_GROUPS) {
    eg_error_add(c->errors, node->place, "'groups' has %zu entries; at most %d", n, EG_MAX_GROUPS);
    return;
  }
  if (c->study->noise_common && n > 0) {
    eg_error_add(c->errors, key->place, "'groups' and 'noise: common' exclude each other: a group has noise of its own");
  }
  c->study->groups = eg_arena_get(c->memory, n, sizeof *c->study->groups);
  for (size_t i = 0; c->study->groups != NULL && i < n; i++) {
    read_group(c, is_list ? &item_row : row, is_list ? node->items[i] : node);
  }
}
