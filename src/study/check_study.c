/* The top of a study: simple keys here, the rest in the check_*.c of its name. */
#include <math.h>
#include <string.h>

#include "study/checker.h"

static void set_defaults(eg_checker *c) {
  eg_study *study = c->study;
  study->title = eg_arena_copy(c->memory, "", 0);
  study->model.inputs = eg_arena_copy(c->memory, "X", 1);
  study->model.target = eg_arena_copy(c->memory, "y", 1);
  study->model.standardize = true;
  study->horizon = NAN;
  study->steps = NAN;
  study->learning_rate = NAN;
  study->noise = EG_NOISE_GAUSSIAN;
  study->diverged_limit = 0.01;
}

static void check_noise(eg_checker *c) {
  const eg_yaml_node *node = eg_yaml_get(c->root, "noise");
  eg_study *study = c->study;
  size_t word = 0;
  if (node == NULL) {
    return;
  }
  if (node->kind == EG_YAML_MAP) {
    eg_check_keys(c, node, "noise", NULL);
    if (eg_get_word(c, node, "noise.kind", &word)) {
      study->noise = (eg_noise_kind)word;
    }
    (void)eg_get_flag(c, node, "noise.common",
                      &study->noise_common); /* absent or reported: the default stays */
  } else if (eg_read_word(c, eg_schema_find("noise"), node, &word)) {
    study->noise_common = word == eg_count_words(eg_noise_words);
    study->noise = study->noise_common ? EG_NOISE_GAUSSIAN : (eg_noise_kind)word;
  }
}

static void check_simple_keys(eg_checker *c) {
  eg_study *study = c->study;
  size_t word = 0;
  (void)eg_get_text(c, c->root, "title", &study->title); /* absent or reported: the default stays */
  const eg_yaml_node *seed = eg_yaml_get(c->root, "seed");
  if (seed != NULL) {
    (void)eg_read_seed(c, eg_schema_find("seed"), seed, &study->seed); /* reported */
  }
  if (eg_get_number(c, c->root, "realisations", &study->realisations)) {
    study->realisations_mark = eg_yaml_get(c->root, "realisations")->place.mark;
  }
  if (eg_get_word(c, c->root, "state", &word)) {
    study->float_state = word == 1;
  }
  if (eg_get_word(c, c->root, "form", &word)) {
    study->form = (eg_study_form)word;
    study->form_mark = eg_yaml_get(c->root, "form")->place.mark;
  }
  (void)eg_get_number(c, c->root, "diverged_limit", &study->diverged_limit);
}


void eg_check_study(eg_checker *c) {
  set_defaults(c);
  eg_check_keys(c, c->root, "", NULL);
  check_simple_keys(c);
  check_noise(c);
  eg_check_model(c); /* first: what the model is decides about the others */
  eg_check_time(c);
  eg_check_start(c);
  eg_check_dimension(c);
  eg_check_dynamics(c);
  eg_check_sweep(c);   /* needs start and dynamics */
  eg_check_groups(c);  /* needs dynamics, sweep and noise */
  eg_check_multilevel(c); /* needs dynamics, sweep and groups, and adds to them */
  eg_check_observe(c); /* needs time */
  eg_check_analyse(c); /* needs dynamics, sweep and observe */
  eg_check_absorbing(c); /* needs groups, observe and analyse */
  eg_check_expect(c);  /* needs dynamics */
  eg_check_until(c);   /* the same */
  eg_check_splitting(c);
}
