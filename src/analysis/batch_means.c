#include "analysis/batch_means.h"

#include <math.h>

static const double LEAST_FREEDOM = 10; /* of blocks: with fewer the Student factor is above 1.14 times the normal one */

static double freedom_at(const eg_batch_data *d, size_t level) {
  return d->trajectories * ((double)(d->samples >> level) - 1);
}

/* Do longer blocks say no more, up to three of their own errors? A slow part that holds little of the variance shows there alone. */
static bool is_plateau(const eg_batch_data *d, size_t level) {
  for (size_t l = level + 1; l < d->n_levels && freedom_at(d, l) >= LEAST_FREEDOM; l++) {
    if (d->of_blocks[l] > d->of_blocks[level] * (1 + 3 * sqrt(2 / freedom_at(d, l)))) {
      return false;
    }
  }
  return true;
}

/* The level of the blocks, -1 if even the shortest are too few; *is_met: its blocks are long enough. */
static int choose(const eg_batch_data *d, bool *is_met) {
  const double total = d->trajectories * (double)d->samples;
  int level = -1;
  *is_met = false;
  for (size_t l = 0; l < d->n_levels && !*is_met; l++) {
    const double b = ldexp(1, (int)l), g = d->of_blocks[l] / d->of_blocks[0];
    if (freedom_at(d, l) < LEAST_FREEDOM) {
      break;
    }
    level = (int)l;
    *is_met = b * b * b > 2 * total * g * g;
  }
  *is_met = *is_met && is_plateau(d, (size_t)level);
  return level;
}

void eg_batch_means_of(const eg_batch_data *d, eg_batch_means *out) {
  const double n = (double)d->samples;
  *out = (eg_batch_means){-1, false, 0, NAN, NAN, NAN, NAN};
  double V = d->between;
  if (d->trajectories >= EG_BETWEEN_TRAJECTORIES) {
    out->freedom = d->trajectories - 1;
    out->is_judged = true;
  } else if (d->trajectories >= 1) {
    out->level = choose(d, &out->is_judged);
    if (out->level < 0) {
      return;
    }
    V = d->of_blocks[out->level];
    out->freedom = freedom_at(d, (size_t)out->level);
  } else {
    return;
  }
  out->stderr_ = sqrt(V / d->trajectories);
  out->variance = d->of_blocks[0] * (n - 1) + V;
  out->inefficiency = n * V / out->variance;
  out->inefficiency_stderr = out->inefficiency * sqrt(2 / out->freedom);
}
