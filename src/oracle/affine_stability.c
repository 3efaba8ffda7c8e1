#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/affine_lift.h"
#include "oracle/dense.h"

/* Increment of the second-moment map C -> (I - eta H) C (I - eta H)^T + eta^2/batch sum S C S^T on symmetric
   C. B (d, d), work (lift size squared), out (n, n) with n = d (d + 1) / 2. */
static void second_moment_map(const eg_affine_model *model, double eta, double batch_size, const double *gram,
                              double *B, double *work, double *out) {
  const size_t d = (size_t)model->dim, lifted = eg_lift_size(d, 1), first = 1 + d, n = lifted - first;
  for (size_t i = 0; i < d * d; i++) {
    B[i] = -eta * model->H[i];
  }
  const eg_affine_part step = {B, model->g0, eta * eta / batch_size, true}; /* b acts on the mean alone */
  eg_lift_build(d, 1, &step, gram, work);
  for (size_t i = 0; i < n; i++) {
    memcpy(out + i * n, work + (first + i) * lifted + first, n * sizeof(double));
  }
}

/* Is the spectral radius of I + E at most 1? Doubles until a power contracts, or has grown beyond any
   transient, or no longer changes (what is left is a projector on neutral directions, as zero columns of the
   data make). */
static bool is_stable(size_t n, double *E, double *work) {
  const double grown = 1e8, settled = 1e-9;
  for (int doubling = 0; doubling < 100; doubling++) {
    const double norm = eg_dense_norm(n, 1.0, E);
    if (!(norm < grown)) {
      return false;
    }
    if (norm < 0.999) {
      return true;
    }
    eg_dense_compose(n, E, E, work);
    double change = 0.0, largest = 0.0;
    for (size_t i = 0; i < n * n; i++) {
      change = fmax(change, fabs(work[i] - E[i]));
      largest = fmax(largest, fabs(E[i]));
    }
    if (change <= settled * largest) { /* relative: a tiny E is slow, not settled */
      return true;
    }
    memcpy(E, work, n * n * sizeof(double));
  }
  return true;
}

/* arrays of one search */
typedef struct stability_search {
  const eg_affine_model *model;
  double batch_size;
  const double *gram;
  double *B, *map, *work;
} stability_search;

static bool is_stable_at(const stability_search *search, double eta) {
  const size_t n = eg_lift_size((size_t)search->model->dim, 1) - 1 - (size_t)search->model->dim;
  second_moment_map(search->model, eta, search->batch_size, search->gram, search->B, search->work,
                    search->map);
  return is_stable(n, search->map, search->work);
}

/* The stable rates are an interval from 0: with K(eta) = I - eta L + eta^2 M, L and M positive on the cone of
   covariances, eta is stable iff eta is below 1 / (spectral radius of L^-1 M). So bisection finds its end. */
static double search_limit(const stability_search *search) {
  const double scale = eg_dense_norm((size_t)search->model->dim, 0.0, search->model->H);
  double stable = scale > 0.0 ? 1.0 / scale : 1.0, unstable = stable;
  int tries = 0;
  if (is_stable_at(search, stable)) {
    do {
      stable = unstable;
      unstable *= 2.0;
      if (++tries > 64) {
        return INFINITY;
      }
    } while (is_stable_at(search, unstable));
  } else {
    do {
      unstable = stable;
      stable *= 0.5;
      if (++tries > 30) {
        return 0.0;
      }
    } while (!is_stable_at(search, stable));
  }
  while (unstable - stable > 5e-4 * unstable) {
    const double middle = 0.5 * (stable + unstable);
    if (is_stable_at(search, middle)) {
      stable = middle;
    } else {
      unstable = middle;
    }
  }
  return 0.5 * (stable + unstable);
}

eg_status eg_affine_stability_limit(eg_context *ctx, const eg_affine_model *model, double batch_size,
                                    double *learning_rate) {
  if (model->is_process || model->dim < 1 || model->dim > EG_AFFINE_MAX_DIM || !(batch_size > 0.0)) {
    return eg_fail(
        ctx, EG_ERR_USAGE,
        "stability limit: it needs a loss (not a process) of 1 to %d dimensions and a batch size above 0",
        EG_AFFINE_MAX_DIM);
  }
  const size_t d = (size_t)model->dim, lifted = eg_lift_size(d, 1), n = lifted - 1 - d;
  const size_t gram_size = d * (d + 1) * d * (d + 1);
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, gram_size + d * d + n * n + lifted * lifted, sizeof(double), &space));
  double *gram = space, *B = gram + gram_size, *map = B + d * d, *work = map + n * n;
  eg_lift_noise_gram(model, gram);
  const stability_search search = {model, batch_size, gram, B, map, work};
  *learning_rate = search_limit(&search);
  free(space);
  return EG_OK;
}
