/* Values in printed tables and their names: a feature's name comes from the file, which a stranger may have made. */
#include <math.h>
#include <string.h>

#include "../check.h"
#include "run/result_text.h"

static void test_places(void) {
  char what[EG_VALUE_NAME];
  eg_result_name_value("norm2", 1, 0, 1, 0, what);
  CHECK(strcmp(what, "norm2") == 0);
  eg_result_name_value("x", 3, 2, 1, 0, what);
  CHECK(strcmp(what, "x[2]") == 0);
  eg_result_name_value("x", 3, 2, 4, 1, what);
  CHECK(strcmp(what, "x[2] point 1") == 0);
  eg_result_name_value("x", (size_t)-1, (size_t)-1, (size_t)-1, (size_t)-1, what);
  CHECK(strcmp(what, "x[18446744073709551615] point 18446744073709551615") == 0);
}

static void test_long_names(void) {
  static char name[4096];
  struct {
    char what[EG_VALUE_NAME], behind[64];
  } cut;
  memset(name, 'n', sizeof name - 1);
  memset(&cut, 'b', sizeof cut);
  eg_result_name_value(name, 2, (size_t)-1, 2, (size_t)-1, cut.what);
  CHECK(memchr(cut.what, 0, sizeof cut.what) != NULL);
  CHECK(strncmp(cut.what, name, 40) == 0 && cut.what[40] == '[');
  for (size_t i = 0; i < sizeof cut.behind; i++) {
    CHECK(cut.behind[i] == 'b');
  }
}

/* A number that is not known is a dash and moves no column; words keep their letters. */
static void test_dashes(void) {
  eg_text text = {0};
  eg_text_append(&text, "nan ");
  eg_text_append_row(&text, "%-9.2g %-6.4g|%s [%.3g, %.3g] %.2g(%.2g) %+.2f %g", NAN, -NAN, "nano banana", NAN, 1.5, 2.0, NAN, NAN, NAN);
  CHECK(strcmp(eg_text_string(&text), "nan -          -    |nano banana [-, 1.5] 2(-)  -   -") == 0);
  eg_text_free(&text);
}

int main(void) {
  test_dashes();
  test_places();
  test_long_names();
  return check_report();
}
