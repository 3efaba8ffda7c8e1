/* A user's matrix. The file is not ours and may be anything: every size is checked before memory is asked
 * for. */
#include "io/data_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/disk.h"
#include "io/hdf5_guard.h"

static const size_t names_shown = 20;

typedef struct source {
  eg_context *ctx;
  const char *path;
  hid_t file;
} source;

typedef struct listing {
  eg_text text;
  size_t n;
} listing;

static eg_status check(const source *s, int64_t result, const char *doing, const char *name) {
  if (result >= 0) {
    return EG_OK;
  }
  const eg_status status = eg_hdf5_check(s->ctx, EG_ERR_STUDY, result, doing, name);
  return eg_fail(s->ctx, status, "%s: %s", s->path, eg_context_message(s->ctx));
}

static herr_t list_dataset(hid_t file, const char *name, const H5O_info_t *info, void *data) {
  listing *list = data;
  (void)file;
  if (info->type == H5O_TYPE_DATASET) {
    if (list->n < names_shown) {
      eg_text_append(&list->text, "%s%s", list->n == 0 ? "" : ", ", name);
    }
    list->n++;
  }
  return 0;
}

static eg_status fail_missing(const source *s, const char *name) {
  listing list = {0};
  const herr_t visited = H5Ovisit2(s->file, H5_INDEX_NAME, H5_ITER_INC, list_dataset, &list, H5O_INFO_BASIC);
  if (list.n == 0) {
    eg_text_append(&list.text, visited < 0 ? "a list that cannot be read" : "no datasets");
  } else if (list.n > names_shown) {
    eg_text_append(&list.text, " and %zu more", list.n - names_shown);
  }
  const eg_status status = eg_fail(s->ctx, EG_ERR_STUDY, "%s: there is no dataset '%s'; the file has: %s",
                                   s->path, name, eg_text_string(&list.text));
  eg_text_free(&list.text);
  return status;
}

static eg_status open_dataset(const source *s, const char *name, hid_t *out) {
  const hid_t object = name[0] == '\0' ? H5I_INVALID_HID : H5Oopen(s->file, name, H5P_DEFAULT);
  if (object < 0) {
    return fail_missing(s, name);
  }
  if (H5Iget_type(object) != H5I_DATASET) {
    eg_hdf5_close(object);
    return eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' is a group or a type; a dataset is needed", s->path, name);
  }
  *out = object;
  return EG_OK;
}

static eg_status check_type(const source *s, const char *name, hid_t dataset) {
  const hid_t type = H5Dget_type(dataset);
  EG_TRY(check(s, type, "read the type of", name));
  const H5T_class_t kind = H5Tget_class(type);
  eg_hdf5_close(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    return eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' holds %s; allowed are integers and floating-point numbers",
                   s->path, name,
                   kind == H5T_STRING ? "text"
                   : kind == H5T_ENUM ? "flags"
                                      : "no plain numbers");
  }
  return EG_OK;
}

static eg_status read_sizes(const source *s, const char *name, hid_t dataset, int wanted, hsize_t sizes[2]) {
  hsize_t found[H5S_MAX_RANK] = {0};
  const hid_t space = H5Dget_space(dataset);
  const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, found, NULL);
  eg_hdf5_close(space);
  EG_TRY(check(s, rank, "read the shape of", name));
  if (rank != wanted) {
    eg_text shape = {0};
    for (int d = 0; d < rank; d++) {
      eg_text_append(&shape, "%s%llu", d == 0 ? "" : ", ", (unsigned long long)found[d]);
    }
    const eg_status status =
        eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' has %d dimensions (%s); needed are %d: %s", s->path, name,
                rank, eg_text_string(&shape), wanted, wanted == 2 ? "rows and columns" : "rows only");
    eg_text_free(&shape);
    return status;
  }
  sizes[0] = found[0];
  sizes[1] = wanted == 2 ? found[1] : 1;
  return EG_OK;
}

/* A header of a few bytes can claim any size, so it is held against what is stored and what the machine has.
 */
static eg_status check_sizes(const source *s, const char *name, hid_t dataset, const hsize_t sizes[2]) {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  const double memory = pages > 0 && page > 0 ? (double)pages * (double)page : (double)PTRDIFF_MAX;
  const double bytes = (double)sizes[0] * (double)sizes[1] * (double)sizeof(double);
  if (sizes[0] == 0 || sizes[1] == 0) {
    return eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' has no %s", s->path, name,
                   sizes[0] == 0 ? "rows" : "columns");
  }
  if (sizes[0] > INT32_MAX) {
    return eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' has %llu rows; allowed are up to %ld", s->path, name,
                   (unsigned long long)sizes[0], (long)INT32_MAX);
  }
  if (bytes > memory) {
    return eg_fail(s->ctx, EG_ERR_STUDY,
                   "%s: '%s' (%llu rows, %llu columns) needs %.3g GiB; this machine has %.3g", s->path, name,
                   (unsigned long long)sizes[0], (unsigned long long)sizes[1], bytes / 0x1p30,
                   memory / 0x1p30);
  }
  if (H5Dget_storage_size(dataset) == 0) {
    return eg_fail(s->ctx, EG_ERR_STUDY, "%s: '%s' has a shape, but no values were ever stored", s->path,
                   name);
  }
  return EG_OK;
}

static eg_status check_finite(const source *s, const char *name, const double *values, const hsize_t sizes[2],
                              int rank) {
  for (size_t row = 0; row < sizes[0]; row++) {
    for (size_t column = 0; column < sizes[1]; column++) {
      const double value = values[row * sizes[1] + column];
      if (isfinite(value)) {
        continue;
      }
      eg_text place = {0};
      eg_text_append(&place, rank == 2 ? "row %zu, column %zu" : "row %zu", row, column);
      const eg_status status = eg_fail(
          s->ctx, EG_ERR_STUDY, "%s: '%s' is %s in %s (counted from 0); only finite numbers are allowed",
          s->path, name, isnan(value) ? "NaN" : "infinite", eg_text_string(&place));
      eg_text_free(&place);
      return status;
    }
  }
  return EG_OK;
}

static eg_status read_matrix(const source *s, const char *name, int rank, hsize_t sizes[2], double **out) {
  eg_status status = EG_OK;
  hid_t dataset = H5I_INVALID_HID;
  double *values = NULL;
  EG_TRY(open_dataset(s, name, &dataset));
  EG_TRY_DONE(read_sizes(s, name, dataset, rank, sizes));
  EG_TRY_DONE(check_type(s, name, dataset));
  EG_TRY_DONE(check_sizes(s, name, dataset, sizes));
  EG_TRY_DONE(eg_allocate(s->ctx, (size_t)(sizes[0] * sizes[1]), sizeof values[0], &values));
  EG_TRY_DONE(
      check(s, H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "read", name));
  EG_TRY_DONE(check_finite(s, name, values, sizes, rank));
  *out = values;
done:
  eg_hdf5_close(dataset);
  if (status != EG_OK) {
    free(values);
  }
  return status;
}

/* One text of any kind of string; "" if the attribute is absent or something else. */
static eg_status read_text(const source *s, const char *name, char **out) {
  eg_status status = EG_OK;
  eg_text text = {0};
  const hid_t attribute =
      H5Aexists(s->file, name) > 0 ? H5Aopen(s->file, name, H5P_DEFAULT) : H5I_INVALID_HID;
  const hid_t type = attribute < 0 ? H5I_INVALID_HID : H5Aget_type(attribute);
  const hid_t space = attribute < 0 ? H5I_INVALID_HID : H5Aget_space(attribute);
  const bool is_text =
      type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1;
  if (is_text && H5Tis_variable_str(type) > 0) {
    char *found = NULL;
    if (H5Aread(attribute, type, &found) >= 0 && found != NULL) {
      eg_text_append(&text, "%s", found);
      (void)H5free_memory(found); /* at worst memory is lost */
    }
  } else if (is_text) {
    const size_t size = H5Tget_size(type);
    char *found = NULL;
    EG_TRY_DONE(eg_allocate(s->ctx, size + 1, 1, &found)); /* one more: a full fixed-length text has no NUL */
    if (H5Aread(attribute, type, found) >= 0) {
      eg_text_append(&text, "%s", found);
    }
    free(found);
  }
  status = eg_copy_string(s->ctx, eg_text_string(&text), out);
done:
  eg_hdf5_close(space);
  eg_hdf5_close(type);
  eg_hdf5_close(attribute);
  eg_text_free(&text);
  return status;
}

static eg_status read_all(const source *s, const char *inputs, const char *target, eg_data_set *data) {
  hsize_t sizes[2] = {0};
  hsize_t rows[2] = {0};
  EG_TRY(read_matrix(s, inputs, 2, sizes, &data->inputs));
  EG_TRY(read_matrix(s, target, 1, rows, &data->target));
  if (rows[0] != sizes[0]) {
    return eg_fail(s->ctx, EG_ERR_STUDY,
                   "%s: '%s' has %llu rows, but '%s' has %llu; the numbers must be equal", s->path, inputs,
                   (unsigned long long)sizes[0], target, (unsigned long long)rows[0]);
  }
  data->n_rows = (size_t)sizes[0];
  data->n_columns = (size_t)sizes[1];
  EG_TRY(read_text(s, "title", &data->title));
  return read_text(s, "source", &data->source);
}

/* Is there a file to read at all? HDF5's own messages do not tell a missing file from a foreign one. */
static eg_status check_file(eg_context *ctx, const char *path) {
  eg_disk_file file;
  if (eg_disk_open(ctx, path, &file) != EG_OK) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s", eg_context_message(ctx));
  }
  eg_disk_close(&file);
  return EG_OK;
}

/* Without locks: nothing is written, and some network file systems have none. */
static hid_t open_file(const char *path) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t file = H5I_INVALID_HID;
  if (access >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
      H5Pset_file_locking(access, false, true) >= 0) {
    file = H5Fopen(path, H5F_ACC_RDONLY, access);
  }
  eg_hdf5_close(access);
  return file;
}

static eg_status read_file(eg_context *ctx, const char *path, const char *inputs, const char *target,
                           eg_data_set *data) {
  if (H5Fis_hdf5(path) <= 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: is not an HDF5 file", path);
  }
  const source s = {.ctx = ctx, .path = path, .file = open_file(path)};
  eg_status status = check(&s, s.file, "open", path);
  if (status == EG_OK) {
    status = read_all(&s, inputs, target, data);
    (void)H5Fclose(s.file); /* only read */
  }
  return status;
}

eg_status eg_data_read(eg_context *ctx, const char *path, const char *inputs, const char *target,
                       eg_data_set *out) {
  eg_data_set data = {0};
  eg_hdf5_guard guard;
  EG_TRY(check_file(ctx, path));
  eg_hdf5_enter(&guard);
  const eg_status status = read_file(ctx, path, inputs, target, &data);
  eg_hdf5_leave(&guard);
  if (status != EG_OK) {
    eg_data_free(&data);
    return status;
  }
  *out = data;
  return EG_OK;
}

void eg_data_free(eg_data_set *data) {
  free(data->inputs);
  free(data->target);
  free(data->title);
  free(data->source);
  *data = (eg_data_set){0};
}
