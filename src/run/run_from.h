/* eg_run_study for those who bring what is done already. */
#ifndef EG_RUN_RUN_FROM_H
#define EG_RUN_RUN_FROM_H

#include "ensgrad/run.h"
#include "run/run_loop.h"

/* As eg_run_study; where nothing lies at the output path, or with options->force, it begins with what `base` has done, whose
   plan has the same runs and tiles. base may be NULL. */
/* `more`: workers beside those that the options ask for; n_more of them, may be none. */
EG_NODISCARD eg_status eg_run_with(eg_context *ctx, const eg_study *study, const eg_run_options *options,
                                   const eg_campaign *base, const eg_worker_place *more, int n_more);
EG_NODISCARD eg_status eg_run_from(eg_context *ctx, const eg_study *study, const eg_run_options *options,
                                   const eg_campaign *base);

#endif
