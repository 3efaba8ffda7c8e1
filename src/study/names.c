#include "study/names.h"

#include "study/study.h"

#define EG_NOISE_WORDS                                                                                       \
  "gaussian", "gaussian-fast", "gaussian64", "table5", "table8", "table10", "two-point", "three-point"

#define WORD(name, word, ...) word,
const char *const eg_dynamics_words[] = {EG_DYNAMICS_LIST(WORD) NULL};
const char *const eg_sampling_words[] = {EG_SAMPLING_LIST(WORD) NULL};
const char *const eg_factor_words[] = {EG_FACTOR_LIST(WORD) NULL};
const char *const eg_scheme_words[] = {EG_SCHEME_LIST(WORD) NULL};
const char *const eg_across_words[] = {"learning_rate", "time_step", "substeps", NULL};
const char *const eg_over_words[] = {"learning_rate", "l", "substeps", NULL};
const char *const eg_noise_words[] = {EG_NOISE_WORDS, NULL};
const char *const eg_noise_or_common_words[] = {EG_NOISE_WORDS, "common", NULL};
const char *const eg_schedule_words[] = {"constant", "step", "polynomial", "cosine", "cyclic", NULL};
const char *const eg_gradient_noise_words[] = {"minibatch", "gaussian-exact", "gaussian-decoupled", "constant", NULL};
const char *const eg_momentum_limit_words[] = {"overdamped", "underdamped", NULL};
const char *const eg_start_velocity_words[] = {"matched", "zero", NULL};
const char *const eg_preconditioner_words[] = {"after", "before", NULL};
const char *const eg_form_words[] = {"auto", "lane", "team", NULL};
const char *const eg_state_words[] = {"double", "float", NULL};
const char *const eg_feature_words[] = {"x", "norm2", "loss", "gradient_norm2", "displacement2", "clock", "noise_trace", "velocity", NULL};
const char *const eg_statistic_words[] = {"moments", "covariance", "msd", NULL};
const char *const eg_grid_words[] = {"linear", "log", NULL};
const char *const eg_operation_words[] = {"sum", "mean", "minimum", "maximum", "crossing", NULL};
const char *const eg_path_words[] = {"msd", "moments", "velocity", "time-averaged-msd", "two-time",
                                     "m-point", "product", "distance", "characteristic", "tail",
                                     "time-average", "correlator", "correlator-msd", NULL};
const char *const eg_combine_words[] = {"product", "ratio", "covariance", NULL};
const char *const eg_side_words[] = {"upper", "lower", "both", NULL};
const char *const eg_direction_words[] = {"up", "down", "any", NULL};
const char *const eg_until_words[] = {"mean", "variance", NULL};
const char *const eg_analysis_words[] = {"weak-error", "diffusion", "escape", "quantiles", "stationary", "scaling-rule", "flow", NULL};

size_t eg_count_words(const char *const *words) {
  size_t n = 0;
  while (words[n] != NULL) {
    n++;
  }
  return n;
}

bool eg_is_chain(eg_dynamics_id id) {
#define IS_CHAIN(name, word, is_chain, ...) is_chain,
  static const bool chains[] = {EG_DYNAMICS_LIST(IS_CHAIN)};
  return chains[id];
}

bool eg_is_adaptive_sde(eg_dynamics_id id) {
  return id == EG_RMSPROP_SDE || id == EG_ADAM_SDE || id == EG_SIGNSGD_SDE;
}

const char *eg_dynamics_name(eg_dynamics_id id) {
  return eg_dynamics_words[id];
}

const char *eg_scheme_name(eg_scheme scheme) {
  return scheme == EG_SCHEME_DEFAULT ? "default" : eg_scheme_words[scheme - 1];
}

const char *eg_factor_name(eg_factor factor) {
  return factor == EG_FACTOR_DEFAULT ? "default" : eg_factor_words[factor - 1];
}

const char *eg_noise_name(eg_noise_kind kind) {
  return eg_noise_words[kind];
}
