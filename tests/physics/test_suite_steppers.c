/*
 * Every stepper of kernels/steppers/list.h beside the physics tests whose studies ran it and were compared with an oracle there: the
 * oracle table of the suite. Tests leave the names in the folder ENSGRAD_Z_FOLDER (run_text.h); this one is run behind them, prints
 * the table, and fails where a stepper has no test.
 */
#include <ctype.h>
#include <dirent.h>

#include "check.h"

enum { MOST_STEPPERS = 200, NAME = 48, TESTS = 400, LEAST_TESTS = 20 };

static struct {
  char name[NAME], tests[TESTS];
} steppers[MOST_STEPPERS];
static size_t n_steppers;

static size_t find(const char *name) {
  size_t i = 0;
  while (i < n_steppers && strcmp(steppers[i].name, name) != 0) {
    i++;
  }
  return i;
}

/* NAME of `PLAIN(NAME, `, `FOLD(NAME, `, ... Comments have no other name than `name`. */
static void read_list(void) {
  static const char *const kinds[] = {"PLAIN(", "FOLD(", "TIMED(", "JOINT("};
  char line[400];
  FILE *const file = fopen("kernels/steppers/list.h", "r");
  CHECK(file != NULL);
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
      for (const char *at = strstr(line, kinds[k]); at != NULL && strncmp(line, " *", 2) != 0; at = strstr(at, kinds[k])) {
        at += strlen(kinds[k]);
        const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");
        if (length == 0 || length >= NAME || at[length] != ',') {
          continue;
        }
        char name[NAME];
        (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (strcmp(name, "name") != 0 && find(name) == n_steppers && n_steppers < MOST_STEPPERS) {
          (void)snprintf(steppers[n_steppers++].name, NAME, "%s", name);
        }
      }
    }
  }
  CHECK(file == NULL || fclose(file) == 0);
  CHECK(n_steppers > 50 && n_steppers < MOST_STEPPERS);
}

static void read_test(const char *folder, const char *file_name) {
  char path[700], name[NAME], test[80];
  (void)snprintf(path, sizeof path, "%s/%s", folder, file_name);
  (void)snprintf(test, sizeof test, "%.*s", (int)(strlen(file_name) - strlen(".steppers")), file_name);
  FILE *const file = fopen(path, "r");
  CHECK(file != NULL);
  while (file != NULL && fscanf(file, "%47s", name) == 1) {
    const size_t i = find(name);
    if (i < n_steppers && strstr(steppers[i].tests, test) == NULL) {
      const size_t length = strlen(steppers[i].tests);
      (void)snprintf(steppers[i].tests + length, TESTS - length, "%s%s", length > 0 ? " " : "", test);
    }
  }
  CHECK(file == NULL || fclose(file) == 0);
}

int main(void) {
  const char *const folder = getenv("ENSGRAD_Z_FOLDER");
  DIR *const entries = folder == NULL ? NULL : opendir(folder);
  size_t n_tests = 0, n_missing = 0;
  read_list();
  for (const struct dirent *e = entries == NULL ? NULL : readdir(entries); e != NULL; e = readdir(entries)) {
    const size_t length = strlen(e->d_name), ending = strlen(".steppers");
    if (length > ending && strcmp(e->d_name + length - ending, ".steppers") == 0) {
      read_test(folder, e->d_name);
      n_tests++;
    }
  }
  if (entries != NULL) {
    (void)closedir(entries); /* only read */
  }
  if (n_tests < LEAST_TESTS) {
    printf("skipped: steppers of %zu tests only; run all physics tests first\n", n_tests);
    return check_failures > 0 ? 1 : 77;
  }
  for (size_t i = 0; i < n_steppers; i++) {
    printf("%-22s %s\n", steppers[i].name, steppers[i].tests[0] != '\0' ? steppers[i].tests : "NONE");
    n_missing += steppers[i].tests[0] == '\0';
  }
  printf("%zu steppers, %zu tests, %zu without\n", n_steppers, n_tests, n_missing);
  CHECK(n_missing == 0);
  return check_report();
}
