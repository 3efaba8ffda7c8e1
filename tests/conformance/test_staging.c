/* Rows of data side by side in the lanes of a vector, from every layout of core/rows.h: each value is where it belongs, and nothing is
   written behind them. */
#include "check.h"

#include "core/rows.h"
#include "staging.h"

#if defined(__x86_64__)
extern const staging staging_double_v3, staging_float_v3, staging_double_v4, staging_float_v4;
static const staging *const forms[] = {&staging_double_v3, &staging_float_v3, &staging_double_v4, &staging_float_v4};
static int can_run(int i) {
  return i < 2 ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports("avx512f");
}
#else
extern const staging staging_double_base, staging_float_base;
static const staging *const forms[] = {&staging_double_base, &staging_float_base};
static int can_run(int i) {
  (void)i;
  return 1;
}
#endif

enum { N_FORMS = sizeof forms / sizeof forms[0], ROWS = 37, LAST = STAGING_COLUMNS * STAGING_MOST };

static void compare(const staging *form, int columns, int first) {
  static double rows[ROWS * 24], out[LAST + 1];
  static float rows_f[ROWS * 24], out_f[LAST + 1];
  int32_t index[STAGING_MOST];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < columns; k++) {
      const uint64_t at = eg_rows_at(ROWS, columns, (uint64_t)j, k);
      rows[at] = j + k / 32.0;
      rows_f[at] = (float)rows[at];
    }
  }
  for (int l = 0; l < form->group; l++) {
    index[l] = (first + l * 11) % ROWS;
  }
  for (int i = 0; i <= LAST; i++) {
    out[i] = out_f[i] = -1;
  }
  form->stage(columns, form->bytes == 8 ? (const void *)rows : rows_f, ROWS, index, form->bytes == 8 ? (void *)out : out_f);
  int wrong = 0;
  for (int i = 0; i <= LAST; i++) {
    const int k = i / form->group, l = i % form->group;
    const double want = k < columns ? index[l] + k / 32.0 : -1;
    wrong += (form->bytes == 8 ? out[i] : (double)out_f[i]) != want;
  }
  CHECK(wrong == 0);
}

int main(void) {
  for (int i = 0; i < N_FORMS; i++) {
    for (int columns = 2; can_run(i) && columns <= STAGING_COLUMNS; columns++) {
      for (int first = 0; first < ROWS; first++) {
        compare(forms[i], columns, first);
      }
    }
  }
  return check_report();
}
