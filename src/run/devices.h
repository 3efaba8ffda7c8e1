/* Which devices a run uses, and the workers that this gives. */
#ifndef EG_RUN_DEVICES_H
#define EG_RUN_DEVICES_H

#include "run/run_loop.h"

typedef struct eg_devices {
  const eg_backend *backend; /* of the GPUs; NULL while n is 0 */
  int *indices;              /* (n) of the GPUs that are used */
  int n;
  bool has_cpu;              /* CPU workers, too */
  bool may_change;           /* the CPU goes on where the last GPU fails */
} eg_devices;

/* The devices that the options ask for and that give a known answer. Those that do not are left out with a warning, but
   EG_ERR_DEVICE if nothing is left of what was asked for, or one that was named cannot be used. EG_ERR_USAGE if the options
   contradict each other. Free with eg_devices_free, also on failure. */
EG_NODISCARD eg_status eg_devices_find(eg_context *ctx, const eg_study *study, const eg_run_options *options,
                                       eg_devices *devices);
/* Can they serve this plan? Where the GPUs cannot, the CPU does (with a warning), or EG_ERR_DEVICE. Kernels that are not compiled
   ahead are compiled here. */
EG_NODISCARD eg_status eg_devices_fit(eg_context *ctx, const eg_plan *plan, eg_devices *devices);
/* The GPUs are given up for the CPU. */
void eg_devices_change(eg_devices *devices);
void eg_devices_free(eg_devices *devices);

/* On the CPU, of `threads` that are asked for; 0: one per core that no GPU's worker needs. */
int eg_devices_cpu_workers(const eg_devices *devices, int threads);
/* A worker for each GPU, and on the CPU `threads` (0: one per core that no GPU's worker needs). Owned by the caller; free(). */
EG_NODISCARD eg_status eg_devices_places(eg_context *ctx, const eg_devices *devices, int threads, eg_worker_place **places,
                                         int *n_places);

/* "cpu", "cuda" or "cuda+cpu"; and one line about what computes. */
const char *eg_devices_name(const eg_devices *devices);
EG_NODISCARD eg_status eg_devices_describe(eg_context *ctx, const eg_devices *devices, char **line);

#endif
