/*
 * One trajectory of a result, step by step.
 *
 *   eg_replay_options options;
 *   eg_replay_options_default(&options);
 *   options.run = "sgd learning_rate=0.125";
 *   options.realisation = 17;
 *   char *text = NULL;
 *   if (eg_replay(ctx, "result.h5", &options, &text) == EG_OK) { puts(text); free(text); }
 */
#ifndef ENSGRAD_REPLAY_H
#define ENSGRAD_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "ensgrad/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

typedef struct eg_replay_options {
  const char *run;       /* index, description or label of a run; NULL: the only one */
  uint64_t realisation;
  uint64_t point;
  uint64_t first, last;  /* integrator steps, as /failures counts them; last beyond the end: the end */
  uint64_t every;        /* print first, first + every, ..; 0: the observations between first and last */
  const char *data;      /* data file instead of the recorded one; NULL: that one */
  const char *model;     /* model file to compile and run, of the result's contents; NULL: none */
  int as_csv;
} eg_replay_options;

void eg_replay_options_default(eg_replay_options *options); /* every observation */

/**
 * Repeat one trajectory from the study stored in a result, also a partial one, on the CPU: a table of step, time,
 * components of x and observed features, from then on to its first non-finite step. Values at the observations have the
 * bits of the run; a step at which only a feature overflows is shown with its state. text: owned by the caller (free()).
 *
 * Fails with EG_ERR_USAGE (no such run, realisation, point or step; too many lines), EG_ERR_STUDY (the data or the model
 * file is missing or changed, or this version reads the study differently), EG_ERR_DAMAGED, EG_ERR_DEVICE (noise that
 * exists on the GPU only).
 */
EG_NODISCARD eg_status eg_replay(eg_context *ctx, const char *path, const eg_replay_options *options, char **text);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
