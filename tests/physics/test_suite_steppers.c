/*
 * Every stepper of kernels/steppers/list.h beside the physics tests whose studies ran it and were compared with an oracle there, and the
 * studies of the gallery whose runs of it have exact or expected means (cli.test_gallery judges them): the oracle table of the suite.
 * Tests leave the names in the folder ENSGRAD_Z_FOLDER (run_text.h); this one is run behind them, prints the table, and fails
 * where a stepper has neither.
 */
#include <ctype.h>
#include <dirent.h>

#include "check.h"
#include "plan/plan.h"

enum { MOST_STEPPERS = 200, NAME = 48, TESTS = 1500, LEAST_TESTS = 20 };

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

static void add(const char *stepper, const char *test) {
  const size_t i = find(stepper), length = i < n_steppers ? strlen(steppers[i].tests) : 0;
  if (i < n_steppers && strstr(steppers[i].tests, test) == NULL) {
    (void)snprintf(steppers[i].tests + length, TESTS - length, "%s%s", length > 0 ? " " : "", test);
  }
}

/* Runs of a study of the gallery that are compared with something. */
static void read_study(const char *file_name) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  char path[400];
  (void)snprintf(path, sizeof path, "studies/gallery/%s", file_name);
  CHECK(ctx != NULL && eg_study_load(ctx, path, NULL, 0, &study) == EG_OK && eg_plan_create(ctx, study, &plan) == EG_OK);
  for (size_t r = 0; plan != NULL && r < plan->n_runs; r++) {
    bool is_compared = plan->runs[r].has_oracle;
    for (size_t i = 0; i < plan->n_expectations; i++) {
      is_compared = is_compared || plan->expectations[i].run == r;
    }
    if (is_compared) {
      add(plan->runs[r].job.stepper, file_name);
    }
  }
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

/* Call `read` with every file of the folder that ends so. */
static size_t for_each(const char *folder, const char *ending, void (*read)(const char *file_name)) {
  DIR *const entries = folder == NULL ? NULL : opendir(folder);
  size_t n = 0;
  for (const struct dirent *e = entries == NULL ? NULL : readdir(entries); e != NULL; e = readdir(entries)) {
    const size_t length = strlen(e->d_name);
    if (length > strlen(ending) && strcmp(e->d_name + length - strlen(ending), ending) == 0) {
      read(e->d_name);
      n++;
    }
  }
  if (entries != NULL) {
    (void)closedir(entries); /* only read */
  }
  return n;
}

static void read_test(const char *file_name) {
  char path[700], name[NAME], test[80];
  (void)snprintf(path, sizeof path, "%s/%s", getenv("ENSGRAD_Z_FOLDER"), file_name);
  (void)snprintf(test, sizeof test, "%.*s", (int)(strlen(file_name) - strlen(".steppers")), file_name);
  FILE *const file = fopen(path, "r");
  CHECK(file != NULL);
  while (file != NULL && fscanf(file, "%47s", name) == 1) {
    add(name, test);
  }
  CHECK(file == NULL || fclose(file) == 0);
}

int main(void) {
  size_t n_missing = 0;
  read_list();
  const size_t n_tests = for_each(getenv("ENSGRAD_Z_FOLDER"), ".steppers", read_test);
  if (n_tests < LEAST_TESTS) {
    printf("skipped: steppers of %zu tests only; run all physics tests first\n", n_tests);
    return check_failures > 0 ? 1 : 77;
  }
  CHECK(for_each("studies/gallery", ".yaml", read_study) > 50);
  for (size_t i = 0; i < n_steppers; i++) {
    printf("%-20s %s\n", steppers[i].name, steppers[i].tests[0] != '\0' ? steppers[i].tests : "NONE");
    n_missing += steppers[i].tests[0] == '\0';
  }
  printf("%zu steppers, %zu tests, %zu without\n", n_steppers, n_tests, n_missing);
  CHECK(n_missing == 0);
  return check_report();
}
