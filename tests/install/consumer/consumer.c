/* consumer STUDY RESULT CSV: run a study through the library and write its estimates. Exits like the program would. */
#include <ensgrad/ensgrad.h>
#include <stdio.h>
#include <stdlib.h>

static int write_text(const char *path, const char *text) {
  FILE *const f = fopen(path, "w");
  if (f == NULL) {
    return 0;
  }
  const int is_written = fputs(text, f) >= 0;
  return fclose(f) == 0 && is_written;
}

int main(int argc, char **argv) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_run_options options;
  char *csv = NULL;
  if (ctx == NULL || argc != 4) {
    return 2;
  }
  eg_run_options_default(&options);
  options.output = argv[2];
  options.backend = "cpu";
  eg_status status = eg_study_load(ctx, argv[1], NULL, 0, &study);
  if (status == EG_OK) {
    status = eg_run_study(ctx, study, &options);
  }
  if (status == EG_OK) {
    status = eg_result_csv(ctx, argv[2], &csv);
  }
  if (status == EG_OK && !write_text(argv[3], csv)) {
    status = EG_ERR_OUTPUT;
  }
  if (status != EG_OK) {
    fprintf(stderr, "consumer: %s\n", eg_context_message(ctx));
  }
  free(csv);
  eg_study_free(study);
  eg_context_free(ctx);
  return eg_status_exit_code(status);
}
