/* make_two_columns FILE: the data of the bit test with every factor, 12 rows of short binary fractions. */
#include <stdio.h>

#include "write_rows.h"

static const double inputs[12][2] = {{1, 0.5},     {-0.75, 1},  {0.25, -1.25},  {1.5, 0.125},
                                     {-1, -0.5},   {0.5, 0.75}, {-0.125, 0.25}, {2, -0.625},
                                     {-1.5, 1.75}, {0, 1},      {1, 0},         {0.875, -0.375}};
static const double target[12] = {0.5, -1, 0.25, 1.25, -0.5, 0.75, 0, 1, -2, 0.375, 1.5, -0.25};

int main(int argc, char **argv) {
  if (argc != 2 || !write_rows(argv[1], 12, 2, &inputs[0][0], target)) {
    fprintf(stderr, "usage: make_two_columns FILE\n");
    return 1;
  }
  return 0;
}
