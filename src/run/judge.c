#include "io/result_file.h"
#include "run/campaign.h"

static double attribute_number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : 0.0;
}

/* A finished study must also hold what it claims: few divergences, no z beyond the limit. */
eg_status eg_campaign_judge(eg_context *ctx, const eg_campaign *c, const char *path) {
  const eg_plan *const plan = c->plan;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const double n = (double)plan->runs[r].job.n_realisations * (double)plan->n_points;
    const double bad = (double)c->runs[r].n_bad;
    if (bad > plan->study->diverged_limit * n) {
      return eg_fail(ctx, EG_ERR_CLAIM,
                     "%s: %.0f of %.0f trajectories of run '%s' became non-finite (%.3g %%); diverged_limit allows "
                     "%.3g %%. The file is complete; means over the survivors are conditional",
                     path, bad, n, plan->runs[r].description, 100 * bad / n, 100 * plan->study->diverged_limit);
    }
  }
  double largest = c->z_largest, limit = c->z_limit;
  if (limit <= 0) {
    eg_labelled *file = NULL;
    EG_TRY(eg_result_read(ctx, path, &file));
    largest = attribute_number(file, "z_largest");
    limit = attribute_number(file, "z_limit");
    eg_labelled_free(file);
  }
  if (largest > limit) {
    return eg_fail(ctx, EG_ERR_CLAIM, "%s: the largest judged |z| is %.3g, beyond the limit %.3g (family-wise 1e-6): "
                                      "estimates and expected values contradict each other",
                   path, largest, limit);
  }
  return EG_OK;
}
