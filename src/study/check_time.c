/* horizon or steps, learning_rate or time_step: exactly one of each, here or in the sweep. */
#include "study/checker.h"

/* A sweep that is no mapping is reported elsewhere; what it was meant to hold is not missing. */
static bool is_sweep_readable(const eg_checker *c) {
  const eg_yaml_node *sweep = eg_yaml_get(c->root, "sweep");
  return sweep == NULL || sweep->kind == EG_YAML_MAP;
}

static void check_end(eg_checker *c) {
  static const char *const ends[] = {"horizon", "steps", NULL};
  eg_study *study = c->study;
  const size_t n = eg_check_at_most_one(c, c->root, "", ends);
  const eg_yaml_node *swept = eg_swept(c, "horizon");
  if (n == 0 && swept == NULL && is_sweep_readable(c)) {
    eg_error_add(c->errors, c->root->place, "missing required key 'horizon' (or 'steps')");
  }
  if (swept != NULL && eg_yaml_get(c->root, "steps") != NULL) {
    eg_error_add(c->errors, swept->place, "'sweep.horizon' and 'steps' exclude each other");
  }
  eg_refuse_swept(c, c->root, "horizon", "horizon");
  if (eg_get_number(c, c->root, "horizon", &study->horizon)) {
    study->horizon_mark = eg_yaml_get(c->root, "horizon")->place.mark;
  }
  if (eg_get_number(c, c->root, "steps", &study->steps)) {
    study->horizon_mark = eg_yaml_get(c->root, "steps")->place.mark;
  }
}

/* A process has a time step, a loss a learning rate. */
static void refuse_wrong_rate(eg_checker *c, const eg_yaml_node *key, const char *wrong, const char *right) {
  if (key != NULL && c->model != NULL) {
    eg_error_add(c->errors, key->place, "'%s' is a %s: it takes '%s', not '%s'", c->model->name,
                 c->model->is_process ? "process" : "loss model", right, wrong);
  }
}

static void check_rate(eg_checker *c) {
  static const char *const names[] = {"learning_rate", "time_step", NULL};
  eg_study *study = c->study;
  const eg_yaml_node *swept[2] = {eg_swept(c, names[0]), eg_swept(c, names[1])};
  const size_t n_given = eg_check_at_most_one(c, c->root, "", names);
  if (swept[0] != NULL && swept[1] != NULL) {
    eg_error_add(c->errors, swept[1]->place,
                 "'sweep.learning_rate' and 'sweep.time_step' exclude each other");
  }
  const bool is_process = c->model != NULL && c->model->is_process;
  const char *right = names[is_process ? 1 : 0];
  const char *wrong = names[is_process ? 0 : 1];
  refuse_wrong_rate(c, eg_yaml_key(c->root, wrong), wrong, right);
  refuse_wrong_rate(c, swept[is_process ? 0 : 1], wrong, right);
  if (n_given == 0 && swept[0] == NULL && swept[1] == NULL && is_sweep_readable(c)) {
    eg_error_add(c->errors, c->root->place, "missing required key '%s' (or sweep: {%s: [..]})", right, right);
  }
  for (int i = 0; i < 2; i++) {
    eg_refuse_swept(c, c->root, names[i], names[i]);
    if (eg_get_number(c, c->root, names[i], &study->learning_rate)) {
      study->learning_rate_mark = eg_yaml_get(c->root, names[i])->place.mark;
    }
  }
  study->uses_time_step = eg_yaml_get(c->root, "time_step") != NULL || swept[1] != NULL;
}

void eg_check_time(eg_checker *c) {
  check_end(c);
  check_rate(c);
}
