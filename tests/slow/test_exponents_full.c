/* The table of docs/statistics.md: exponents of the five test processes, 500 ensembles each. */
#include "physics/exponents.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

int main(void) {
  const size_t repeats = 500, least = least_covered(repeats, 0.95, 1e-6 / EXPONENT_PROCESSES);
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  for (size_t i = 0; i < EXPONENT_PROCESSES; i++) {
    const exponent_score s = measure_exponent(folder, &exponent_processes[i], repeats, 100000 * (i + 1));
    print_exponent(&exponent_processes[i], &s);
    CHECK(s.covered >= least);
    CHECK(s.covered_naive < least);
    CHECK(fabs(s.bias) < s.spread);
  }
  (void)rmdir(folder);
  return check_report();
}
