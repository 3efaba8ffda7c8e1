/* Rare escapes of one run of a study by adaptive multilevel splitting. */
#ifndef EG_RUN_SPLIT_H
#define EG_RUN_SPLIT_H

#include "plan/plan.h"

/* Of one repeat; all repeats are independent. */
typedef struct eg_split_estimate {
  double flux;        /* exits from A per unit time spent between A and the last return to it */
  double probability; /* that an exit reaches B before A */
  double rate;        /* flux x probability: unbiased, as both are of the same exits */
  double rounds, steps;
} eg_split_estimate;

/* Repeat number `repeat` of a run: exits from A by direct simulation, then splitting from them. CPU. */
EG_NODISCARD eg_status eg_split_repeat(eg_context *ctx, const eg_plan *plan, const eg_run *run, uint64_t repeat,
                                       eg_split_estimate *out);

#endif
