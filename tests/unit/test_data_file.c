/* Reading a user's matrix: every kind of number, and a clear message for every mistake. */
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "io/data_file.h"

enum { PATH_BYTES = 512 };

static char folder[PATH_BYTES / 2];
static eg_context *ctx;

static const char *in_folder(const char *name) {
  static char paths[4][PATH_BYTES];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, PATH_BYTES, "%s/%s", folder, name);
  return path;
}

static void add(hid_t file, const char *name, hid_t type, int rank, const hsize_t *sizes, hid_t memory,
                const void *data) {
  const hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes, NULL);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  CHECK(dataset >= 0);
  CHECK(data == NULL || H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

static void add_doubles(hid_t file, const char *name, int rank, const hsize_t *sizes, const double *data) {
  add(file, name, H5T_IEEE_F64LE, rank, sizes, H5T_NATIVE_DOUBLE, data);
}

static void add_text(hid_t file, const char *name, size_t size, const char *text) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  CHECK(H5Awrite(attribute, type, size == H5T_VARIABLE ? (const void *)&text : (const void *)text) >= 0);
  H5Aclose(attribute);
  H5Tclose(type);
  H5Sclose(space);
}

static void write_file(const char *path) {
  static const double x[6] = {1, 2, 3, 4, 5, 6}, y[3] = {-1, 0, 1};
  static const double bad[6] = {1, 2, 3, NAN, INFINITY, 6}, infinite[3] = {0, -INFINITY, 1};
  static const int16_t integers[6] = {-1, 2, -3, 4, -5, 32767};
  static const uint8_t bytes[3] = {0, 1, 255};
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t text = H5Tcopy(H5T_C_S1);
  add_doubles(file, "X", 2, (hsize_t[]){3, 2}, x);
  add_doubles(file, "y", 1, (hsize_t[]){3}, y);
  add_doubles(group, "inner", 2, (hsize_t[]){3, 2}, x);
  add_doubles(file, "X_nan", 2, (hsize_t[]){3, 2}, bad);
  add_doubles(file, "y_infinite", 1, (hsize_t[]){3}, infinite);
  add_doubles(file, "y_short", 1, (hsize_t[]){2}, y);
  add_doubles(file, "scalar", 0, NULL, y);
  add_doubles(file, "no_rows", 2, (hsize_t[]){0, 2}, NULL);
  add_doubles(file, "no_columns", 2, (hsize_t[]){3, 0}, NULL);
  add_doubles(file, "unwritten", 2, (hsize_t[]){3, 2}, NULL);
  add_doubles(file, "rows", 2, (hsize_t[]){3000000000u, 1}, NULL);
  add_doubles(file, "huge", 2, (hsize_t[]){2000000000u, 1000000000u}, NULL);
  add(file, "X_int", H5T_STD_I16BE, 2, (hsize_t[]){3, 2}, H5T_NATIVE_INT16, integers);
  add(file, "y_byte", H5T_STD_U8LE, 1, (hsize_t[]){3}, H5T_NATIVE_UINT8, bytes);
  add(file, "y_float", H5T_IEEE_F32BE, 1, (hsize_t[]){3}, H5T_NATIVE_DOUBLE, y);
  add(file, "words", text, 1, (hsize_t[]){3}, text, "abc");
  add_text(file, "title", H5T_VARIABLE, "A title");
  add_text(file, "source", 4, "full"); /* fixed length without a final NUL */
  H5Tclose(text);
  H5Gclose(group);
  H5Fclose(file);
}

static void test_good(const char *path) {
  eg_data_set data = {0};
  CHECK(eg_data_read(ctx, path, "X", "y", &data) == EG_OK);
  CHECK(data.n_rows == 3 && data.n_columns == 2);
  CHECK(data.inputs[0] == 1 && data.inputs[5] == 6 && data.target[0] == -1);
  CHECK_TEXT(data.title, "A title");
  CHECK_TEXT(data.source, "full");
  eg_data_free(&data);
  CHECK(eg_data_read(ctx, path, "X_int", "y_byte", &data) == EG_OK);
  CHECK(data.inputs[0] == -1 && data.inputs[5] == 32767 && data.target[2] == 255);
  eg_data_free(&data);
  CHECK(eg_data_read(ctx, path, "group/inner", "y_float", &data) == EG_OK);
  CHECK(data.inputs[3] == 4 && data.target[0] == -1);
  eg_data_free(&data);
  eg_data_free(&data); /* twice is harmless */
}

static void test_mistakes(const char *path) {
  static const struct {
    const char *inputs, *target, *message;
  } table[] = {
      {"Z", "y",
       "data.h5: there is no dataset 'Z'; the file has: X, X_int, X_nan, group/inner, huge, no_columns, "
       "no_rows, rows, scalar, unwritten, words, y, y_byte, y_float, y_infinite, y_short"},
      {"X", "", "there is no dataset ''"},
      {"X", "y/deep/er", "there is no dataset 'y/deep/er'"},
      {"group", "y", "'group' is a group or a type"},
      {"y", "y", "'y' has 1 dimensions (3); needed are 2: rows and columns"},
      {"X", "X", "'X' has 2 dimensions (3, 2); needed are 1: rows only"},
      {"X", "scalar", "'scalar' has 0 dimensions (); needed are 1"},
      {"X", "y_short", "'X' has 3 rows, but 'y_short' has 2; the numbers must be equal"},
      {"X_nan", "y", "'X_nan' is NaN in row 1, column 1 (counted from 0)"},
      {"X", "y_infinite", "'y_infinite' is infinite in row 1 (counted from 0)"},
      {"no_rows", "y", "'no_rows' has no rows"},
      {"no_columns", "y", "'no_columns' has no columns"},
      {"unwritten", "y", "'unwritten' has a shape, but no values were ever stored"},
      {"rows", "y", "'rows' has 3000000000 rows; allowed are up to 2147483647"},
      {"huge", "y", "'huge' (2000000000 rows, 1000000000 columns) needs 1.49e+10 GiB; this machine has"},
      {"X", "words", "'words' holds text; allowed are integers and floating-point numbers"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    eg_data_set data = {0};
    CHECK(eg_data_read(ctx, path, table[i].inputs, table[i].target, &data) == EG_ERR_STUDY);
    CHECK_HAS(eg_context_message(ctx), table[i].message);
    CHECK(data.inputs == NULL && data.target == NULL && data.title == NULL);
  }
}

static void check_file(const char *path, const char *message) {
  eg_data_set data = {0};
  CHECK(eg_data_read(ctx, path, "X", "y", &data) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), message);
}

static void test_files(const char *path) {
  check_file(in_folder("none.h5"), "none.h5: cannot be opened: No such file");
  check_file(folder, "is a folder");
  FILE *file = fopen(in_folder("text.csv"), "w");
  CHECK(file != NULL && fputs("x,y\n", file) >= 0 && fclose(file) == 0);
  check_file(in_folder("text.csv"), "text.csv: is not an HDF5 file");
  CHECK(truncate(path, 3000) == 0);
  check_file(path, "HDF5 cannot open");
  CHECK(truncate(path, 0) == 0);
  check_file(path, "is not an HDF5 file");
}

/* Every handle opened was closed, in success and failure. */
static void test_handles(void) {
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

int main(void) {
  char command[PATH_BYTES];
  const char *base = getenv("TMPDIR");
  ctx = eg_context_create();
  snprintf(folder, sizeof folder, "%s/ensgrad_data_XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 1;
  }
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s", in_folder("data.h5"));
  write_file(path);
  test_good(path);
  test_mistakes(path);
  test_files(path);
  test_handles();
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  CHECK(system(command) == 0);
  eg_context_free(ctx);
  return check_report();
}
