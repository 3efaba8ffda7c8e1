/* same_result FILE FILE: exit 0 if the two results hold the same bits (same_result.h), 1 if not, 2 if one cannot be read. */
#include "cluster/same_result.h"

int main(int argc, char **argv) {
  eg_context *const ctx = eg_context_create();
  eg_labelled *files[2] = {NULL, NULL};
  if (argc != 3 || ctx == NULL) {
    fprintf(stderr, "usage: same_result FILE FILE\n");
    return 2;
  }
  int code = 0;
  for (int i = 0; i < 2 && code == 0; i++) {
    if (eg_result_read(ctx, argv[1 + i], &files[i]) != EG_OK) {
      fprintf(stderr, "%s\n", eg_context_message(ctx));
      code = 2;
    }
  }
  if (code == 0) {
    code = same_result(files[0], files[1]) ? 0 : 1;
  }
  eg_labelled_free(files[0]);
  eg_labelled_free(files[1]);
  eg_context_free(ctx);
  return code;
}
