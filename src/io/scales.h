/*
 * Dimension scales: which dataset gives each axis its coordinate, and the HDF5 attributes that say so.
 *
 * A dimension used in the root group has its scale there, and every group uses that one; any other dimension
 * has a scale in each group that uses it. The scale is the coordinate variable of that name, else an index
 * 0..n-1.
 *
 * The attributes (CLASS, NAME, DIMENSION_LIST, REFERENCE_LIST) follow the HDF5 Dimension Scale Specification
 * and are written here and not by H5DSattach_scale: that one rewrites the growing REFERENCE_LIST for every
 * axis, and leaves uninitialised padding of its compound in the file, so that equal results would not be
 * equal files.
 */
#ifndef EG_IO_SCALES_H
#define EG_IO_SCALES_H

#include <hdf5.h>

#include "base/context.h"
#include "io/labelled.h"

typedef struct eg_scale {
  const char *group, *dim; /* strings of the labelled arrays */
  size_t size;
  const eg_variable *coordinate; /* NULL: an index scale */
  size_t n_attached;             /* axes of other variables that refer to it */
  hobj_ref_t reference;
} eg_scale;

typedef struct eg_scales {
  eg_scale *scales;
  size_t n_scales;
  size_t *axis;          /* scale of axis d of variable v: axis[v * EG_MAX_RANK + d] */
  hobj_ref_t *variables; /* reference of each variable */
  const eg_labelled *labelled;
} eg_scales;

/* The plan; fails if a variable has the name of a dimension of its group without being its coordinate. */
EG_NODISCARD eg_status eg_scales_plan(eg_context *ctx, const eg_labelled *labelled, eg_scales *scales);
void eg_scales_free(eg_scales *scales);

/* Is variable v itself a scale? */
bool eg_scales_is_coordinate(const eg_scales *scales, size_t v);

/* Mark a dataset as the scale of dimension `dim`. */
EG_NODISCARD eg_status eg_scales_mark(eg_context *ctx, hid_t dataset, const char *dim);

/* Once all datasets exist: tie variables and scales together. */
EG_NODISCARD eg_status eg_scales_attach(eg_context *ctx, hid_t file, eg_scales *scales);

#endif
