#include "io/labelled.h"

#include <stdlib.h>
#include <string.h>

#include "io/utf8.h"

/* HDF5 keeps a small attribute inside the object header, which ends at 64 KiB. */
static const size_t attribute_limit = 64000;

static const size_t name_limit = 255; /* as for file names */

static size_t type_size(eg_type type) {
  switch (type) {
  case EG_TYPE_F64:
    return sizeof(double);
  case EG_TYPE_I32:
    return sizeof(int32_t);
  case EG_TYPE_I64:
    return sizeof(int64_t);
  case EG_TYPE_U64:
    return sizeof(uint64_t);
  case EG_TYPE_U8:
    return sizeof(uint8_t);
  case EG_TYPE_TEXT:
    return sizeof(char *);
  }
  return 0;
}

static void free_values(eg_type type, size_t n, void *data) {
  if (type == EG_TYPE_TEXT && data != NULL) {
    char **texts = data;
    for (size_t i = 0; i < n; i++) {
      free(texts[i]);
    }
  }
  free(data);
}

/* A copy of n values; without data (NULL) zeros and empty texts. A NULL text becomes "". */
static eg_status copy_values(eg_context *ctx, eg_type type, size_t n, const void *data, void **out) {
  eg_status status = EG_OK;
  void *copy = NULL;
  EG_TRY(eg_allocate(ctx, n, type_size(type), &copy));
  if (type == EG_TYPE_TEXT) {
    const char *const *texts = data;
    char **copies = copy;
    for (size_t i = 0; i < n; i++) {
      const char *text = texts == NULL || texts[i] == NULL ? "" : texts[i];
      EG_TRY_DONE(eg_utf8_copy(ctx, text, &copies[i]));
    }
  } else if (data != NULL && n > 0) {
    memcpy(copy, data, n * type_size(type));
  }
  *out = copy;
  return EG_OK;
done:
  free_values(type, n, copy);
  return status;
}

/* Room for one more element behind n: arrays double when n is a power of two, so no capacity is stored. */
static eg_status grow(eg_context *ctx, size_t n, size_t size, void *array_pointer) {
  if ((n & (n - 1)) != 0) {
    return EG_OK;
  }
  void *old = NULL;
  void *larger = NULL;
  memcpy(&old, array_pointer, sizeof old);
  EG_TRY(eg_allocate(ctx, n == 0 ? 1 : 2 * n, size, &larger));
  if (n > 0) {
    memcpy(larger, old, n * size);
  }
  free(old);
  memcpy(array_pointer, &larger, sizeof larger);
  return EG_OK;
}

static bool is_name(const char *name) {
  return name != NULL && name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
         strchr(name, '/') == NULL && strlen(name) <= name_limit;
}

static bool is_group(const char *group) {
  return group != NULL && group[0] == '/' && (group[1] == '\0' || is_name(group + 1));
}

static bool is_reserved(const char *name) {
  static const char *const names[] = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST",
                                      "DIMENSION_LABELS"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(name, names[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void free_attribute(eg_attribute *attribute) {
  free_values(attribute->type, attribute->n, attribute->data);
  free(attribute->name);
}

static void free_attributes(eg_attribute *attributes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free_attribute(&attributes[i]);
  }
  free(attributes);
}

static void free_variable(eg_variable *variable) {
  free_attributes(variable->attributes, variable->n_attributes);
  free_values(variable->type, variable->data == NULL ? 0 : eg_variable_size(variable), variable->data);
  for (int d = 0; d < variable->rank; d++) {
    free(variable->dims[d]);
  }
  free(variable->name);
  free(variable->group);
}

static eg_status check_attribute(eg_context *ctx, const char *name, eg_type type, size_t n,
                                 const void *data) {
  if (!is_name(name) || is_reserved(name)) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "'%s' cannot be the name of an attribute", name == NULL ? "" : name);
  }
  size_t bytes = n > attribute_limit ? n : n * type_size(type);
  if (type == EG_TYPE_TEXT && data != NULL) {
    const char *const *texts = data;
    for (size_t i = 0; i < n && bytes <= attribute_limit; i++) {
      bytes += texts[i] == NULL ? 0 : strlen(texts[i]);
    }
  }
  if (bytes > attribute_limit) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "the attribute '%s' is larger than %zu bytes: make it a variable",
                   name, attribute_limit);
  }
  return EG_OK;
}

/* Replaces an attribute of that name, else appends one. */
static eg_status put_attribute(eg_context *ctx, eg_attribute **attributes, size_t *n_attributes,
                               const char *name, eg_type type, size_t n, const void *data) {
  eg_status status = EG_OK;
  eg_attribute attribute = {.type = type, .n = n};
  EG_TRY(check_attribute(ctx, name, type, n, data));
  EG_TRY_DONE(eg_copy_string(ctx, name, &attribute.name));
  EG_TRY_DONE(copy_values(ctx, type, n, data, &attribute.data));
  for (size_t i = 0; i < *n_attributes; i++) {
    if (strcmp((*attributes)[i].name, name) == 0) {
      free_attribute(&(*attributes)[i]);
      (*attributes)[i] = attribute;
      return EG_OK;
    }
  }
  EG_TRY_DONE(grow(ctx, *n_attributes, sizeof attribute, attributes));
  (*attributes)[(*n_attributes)++] = attribute;
  return EG_OK;
done:
  attribute.n = attribute.data == NULL ? 0 : n;
  free_attribute(&attribute);
  return status;
}

static const eg_attribute *find_attribute(const eg_attribute *attributes, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(attributes[i].name, name) == 0) {
      return &attributes[i];
    }
  }
  return NULL;
}

/* In one file a dimension name stands for one size: readers match dimensions by name. */
static eg_status check_dimension(eg_context *ctx, const eg_labelled *labelled, const char *name,
                                 const char *dim, size_t size) {
  for (size_t v = 0; v < labelled->n_variables; v++) {
    const eg_variable *other = &labelled->variables[v];
    for (int d = 0; d < other->rank; d++) {
      if (strcmp(other->dims[d], dim) == 0 && other->shape[d] != size) {
        return eg_fail(ctx, EG_ERR_INTERNAL, "dimension '%s' has size %zu in variable '%s', but %zu in '%s'",
                       dim, size, name, other->shape[d], other->name);
      }
    }
  }
  return EG_OK;
}

static eg_status check_shape(eg_context *ctx, const eg_labelled *labelled, const char *name, eg_type type,
                             int rank, const char *const *dims, const size_t *shape) {
  if (rank < 0 || rank > EG_MAX_RANK) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "variable '%s' has rank %d; allowed are 0 to %d", name, rank,
                   EG_MAX_RANK);
  }
  size_t room = PTRDIFF_MAX / type_size(type); /* elements that fit, dimensions of size 0 left out */
  for (int d = 0; d < rank; d++) {
    if (!is_name(dims[d])) {
      return eg_fail(ctx, EG_ERR_INTERNAL, "dimension %d of variable '%s' has no valid name", d, name);
    }
    for (int e = 0; e < d; e++) {
      if (strcmp(dims[d], dims[e]) == 0) {
        return eg_fail(ctx, EG_ERR_INTERNAL, "variable '%s' has the dimension '%s' twice", name, dims[d]);
      }
    }
    if (shape[d] > room) {
      return eg_fail(ctx, EG_ERR_MEMORY, "out of memory: variable '%s' is too large for this machine", name);
    }
    room /= shape[d] == 0 ? 1 : shape[d];
    EG_TRY(check_dimension(ctx, labelled, name, dims[d], shape[d]));
  }
  return EG_OK;
}

static eg_status check_variable(eg_context *ctx, const eg_labelled *labelled, const char *group,
                                const char *name) {
  if (!is_group(group) || !is_name(name)) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "'%s' in group '%s' cannot be the name of a variable",
                   name == NULL ? "" : name, group == NULL ? "" : group);
  }
  if (eg_labelled_find(labelled, group, name) != NULL) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "variable '%s' exists twice in group '%s'", name, group);
  }
  return EG_OK;
}

static eg_status fill_variable(eg_context *ctx, eg_variable *variable, const char *group, const char *name,
                               const char *const *dims, const size_t *shape, const void *data) {
  EG_TRY(eg_copy_string(ctx, group, &variable->group));
  EG_TRY(eg_copy_string(ctx, name, &variable->name));
  for (int d = 0; d < variable->rank; d++) {
    variable->shape[d] = shape[d];
    EG_TRY(eg_copy_string(ctx, dims[d], &variable->dims[d]));
  }
  return copy_values(ctx, variable->type, eg_variable_size(variable), data, &variable->data);
}

static eg_status find_or_add_group(eg_context *ctx, eg_labelled *labelled, const char *group, size_t *index) {
  if (!is_group(group)) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "'%s' cannot be the name of a group", group == NULL ? "" : group);
  }
  for (size_t g = 0; g < labelled->n_groups; g++) {
    if (strcmp(labelled->groups[g].group, group) == 0) {
      *index = g;
      return EG_OK;
    }
  }
  EG_TRY(grow(ctx, labelled->n_groups, sizeof labelled->groups[0], &labelled->groups));
  eg_group_attributes added = {0};
  EG_TRY(eg_copy_string(ctx, group, &added.group));
  *index = labelled->n_groups++;
  labelled->groups[*index] = added;
  return EG_OK;
}

eg_status eg_labelled_create(eg_context *ctx, eg_labelled **out) {
  return eg_allocate(ctx, 1, sizeof **out, out);
}

void eg_labelled_free(eg_labelled *labelled) {
  if (labelled == NULL) {
    return;
  }
  for (size_t v = 0; v < labelled->n_variables; v++) {
    free_variable(&labelled->variables[v]);
  }
  for (size_t g = 0; g < labelled->n_groups; g++) {
    free_attributes(labelled->groups[g].attributes, labelled->groups[g].n_attributes);
    free(labelled->groups[g].group);
  }
  free(labelled->variables);
  free(labelled->groups);
  free(labelled);
}

eg_status eg_labelled_add(eg_context *ctx, eg_labelled *labelled, const char *group, const char *name,
                          eg_type type, int rank, const char *const *dims, const size_t *shape,
                          const void *data, size_t *index) {
  EG_TRY(check_variable(ctx, labelled, group, name));
  EG_TRY(check_shape(ctx, labelled, name, type, rank, dims, shape));
  EG_TRY(grow(ctx, labelled->n_variables, sizeof labelled->variables[0], &labelled->variables));
  eg_variable variable = {.type = type, .rank = rank};
  const eg_status status = fill_variable(ctx, &variable, group, name, dims, shape, data);
  if (status != EG_OK) {
    free_variable(&variable);
    return status;
  }
  if (index != NULL) {
    *index = labelled->n_variables;
  }
  labelled->variables[labelled->n_variables++] = variable;
  return EG_OK;
}

eg_status eg_labelled_set(eg_context *ctx, eg_labelled *labelled, size_t index, const char *name,
                          eg_type type, size_t n, const void *data) {
  if (index >= labelled->n_variables) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "attribute '%s' for variable %zu of %zu", name, index,
                   labelled->n_variables);
  }
  eg_variable *variable = &labelled->variables[index];
  return put_attribute(ctx, &variable->attributes, &variable->n_attributes, name, type, n, data);
}

void eg_labelled_clear_group(eg_labelled *labelled, const char *group) {
  size_t n = 0;
  for (size_t i = 0; i < labelled->n_variables; i++) {
    if (strcmp(labelled->variables[i].group, group) == 0) {
      free_variable(&labelled->variables[i]);
    } else {
      labelled->variables[n++] = labelled->variables[i];
    }
  }
  labelled->n_variables = n;
}

eg_status eg_labelled_set_text(eg_context *ctx, eg_labelled *labelled, size_t index, const char *name,
                               const char *text) {
  return eg_labelled_set(ctx, labelled, index, name, EG_TYPE_TEXT, 1, &text);
}

eg_status eg_labelled_set_group(eg_context *ctx, eg_labelled *labelled, const char *group, const char *name,
                                eg_type type, size_t n, const void *data) {
  size_t index = 0;
  EG_TRY(find_or_add_group(ctx, labelled, group, &index));
  eg_group_attributes *attributes = &labelled->groups[index];
  return put_attribute(ctx, &attributes->attributes, &attributes->n_attributes, name, type, n, data);
}

eg_status eg_labelled_set_group_text(eg_context *ctx, eg_labelled *labelled, const char *group,
                                     const char *name, const char *text) {
  return eg_labelled_set_group(ctx, labelled, group, name, EG_TYPE_TEXT, 1, &text);
}

const eg_variable *eg_labelled_find(const eg_labelled *labelled, const char *group, const char *name) {
  for (size_t v = 0; v < labelled->n_variables; v++) {
    const eg_variable *variable = &labelled->variables[v];
    if (strcmp(variable->name, name) == 0 && strcmp(variable->group, group) == 0) {
      return variable;
    }
  }
  return NULL;
}

const eg_attribute *eg_labelled_attribute(const eg_variable *variable, const char *name) {
  return find_attribute(variable->attributes, variable->n_attributes, name);
}

const eg_attribute *eg_labelled_group_attribute(const eg_labelled *labelled, const char *group,
                                                const char *name) {
  for (size_t g = 0; g < labelled->n_groups; g++) {
    if (strcmp(labelled->groups[g].group, group) == 0) {
      return find_attribute(labelled->groups[g].attributes, labelled->groups[g].n_attributes, name);
    }
  }
  return NULL;
}

size_t eg_variable_size(const eg_variable *variable) {
  size_t size = 1;
  for (int d = 0; d < variable->rank; d++) {
    size *= variable->shape[d];
  }
  return size;
}
