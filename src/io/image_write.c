#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5_guard.h"
#include "io/image.h"
#include "io/scales.h"

/* Integers (counts, indices, flags) above this are compressed: they repeat. Floating-point statistics are
   noise in most of their bits and would cost time for nothing. */
static const size_t compress_above = (size_t)64 << 10;
static const size_t chunk_bytes = (size_t)1 << 20; /* the size of HDF5's chunk cache */
static const size_t core_increment = (size_t)256 << 10; /* HDF5 fills it with zeros: 8 MiB took a third of a small run */

typedef struct writer {
  eg_context *ctx;
  const eg_labelled *labelled;
  eg_scales scales;
  hid_t file;
  hid_t access; /* property lists */
  hid_t creation;
  hid_t group_creation;
} writer;

static eg_status check(const writer *w, int64_t result, const char *doing, const char *name) {
  return eg_hdf5_check(w->ctx, EG_ERR_INTERNAL, result, doing, name);
}

/* No times, since equal results are equal files; creation order, since readers list variables in it. */
static eg_status set_object_properties(const writer *w, hid_t list, bool is_group) {
  const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  EG_TRY(check(w, list, "prepare", "properties"));
  EG_TRY(check(w, H5Pset_obj_track_times(list, false), "prepare", "properties"));
  EG_TRY(check(w, H5Pset_attr_creation_order(list, order), "prepare", "properties"));
  return is_group ? check(w, H5Pset_link_creation_order(list, order), "prepare", "properties") : EG_OK;
}

/* Superblock 0 (EARLIEST): with a newer one HDF5 1.10 hands out an image with a wrong superblock checksum. */
static eg_status open_file(writer *w) {
  w->access = H5Pcreate(H5P_FILE_ACCESS);
  w->creation = H5Pcreate(H5P_FILE_CREATE);
  w->group_creation = H5Pcreate(H5P_GROUP_CREATE);
  EG_TRY(check(w, w->access, "prepare", "properties"));
  EG_TRY(set_object_properties(w, w->creation, true));
  EG_TRY(set_object_properties(w, w->group_creation, true));
  EG_TRY(check(w, H5Pset_fapl_core(w->access, core_increment, false), "prepare", "properties"));
  EG_TRY(check(w, H5Pset_libver_bounds(w->access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST), "prepare",
               "properties"));
  EG_TRY(check(w, H5Pset_fclose_degree(w->access, H5F_CLOSE_STRONG), "prepare", "properties"));
  w->file = H5Fcreate(EG_IMAGE_NAME, H5F_ACC_TRUNC, w->creation, w->access);
  return check(w, w->file, "create", "a file in memory");
}

static hid_t make_space(int rank, const size_t *shape) {
  hsize_t sizes[EG_MAX_RANK] = {0};
  for (int d = 0; d < rank; d++) {
    sizes[d] = shape[d];
  }
  return rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes, NULL);
}

/* Chunks are slabs: the slowest dimensions are halved until a chunk fits. */
static eg_status compress(const writer *w, hid_t list, const eg_variable *variable, size_t element) {
  hsize_t chunk[EG_MAX_RANK] = {0};
  size_t bytes = element * eg_variable_size(variable);
  for (int d = 0; d < variable->rank; d++) {
    chunk[d] = variable->shape[d];
  }
  for (int d = 0; d < variable->rank; d++) {
    while (bytes > chunk_bytes && chunk[d] > 1) {
      bytes /= (size_t)chunk[d];
      chunk[d] = (chunk[d] + 1) / 2;
      bytes *= (size_t)chunk[d];
    }
  }
  EG_TRY(check(w, H5Pset_chunk(list, variable->rank, chunk), "divide", variable->name));
  EG_TRY(check(w, H5Pset_shuffle(list), "compress", variable->name));
  return check(w, H5Pset_deflate(list, 1), "compress", variable->name);
}

static bool is_compressed(const eg_variable *variable, size_t element) {
  const bool is_integer = variable->type != EG_TYPE_TEXT && variable->type != EG_TYPE_F64;
  return is_integer && variable->rank > 0 && element * eg_variable_size(variable) > compress_above &&
         H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0;
}

static eg_status write_attribute(const writer *w, hid_t owner, const eg_attribute *attribute) {
  eg_status status = EG_OK;
  const hid_t file_type = eg_hdf5_file_type(attribute->type);
  const hid_t memory_type = eg_hdf5_memory_type(attribute->type);
  const hid_t space = make_space(attribute->n == 1 ? 0 : 1, &attribute->n);
  hid_t id = H5I_INVALID_HID;
  EG_TRY_DONE(check(w, file_type, "describe the attribute", attribute->name));
  EG_TRY_DONE(check(w, memory_type, "describe the attribute", attribute->name));
  EG_TRY_DONE(check(w, space, "describe the attribute", attribute->name));
  id = H5Acreate2(owner, attribute->name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  EG_TRY_DONE(check(w, id, "create the attribute", attribute->name));
  if (attribute->n > 0) {
    EG_TRY_DONE(check(w, H5Awrite(id, memory_type, attribute->data), "write the attribute", attribute->name));
  }
done:
  eg_hdf5_close(id);
  eg_hdf5_close(space);
  eg_hdf5_close(memory_type);
  eg_hdf5_close(file_type);
  return status;
}

static eg_status write_attributes(const writer *w, hid_t owner, const eg_attribute *attributes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    EG_TRY(write_attribute(w, owner, &attributes[i]));
  }
  return EG_OK;
}

/* Sign and payload of a NaN depend on the compiler and the instruction set; a file has one NaN, so that equal results are equal bytes. */
static void make_nans_equal(const eg_variable *variable) {
  double *const values = variable->data;
  const size_t n = variable->type == EG_TYPE_F64 ? eg_variable_size(variable) : 0;
  for (size_t i = 0; i < n; i++) {
    values[i] = isnan(values[i]) ? (double)NAN : values[i];
  }
}

static eg_status write_variable(const writer *w, hid_t group, const eg_variable *variable, bool is_scale) {
  eg_status status = EG_OK;
  const hid_t file_type = eg_hdf5_file_type(variable->type);
  const hid_t memory_type = eg_hdf5_memory_type(variable->type);
  const hid_t space = make_space(variable->rank, variable->shape);
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  EG_TRY_DONE(check(w, file_type, "describe", variable->name));
  EG_TRY_DONE(check(w, memory_type, "describe", variable->name));
  EG_TRY_DONE(check(w, space, "describe", variable->name));
  EG_TRY_DONE(set_object_properties(w, list, false));
  if (is_compressed(variable, H5Tget_size(memory_type))) {
    EG_TRY_DONE(compress(w, list, variable, H5Tget_size(memory_type)));
  }
  dataset = H5Dcreate2(group, variable->name, file_type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  EG_TRY_DONE(check(w, dataset, "create the variable", variable->name));
  if (eg_variable_size(variable) > 0) {
    make_nans_equal(variable);
    EG_TRY_DONE(check(w, H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable->data),
                      "write", variable->name));
  }
  if (is_scale) {
    EG_TRY_DONE(eg_scales_mark(w->ctx, dataset, variable->name));
  }
  EG_TRY_DONE(write_attributes(w, dataset, variable->attributes, variable->n_attributes));
done:
  eg_hdf5_close(dataset);
  eg_hdf5_close(list);
  eg_hdf5_close(space);
  eg_hdf5_close(memory_type);
  eg_hdf5_close(file_type);
  return status;
}

/* Readers refuse axes without a scale, so a dimension without a coordinate counts from 0. */
static eg_status write_index(const writer *w, hid_t group, const eg_scale *scale) {
  int32_t *values = NULL;
  eg_labelled *alone = NULL;
  size_t index = 0;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(w->ctx, scale->size, sizeof values[0], &values));
  for (size_t i = 0; i < scale->size; i++) {
    values[i] = (int32_t)i;
  }
  EG_TRY_DONE(eg_labelled_create(w->ctx, &alone));
  EG_TRY_DONE(eg_labelled_add(w->ctx, alone, "/", scale->dim, EG_TYPE_I32, 1, &scale->dim, &scale->size,
                              values, &index));
  EG_TRY_DONE(eg_labelled_set_text(w->ctx, alone, index, EG_INDEX_ATTRIBUTE, EG_INDEX_TEXT));
  EG_TRY_DONE(write_variable(w, group, &alone->variables[index], true));
done:
  eg_labelled_free(alone);
  free(values);
  return status;
}

static eg_status fill_group(const writer *w, hid_t group, const char *name) {
  for (size_t g = 0; g < w->labelled->n_groups; g++) {
    const eg_group_attributes *attributes = &w->labelled->groups[g];
    if (strcmp(attributes->group, name) == 0) {
      EG_TRY(write_attributes(w, group, attributes->attributes, attributes->n_attributes));
    }
  }
  for (size_t s = 0; s < w->scales.n_scales; s++) {
    const eg_scale *scale = &w->scales.scales[s];
    if (scale->coordinate == NULL && strcmp(scale->group, name) == 0) {
      EG_TRY(write_index(w, group, scale));
    }
  }
  for (size_t v = 0; v < w->labelled->n_variables; v++) {
    const eg_variable *variable = &w->labelled->variables[v];
    if (strcmp(variable->group, name) == 0) {
      EG_TRY(write_variable(w, group, variable, eg_scales_is_coordinate(&w->scales, v)));
    }
  }
  return EG_OK;
}

/* The group is created when first met, with everything in it. */
static eg_status write_group(const writer *w, const char *name) {
  if (strcmp(name, "/") == 0) {
    return EG_OK;
  }
  const htri_t exists = H5Lexists(w->file, name, H5P_DEFAULT);
  EG_TRY(check(w, exists, "look for the group", name));
  const hid_t group = exists > 0 ? H5Gopen2(w->file, name, H5P_DEFAULT)
                                 : H5Gcreate2(w->file, name, H5P_DEFAULT, w->group_creation, H5P_DEFAULT);
  eg_status status = check(w, group, "create the group", name); /* a variable has the name of the group */
  if (status == EG_OK && exists == 0) {
    status = fill_group(w, group, name);
  }
  eg_hdf5_close(group);
  return status;
}

static eg_status write_everything(writer *w) {
  EG_TRY(fill_group(w, w->file, "/"));
  for (size_t v = 0; v < w->labelled->n_variables; v++) {
    EG_TRY(write_group(w, w->labelled->variables[v].group));
  }
  for (size_t g = 0; g < w->labelled->n_groups; g++) {
    EG_TRY(write_group(w, w->labelled->groups[g].group));
  }
  return eg_scales_attach(w->ctx, w->file, &w->scales);
}

static eg_status take_image(const writer *w, size_t room, unsigned char **image, size_t *length) {
  EG_TRY(check(w, H5Fflush(w->file, H5F_SCOPE_GLOBAL), "finish", "a file in memory"));
  const ssize_t size = H5Fget_file_image(w->file, NULL, 0);
  EG_TRY(check(w, size, "measure", "a file in memory"));
  if ((size_t)size > PTRDIFF_MAX - room) {
    return eg_fail(w->ctx, EG_ERR_MEMORY, "out of memory: the result has %zd bytes", size);
  }
  unsigned char *bytes = NULL;
  EG_TRY(eg_allocate(w->ctx, (size_t)size + room, 1, &bytes));
  const eg_status status =
      check(w, H5Fget_file_image(w->file, bytes, (size_t)size), "copy", "a file in memory");
  if (status != EG_OK) {
    free(bytes);
    return status;
  }
  *image = bytes;
  *length = (size_t)size;
  return EG_OK;
}

eg_status eg_image_write(eg_context *ctx, const eg_labelled *labelled, size_t room, unsigned char **image,
                         size_t *length) {
  eg_status status = EG_OK;
  eg_hdf5_guard guard;
  writer w = {.ctx = ctx,
              .labelled = labelled,
              .file = H5I_INVALID_HID,
              .access = H5I_INVALID_HID,
              .creation = H5I_INVALID_HID,
              .group_creation = H5I_INVALID_HID};
  eg_hdf5_enter(&guard);
  EG_TRY_DONE(eg_scales_plan(ctx, labelled, &w.scales));
  EG_TRY_DONE(open_file(&w));
  EG_TRY_DONE(write_everything(&w));
  EG_TRY_DONE(take_image(&w, room, image, length));
done:
  if (w.file >= 0) {
    (void)H5Fclose(w.file); /* the bytes are copied already */
  }
  eg_hdf5_close(w.group_creation);
  eg_hdf5_close(w.creation);
  eg_hdf5_close(w.access);
  eg_scales_free(&w.scales);
  eg_hdf5_leave(&guard);
  return status;
}
