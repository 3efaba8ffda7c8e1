/* The commented studies that `ensgrad new KIND` writes. A test parses each. */
#include <string.h>

#include "ensgrad/study.h"

static const char weak_error[] =
    "# How well do modified equations describe SGD? The weak error |E f(model) - E f(SGD)| against exact "
    "moments,\n"
    "# for a falling learning rate. `ensgrad help study` explains every key.\n"
    "title: Weak error of SGD's modified equations, quadratic loss\n"
    "seed: 2026                 # the results are a function of this file and the seed alone\n"
    "\n"
    "model:                     # R(x) = sum_k curvature_k (x_k - centre_k)^2 / 2 with noisy gradients\n"
    "  name: quadratic\n"
    "  curvature: [1, 1/2]      # one value per component\n"
    "  noise: 0.5               # standard deviation of the gradient noise; one number sets all components\n"
    "start: {point: 1}          # every trajectory begins here, in all components\n"
    "\n"
    "horizon: 1                 # algorithmic time; steps = horizon / learning_rate\n"
    "sweep:                     # one run for every value\n"
    "  learning_rate: [1/8, 1/16, 1/32, 1/64]\n"
    "dynamics:\n"
    "  - {name: sgd, batch_size: 1}\n"
    "  - gradient-flow          # the deterministic limit\n"
    "  - {name: sme1, batch_size: 1, scheme: strang, substeps: 2}  # modified equation of weak order 1\n"
    "  - {name: sme2, batch_size: 1, scheme: strang, substeps: 2}  # and of weak order 2\n"
    "realisations: 2^20\n"
    "\n"
    "observe:\n"
    "  at: {linear: 4}          # times horizon k / 4, k = 1..4\n"
    "  features: [norm2, x, loss]\n"
    "  statistics: [moments, covariance]\n"
    "analyse:\n"
    "  - weak-error: {reference: exact, features: [norm2, x]}\n";

static const char diffusion[] =
    "# How far does SGD wander? Mean squared displacement from the start at log-spaced steps: its slope in a "
    "log-log\n"
    "# plot is the diffusion exponent. `ensgrad help study` explains every key.\n"
    "title: Mean squared displacement of SGD around a minimum\n"
    "seed: 2026                 # the results are a function of this file and the seed alone\n"
    "\n"
    "model:                     # R(x) = sum_k curvature_k (x_k - centre_k)^2 / 2 with noisy gradients\n"
    "  name: quadratic\n"
    "  curvature: [1, 1/64]     # a stiff and a flat direction\n"
    "  noise: 1                 # standard deviation of the gradient noise; one number sets all components\n"
    "start: {point: 0}          # in the minimum\n"
    "\n"
    "learning_rate: 1/16\n"
    "steps: 2^14                # or horizon: steps x learning_rate\n"
    "sweep:\n"
    "  batch_size: [1, 4, 16]   # one run for every value\n"
    "dynamics: [sgd]\n"
    "realisations: 2^16\n"
    "\n"
    "observe:\n"
    "  at: {steps: {log: 40}}   # about equal distances on a logarithmic axis\n"
    "  features: [x]\n"
    "  paths:\n"
    "    - {statistic: msd}     # |x - x_0|^2 with the covariance of its lags, which a fit needs\n"
    "    - {statistic: moments, powers: [1, 2, 4]}  # and its non-Gaussian parameter\n"
    "analyse:\n"
    "  - diffusion: {}          # exponent and prefactor with intervals; where the power law ends\n";

static const char ornstein_uhlenbeck[] =
    "# A first study: the Ornstein-Uhlenbeck process, whose mean and variance are known at every time.\n"
    "# `ensgrad help study` explains every key.\n"
    "title: Ornstein-Uhlenbeck process, Euler-Maruyama against the exact scheme\n"
    "seed: 2026                 # the results are a function of this file and the seed alone\n"
    "\n"
    "model:                     # dx = -rate (x - mean) dt + sigma dW\n"
    "  name: ornstein-uhlenbeck\n"
    "  rate: 1\n"
    "  mean: 0\n"
    "  sigma: 1\n"
    "start: {point: 2}\n"
    "\n"
    "horizon: 2                 # time; steps = horizon / time_step\n"
    "sweep:                     # one run for every value\n"
    "  time_step: [1/4, 1/8, 1/16, 1/32]\n"
    "dynamics:\n"
    "  - {name: sde, scheme: euler-maruyama}\n"
    "  - {name: sde, scheme: exact, label: exact law}\n"
    "realisations: 2^20\n"
    "\n"
    "observe:\n"
    "  at: [0.5, 1, 2]          # times\n"
    "  features: [x, norm2]\n"
    "analyse:\n"
    "  - weak-error: {reference: exact}\n";

static const struct {
  const char *kind, *text;
} templates[] = {
    {"weak-error", weak_error}, {"diffusion", diffusion}, {"ornstein-uhlenbeck", ornstein_uhlenbeck}};

const char *eg_study_template(const char *kind) {
  for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
    if (strcmp(templates[i].kind, kind) == 0) {
      return templates[i].text;
    }
  }
  return NULL;
}

const char *eg_study_template_kinds(void) {
  return "weak-error diffusion ornstein-uhlenbeck";
}
