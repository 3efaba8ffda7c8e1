/*
 * Adaptive multilevel splitting of a Markov chain in discrete time (Cerou and Guyader 2007; unbiased with ties:
 * Brehier, Gazeau, Goudenege, Lelievre, Rousset, Ann. Appl. Probab. 26 (2016), 3559). M paths run until their score is
 * at most `low` or at least `high`. Again and again all whose largest score does not exceed the k-th smallest one are
 * killed, K of M, and replaced by copies of the others up to the first state strictly above that score, which then go
 * on with noise of their own. The estimate of the probability of `high` first is the product of (1 - K/M), times the
 * share of paths that are there when the k-th smallest score is.
 */
#ifndef EG_ANALYSIS_SPLITTING_H
#define EG_ANALYSIS_SPLITTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

/* A chain as the algorithm sees it. */
typedef struct eg_split_chain {
  size_t dim;
  void *user;
  /* Continue n paths from states (n, dim) until each is at an end: call `visit` for every state after the first of
     every path, in order of its steps; it returns false when the path has ended. */
  eg_status (*run)(eg_context *ctx, void *user, size_t n, const double *states,
                   bool (*visit)(void *paths, size_t path, const double *state, double score), void *paths);
  double (*score)(void *user, const double *state); /* of a state to begin with */
  uint32_t (*choose)(void *user, uint32_t n);       /* uniform in 0 .. n - 1 */
} eg_split_chain;

typedef struct eg_split_result {
  double probability; /* 0: extinct */
  uint64_t rounds;    /* of killing */
  uint64_t steps;     /* of all paths together, as far as they counted */
} eg_split_result;

/* starts: (n_paths, dim), score above low. kill: k. */
EG_NODISCARD eg_status eg_split(eg_context *ctx, const eg_split_chain *chain, size_t n_paths, size_t kill, double low,
                                double high, const double *starts, eg_split_result *out);

#endif
