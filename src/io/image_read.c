#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/hdf5_guard.h"
#include "io/hdf5_values.h"
#include "io/image.h"
#include "io/image_open.h"

enum { NAME_BYTES = 256 }; /* eg_labelled has no longer names */

/* A dataset of the file. Scales are found by their address, since HDF5 names a referenced object only by a
 * search. */
typedef struct entry {
  char *group, *name;
  haddr_t address;
  bool is_group;
} entry;

typedef struct reader {
  eg_context *ctx;
  hid_t file;
  entry *entries;
  size_t n_entries;
  bool without_estimates;
  eg_labelled *labelled;
} reader;

static eg_status check(const reader *r, int64_t result, const char *doing, const char *name) {
  return eg_hdf5_check(r->ctx, EG_ERR_DAMAGED, result, doing, name);
}

static eg_status refuse(const reader *r, const char *name, const char *why) {
  return eg_fail(r->ctx, EG_ERR_DAMAGED, "'%s' %s", name, why);
}

static bool is_internal(const char *name) {
  return strcmp(name, "CLASS") == 0 || strcmp(name, "NAME") == 0 || strcmp(name, "DIMENSION_LIST") == 0 ||
         strcmp(name, "REFERENCE_LIST") == 0;
}

/* Attribute `id` of the group of that name, or without a group of variable `index`. */
static eg_status read_attribute(const reader *r, hid_t id, const char *name, const char *group,
                                size_t index) {
  eg_values values;
  EG_TRY(eg_hdf5_read_attribute(r->ctx, id, name, &values));
  const eg_status status =
      group != NULL
          ? eg_labelled_set_group(r->ctx, r->labelled, group, name, values.type, values.n, values.data)
          : eg_labelled_set(r->ctx, r->labelled, index, name, values.type, values.n, values.data);
  eg_hdf5_free_values(&values);
  return status;
}

static eg_status read_attributes(const reader *r, hid_t owner, const char *label, const char *group,
                                 size_t index) {
  H5O_info_t info;
  EG_TRY(check(r, H5Oget_info2(owner, &info, H5O_INFO_NUM_ATTRS), "count the attributes of", label));
  for (hsize_t i = 0; i < info.num_attrs; i++) {
    const hid_t id = H5Aopen_by_idx(owner, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT);
    char name[NAME_BYTES] = "";
    eg_status status = check(r, id, "open an attribute of", label);
    if (status == EG_OK) {
      status = check(r, H5Aget_name(id, sizeof name, name), "read the name of an attribute of", label);
    }
    if (status == EG_OK && !is_internal(name)) {
      status = read_attribute(r, id, name, group, index);
    }
    eg_hdf5_close(id);
    EG_TRY(status);
  }
  return EG_OK;
}

static eg_status find_address(const reader *r, hid_t object, const char *name, haddr_t *address) {
  H5O_info_t info;
  EG_TRY(check(r, H5Oget_info2(object, &info, H5O_INFO_BASIC), "locate", name));
  *address = info.addr;
  return EG_OK;
}

static eg_status add_entry(reader *r, hid_t object, const char *group, const char *name) {
  eg_status status = EG_OK;
  const H5I_type_t kind = H5Iget_type(object);
  entry added = {.is_group = kind == H5I_GROUP};
  if (kind != H5I_DATASET && (kind != H5I_GROUP || strcmp(group, "/") != 0)) {
    return refuse(r, name, "is neither a variable nor a group of variables");
  }
  EG_TRY_DONE(find_address(r, object, name, &added.address));
  EG_TRY_DONE(eg_copy_string(r->ctx, group, &added.group));
  EG_TRY_DONE(eg_copy_string(r->ctx, name, &added.name));
  r->entries[r->n_entries++] = added;
  return EG_OK;
done:
  free(added.group);
  return status;
}

static eg_status reserve_entries(reader *r, size_t more) {
  entry *larger = NULL;
  EG_TRY(eg_allocate(r->ctx, r->n_entries + more, sizeof larger[0], &larger));
  if (r->n_entries > 0) {
    memcpy(larger, r->entries, r->n_entries * sizeof larger[0]);
  }
  free(r->entries);
  r->entries = larger;
  return EG_OK;
}

/* The attributes of a group and, in the order of their creation, the names and places of what is in it. */
static eg_status collect_group(reader *r, hid_t group, const char *group_name) {
  H5G_info_t info;
  EG_TRY(check(r, H5Gget_info(group, &info), "read the group", group_name));
  EG_TRY(read_attributes(r, group, group_name, group_name, 0));
  EG_TRY(reserve_entries(r, (size_t)info.nlinks));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char name[NAME_BYTES] = "";
    EG_TRY(check(
        r, H5Lget_name_by_idx(group, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT),
        "list the group", group_name));
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    eg_status status = check(r, object, "open", name);
    if (status == EG_OK) {
      status = add_entry(r, object, group_name, name);
    }
    eg_hdf5_close(object);
    EG_TRY(status);
  }
  return EG_OK;
}

static eg_status collect(reader *r) {
  EG_TRY(collect_group(r, r->file, "/"));
  for (size_t e = 0; e < r->n_entries; e++) {
    if (!r->entries[e].is_group) {
      continue;
    }
    char name[NAME_BYTES + 1] = "";
    (void)snprintf(name, sizeof name, "/%s", r->entries[e].name); /* fits: HDF5 gave at most NAME_BYTES - 1 */
    const hid_t group = H5Gopen2(r->file, name, H5P_DEFAULT);
    eg_status status = check(r, group, "open the group", name);
    if (status == EG_OK) {
      status = collect_group(r, group, name);
    }
    eg_hdf5_close(group);
    EG_TRY(status);
  }
  return EG_OK;
}

static eg_status find_scale(const reader *r, hid_t dataset, const hvl_t *references, const char *name,
                            const char **dim) {
  haddr_t address = HADDR_UNDEF;
  if (references->len == 0) {
    return refuse(r, name, "has an axis without a scale");
  }
  const hid_t scale = H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, references->p);
  eg_status status = check(r, scale, "follow a scale of", name);
  if (status == EG_OK) {
    status = find_address(r, scale, name, &address);
  }
  eg_hdf5_close(scale);
  EG_TRY(status);
  for (size_t e = 0; e < r->n_entries; e++) {
    if (r->entries[e].address == address && !r->entries[e].is_group) {
      *dim = r->entries[e].name;
      return EG_OK;
    }
  }
  return refuse(r, name, "has a scale that is not in the file");
}

/* The names of the axes by way of DIMENSION_LIST. */
static eg_status read_dims(const reader *r, hid_t dataset, const char *name, int rank, const char **dims) {
  hvl_t references[EG_MAX_RANK] = {{0}};
  eg_status status = EG_OK;
  const hid_t attribute = H5Aopen(dataset, "DIMENSION_LIST", H5P_DEFAULT);
  const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
  const hid_t space = attribute < 0 ? H5I_INVALID_HID : H5Aget_space(attribute);
  EG_TRY_DONE(check(r, attribute, "read the axes of", name));
  EG_TRY_DONE(check(r, type, "read the axes of", name));
  EG_TRY_DONE(check(r, space, "read the axes of", name));
  if (H5Sget_simple_extent_npoints(space) != rank) {
    status = refuse(r, name, "has axes without scales");
    goto done;
  }
  EG_TRY_DONE(check(r, H5Aread(attribute, type, references), "read the axes of", name));
  for (int d = 0; d < rank && status == EG_OK; d++) {
    status = find_scale(r, dataset, &references[d], name, &dims[d]);
  }
  (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, references); /* at worst memory is lost */
done:
  eg_hdf5_close(space);
  eg_hdf5_close(type);
  eg_hdf5_close(attribute);
  return status;
}

/* Is this scale one that the writer made up: 0..n-1, with the mark and no other attribute? */
static eg_status check_index(const reader *r, hid_t dataset, const char *name, const eg_values *values,
                             bool *is_index) {
  *is_index = false;
  const int32_t *numbers = values->data;
  for (size_t i = 0; values->type == EG_TYPE_I32 && i < values->n; i++) {
    if (numbers[i] != (int32_t)i) {
      return EG_OK;
    }
  }
  if (values->type != EG_TYPE_I32) {
    return EG_OK;
  }
  reader scratch = *r;
  EG_TRY(eg_labelled_create(r->ctx, &scratch.labelled));
  const eg_status status = read_attributes(&scratch, dataset, name, "/", 0);
  if (status == EG_OK) {
    const eg_attribute *mark = eg_labelled_group_attribute(scratch.labelled, "/", EG_INDEX_ATTRIBUTE);
    *is_index = mark != NULL && mark->type == EG_TYPE_TEXT && mark->n == 1 &&
                scratch.labelled->groups[0].n_attributes == 1 &&
                strcmp(*(char **)mark->data, EG_INDEX_TEXT) == 0;
  }
  eg_labelled_free(scratch.labelled);
  return status;
}

static eg_status read_values(const reader *r, hid_t dataset, const entry *e) {
  eg_status status = EG_OK;
  eg_values values;
  size_t index = 0;
  bool is_index = false;
  const char *dims[EG_MAX_RANK] = {e->name};
  const htri_t is_scale = H5DSis_scale(dataset);
  EG_TRY(check(r, is_scale, "read the class of", e->name));
  EG_TRY(eg_hdf5_read_dataset(r->ctx, dataset, e->name, &values));
  if (is_scale > 0 && values.rank != 1) {
    status = refuse(r, e->name, "is a scale of several dimensions");
    goto done;
  }
  if (is_scale > 0) {
    EG_TRY_DONE(check_index(r, dataset, e->name, &values, &is_index));
  } else if (values.rank > 0) {
    EG_TRY_DONE(read_dims(r, dataset, e->name, values.rank, dims));
  }
  if (!is_index) {
    EG_TRY_DONE(eg_labelled_add(r->ctx, r->labelled, e->group, e->name, values.type, values.rank, dims,
                                values.shape, values.data, &index));
    EG_TRY_DONE(read_attributes(r, dataset, e->name, NULL, index));
  }
done:
  eg_hdf5_free_values(&values);
  return status;
}

static eg_status read_variable(const reader *r, const entry *e) {
  eg_text path = {0};
  eg_text_append(&path, "%s/%s", strcmp(e->group, "/") == 0 ? "" : e->group, e->name);
  if (path.is_broken) {
    eg_text_free(&path);
    return eg_fail(r->ctx, EG_ERR_MEMORY, "out of memory");
  }
  const hid_t dataset = H5Dopen2(r->file, eg_text_string(&path), H5P_DEFAULT);
  eg_status status = check(r, dataset, "open the variable", eg_text_string(&path));
  if (status == EG_OK) {
    status = read_values(r, dataset, e);
  }
  eg_hdf5_close(dataset);
  eg_text_free(&path);
  return status;
}

static eg_status read_everything(reader *r, unsigned char *image, size_t length) {
  EG_TRY(eg_labelled_create(r->ctx, &r->labelled));
  r->file = eg_image_open(image, length);
  EG_TRY(check(r, r->file, "open", "the image"));
  EG_TRY(collect(r));
  for (size_t e = 0; e < r->n_entries; e++) {
    const char *const group = r->entries[e].group;
    const bool is_estimate = strcmp(group, "/") == 0 || strcmp(group, "/analysis") == 0;
    if (!r->entries[e].is_group && !(is_estimate && r->without_estimates)) {
      EG_TRY(read_variable(r, &r->entries[e]));
    }
  }
  return EG_OK;
}

static void release(reader *r) {
  for (size_t e = 0; e < r->n_entries; e++) {
    free(r->entries[e].group);
    free(r->entries[e].name);
  }
  free(r->entries);
  if (r->file >= 0) {
    (void)H5Fclose(r->file); /* only read */
  }
}

eg_status eg_image_read(eg_context *ctx, const char *path, unsigned char *image, size_t length, bool without_estimates,
                        eg_labelled **out) {
  eg_hdf5_guard guard;
  reader r = {.ctx = ctx, .file = H5I_INVALID_HID, .without_estimates = without_estimates};
  eg_hdf5_enter(&guard);
  eg_hdf5_expect(10 + 1e-7 * (double)length, path); /* ours are not compressed, and read at a hundred times that speed */
  eg_status status = read_everything(&r, image, length);
  status = status == EG_ERR_INTERNAL ? EG_ERR_DAMAGED : status; /* arrays that nobody could have made */
  release(&r);
  eg_hdf5_leave(&guard);
  if (status != EG_OK) {
    eg_labelled_free(r.labelled);
    return eg_fail(ctx, status, "%s: sealed, but cannot be read: %s", path, eg_context_message(ctx));
  }
  *out = r.labelled;
  return EG_OK;
}
