/*
 * Common noise across a sweep: differences of SGD on parabolas of several curvatures against closed forms, E x = (1 - eta h)^n x_0 and
 * E x^2 = (1 - eta h)^(2 n) x_0^2 + eta^2 s^2 (1 - (1 - eta h)^(2 n)) / (1 - (1 - eta h)^2). Twenty studies: the errors, by blocks that runs
 * share, are neither too small nor too large, though the runs are anything but independent. Controls: no difference, twice the difference.
 */
#include "physics/judge.h"

enum { STUDIES = 20, N = 8192 };
static const double curvature[] = {1, 1.25, 1.5};

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

static double moment(double h, int power, double n) {
  const double a = 1 - h / 8, x0 = 0.5;
  return power == 1 ? pow(a, n) * x0 : pow(a, 2 * n) * x0 * x0 + (1 - pow(a, 2 * n)) / (1 - a * a) / 64;
}

static eg_labelled *sweep(int seed, const char *noise) {
  char text[600];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: quadratic, noise: 1}\nstart: {point: 0.5}\nlearning_rate: 1/8\nsteps: 24\n"
                 "sweep: {model.curvature: [1, 1.25, 1.5]}\ndynamics: {name: sgd, batch_size: 1}\nrealisations: %d\n"
                 "observe: {at: {steps: [2, 8, 24]}, features: [x, norm2]}\n%s",
                 seed, N, noise);
  return run_study(text);
}

int main(void) {
  static const double times[] = {2, 8, 24};
  static const char *const names[] = {"common_x", "common_norm2"};
  double squares = 0, least = INFINITY;
  size_t n = 0;
  if (mkdtemp(folder) == NULL) {
    return 1;
  }
  for (int k = 0; k < STUDIES; k++) {
    eg_labelled *const file = sweep(200 + k, "noise: common\n");
    for (size_t i = 3; i < 9; i++) { /* the first run has no difference */
      for (int f = 0; f < 2; f++) {
        const double h = curvature[i / 3], time = times[i % 3];
        const double truth = moment(h, f + 1, time) - moment(curvature[0], f + 1, time);
        char error[40], gain[40];
        (void)snprintf(error, sizeof error, "%s_stderr", names[f]);
        (void)snprintf(gain, sizeof gain, "%s_gain", names[f]);
        const double z = (at(file, names[f], i) - truth) / at(file, error, i);
        squares += z * z;
        n++;
        least = fmin(least, at(file, gain, i));
        if (k == 0) {
          compare(false, names[f], at(file, names[f], i), at(file, error, i), truth, N);
          compare(true, "no difference", at(file, names[f], i), at(file, error, i), 0, N);
          compare(true, "twice the difference", at(file, names[f], i), at(file, error, i), 2 * truth, N);
        }
      }
    }
    CHECK(isnan(at(file, "common_x", 0)) && isnan(at(file, "common_x_stderr", 2)));
    eg_labelled_free(file);
  }
  const double mean_square = squares / (double)n;
  printf("%zu z of %d studies: mean square %.3f; gain over independent runs at least %.3g\n", n, STUDIES, mean_square, least);
  CHECK(least > 5);
  CHECK(mean_square > 0.6 && mean_square < 1.6); /* some 60 of them are independent: sd 0.18; jackknife: 1.03 expected */
  eg_labelled *const own = sweep(200, "");
  CHECK(eg_labelled_find(own, "/analysis", "common_x") == NULL);
  eg_labelled_free(own);
  (void)judge_rows(12, 20);
  (void)rmdir(folder);
  return check_report();
}
