/*
 * Exponents of the five test processes through the whole program, 60 small ensembles each: the interval holds the exponent of the
 * closed form as often as it says, the estimate is off by less than its scatter, and the error that is stated is the scatter. The
 * interval of ordinary least squares, which takes lags as independent, is rejected by the same limit; so is an exponent 0.15 larger.
 * tests/slow/test_exponents_full.c is the same with 500, and its table is in docs/statistics.md.
 */
#include "physics/exponents.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

int main(void) {
  static const size_t places[] = {1, 2, 4, 5, 6}; /* one of each process */
  enum { ROWS = sizeof places / sizeof places[0] };
  const size_t repeats = 60, least = least_covered(repeats, 0.95, 1e-6 / ROWS);
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  CHECK(least_covered(20, 0.95, 0.0160) == 17 && least_covered(20, 0.95, 0.0158) == 16); /* P(at most 16 of 20) = 0.0159 */
  for (size_t i = 0; i < ROWS; i++) {
    const exponent_process *const p = &exponent_processes[places[i]];
    const exponent_score s = measure_exponent(folder, p, repeats, 1000 * (i + 1));
    print_exponent(p, &s);
    CHECK(s.covered >= least);
    CHECK(s.covered_naive < least);
    CHECK(fabs(s.bias) < s.spread);
    CHECK(fabs(s.bias + 0.15) > s.spread && fabs(s.bias - 0.15) > s.spread);
    CHECK(fabs(log(s.stated / s.spread)) < 5 / sqrt(2.0 * (double)repeats));
  }
  (void)rmdir(folder);
  return check_report();
}
