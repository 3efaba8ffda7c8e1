/* libFuzzer on the study parser. Input: the study; lines behind a line "\x01" are overrides. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

enum { MAX_OVERRIDES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  eg_context *ctx = eg_context_create();
  if (text == NULL || ctx == NULL) {
    abort();
  }
  memcpy(text, data, size);
  text[size] = '\0';
  const char *overrides[MAX_OVERRIDES];
  size_t n = 0;
  size_t length = size;
  char *split = memchr(text, '\x01', size);
  if (split != NULL) {
    length = (size_t)(split - text);
    for (char *line = strtok(split + 1, "\n"); line != NULL && n < MAX_OVERRIDES; line = strtok(NULL, "\n")) {
      overrides[n++] = line;
    }
  }
  eg_study *study = NULL;
  const eg_status status = eg_study_parse(ctx, "fuzz/f.yaml", text, length, overrides, n, &study);
  const int is_good = study != NULL && study->canonical != NULL && study->n_dynamics > 0;
  if ((status == EG_OK) != is_good || (status != EG_OK && eg_context_message(ctx)[0] == '\0')) {
    abort(); /* a failure without a message, or a success without a study */
  }
  if (study != NULL) {
    const eg_mark mark = {(int)(size % 50), (int)(size % 97)};
    if (eg_study_fail_at(ctx, study, mark, "x") != EG_ERR_STUDY) {
      abort();
    }
  }
  eg_study_free(study);
  eg_context_free(ctx);
  free(text);
  return 0;
}
