/*
 * Steppers that no table of the theory needs: fresh nodes and the factor of all points with Euler-Maruyama, Gaussian noise of another
 * law under Strang's splitting, heavy balls with Gaussian samples, and adaptive rules with every estimate of the gradient.
 * The former against the moments of their own law and scheme (affine engine). Adam without correction of its bias and with an epsilon far
 * above its root mean square moves by rate / epsilon times m' = beta1 m + (1 - beta1) g: the heavy ball with dampening beta1, whose
 * moments are known, at rate / epsilon. Controls: the moments of another batch size.
 */
#include "physics/judge.h"

#define ROWS  "{name: linear-regression, rows: [[1, 0.5, 1], [0.5, -1, 0.5], [-1, 1, 0.25], [0.75, 1.5, -1]], standardize: false}"
#define GAUSS "{name: linear-regression-gaussian, dimension: 2}"

static eg_labelled *run_of(const char *model, const char *rate, const char *dynamics) {
  char text[1200];
  (void)snprintf(text, sizeof text,
                 "seed: 77\nmodel: %s\nstart: {point: [1, -1]}\nlearning_rate: %s\nsteps: 12\ndynamics:\n%s"
                 "realisations: 2^16\nobserve: {at: {steps: [12]}, features: [x, norm2]}\n",
                 model, rate, dynamics);
  return run_text(folder, text);
}

/* norm2 of run `label` of a file, and x if it is no control, against what another file expects of a run of the same law. */
static void compare_norm2(bool is_control, const char *what, const eg_labelled *file, const char *label, const eg_labelled *other,
                          const char *expected) {
  const size_t run = run_index(file, label), law = run_index(other, expected);
  const double kurtosis = read_value(file, "norm2_kurtosis", run, 0, 0), count = read_value(file, "norm2_count", run, 0, 0);
  char name[100];
  compare(is_control, what, read_value(file, "norm2", run, 0, 0), read_value(file, "norm2_stderr", run, 0, 0),
          read_value(other, "norm2_expected", law, 0, 0), count / fmax(1.0, (kurtosis - 1.0) / 2.0));
  for (size_t k = 0; k < 2 && !is_control; k++) { /* the mean does not depend on the batch */
    (void)snprintf(name, sizeof name, "%s x%zu", what, k);
    compare(false, name, read_value(file, "x", run, 0, k), read_value(file, "x_stderr", run, 0, k),
            read_value(other, "x_expected", law, 0, k), count);
  }
}

static void own_laws(void) {
  eg_labelled *file = run_of(ROWS, "1/8",
                             "  - {name: smf1, label: nodes, scheme: euler-maruyama, factor: nodes, nodes: 4}\n"
                             "  - {name: smf1, label: joint, scheme: euler-maruyama, factor: joint-cholesky}\n"
                             "  - {name: sme2, label: strang_root, scheme: strang, gradient_noise: gaussian-decoupled, batch_size: 1}\n"
                             "  - {name: sme2, label: two, scheme: strang, gradient_noise: gaussian-decoupled, batch_size: 2}\n"
                             "  - {name: smf1, label: half, scheme: euler-maruyama, factor: data, batch_size: 2}\n");
  compare_norm2(false, "euler_nodes", file, "nodes", file, "nodes");
  compare_norm2(false, "euler_joint", file, "joint", file, "joint");
  compare_norm2(false, "strang_root", file, "strang_root", file, "strang_root");
  compare_norm2(true, "euler_nodes, batch size 2", file, "nodes", file, "half");
  compare_norm2(true, "euler_joint, batch size 2", file, "joint", file, "half");
  compare_norm2(true, "strang_root, batch size 2", file, "strang_root", file, "two");
  eg_labelled_free(file);
  file = run_of(GAUSS, "1/64",
                "  - {name: sgd, label: ball, batch_size: 1, momentum: 0.5, gradient_noise: gaussian-exact}\n"
                "  - {name: sgd, label: two, batch_size: 2, momentum: 0.5, gradient_noise: gaussian-exact}\n");
  compare_norm2(false, "momentum_factor", file, "ball", file, "ball");
  compare_norm2(true, "momentum_factor, batch size 2", file, "ball", file, "two");
  eg_labelled_free(file);
}

/* The estimate of the gradient by `noise` (a key and its value, or nothing). */
static void adaptive(const char *what, const char *model, const char *noise) {
  char dynamics[600], wrong[120];
  (void)snprintf(dynamics, sizeof dynamics,
                 "  - {name: adam, label: adam, batch_size: 1, beta1: 0.5, beta2: 0.875, epsilon: 1000000, bias_correction: false%s}\n", noise);
  eg_labelled *const file = run_of(model, "125000", dynamics);
  (void)snprintf(dynamics, sizeof dynamics,
                 "  - {name: sgd, label: ball, batch_size: 1, momentum: 0.5, dampening: 0.5%s}\n"
                 "  - {name: sgd, label: two, batch_size: 2, momentum: 0.5, dampening: 0.5%s}\n",
                 noise, noise);
  eg_labelled *const ball = run_of(model, "1/8", dynamics);
  (void)snprintf(wrong, sizeof wrong, "%s, batch size 2", what);
  compare_norm2(false, what, file, "adam", ball, "ball");
  compare_norm2(true, wrong, file, "adam", ball, "two");
  eg_labelled_free(file);
  eg_labelled_free(ball);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  own_laws();
  adaptive("adaptive_rows", ROWS, "");
  adaptive("adaptive_data", ROWS, ", gradient_noise: gaussian-exact");
  adaptive("adaptive_root", ROWS, ", gradient_noise: gaussian-decoupled");
  adaptive("adaptive_samples", GAUSS, "");
  adaptive("adaptive_factor", GAUSS, ", gradient_noise: gaussian-exact");
  (void)judge_rows(27, 9); /* rows of one run, and runs of one noise, are not independent */
  (void)rmdir(folder);
  return check_report();
}
