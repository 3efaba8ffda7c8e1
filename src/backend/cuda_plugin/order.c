/* Where crossings absorb: which slot a thread of the next launch has (core/order_gpu.h). */
#include <string.h>

#include "core/order_gpu.h"
#include "device.h"

/* Launches are so short a part of a run that an order pays, and no shorter than this. */
enum { LAUNCHES = 32, LEAST_STEPS = 64 };

uint64_t eg_cuda_launch_steps(const eg_cuda_device *d) {
  const uint64_t part = d->job->record_steps[d->job->n_records - 1] / LAUNCHES, most = part > LEAST_STEPS ? part : LEAST_STEPS;
  return eg_cuda_is_ordered(d->job) && d->steps_at_once > most ? most : d->steps_at_once;
}

eg_cuda_status eg_cuda_order_lanes(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, eg_cuda_message message) {
  eg_order r;
  if (!eg_cuda_is_ordered(d->job)) {
    return EG_CUDA_OK;
  }
  memset(&r, 0, sizeof r);
  r.monitors = a->monitor_state;
  r.order = (uint32_t *)a->scratch;
  r.n = (uint32_t)(tiles * a->n_points * a->ld);
  r.ld = a->ld;
  r.n_monitors = a->n_monitors;
  r.absorbing = a->absorbing;
  void *args[1];
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->order_lanes, (dim3){(r.n + EG_ORDER_GROUP - 1) / EG_ORDER_GROUP, 1, 1},
                               (dim3){EG_ORDER_THREADS, 1, 1}, args, 0, d->stepping),
              "ordering trajectories");
  return EG_CUDA_OK;
}
