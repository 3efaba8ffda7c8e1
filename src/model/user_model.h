/* A user's model file: compiled by the system's C compiler at run time and loaded. */
#ifndef EG_MODEL_USER_MODEL_H
#define EG_MODEL_USER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "core/unit_table.h"

typedef struct eg_user_model eg_user_model;

/* Compile `file` as a unit of dimension `dim` for this CPU and load it. The bytes of the model file and of every file that
   it includes, system headers and our own kernels left out, join *hash in the order of inclusion. known: what *hash must be then,
   or nothing is loaded; NULL: anything. EG_ERR_STUDY with the compiler's messages if it does not compile; EG_ERR_DEVICE if there is no compiler (names `cc` and CC) or the kernel
   sources are not found. */
EG_NODISCARD eg_status eg_user_model_compile(eg_context *ctx, const char *file, int dim, bool is_float,
                                             bool is_wide_noise, const uint64_t *known, uint64_t *hash, eg_user_model **model);
/* The unit, to read its tables. */
const eg_unit *eg_user_model_unit(const eg_user_model *model);

/* A stepper ready to run, and the unit that has it: a rare one (kernels/steppers/list.h) is compiled now. Any thread may call.
   EG_ERR_STUDY if the model's text has changed since, or does not compile; EG_ERR_INTERNAL if there is no such stepper. */
EG_NODISCARD eg_status eg_user_model_stepper(eg_context *ctx, eg_user_model *model, const char *name, const eg_unit **unit,
                                             const eg_unit_stepper **stepper);
void eg_user_model_free(eg_user_model *model);

#endif
