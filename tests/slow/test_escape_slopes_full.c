/* Slopes of ln t over 1 / eta (physics/escape_slopes.h): the smallest rates of the theory, minutes of steps. */
#include "physics/escape_slopes.h"

static const escape_slope rows_of_slopes[] = {
    {false, 3, {15, 20}, {.5, .5}, {1 << 14, 1 << 13}, {1.34}},
    {false, 4, {15, 20}, {.5, .15}, {1 << 13, 1 << 13}, {1.54}},
    {true, 1.5, {20, 30}, {.5, .5}, {1 << 15, 1 << 14}, {.738}},
};

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < sizeof rows_of_slopes / sizeof rows_of_slopes[0]; i++) {
    judge_slopes(&rows_of_slopes[i], 250 + 10 * (int)i);
  }
  (void)judge_rows(12, 6);
  (void)rmdir(folder);
  return check_report();
}
