/* Units ready to run: linked in, or compiled for one stepper when they are first asked for. */
#ifndef EG_MODEL_COMPILED_UNITS_H
#define EG_MODEL_COMPILED_UNITS_H

#include <stdbool.h>

#include "base/context.h"
#include "core/unit_table.h"

typedef struct eg_unit_request {
  const char *model;        /* built in */
  int form, dim;            /* EG_FORM_*; the padded dimension of a linked unit */
  bool is_float, is_wide;   /* float state; increments made in double */
  const char *stepper, *isa;
  const char *shape;        /* "2x3x2", of model/shape.h: compiled for these layers, of dimension dim; NULL: a linked unit's */
} eg_unit_request;

/*
 * The unit, and its stepper. What is not linked (cmake/units.cmake says what is: double state with its common steppers, or with
 * ENSGRAD_AHEAD=all everything) is compiled by the system's C compiler from the kernel sources, about a second for a stepper, and
 * kept in the cache (base/code_cache.h) and for the life of the process. Bits do not depend on it. Any thread may call.
 * EG_ERR_DEVICE with the reason if it cannot be compiled here; EG_ERR_INTERNAL if there is no such unit or stepper.
 */
EG_NODISCARD eg_status eg_unit_obtain(eg_context *ctx, const eg_unit_request *request, const eg_unit **unit,
                                      const eg_unit_stepper **stepper);

/* The tables of the unit of a shape, which is linked for no shape but the model's own: nothing in it can be advanced. */
EG_NODISCARD eg_status eg_unit_tables(eg_context *ctx, const eg_unit_request *request, const eg_unit **unit);

/* Must the stepper be compiled first? */
bool eg_unit_is_linked(const eg_unit_request *request);

#endif
