/* The options of a chain: momentum, weight decay, clipping, schedule, SVAG and the adaptive rules. */
#include <math.h>

#include "study/checker.h"

static bool is_adaptive(eg_dynamics_id id) {
  return id == EG_ADAM || id == EG_ADAMW || id == EG_RMSPROP;
}

static bool is_chain(eg_dynamics_id id) {
  return id == EG_SGD || id == EG_SVAG || id == EG_SIGNSGD || is_adaptive(id);
}

static void set_defaults(eg_study_dynamics *dynamics) {
  eg_study_chain *chain = &dynamics->chain;
  const eg_dynamics_id id = dynamics->id;
  chain->l = 1.0;
  chain->clip = INFINITY;
  chain->beta1 = id == EG_ADAM || id == EG_ADAMW || id == EG_ADAM_SDE ? 0.9 : 0.0;
  chain->beta2 = id == EG_RMSPROP || id == EG_RMSPROP_SDE ? 0.99 : 0.999;
  chain->epsilon = 1e-8;
  chain->bias_correction = id != EG_RMSPROP;
  chain->decoupled = id == EG_ADAMW;
  chain->schedule.gamma = 0.1;
  chain->schedule.power = 1.0;
  chain->batch_schedule = chain->schedule;
  chain->is_general = id != EG_SGD && is_chain(id);
}

/* A number, in the study or in the sweep. A value of 1 is in the range of the table, and not below 1. */
static void read_number(eg_checker *c, const eg_yaml_node *map, const char *path, const char *axis, bool is_below_1,
                        double *out) {
  const char *key = path + sizeof "dynamics." - 1;
  if (axis != NULL) {
    eg_refuse_swept(c, map, key, axis);
  }
  if (eg_get_number(c, map, path, out) && is_below_1 && *out >= 1.0) {
    eg_error_add(c->errors, eg_yaml_get(map, key)->place, "'%s' must be below 1", path);
  }
}

enum { KIND, PERIOD, GAMMA, LAST, POWER, WARM_UP, N_SCHEDULE_KEYS };
#define SCHEDULE_PATHS(name)                                                                                 \
  {"dynamics." name ".kind", "dynamics." name ".period", "dynamics." name ".gamma", "dynamics." name ".last", \
   "dynamics." name ".power", "dynamics." name ".warm_up"}

static void read_schedule(eg_checker *c, const eg_yaml_node *map, const char *path,
                          const char *const keys[N_SCHEDULE_KEYS], eg_study_schedule *schedule) {
  if (eg_yaml_get(map, path + sizeof "dynamics." - 1) == NULL) {
    return;
  }
  const eg_yaml_node *node = eg_get_map(c, map, path);
  size_t word = 0;
  if (node == NULL) {
    return;
  }
  eg_check_keys(c, node, path, NULL);
  if (eg_get_word(c, node, keys[KIND], &word)) {
    schedule->kind = (eg_schedule_kind)word;
  }
  const bool has_period = eg_get_number(c, node, keys[PERIOD], &schedule->period);
  if (!has_period && schedule->kind != EG_RATE_CONSTANT && eg_yaml_get(node, "period") == NULL) {
    eg_error_add(c->errors, node->place, "'%s' of kind %s needs 'period', its length in steps", path,
                 eg_schedule_words[schedule->kind]);
  }
  (void)eg_get_number(c, node, keys[GAMMA], &schedule->gamma); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, keys[LAST], &schedule->last);
  (void)eg_get_number(c, node, keys[POWER], &schedule->power);
  (void)eg_get_number(c, node, keys[WARM_UP], &schedule->warm_up);
}

static void read_schedules(eg_checker *c, const eg_yaml_node *map, eg_study_chain *chain) {
  static const char *const rate[N_SCHEDULE_KEYS] = SCHEDULE_PATHS("schedule");
  static const char *const batch[N_SCHEDULE_KEYS] = SCHEDULE_PATHS("batch_schedule");
  read_schedule(c, map, "dynamics.schedule", rate, &chain->schedule);
  read_schedule(c, map, "dynamics.batch_schedule", batch, &chain->batch_schedule);
}

static bool is_swept_here(const eg_checker *c, const char *axis, const char *path, eg_dynamics_id id) {
  return eg_swept(c, axis) != NULL && eg_has_word(eg_schema_find(path)->only, eg_dynamics_name(id));
}

/* The Langevin equation has the momentum and weight decay of the chain that it models. */
static void check_langevin(eg_checker *c, const eg_yaml_node *map, eg_study_chain *chain) {
  size_t word = 0;
  read_number(c, map, "dynamics.momentum", "momentum", true, &chain->momentum);
  read_number(c, map, "dynamics.weight_decay", "weight_decay", false, &chain->weight_decay);
  if (eg_get_word(c, map, "dynamics.start_velocity", &word)) {
    chain->has_zero_velocity = word == 1;
  }
  if (eg_swept(c, "momentum") != NULL) {
    chain->momentum = NAN;
  }
  if (eg_swept(c, "weight_decay") != NULL) {
    chain->weight_decay = NAN;
  }
}

static void check_levy(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics) {
  eg_study_chain *chain = &dynamics->chain;
  chain->tail_index = eg_swept(c, "tail_index") != NULL ? NAN : 1.5;
  read_number(c, map, "dynamics.tail_index", "tail_index", false, &chain->tail_index);
}

void eg_check_chain(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics) {
  static const char *const keys[] = {"momentum",  "dampening", "nesterov", "weight_decay",
                                     "decoupled", "clip",      "schedule", "batch_schedule"};
  eg_study_chain *chain = &dynamics->chain;
  size_t word = 0;
  set_defaults(dynamics);
  if (dynamics->id == EG_LANGEVIN) {
    check_langevin(c, map, chain);
  }
  if (dynamics->id == EG_SME1) { /* a number of the equation: an axis of the chains does not move it */
    read_number(c, map, "dynamics.momentum", "momentum", true, &chain->momentum);
  }
  if (dynamics->id == EG_LEVY) {
    check_levy(c, map, dynamics);
  }
  if (!is_chain(dynamics->id) && !eg_is_adaptive_sde(dynamics->id)) {
    return;
  }
  read_number(c, map, "dynamics.l", "l", false, &chain->l);
  read_number(c, map, "dynamics.momentum", "momentum", true, &chain->momentum);
  if (eg_get_word(c, map, "dynamics.momentum_limit", &word)) {
    chain->keeps_friction_time = word == 1;
  }
  read_number(c, map, "dynamics.dampening", NULL, false, &chain->dampening);
  read_number(c, map, "dynamics.weight_decay", "weight_decay", false, &chain->weight_decay);
  read_number(c, map, "dynamics.clip", NULL, false, &chain->clip);
  read_number(c, map, "dynamics.beta1", NULL, true, &chain->beta1);
  read_number(c, map, "dynamics.beta2", NULL, true, &chain->beta2);
  read_number(c, map, "dynamics.epsilon", NULL, false, &chain->epsilon);
  read_number(c, map, "dynamics.start_square", NULL, false, &chain->start_square);
  (void)eg_get_flag(c, map, "dynamics.nesterov", &chain->nesterov); /* absent or reported: the default stays */
  (void)eg_get_flag(c, map, "dynamics.decoupled", &chain->decoupled);
  (void)eg_get_flag(c, map, "dynamics.bias_correction", &chain->bias_correction);
  if (eg_get_word(c, map, "dynamics.preconditioner", &word)) {
    chain->divides_before = word == 1;
  }
  read_number(c, map, "dynamics.input_noise", NULL, false, &chain->input_noise);
  read_number(c, map, "dynamics.label_noise", NULL, false, &chain->label_noise);
  read_schedules(c, map, chain);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    chain->is_general = chain->is_general || eg_yaml_get(map, keys[i]) != NULL;
  }
  if (is_swept_here(c, "l", "dynamics.l", dynamics->id)) {
    chain->l = NAN;
  }
  if (is_swept_here(c, "momentum", "dynamics.momentum", dynamics->id)) {
    chain->momentum = NAN;
    chain->is_general = true;
  }
  if (is_swept_here(c, "weight_decay", "dynamics.weight_decay", dynamics->id)) {
    chain->weight_decay = NAN;
    chain->is_general = true;
  }
}
