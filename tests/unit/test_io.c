/*
 * Result files: what goes in comes out, equal arrays are equal bytes, damage is found, failures leave the old
 * file. `test_io --write PATH` writes the sample for tests/cli/io_readers.py instead.
 */
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "io/disk.h"
#include "io/disk_stale.h"
#include "io/image.h"
#include "io/labelled.h"
#include "io/result_file.h"
#include "io/seal.h"

enum { PATH_BYTES = 512, LARGE = 40000 };

static char folder[PATH_BYTES / 2];
static eg_context *ctx;

static const char *in_folder(const char *name) {
  static char paths[4][PATH_BYTES];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, PATH_BYTES, "%s/%s", folder, name);
  return path;
}

static void must(eg_status status) {
  if (status != EG_OK) {
    fprintf(stderr, "unexpected: %s\n", eg_context_message(ctx));
    exit(1);
  }
}

/* ---- samples ---- */

static void add_root(eg_labelled *l) {
  size_t v = 0;
  const double eta[2] = {0.1, 0.5};
  const int64_t step[3] = {0, 10, 1000};
  const char *const names[2] = {"sgd", "SVAG ε"};
  double mean[2 * 3 * 4];
  for (int i = 0; i < 24; i++) {
    mean[i] = i == 5 ? NAN : 0.1 * i;
  }
  must(eg_labelled_add(ctx, l, "/", "step", EG_TYPE_I64, 1, (const char *[]){"step"}, (size_t[]){3}, step,
                       &v));
  must(eg_labelled_set_text(ctx, l, v, "units", "1"));
  must(eg_labelled_add(ctx, l, "/", "eta", EG_TYPE_F64, 1, (const char *[]){"run"}, (size_t[]){2}, eta, &v));
  must(eg_labelled_set_text(ctx, l, v, "long_name", "learning rate"));
  must(eg_labelled_add(ctx, l, "/", "scheme", EG_TYPE_TEXT, 1, (const char *[]){"run"}, (size_t[]){2}, names,
                       NULL));
  must(eg_labelled_add(ctx, l, "/", "loss", EG_TYPE_F64, 3, (const char *[]){"run", "step", "component"},
                       (size_t[]){2, 3, 4}, mean, &v));
  must(eg_labelled_set_text(ctx, l, v, "cell_methods", "realization: mean"));
  must(eg_labelled_set(ctx, l, v, "levels", EG_TYPE_F64, 3, (double[]){0.05, 0.5, 0.95}));
  must(eg_labelled_add(ctx, l, "/", "state", EG_TYPE_U8, 1, (const char *[]){"run"}, (size_t[]){2},
                       (uint8_t[]){0, 255}, &v));
  must(eg_labelled_set(ctx, l, v, "flag_values", EG_TYPE_U8, 2, (uint8_t[]){0, 255}));
  must(eg_labelled_add(ctx, l, "/", "total", EG_TYPE_U64, 0, NULL, NULL, (uint64_t[]){UINT64_MAX}, NULL));
}

static void add_groups(eg_labelled *l) {
  size_t v = 0;
  const char *const config = "model: quadratic\n# line two\n";
  const char *const labels[3] = {"zwölf", "", "a much longer text than the others, to be sure"};
  int32_t *counts = malloc(LARGE * sizeof *counts);
  for (int i = 0; i < LARGE; i++) {
    counts[i] = i / 7;
  }
  must(eg_labelled_add(ctx, l, "/failures", "realisation", EG_TYPE_U64, 1, (const char *[]){"failure"},
                       (size_t[]){0}, NULL, NULL));
  must(eg_labelled_add(ctx, l, "/failures", "reason", EG_TYPE_TEXT, 1, (const char *[]){"failure"},
                       (size_t[]){0}, NULL, NULL));
  must(eg_labelled_add(ctx, l, "/accumulators", "node", EG_TYPE_I32, 1, (const char *[]){"node"},
                       (size_t[]){LARGE}, counts, &v));
  must(eg_labelled_set_text(ctx, l, v, "long_name", "index"));
  must(eg_labelled_add(ctx, l, "/accumulators", "n", EG_TYPE_I32, 1, (const char *[]){"node"},
                       (size_t[]){LARGE}, counts, NULL));
  must(eg_labelled_add(ctx, l, "/accumulators", "m2", EG_TYPE_F64, 2, (const char *[]){"run", "part"},
                       (size_t[]){2, 2}, (double[]){1, -0.0, INFINITY, 5e-324}, NULL));
  must(eg_labelled_add(ctx, l, "/provenance", "config", EG_TYPE_TEXT, 0, NULL, NULL, &config, NULL));
  must(eg_labelled_add(ctx, l, "/provenance", "label", EG_TYPE_TEXT, 1, (const char *[]){"part3"},
                       (size_t[]){3}, labels, NULL));
  must(eg_labelled_add(ctx, l, "/analysis", "cube", EG_TYPE_I64, 6,
                       (const char *[]){"a", "b", "c", "d", "e", "component"}, (size_t[]){1, 2, 1, 1, 1, 4},
                       (int64_t[]){INT64_MIN, 1, 2, 3, 4, 5, 6, INT64_MAX}, NULL));
  free(counts);
}

static void add_attributes(eg_labelled *l) {
  char name[32];
  must(eg_labelled_set_group_text(ctx, l, "/", "Conventions", "CF-1.10"));
  must(eg_labelled_set_group_text(ctx, l, "/", "title", "Beispiel äöü"));
  must(eg_labelled_set_group_text(ctx, l, "/", "comment", ""));
  must(eg_labelled_set_group(ctx, l, "/", "ensgrad_schema", EG_TYPE_I32, 2, (int32_t[]){1, 0}));
  must(eg_labelled_set_group_text(ctx, l, "/", "coordinates", "eta scheme"));
  must(eg_labelled_set_group(ctx, l, "/provenance", "seed", EG_TYPE_U64, 1, (uint64_t[]){UINT64_MAX - 1}));
  must(eg_labelled_set_group(ctx, l, "/provenance", "parents", EG_TYPE_TEXT, 2,
                             (const char *[]){"a.h5", "b.h5"}));
  must(eg_labelled_set_group(ctx, l, "/only", "wall_s", EG_TYPE_F64, 1, (double[]){1.5}));
  for (int i = 0; i < 20; i++) { /* above 8, HDF5 stores attributes in another way */
    snprintf(name, sizeof name, "extra_%02d", i);
    must(eg_labelled_set_group_text(ctx, l, "/provenance", name, "x"));
  }
}

static eg_labelled *make_sample(void) {
  eg_labelled *l = NULL;
  must(eg_labelled_create(ctx, &l));
  add_root(l);
  add_groups(l);
  add_attributes(l);
  return l;
}

static eg_labelled *make_small(void) {
  eg_labelled *l = NULL;
  must(eg_labelled_create(ctx, &l));
  must(eg_labelled_add(ctx, l, "/", "x", EG_TYPE_F64, 1, (const char *[]){"t"}, (size_t[]){3},
                       (double[]){1, 2, 3}, NULL));
  return l;
}

/* ---- comparison ---- */

static size_t size_of(eg_type type) {
  static const size_t sizes[] = {
      [EG_TYPE_F64] = 8, [EG_TYPE_I32] = 4, [EG_TYPE_I64] = 8, [EG_TYPE_U64] = 8, [EG_TYPE_U8] = 1};
  return sizes[type];
}

static bool equal_values(eg_type type, size_t n, const void *a, const void *b) {
  if (type != EG_TYPE_TEXT) {
    return n == 0 || memcmp(a, b, n * size_of(type)) == 0;
  }
  for (size_t i = 0; i < n; i++) {
    if (strcmp(((char *const *)a)[i], ((char *const *)b)[i]) != 0) {
      return false;
    }
  }
  return true;
}

static bool equal_attributes(const eg_attribute *a, size_t n_a, const eg_attribute *b, size_t n_b) {
  bool equal = n_a == n_b;
  for (size_t i = 0; i < n_a && equal; i++) {
    equal = strcmp(a[i].name, b[i].name) == 0 && a[i].type == b[i].type && a[i].n == b[i].n &&
            equal_values(a[i].type, a[i].n, a[i].data, b[i].data);
  }
  return equal;
}

static bool equal_variables(const eg_variable *a, const eg_variable *b) {
  bool equal = a->type == b->type && a->rank == b->rank;
  for (int d = 0; d < a->rank && equal; d++) {
    equal = strcmp(a->dims[d], b->dims[d]) == 0 && a->shape[d] == b->shape[d];
  }
  return equal && equal_values(a->type, eg_variable_size(a), a->data, b->data) &&
         equal_attributes(a->attributes, a->n_attributes, b->attributes, b->n_attributes);
}

static void check_equal(const eg_labelled *a, const eg_labelled *b) {
  CHECK(a->n_variables == b->n_variables);
  for (size_t v = 0; v < a->n_variables; v++) {
    const eg_variable *other = eg_labelled_find(b, a->variables[v].group, a->variables[v].name);
    CHECK(other != NULL && equal_variables(&a->variables[v], other));
  }
  CHECK(a->n_groups == b->n_groups);
  for (size_t g = 0; g < a->n_groups; g++) {
    bool found = false;
    for (size_t h = 0; h < b->n_groups; h++) {
      found = found || (strcmp(a->groups[g].group, b->groups[h].group) == 0 &&
                        equal_attributes(a->groups[g].attributes, a->groups[g].n_attributes,
                                         b->groups[h].attributes, b->groups[h].n_attributes));
    }
    CHECK(found);
  }
}

static unsigned char *load(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  *size = 0;
  if (file == NULL) {
    return calloc(1, 1);
  }
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 1);
  CHECK(fread(bytes, 1, *size, file) == *size);
  fclose(file);
  return bytes;
}

static void store(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static int count_files(void) {
  int n = 0;
  DIR *listing = opendir(folder);
  while (readdir(listing) != NULL) {
    n++;
  }
  closedir(listing);
  return n - 2;
}

/* ---- tests ---- */

static void test_labelled_refuses(void) {
  eg_labelled *l = make_small();
  const char *dims[2] = {"t", "t"};
  const size_t shape[2] = {3, 3};
  static char large[70000];
  memset(large, 'x', sizeof large - 1);
  CHECK(eg_labelled_add(ctx, l, "/", "x", EG_TYPE_F64, 1, dims, shape, NULL, NULL) == EG_ERR_INTERNAL);
  CHECK_HAS(eg_context_message(ctx), "twice");
  CHECK(eg_labelled_add(ctx, l, "/", "y", EG_TYPE_F64, 2, dims, shape, NULL, NULL) == EG_ERR_INTERNAL);
  CHECK_HAS(eg_context_message(ctx), "dimension 't' twice");
  CHECK(eg_labelled_add(ctx, l, "/", "y", EG_TYPE_F64, 1, dims, (size_t[]){4}, NULL, NULL) ==
        EG_ERR_INTERNAL);
  CHECK_TEXT(eg_context_message(ctx), "dimension 't' has size 4 in variable 'y', but 3 in 'x'");
  CHECK(eg_labelled_add(ctx, l, "/", "a/b", EG_TYPE_F64, 0, NULL, NULL, NULL, NULL) == EG_ERR_INTERNAL);
  CHECK(eg_labelled_add(ctx, l, "/a/b", "c", EG_TYPE_F64, 0, NULL, NULL, NULL, NULL) == EG_ERR_INTERNAL);
  CHECK(eg_labelled_add(ctx, l, "/", "y", EG_TYPE_F64, 7, dims, shape, NULL, NULL) == EG_ERR_INTERNAL);
  CHECK(eg_labelled_add(ctx, l, "/", "y", EG_TYPE_F64, 2, (const char *[]){"p", "q"},
                        (size_t[]){SIZE_MAX / 2, SIZE_MAX / 2}, NULL, NULL) == EG_ERR_MEMORY);
  CHECK(eg_labelled_set_text(ctx, l, 0, "DIMENSION_LIST", "x") == EG_ERR_INTERNAL);
  CHECK(eg_labelled_set_text(ctx, l, 1, "units", "x") == EG_ERR_INTERNAL);
  CHECK(eg_labelled_set_text(ctx, l, 0, "units", large) == EG_ERR_INTERNAL);
  CHECK_HAS(eg_context_message(ctx), "make it a variable");
  CHECK(eg_labelled_set_group(ctx, l, "/", "big", EG_TYPE_F64, SIZE_MAX, large) == EG_ERR_INTERNAL);
  must(eg_labelled_set_text(ctx, l, 0, "units", "m"));
  must(eg_labelled_set_text(ctx, l, 0, "units", "s")); /* replaces */
  CHECK(l->variables[0].n_attributes == 1);
  CHECK_TEXT(*(char **)eg_labelled_attribute(&l->variables[0], "units")->data, "s");
  CHECK(eg_labelled_attribute(&l->variables[0], "none") == NULL);
  CHECK(eg_labelled_group_attribute(l, "/none", "none") == NULL);
  CHECK(eg_labelled_find(l, "/", "none") == NULL);
  eg_labelled_free(l);
  eg_labelled_free(NULL);
}

/* Arrays that are sound by themselves, but no file. */
static void test_write_refuses(void) {
  const char *path = in_folder("refused.h5");
  eg_labelled *l = make_small();
  must(eg_labelled_add(ctx, l, "/", "t", EG_TYPE_F64, 0, NULL, NULL, NULL, NULL));
  CHECK(eg_result_write(ctx, l, path) == EG_ERR_INTERNAL);
  CHECK_HAS(eg_context_message(ctx), "variable 't' has the name of a dimension of 'x'");
  eg_labelled_free(l);
  l = make_small();
  must(eg_labelled_set_group_text(ctx, l, "/x", "a", "b"));
  CHECK(eg_result_write(ctx, l, path) == EG_ERR_INTERNAL);
  CHECK_HAS(eg_context_message(ctx), "create the group '/x'");
  eg_labelled_free(l);
  CHECK(access(path, F_OK) != 0);
}

static void test_round_trip(void) {
  const char *path = in_folder("round.h5");
  const char *again = in_folder("again.h5");
  eg_labelled *sample = make_sample();
  eg_labelled *back = NULL;
  size_t n_first = 0, n_second = 0;
  must(eg_result_write(ctx, sample, path));
  must(eg_result_verify(ctx, path));
  must(eg_result_read(ctx, path, &back));
  check_equal(sample, back);
  must(eg_result_write(ctx, back, again));
  unsigned char *first = load(path, &n_first), *second = load(again, &n_second);
  CHECK(n_first == n_second &&
        memcmp(first, second, n_first) == 0); /* written, read, written: the same bytes */
  free(first);
  free(second);
  eg_labelled_free(back);
  eg_labelled_free(sample);
}

static void test_empty(void) {
  const char *path = in_folder("empty.h5");
  eg_labelled *l = NULL, *back = NULL;
  must(eg_labelled_create(ctx, &l));
  must(eg_result_write(ctx, l, path));
  must(eg_result_read(ctx, path, &back));
  check_equal(l, back);
  eg_labelled_free(l);
  eg_labelled_free(back);
}

/* The heap is filled with another byte and the clock moves: neither may show in the file. */
static void test_determinism(void) {
  const char *path = in_folder("same.h5");
  unsigned char *first = NULL;
  size_t n_first = 0;
  for (int i = 0; i < 3; i++) {
#ifdef M_PERTURB
    (void)mallopt(M_PERTURB, 17 + 80 * i);
#endif
    size_t n = 0;
    eg_labelled *sample = make_sample();
    must(eg_result_write(ctx, sample, path));
    eg_labelled_free(sample);
    unsigned char *bytes = load(path, &n);
    if (i == 0) {
      first = bytes;
      n_first = n;
      usleep(1100000);
      continue;
    }
    CHECK(n == n_first && memcmp(first, bytes, n) == 0);
    free(bytes);
  }
#ifdef M_PERTURB
  (void)mallopt(M_PERTURB, 0);
#endif
  free(first);
}

/* The known answer of CRC-64/XZ. */
static void test_crc(void) {
  CHECK(eg_seal_crc("123456789", 9) == UINT64_C(0x995DC9BBDF1939FA));
  CHECK(eg_seal_crc("", 0) == 0);
}

static bool finds_flip(int descriptor, const char *path, const unsigned char *bytes, size_t bit) {
  const unsigned char changed = (unsigned char)(bytes[bit / 8] ^ 1u << bit % 8);
  const bool wrote = pwrite(descriptor, &changed, 1, (off_t)(bit / 8)) == 1;
  const bool found = eg_result_verify(ctx, path) == EG_ERR_DAMAGED;
  return pwrite(descriptor, &bytes[bit / 8], 1, (off_t)(bit / 8)) == 1 && wrote && found;
}

/* All bits of a small file, and 20000 random bits of the large sample. */
static void test_bit_flips(void) {
  size_t tried = 0, found = 0;
  for (int large = 0; large < 2; large++) {
    const char *path = in_folder("flip.h5");
    size_t n = 0;
    eg_labelled *l = large ? make_sample() : make_small();
    must(eg_result_write(ctx, l, path));
    unsigned char *bytes = load(path, &n);
    const int descriptor = open(path, O_RDWR);
    uint64_t random = 1;
    for (size_t i = 0; i < (large ? 20000 : 8 * n); i++) {
      random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      tried++;
      found += finds_flip(descriptor, path, bytes, large ? (random >> 20) % (8 * n) : i) ? 1 : 0;
    }
    close(descriptor);
    must(eg_result_verify(ctx, path));
    free(bytes);
    eg_labelled_free(l);
  }
  printf("bit flips: %zu tried, %zu found\n", tried, found);
  CHECK(tried == found);
}

/* Bytes that are no UTF-8 would make Python refuse the whole group. */
static void test_utf8(void) {
  static const char *const pairs[][2] = {
      {"plain äöü € 😀", "plain äöü € 😀"},
      {"caf\xE9 x", "caf\xEF\xBF\xBD x"},                       /* Latin-1 */
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
      {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* cut off */
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
  };
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    eg_labelled *l = make_small();
    must(eg_labelled_set_text(ctx, l, 0, "note", pairs[i][0]));
    CHECK_TEXT(*(char **)eg_labelled_attribute(&l->variables[0], "note")->data, pairs[i][1]);
    eg_labelled_free(l);
  }
}

typedef struct worker {
  pthread_t thread;
  char path[PATH_BYTES];
  const eg_labelled *sample;
  int n_good;
} worker;

static void *work(void *data) {
  worker *w = data;
  eg_context *own = eg_context_create();
  for (int i = 0; i < 20 && own != NULL; i++) {
    eg_labelled *back = NULL;
    const bool good = eg_result_write(own, w->sample, w->path) == EG_OK &&
                      eg_result_read(own, w->path, &back) == EG_OK &&
                      back->n_variables == w->sample->n_variables;
    w->n_good += good ? 1 : 0;
    eg_labelled_free(back);
  }
  eg_context_free(own);
  return NULL;
}

/* Contexts are independent, HDF5 underneath is not. */
static void test_threads(void) {
  worker workers[4] = {0};
  eg_labelled *sample = make_sample();
  for (int i = 0; i < 4; i++) {
    workers[i].sample = sample;
    snprintf(workers[i].path, PATH_BYTES, "%s/thread_%d.h5", folder, i);
    CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_join(workers[i].thread, NULL) == 0);
    CHECK(workers[i].n_good == 20);
  }
  eg_labelled_free(sample);
}

static void test_truncations(void) {
  const char *path = in_folder("cut.h5");
  size_t n = 0, found = 0, truncated = 0, no_seal = 0;
  eg_labelled *l = make_small(), *back = NULL;
  must(eg_result_write(ctx, l, path));
  unsigned char *bytes = load(path, &n);
  for (size_t kept = n; kept-- > 0;) {
    CHECK(truncate(path, (off_t)kept) == 0);
    found += eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED ? 1 : 0;
    truncated += strstr(eg_context_message(ctx), "truncated") != NULL ? 1 : 0;
    no_seal += strstr(eg_context_message(ctx), "no seal") != NULL ? 1 : 0;
  }
  printf("truncations: %zu tried, %zu found, %zu called truncated, %zu called unsealed\n", n, found,
         truncated, no_seal);
  CHECK(found == n && back == NULL);
  CHECK(truncated == n - 1 && no_seal == 1); /* cut exactly behind the image, it is a plain HDF5 file */
  unsigned char more = 0;
  store(path, bytes, n);
  const int descriptor = open(path, O_WRONLY | O_APPEND);
  CHECK(write(descriptor, &more, 1) == 1);
  close(descriptor);
  CHECK(eg_result_verify(ctx, path) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "appended");
  free(bytes);
  eg_labelled_free(l);
}

static void put_crc(unsigned char *seal) {
  const uint64_t crc = eg_seal_crc(seal, 56);
  for (int i = 0; i < 8; i++) {
    seal[56 + i] = (unsigned char)(crc >> 8 * i);
  }
}

static void test_foreign(void) {
  const char *path = in_folder("foreign.h5");
  size_t n = 0;
  eg_labelled *l = make_small(), *back = NULL;
  must(eg_result_write(ctx, l, path));
  unsigned char *bytes = load(path, &n);
  store(path, bytes, n - EG_SEAL_BYTES);
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "not an ensgrad result (no seal): another program");
  bytes[n - EG_SEAL_BYTES + 8] = EG_SEAL_MAJOR + 1;
  put_crc(bytes + n - EG_SEAL_BYTES);
  store(path, bytes, n);
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "written by a newer ensgrad (file format 2.0");
  bytes[n - EG_SEAL_BYTES + 8] = EG_SEAL_MAJOR;
  bytes[n - EG_SEAL_BYTES + 16]++;
  put_crc(bytes + n - EG_SEAL_BYTES);
  store(path, bytes, n);
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "truncated");
  store(path, "hello\n", 6);
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "not an HDF5 file");
  store(path, "", 0);
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "empty");
  unsigned char sealed[5 + EG_SEAL_BYTES] = "hello"; /* a right seal around what is no HDF5 */
  eg_seal_make(sealed, 5, sealed + 5);
  store(path, sealed, sizeof sealed);
  must(eg_result_verify(ctx, path));
  CHECK(eg_result_read(ctx, path, &back) == EG_ERR_DAMAGED);
  CHECK_HAS(eg_context_message(ctx), "sealed, but cannot be read");
  CHECK(back == NULL);
  free(bytes);
  eg_labelled_free(l);
}

static void test_unreadable(void) {
  eg_labelled *back = NULL;
  CHECK(eg_result_read(ctx, in_folder("none.h5"), &back) == EG_ERR_OUTPUT);
  CHECK_HAS(eg_context_message(ctx), "none.h5: cannot be opened: No such file or directory");
  CHECK(eg_result_read(ctx, folder, &back) == EG_ERR_OUTPUT);
  CHECK_HAS(eg_context_message(ctx), "is a folder, not a file");
  CHECK(eg_result_verify(ctx, "/dev/zero") == EG_ERR_OUTPUT);
  CHECK_HAS(eg_context_message(ctx), "is a device or a pipe");
  CHECK(mkfifo(in_folder("pipe"), 0600) == 0);
  CHECK(eg_result_verify(ctx, in_folder("pipe")) == EG_ERR_OUTPUT); /* and does not wait */
  CHECK(unlink(in_folder("pipe")) == 0);
  CHECK(back == NULL);
}

static void check_refused(const char *path, const char *fragment) {
  bool exists = false;
  eg_labelled *l = make_small();
  CHECK(eg_result_probe_output(ctx, path, &exists) == EG_ERR_OUTPUT);
  CHECK_HAS(eg_context_message(ctx), fragment);
  CHECK(eg_result_write(ctx, l, path) == EG_ERR_OUTPUT);
  CHECK_HAS(eg_context_message(ctx), fragment);
  eg_labelled_free(l);
}

static void test_refused_outputs(void) {
  char longest[300];
  memset(longest, 'n', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  const int before = count_files();
  store(in_folder("plain"), "x", 1);
  check_refused(in_folder("none/r.h5"), "No such file or directory; check the name, and create the folder");
  check_refused(folder, "is a folder");
  check_refused(in_folder("new/"), "is a folder");
  check_refused(in_folder("plain/r.h5"), "a part of the path is a file");
  check_refused("/dev/full", "is a device");
  check_refused("", "empty");
  check_refused(in_folder(longest), "shorter name");
  CHECK(symlink("loop", in_folder("loop")) == 0);
  check_refused(in_folder("loop"), "in a circle");
  CHECK(unlink(in_folder("loop")) == 0 && unlink(in_folder("plain")) == 0);
  CHECK(count_files() == before);
}

/* As an ordinary user; the tests may run as root, whom no permission stops. */
static void test_permissions(void) {
  const char *closed = in_folder("closed");
  CHECK(mkdir(closed, 0755) == 0 && chmod(folder, 0755) == 0);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    check_failures = 0;
    CHECK(geteuid() != 0 ? chmod(closed, 0555) == 0 : setresuid(65534, 65534, 65534) == 0);
    check_refused(in_folder("closed/r.h5"), "Permission denied; check the permissions");
    _exit(check_failures);
  }
  int result = 1;
  CHECK(waitpid(child, &result, 0) == child && result == 0);
  CHECK(chmod(closed, 0755) == 0 && rmdir(closed) == 0);
}

static void test_probe_and_links(void) {
  bool exists = true;
  eg_labelled *l = make_small();
  struct stat info;
  CHECK(mkdir(in_folder("scratch"), 0755) == 0);
  CHECK(symlink("scratch/far.h5", in_folder("near.h5")) == 0);
  must(eg_result_probe_output(ctx, in_folder("near.h5"), &exists));
  CHECK(!exists);
  must(eg_result_write(ctx, l, in_folder("near.h5")));
  must(eg_result_write(ctx, l, in_folder("near.h5")));
  CHECK(lstat(in_folder("near.h5"), &info) == 0 && S_ISLNK(info.st_mode));
  must(eg_result_verify(ctx, in_folder("scratch/far.h5")));
  must(eg_result_probe_output(ctx, in_folder("near.h5"), &exists));
  CHECK(exists);
  CHECK(unlink(in_folder("near.h5")) == 0 && unlink(in_folder("scratch/far.h5")) == 0);
  CHECK(rmdir(in_folder("scratch")) == 0); /* no temporary file is left in it */
  eg_labelled_free(l);
}

/* The file-size limit stands for a full disk: write() fails part of the way. */
/* A process that is killed while it writes: SIGXFSZ at its default comes in the middle of the file. */
static void leave_temporary(const char *path) {
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit none = {0, 0}, low = {.rlim_cur = 1000, .rlim_max = 1000};
    static char bytes[4096];
    signal(SIGXFSZ, SIG_DFL);
    if (setrlimit(RLIMIT_CORE, &none) == 0 && setrlimit(RLIMIT_FSIZE, &low) == 0) {
      _exit(eg_disk_replace(ctx, path, bytes, sizeof bytes) == EG_OK ? 0 : 1);
    }
    _exit(2);
  }
  int state = 0;
  CHECK(waitpid(child, &state, 0) == child && WIFSIGNALED(state) && WTERMSIG(state) == SIGXFSZ);
}

/* What killed runs leave is removed by the next one to the same output; nothing else is. */
static void test_stale(void) {
  static const struct {
    const char *before; /* BEFORE, the place, AFTER */
    const char *after;
  } kept[] = {
      {"stale.h5.tmp.2147483646.", "zzzzzzzz"},  /* not our digits */
      {"stale.h5.tmp.2147483646.", "000000000"}, /* one too many */
      {"stale.h5.tmp.0.", "00000000"},           /* no process number */
      {"stale.h5.tmp.2147483646x.", "00000000"},
      {"other.h5.tmp.2147483646.", "00000000"},
      {"stale.h5.tmp", ""},
  };
  enum { N_TABLE = sizeof kept / sizeof kept[0], N_KEPT = N_TABLE + 1 };
  char names[N_KEPT + 2][PATH_BYTES];
  bool exists = true;
  const int files = count_files();
  leave_temporary(in_folder("stale.h5"));
  leave_temporary(in_folder("stale.h5"));
  CHECK(count_files() == files + 2);
  for (int i = 0; i < N_TABLE; i++) {
    snprintf(names[i], PATH_BYTES, "%s/%s%08x%s", folder, kept[i].before, eg_disk_place(), kept[i].after);
  }
  snprintf(names[N_TABLE], PATH_BYTES, "%s/stale.h5.tmp.%ld.%08x00000000", folder, (long)getpid(), eg_disk_place()); /* alive */
  snprintf(names[N_KEPT], PATH_BYTES, "%s/stale.h5.tmp.2147483646.%08x00000000", folder, eg_disk_place() ^ 1); /* elsewhere */
  for (int i = 0; i <= N_KEPT; i++) {
    store(names[i], "", 0);
  }
  snprintf(names[N_KEPT + 1], PATH_BYTES, "%s/stale.h5.tmp.2147483646.%08x00000001", folder, eg_disk_place());
  CHECK(mkdir(names[N_KEPT + 1], 0700) == 0); /* a folder */
  must(eg_disk_probe(ctx, in_folder("stale.h5"), &exists));
  CHECK(!exists);
  CHECK(count_files() == files + N_KEPT + 2);
  for (int i = 0; i <= N_KEPT + 1; i++) {
    CHECK(access(names[i], F_OK) == 0);
    CHECK(remove(names[i]) == 0);
  }
  CHECK(count_files() == files);
}

static void test_limit(void) {
  const char *path = in_folder("limit.h5");
  size_t n_before = 0, n_after = 0;
  eg_labelled *l = make_small(), *large = make_sample();
  struct rlimit old, low;
  struct stat full;
  must(eg_result_write(ctx, large, path));
  CHECK(stat(path, &full) == 0);
  must(eg_result_write(ctx, l, path));
  unsigned char *before = load(path, &n_before);
  const int files = count_files();
  eg_result_ignore_write_signals();
  CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
  for (int part = 0; part <= 16; part++) { /* the last one lacks a single byte */
    const rlim_t limit = part == 16 ? (rlim_t)full.st_size - 1 : (rlim_t)(full.st_size * part / 16);
    low = (struct rlimit){.rlim_cur = limit, .rlim_max = old.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
    CHECK(eg_result_write(ctx, large, path) == EG_ERR_OUTPUT);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK_HAS(eg_context_message(ctx),
              "limit.h5: cannot be written: File too large; it would pass the file-size");
  }
  unsigned char *after = load(path, &n_after);
  CHECK(n_before == n_after && memcmp(before, after, n_after) == 0);
  CHECK(count_files() == files);
  free(before);
  free(after);
  eg_labelled_free(l);
  eg_labelled_free(large);
}

/* More variables and longer axes than the samples have. */
static void test_many(void) {
  const char *path = in_folder("many.h5");
  char name[32];
  eg_labelled *l = make_small(), *back = NULL;
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "v%03d", i);
    must(eg_labelled_add(ctx, l, i % 2 == 0 ? "/" : "/accumulators", name, EG_TYPE_U64, 2,
                         (const char *[]){"t", "long"}, (size_t[]){3, 5000}, NULL, NULL));
  }
  must(eg_result_write(ctx, l, path));
  must(eg_result_read(ctx, path, &back));
  check_equal(l, back);
  eg_labelled_free(l);
  eg_labelled_free(back);
}

/* Every handle opened was closed, in success and failure. */
static void test_handles(void) {
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

static void remove_folder(void) {
  char command[PATH_BYTES];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  CHECK(system(command) == 0);
}

int main(int argc, char **argv) {
  ctx = eg_context_create();
  if (argc == 3 && strcmp(argv[1], "--write") == 0) {
    eg_labelled *sample = make_sample();
    must(eg_result_write(ctx, sample, argv[2]));
    eg_labelled_free(sample);
    eg_context_free(ctx);
    return 0;
  }
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/ensgrad_io_XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 1;
  }
  test_labelled_refuses();
  test_write_refuses();
  test_round_trip();
  test_empty();
  test_determinism();
  test_crc();
  test_bit_flips();
  test_truncations();
  test_foreign();
  test_unreadable();
  test_refused_outputs();
  test_permissions();
  test_probe_and_links();
  test_stale();
  test_limit();
  test_many();
  test_utf8();
  test_threads();
  test_handles();
  remove_folder();
  eg_context_free(ctx);
  return check_report();
}
