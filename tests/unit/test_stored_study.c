/* Which model file a study out of a result may bring to the compiler: one that the user names, and whose contents the result
   knows. What stands beside the study counts for nothing. */
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "run/stored_study.h"

static const uint64_t HASH = 42;
static const char *const study_text = "seed: 1\nmodel: {file: x.h, dimension: 1}\nstart: {point: 0}\nlearning_rate: 1/8\nsteps: 8\n"
                                      "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: 8\nobserve: {at: [1], features: [x]}\n";

/* A result with the study; says: what its provenance calls its model file. */
static eg_labelled *result_of(eg_context *ctx, const char *says, bool has_hash) {
  eg_labelled *file = NULL;
  CHECK(eg_labelled_create(ctx, &file) == EG_OK);
  CHECK(eg_labelled_add(ctx, file, "/provenance", "study", EG_TYPE_TEXT, 0, NULL, NULL, &study_text, NULL) == EG_OK);
  CHECK(eg_labelled_set_group_text(ctx, file, "/provenance", "model_file", says) == EG_OK);
  CHECK(!has_hash || eg_labelled_set_group(ctx, file, "/accumulators", "data_hash", EG_TYPE_U64, 1, &HASH) == EG_OK);
  return file;
}

/* The study, or NULL and its message in ctx. */
static eg_study *read_study(eg_context *ctx, const eg_labelled *file, const char *model, eg_status wanted) {
  eg_study *study = NULL;
  CHECK(eg_stored_study(ctx, "r.h5", file, (eg_named_files){NULL, model}, NULL, 0, &study) == wanted);
  CHECK((study != NULL) == (wanted == EG_OK));
  return study;
}

static void test_consent(eg_context *ctx, const char *model) {
  static const char *const says[] = {"", "x.h", "/etc/passwd"};
  for (size_t i = 0; i < 3; i++) {
    eg_labelled *const file = result_of(ctx, says[i], true);
    eg_study_free(read_study(ctx, file, NULL, EG_ERR_STUDY));
    CHECK_HAS(eg_context_message(ctx), "x.h would be compiled and run, and only a file that you name is: --model FILE");
    eg_labelled_free(file);
  }
  eg_labelled *const file = result_of(ctx, "x.h", true), *const bare = result_of(ctx, "x.h", false);
  eg_study *const study = read_study(ctx, file, model, EG_OK);
  CHECK_TEXT(study->model.file, model);
  CHECK(study->model.has_known_hash && study->model.known_hash == HASH);
  eg_study_free(study);
  eg_study_free(read_study(ctx, bare, model, EG_ERR_DAMAGED));
  CHECK_HAS(eg_context_message(ctx), "hash of its model file is missing");
  eg_labelled_free(file);
  eg_labelled_free(bare);
}

static void test_file(eg_context *ctx, const char *model, const char *folder) {
  static const struct {
    mode_t mode;
    bool is_good;
  } modes[] = {{0600, true}, {0644, true}, {0444, true}, {0620, false}, {0602, false}, {0666, false}, {0664, false}};
  eg_labelled *const file = result_of(ctx, "x.h", true);
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    CHECK(chmod(model, modes[i].mode) == 0);
    eg_study_free(read_study(ctx, file, model, modes[i].is_good ? EG_OK : EG_ERR_STUDY));
    if (!modes[i].is_good) {
      CHECK_HAS(eg_context_message(ctx), "others can write it: chmod go-w");
    }
  }
  CHECK(chmod(model, 0600) == 0);
  eg_study_free(read_study(ctx, file, folder, EG_ERR_STUDY));
  CHECK_HAS(eg_context_message(ctx), "is no regular file");
  eg_study_free(read_study(ctx, file, "/nowhere/x.h", EG_ERR_STUDY));
  CHECK_HAS(eg_context_message(ctx), "cannot be read: No such file");
  if (geteuid() == 0) {
    CHECK(chown(model, 65534, 65534) == 0);
    eg_study_free(read_study(ctx, file, model, EG_ERR_STUDY));
    CHECK_HAS(eg_context_message(ctx), "belongs to another user");
    CHECK(chown(model, 0, 0) == 0);
  } else {
    printf("not root: no file of another user was tried\n");
  }
  eg_labelled_free(file);
  eg_labelled *const built_in = result_of(ctx, "", true);
  eg_study_free(read_study(ctx, built_in, model, EG_ERR_USAGE));
  CHECK_HAS(eg_context_message(ctx), "--model has no meaning");
  eg_labelled_free(built_in);
}

int main(void) {
  char folder[] = "/tmp/ensgrad-test-XXXXXX", model[64];
  eg_context *const ctx = eg_context_create();
  CHECK(mkdtemp(folder) != NULL);
  snprintf(model, sizeof model, "%s/model.h", folder);
  FILE *const f = fopen(model, "w");
  CHECK(f != NULL && fclose(f) == 0);
  test_consent(ctx, model);
  test_file(ctx, model, folder);
  CHECK(unlink(model) == 0 && rmdir(folder) == 0);
  eg_context_free(ctx);
  return check_report();
}
