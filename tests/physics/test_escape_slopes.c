/* Slopes of ln t over 1 / eta (escape_slopes.h): those that take seconds. The theory does not name the rates of its two of labels +-1. */
#include "physics/escape_slopes.h"

static const escape_slope rows_of_slopes[] = {
    {false, 3, {10, 15, 20}, {.5, .5, .15}, {1 << 14, 1 << 14, 1 << 12}, {1.28, 1.34}},
    {false, 4, {10, 15}, {.5, .3}, {1 << 14, 1 << 13}, {1.51}},
    {true, 1.5, {10, 20, 30}, {.5, .5, .2}, {1 << 15, 1 << 15, 1 << 13}, {.784, .738}},
};

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < sizeof rows_of_slopes / sizeof rows_of_slopes[0]; i++) {
    judge_slopes(&rows_of_slopes[i], 210 + 10 * (int)i);
  }
  (void)judge_rows(18, 10);
  (void)rmdir(folder);
  return check_report();
}
