/* Does a plan fit the memory at hand? Asked before the first step, and answered with what would fit. */
#ifndef EG_RUN_FIT_H
#define EG_RUN_FIT_H

#include "plan/plan.h"
#include "run/memory.h"

/* Bytes that a run of the plan takes beside what the program has already: of its CPU workers, or of the sums and the file made of
   them, whichever is more. Told from the plan alone. n_times: of those of observe.at. */
double eg_fit_need(const eg_plan *plan, int n_workers, size_t n_times);

/* EG_ERR_STUDY if that is more than the memory has left, naming both and the threads or times that would fit. */
EG_NODISCARD eg_status eg_fit_check(eg_context *ctx, const eg_plan *plan, int n_workers, eg_memory memory);

#endif
