/*
 * Labelled arrays in memory: what a result file holds, before and after HDF5. All HDF5 calls live in src/io.
 * Groups: "/" (the xarray dataset), "/accumulators", "/failures", "/analysis", "/provenance", ... created on use.
 */
#ifndef EG_IO_LABELLED_H
#define EG_IO_LABELLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

typedef enum eg_type { EG_TYPE_F64, EG_TYPE_I32, EG_TYPE_I64, EG_TYPE_U64, EG_TYPE_U8, EG_TYPE_TEXT } eg_type;

enum { EG_MAX_RANK = 6 };

typedef struct eg_attribute {
  char *name;
  eg_type type;
  size_t n;        /* 1: written as a scalar */
  void *data;      /* array of n values; EG_TYPE_TEXT: array of n char pointers */
} eg_attribute;

typedef struct eg_variable {
  char *group;     /* "/" or "/name" */
  char *name;
  eg_type type;
  int rank;        /* 0: scalar */
  char *dims[EG_MAX_RANK];
  size_t shape[EG_MAX_RANK];
  void *data;      /* row-major; EG_TYPE_TEXT: char pointers */
  eg_attribute *attributes;
  size_t n_attributes;
} eg_variable;

typedef struct eg_group_attributes {
  char *group;
  eg_attribute *attributes;
  size_t n_attributes;
} eg_group_attributes;

typedef struct eg_labelled {
  eg_variable *variables;
  size_t n_variables;
  eg_group_attributes *groups;
  size_t n_groups;
} eg_labelled;

EG_NODISCARD eg_status eg_labelled_create(eg_context *ctx, eg_labelled **out);
void eg_labelled_free(eg_labelled *labelled);

/* Add a variable; dims and data are copied (texts too). The index of the new variable goes to *index (may be NULL).
   A variable named like its only dimension is that dimension's coordinate. A dimension has one size per file. */
EG_NODISCARD eg_status eg_labelled_add(eg_context *ctx, eg_labelled *labelled, const char *group, const char *name,
                                       eg_type type, int rank, const char *const *dims, const size_t *shape,
                                       const void *data, size_t *index);
/* Take all variables of a group out; its attributes stay. */
void eg_labelled_clear_group(eg_labelled *labelled, const char *group);
/* Attributes of variable `index`. */
EG_NODISCARD eg_status eg_labelled_set_text(eg_context *ctx, eg_labelled *labelled, size_t index, const char *name,
                                            const char *text);
EG_NODISCARD eg_status eg_labelled_set(eg_context *ctx, eg_labelled *labelled, size_t index, const char *name,
                                       eg_type type, size_t n, const void *data);
/* Attributes of a group ("/" for the root). */
EG_NODISCARD eg_status eg_labelled_set_group(eg_context *ctx, eg_labelled *labelled, const char *group,
                                             const char *name, eg_type type, size_t n, const void *data);
EG_NODISCARD eg_status eg_labelled_set_group_text(eg_context *ctx, eg_labelled *labelled, const char *group,
                                                  const char *name, const char *text);

/* NULL when absent. */
const eg_variable *eg_labelled_find(const eg_labelled *labelled, const char *group, const char *name);
const eg_attribute *eg_labelled_attribute(const eg_variable *variable, const char *name);
const eg_attribute *eg_labelled_group_attribute(const eg_labelled *labelled, const char *group, const char *name);
size_t eg_variable_size(const eg_variable *variable); /* number of elements */

#endif
