#include "io/scales.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/hdf5_guard.h"

/* An attribute ends at 64 KiB and an entry of REFERENCE_LIST has 16 bytes. */
static const size_t attached_limit = 4000;

/* An entry of REFERENCE_LIST as H5DS itself declares it. */
typedef struct attachment {
  hobj_ref_t dataset;
  unsigned int dimension;
  unsigned int padding; /* ours, to have it zero */
} attachment;

static bool find_scale(const eg_scales *scales, const char *group, const char *dim, size_t *index) {
  for (size_t s = 0; s < scales->n_scales; s++) {
    if (strcmp(scales->scales[s].dim, dim) == 0 && strcmp(scales->scales[s].group, group) == 0) {
      *index = s;
      return true;
    }
  }
  return false;
}

static eg_status add_scale(eg_context *ctx, eg_scales *scales, const eg_variable *variable, int d,
                           size_t *index) {
  const char *dim = variable->dims[d];
  const eg_variable *coordinate = eg_labelled_find(scales->labelled, variable->group, dim);
  if (coordinate != NULL && (coordinate->rank != 1 || strcmp(coordinate->dims[0], dim) != 0)) {
    return eg_fail(ctx, EG_ERR_INTERNAL,
                   "variable '%s' has the name of a dimension of '%s', but is not along it", dim,
                   variable->name);
  }
  if (coordinate == NULL && variable->shape[d] > INT32_MAX) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "dimension '%s' of '%s' is too long for an index", dim,
                   variable->name);
  }
  scales->scales[scales->n_scales] =
      (eg_scale){.group = variable->group, .dim = dim, .size = variable->shape[d], .coordinate = coordinate};
  *index = scales->n_scales++;
  return EG_OK;
}

static eg_status plan_group_kind(eg_context *ctx, eg_scales *scales, bool root) {
  for (size_t v = 0; v < scales->labelled->n_variables; v++) {
    const eg_variable *variable = &scales->labelled->variables[v];
    if ((strcmp(variable->group, "/") == 0) != root) {
      continue;
    }
    for (int d = 0; d < variable->rank; d++) {
      size_t *index = &scales->axis[v * EG_MAX_RANK + (size_t)d];
      if (!find_scale(scales, "/", variable->dims[d], index) &&
          !find_scale(scales, variable->group, variable->dims[d], index)) {
        EG_TRY(add_scale(ctx, scales, variable, d, index));
      }
      eg_scale *scale = &scales->scales[*index];
      scale->n_attached += scale->coordinate == variable ? 0 : 1;
      if (scale->n_attached > attached_limit) {
        return eg_fail(ctx, EG_ERR_INTERNAL, "more than %zu variables have the dimension '%s'",
                       attached_limit, scale->dim);
      }
    }
  }
  return EG_OK;
}

eg_status eg_scales_plan(eg_context *ctx, const eg_labelled *labelled, eg_scales *scales) {
  eg_status status = EG_OK;
  const size_t n_axes = labelled->n_variables * EG_MAX_RANK;
  eg_scales plan = {.labelled = labelled};
  EG_TRY_DONE(eg_allocate(ctx, n_axes, sizeof plan.scales[0], &plan.scales));
  EG_TRY_DONE(eg_allocate(ctx, n_axes, sizeof plan.axis[0], &plan.axis));
  EG_TRY_DONE(eg_allocate(ctx, labelled->n_variables, sizeof plan.variables[0], &plan.variables));
  EG_TRY_DONE(plan_group_kind(ctx, &plan, true));
  EG_TRY_DONE(plan_group_kind(ctx, &plan, false));
  *scales = plan;
  return EG_OK;
done:
  eg_scales_free(&plan);
  return status;
}

void eg_scales_free(eg_scales *scales) {
  free(scales->scales);
  free(scales->axis);
  free(scales->variables);
  *scales = (eg_scales){0};
}

bool eg_scales_is_coordinate(const eg_scales *scales, size_t v) {
  const eg_variable *variable = &scales->labelled->variables[v];
  return variable->rank == 1 && scales->scales[scales->axis[v * EG_MAX_RANK]].coordinate == variable;
}

/* A fixed-length text attribute, as the specification of dimension scales wants it. */
static eg_status write_fixed_text(eg_context *ctx, hid_t dataset, const char *name, const char *text) {
  eg_status status = EG_OK;
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t type = H5Tcopy(H5T_C_S1);
  hid_t attribute = H5I_INVALID_HID;
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, space, "describe", name));
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, type, "describe", name));
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, H5Tset_size(type, strlen(text) + 1), "describe", name));
  attribute = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, attribute, "create the attribute", name));
  EG_TRY_DONE(
      eg_hdf5_check(ctx, EG_ERR_INTERNAL, H5Awrite(attribute, type, text), "write the attribute", name));
done:
  eg_hdf5_close(attribute);
  eg_hdf5_close(type);
  eg_hdf5_close(space);
  return status;
}

eg_status eg_scales_mark(eg_context *ctx, hid_t dataset, const char *dim) {
  EG_TRY(write_fixed_text(ctx, dataset, "CLASS", "DIMENSION_SCALE"));
  return write_fixed_text(ctx, dataset, "NAME", dim);
}

/* A one-dimensional attribute of n elements on the dataset at `path`. */
static eg_status write_list(eg_context *ctx, hid_t file, const char *path, const char *name, hid_t type,
                            hsize_t n, const void *data) {
  eg_status status = EG_OK;
  const hid_t space = H5Screate_simple(1, &n, NULL);
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  hid_t attribute = H5I_INVALID_HID;
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, type, "describe", name));
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, space, "describe", name));
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, dataset, "open", path));
  attribute = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, attribute, "attach a scale to", path));
  EG_TRY_DONE(
      eg_hdf5_check(ctx, EG_ERR_INTERNAL, H5Awrite(attribute, type, data), "attach a scale to", path));
done:
  eg_hdf5_close(attribute);
  eg_hdf5_close(dataset);
  eg_hdf5_close(space);
  return status;
}

static eg_status make_path(eg_context *ctx, const char *group, const char *name, eg_text *path) {
  eg_text_append(path, "%s%s%s", group, strcmp(group, "/") == 0 ? "" : "/", name);
  return path->is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory") : EG_OK;
}

static eg_status find_reference(eg_context *ctx, hid_t file, const char *group, const char *name,
                                hobj_ref_t *out) {
  eg_text path = {0};
  eg_status status = make_path(ctx, group, name, &path);
  if (status == EG_OK) {
    status = eg_hdf5_check(ctx, EG_ERR_INTERNAL,
                           H5Rcreate(out, file, eg_text_string(&path), H5R_OBJECT, H5I_INVALID_HID),
                           "refer to", eg_text_string(&path));
  }
  eg_text_free(&path);
  return status;
}

/* DIMENSION_LIST: per axis the references of its scales (here one). */
static eg_status write_dimension_list(eg_context *ctx, hid_t file, const eg_scales *scales, size_t v) {
  const eg_variable *variable = &scales->labelled->variables[v];
  hvl_t axes[EG_MAX_RANK] = {{0}};
  eg_text path = {0};
  for (int d = 0; d < variable->rank; d++) {
    axes[d] = (hvl_t){.len = 1, .p = &scales->scales[scales->axis[v * EG_MAX_RANK + (size_t)d]].reference};
  }
  eg_status status = make_path(ctx, variable->group, variable->name, &path);
  if (status == EG_OK) {
    const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
    status =
        write_list(ctx, file, eg_text_string(&path), "DIMENSION_LIST", type, (hsize_t)variable->rank, axes);
    eg_hdf5_close(type);
  }
  eg_text_free(&path);
  return status;
}

static hid_t attachment_type(void) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(attachment));
  if (type >= 0 && (H5Tinsert(type, "dataset", HOFFSET(attachment, dataset), H5T_STD_REF_OBJ) < 0 ||
                    H5Tinsert(type, "dimension", HOFFSET(attachment, dimension), H5T_NATIVE_INT) < 0)) {
    eg_hdf5_close(type);
    return H5I_INVALID_HID;
  }
  return type;
}

/* REFERENCE_LIST: the axes of other datasets that use scale s. */
static eg_status write_reference_list(eg_context *ctx, hid_t file, const eg_scales *scales, size_t s) {
  const eg_scale *scale = &scales->scales[s];
  eg_status status = EG_OK;
  attachment *list = NULL;
  size_t n = 0;
  eg_text path = {0};
  hid_t type = H5I_INVALID_HID;
  EG_TRY_DONE(eg_allocate(ctx, scale->n_attached, sizeof list[0], &list));
  for (size_t v = 0; v < scales->labelled->n_variables; v++) {
    const eg_variable *variable = &scales->labelled->variables[v];
    for (int d = 0; d < variable->rank && scale->coordinate != variable; d++) {
      if (scales->axis[v * EG_MAX_RANK + (size_t)d] == s) {
        list[n++] = (attachment){.dataset = scales->variables[v], .dimension = (unsigned)d};
      }
    }
  }
  EG_TRY_DONE(make_path(ctx, scale->group, scale->dim, &path));
  type = attachment_type();
  status = write_list(ctx, file, eg_text_string(&path), "REFERENCE_LIST", type, n, list);
done:
  eg_hdf5_close(type);
  eg_text_free(&path);
  free(list);
  return status;
}

eg_status eg_scales_attach(eg_context *ctx, hid_t file, eg_scales *scales) {
  const eg_labelled *labelled = scales->labelled;
  for (size_t s = 0; s < scales->n_scales; s++) {
    eg_scale *scale = &scales->scales[s];
    EG_TRY(find_reference(ctx, file, scale->group, scale->dim, &scale->reference));
  }
  for (size_t v = 0; v < labelled->n_variables; v++) {
    const eg_variable *variable = &labelled->variables[v];
    EG_TRY(find_reference(ctx, file, variable->group, variable->name, &scales->variables[v]));
    if (variable->rank > 0 && !eg_scales_is_coordinate(scales, v)) {
      EG_TRY(write_dimension_list(ctx, file, scales, v));
    }
  }
  for (size_t s = 0; s < scales->n_scales; s++) {
    if (scales->scales[s].n_attached > 0) {
      EG_TRY(write_reference_list(ctx, file, scales, s));
    }
  }
  return EG_OK;
}
