/* The device code that is part of the plug-in: one fatbin per unit, one per model in team form, and the statistics. */
#ifndef EG_CUDA_FATBINS_H
#define EG_CUDA_FATBINS_H

#include <stdint.h>

typedef struct eg_fatbin {
  const char *model; /* as a study writes it: "linear-regression" */
  int32_t dim;
  const void *code;
} eg_fatbin;

enum { EG_FATBIN_TEAM = 0 }; /* in the place of a dimension: the team form, which serves all */

/* NULL if there is none. */
const void *eg_fatbin_of_unit(const char *model, int dim);
const void *eg_fatbin_of_statistics(void);

#endif
