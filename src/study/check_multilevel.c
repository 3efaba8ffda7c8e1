/* multilevel: the levels become dynamics and groups of the study, so that planning, running and storing know nothing of
 * them. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

static const double MOST_SUBSTEPS = 1048576;

static char *make_label(eg_checker *c, const char *of, size_t level, const char *ending) {
  eg_text text = {0};
  eg_text_append(&text, "%s level %zu%s", of, level, ending);
  char *const label = text.data == NULL ? NULL : eg_arena_copy(c->memory, text.data, text.length);
  eg_text_free(&text);
  return label;
}

static bool is_taken(const eg_study *study, const char *label) {
  for (size_t i = 0; i < study->n_dynamics; i++) {
    if (strcmp(study->dynamics[i].label, label) == 0) {
      return true;
    }
  }
  return false;
}

/* Fine and coarse member of every level behind the dynamics, a group of both behind the groups. */
static void add_levels(eg_checker *c, eg_study_multilevel *m) {
  eg_study *const study = c->study;
  const size_t n = (size_t)m->levels;
  eg_study_dynamics *const dynamics = eg_arena_get(c->memory, study->n_dynamics + 2 * n, sizeof *dynamics);
  eg_study_group *const groups = eg_arena_get(c->memory, study->n_groups + n, sizeof *groups);
  size_t *const members = eg_arena_get(c->memory, 2 * n, sizeof *members);
  if (dynamics == NULL || groups == NULL || members == NULL) {
    return;
  }
  memcpy(dynamics, study->dynamics, study->n_dynamics * sizeof *dynamics);
  if (study->n_groups > 0) {
    memcpy(groups, study->groups, study->n_groups * sizeof *groups);
  }
  m->first = study->n_dynamics;
  m->first_group = study->n_groups;
  for (size_t l = 1; l <= n; l++) {
    eg_study_dynamics *const fine = &dynamics[m->first + 2 * (l - 1)], *const coarse = fine + 1;
    *fine = *coarse = study->dynamics[m->of];
    coarse->substeps = fine->substeps * pow(m->ratio, (double)l - 1);
    fine->substeps = coarse->substeps * m->ratio;
    fine->label = make_label(c, study->dynamics[m->of].label, l, "");
    coarse->label = make_label(c, study->dynamics[m->of].label, l, " coarse");
    if (fine->label == NULL || coarse->label == NULL) {
      return;
    }
    if (is_taken(study, fine->label) || is_taken(study, coarse->label)) {
      eg_error_add(c->errors, eg_yaml_key(c->root, "multilevel")->place,
                   "the label '%s' is that of a level of 'multilevel'; give the dynamics another",
                   EG_SHORT(fine->label));
      return;
    }
    size_t *const pair = members + 2 * (l - 1);
    pair[0] = m->first + 2 * (l - 1);
    pair[1] = pair[0] + 1;
    groups[m->first_group + l - 1] =
        (eg_study_group){.label = fine->label, .members = pair, .n_members = 2, .mark = m->mark};
  }
  study->dynamics = dynamics;
  study->n_dynamics += 2 * n;
  study->groups = groups;
  study->n_groups += n;
  study->multilevel = *m;
}

/* The dynamics that is level 0: the one named, or the only one. */
static bool find_dynamics(eg_checker *c, const eg_yaml_node *node, eg_place place, size_t *of) {
  const eg_study *const study = c->study;
  if (eg_yaml_get(node, "dynamics") == NULL) {
    if (study->n_dynamics != 1) {
      eg_error_add(c->errors, place,
                   "'multilevel' needs 'dynamics', the label of its level 0, where there are several");
    }
    *of = 0;
    return study->n_dynamics == 1;
  }
  const char *const label = eg_get_label(c, node, "multilevel.dynamics");
  for (size_t i = 0; label != NULL && i < study->n_dynamics; i++) {
    if (strcmp(study->dynamics[i].label, label) == 0) {
      *of = i;
      return true;
    }
  }
  return false;
}

static void check_dynamics(eg_checker *c, eg_place place, const eg_study_multilevel *m) {
  const eg_study *const study = c->study;
  const eg_study_dynamics *const d = &study->dynamics[m->of];
  const char *const with_substeps = eg_schema_find("dynamics.substeps")->only;
  if (!eg_has_word(with_substeps, eg_dynamics_name(d->id))) {
    eg_error_add(c->errors, place, "'multilevel' refines substeps, and %s has none; allowed: %s",
                 eg_dynamics_name(d->id), with_substeps);
  } else if (!(d->substeps * pow(m->ratio, m->levels) <= MOST_SUBSTEPS)) {
    eg_error_add(c->errors, place, "the finest level would have %.0f substeps; at most %.0f",
                 d->substeps * pow(m->ratio, m->levels), MOST_SUBSTEPS);
  }
  for (size_t g = 0; g < study->n_groups; g++) {
    for (size_t i = 0; i < study->groups[g].n_members; i++) {
      if (study->groups[g].members[i] == m->of) {
        eg_error_add(c->errors, place, "'%s' is a member of the group '%s' and cannot be level 0 of 'multilevel'",
                     EG_SHORT(d->label), EG_SHORT(study->groups[g].label));
      }
    }
  }
  if (study->n_sweep > 0) {
    eg_error_add(c->errors, place, "'multilevel' and 'sweep' exclude each other; make a study for each value");
  }
  if (study->noise_common) {
    eg_error_add(c->errors, place, "'multilevel' and 'noise: common' exclude each other: levels are independent");
  }
  if (eg_yaml_get(c->root, "until") != NULL) {
    eg_error_add(c->errors, place,
                 "'multilevel' and 'until' exclude each other: each decides how many realisations are made");
  }
}

void eg_check_multilevel(eg_checker *c) {
  static const char *const sizes[] = {"stderr", "relative", NULL};
  const eg_yaml_node *const key = eg_yaml_key(c->root, "multilevel"), *const node = eg_yaml_get(c->root, "multilevel");
  eg_study_multilevel m = {.ratio = 2, .stderr_ = NAN, .relative = NAN, .time = NAN};
  const size_t errors_before = c->errors->count;
  if (node == NULL || !eg_expect(c, eg_schema_find("multilevel"), node, EG_YAML_MAP)) {
    return;
  }
  m.mark = key->place.mark;
  eg_check_keys(c, node, "multilevel", NULL);
  (void)eg_get_number(c, node, "multilevel.levels", &m.levels); /* absent or reported, as those below */
  (void)eg_get_number(c, node, "multilevel.ratio", &m.ratio);
  m.least_levels = m.levels;
  if (eg_get_number(c, node, "multilevel.least_levels", &m.least_levels) && m.least_levels > m.levels) {
    eg_error_add(c->errors, eg_yaml_get(node, "least_levels")->place,
                 "'multilevel.least_levels' = %g is more than 'multilevel.levels' = %g, the most there can be", m.least_levels,
                 m.levels);
  }
  (void)eg_get_number(c, node, "multilevel.stderr", &m.stderr_);
  (void)eg_get_number(c, node, "multilevel.relative", &m.relative);
  (void)eg_get_number(c, node, "multilevel.point", &m.point);
  (void)eg_get_number(c, node, "multilevel.time", &m.time);
  (void)eg_get_text(c, node, "multilevel.feature", &m.feature);
  if (eg_check_at_most_one(c, node, "multilevel", sizes) == 0) {
    eg_error_add(c->errors, node->place, "'multilevel' needs 'stderr' or 'relative'");
  }
  if (c->errors->count != errors_before || !c->are_dynamics_good || !find_dynamics(c, node, key->place, &m.of)) {
    return;
  }
  check_dynamics(c, key->place, &m);
  if (c->errors->count == errors_before) {
    add_levels(c, &m);
  }
}
