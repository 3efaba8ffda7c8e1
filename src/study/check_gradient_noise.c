/* dynamics.gradient_noise: the law of the gradient's noise, and the matrix or point that it needs. */
#include <string.h>

#include "study/checker.h"

/* A matrix by rows, its diagonal, or one number. */
static void read_matrix(eg_checker *c, const eg_yaml_node *node, const char *path, eg_study_gradient_noise *noise) {
  eg_schema_row row = *eg_schema_find(path);
  eg_number_list list = {0};
  row.accepts &= ~(unsigned)EG_LISTS;
  const bool is_full = node->kind == EG_YAML_LIST && node->n > 0 && node->items[0]->kind == EG_YAML_LIST;
  if (!is_full) {
    if (eg_read_numbers(c, &row, node, &list)) {
      noise->matrix = list.values;
      noise->n_matrix = list.n;
    }
    return;
  }
  double *const matrix = eg_arena_get(c->memory, node->n * node->n, sizeof *matrix);
  for (size_t i = 0; i < node->n && matrix != NULL; i++) {
    if (!eg_read_numbers(c, &row, node->items[i], &list)) {
      return;
    }
    if (list.n != node->n) {
      eg_error_add(c->errors, node->items[i]->place, "'%s' has %zu rows, and this one has %zu numbers; a matrix is square",
                   path, node->n, list.n);
      return;
    }
    memcpy(matrix + i * node->n, list.values, node->n * sizeof *matrix);
  }
  for (size_t i = 0; i < node->n && matrix != NULL; i++) {
    for (size_t k = 0; k < i; k++) {
      if (matrix[i * node->n + k] != matrix[k * node->n + i]) {
        eg_error_add(c->errors, node->place, "'%s' is not symmetric: rows %zu and %zu", path, k, i);
        return;
      }
    }
  }
  noise->matrix = matrix;
  noise->n_matrix = node->n * node->n;
  noise->is_full = true;
}

/* Keys of another law are known keys in the wrong place. */
static void refuse_keys(eg_checker *c, const eg_yaml_node *map, const char *const *keys, const char *law) {
  for (size_t i = 0; keys[i] != NULL; i++) {
    const eg_yaml_node *key = eg_yaml_key(map, keys[i]);
    if (key != NULL) {
      eg_error_add(c->errors, key->place, "'%s' is not for law %s", keys[i], law);
    }
  }
}

static void read_map(eg_checker *c, const eg_yaml_node *map, eg_study_gradient_noise *noise) {
  static const char *const of_constant[] = {"covariance", "at", NULL};
  static const char *const of_decoupled[] = {"hessian", "loss_offset", NULL};
  size_t word = 0;
  eg_check_keys(c, map, "dynamics.gradient_noise", NULL);
  if (!eg_get_word(c, map, "dynamics.gradient_noise.law", &word)) {
    return;
  }
  noise->law = (eg_gradient_noise)(word + 1);
  const bool is_constant = noise->law == EG_GRADIENT_CONSTANT, is_decoupled = noise->law == EG_GRADIENT_DECOUPLED;
  if (!is_constant) {
    refuse_keys(c, map, of_constant, eg_gradient_noise_words[word]);
  }
  if (!is_decoupled) {
    refuse_keys(c, map, of_decoupled, eg_gradient_noise_words[word]);
  }
  if (is_constant && eg_check_at_most_one(c, map, "dynamics.gradient_noise", of_constant) > 1) {
    return;
  }
  const eg_yaml_node *const matrix = eg_yaml_get(map, is_constant ? "covariance" : "hessian");
  const eg_yaml_node *const at = eg_yaml_get(map, "at");
  if (matrix != NULL) {
    read_matrix(c, matrix, is_constant ? "dynamics.gradient_noise.covariance" : "dynamics.gradient_noise.hessian", noise);
  }
  if (is_constant && at != NULL) {
    (void)eg_read_numbers(c, eg_schema_find("dynamics.gradient_noise.at"), at, &noise->at); /* reported */
  }
  (void)eg_get_number(c, map, "dynamics.gradient_noise.loss_offset", &noise->loss_offset); /* absent: 0 */
}

void eg_check_gradient_noise(eg_checker *c, const eg_yaml_node *map, eg_study_dynamics *dynamics) {
  const eg_yaml_node *const node = eg_yaml_get(map, "gradient_noise");
  eg_study_gradient_noise *const noise = &dynamics->gradient_noise;
  const char *const name = eg_dynamics_name(dynamics->id);
  const bool is_sampled = eg_has_word(eg_schema_find("dynamics.sampling")->only, name);
  size_t word = 0;
  if (!eg_has_word(eg_schema_find("dynamics.gradient_noise")->only, name)) {
    return;
  }
  noise->law = is_sampled                      ? EG_GRADIENT_MINIBATCH
               : dynamics->id == EG_LOG_TIME ? EG_GRADIENT_DECOUPLED
                                             : EG_GRADIENT_EXACT;
  if (node == NULL) {
    return;
  }
  noise->mark = node->place.mark;
  if (node->kind == EG_YAML_MAP) {
    read_map(c, node, noise);
  } else if (eg_read_word(c, eg_schema_find("dynamics.gradient_noise"), node, &word)) {
    noise->law = (eg_gradient_noise)(word + 1);
  }
  if (noise->law == EG_GRADIENT_CONSTANT && noise->matrix == NULL && noise->at.n == 0) {
    eg_error_add(c->errors, node->place, "gradient_noise constant needs 'covariance' or 'at': {law: constant, covariance: 1}");
  }
  if (noise->law == EG_GRADIENT_MINIBATCH && !is_sampled) {
    eg_error_add(c->errors, node->place, "the noise of '%s' is %s; allowed: gaussian-exact, gaussian-decoupled, constant", name,
                 dynamics->id == EG_LEVY ? "alpha-stable, its law names the size" : "Gaussian");
  }
  if (dynamics->id == EG_LOG_TIME && noise->law != EG_GRADIENT_DECOUPLED) {
    eg_error_add(c->errors, node->place, "log-time makes the noise 2 loss x Hessian / batch additive; allowed: gaussian-decoupled");
  }
  const bool has_row_noise = dynamics->chain.input_noise > 0 || dynamics->chain.label_noise > 0;
  if (noise->law != EG_GRADIENT_MINIBATCH && is_sampled && (dynamics->sampling != EG_SAMPLING_REPLACEMENT || has_row_noise)) {
    eg_error_add(c->errors, node->place, "sampling, input_noise and label_noise are those of a minibatch, and gradient_noise %s "
                 "draws none", eg_gradient_noise_words[noise->law - 1]);
  }
}
