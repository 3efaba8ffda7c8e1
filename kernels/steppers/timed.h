/* Steppers that know the time and may pull draws (core/pull.h). exact_at: the exact law over one step of a process whose
   increments depend on the time or on events of its own; the values that it carries stand behind x and begin at 0. The
   law and its source are the model's (EG_SOURCE): scaled Brownian motion, random walk with waits, Levy walk, annealed transit time. */

/* What the steps at `step` of all trajectories of a launch know. Apart: the loop over trajectories stays plain vector code. */
EG_APART eg_pull eg_pull_of(const eg_params *p, const uint32_t *key, uint64_t step, double h) {
  eg_pull pull;
  pull.key[0] = key[0];
  pull.key[1] = key[1];
  pull.step = step;
  pull.from = (double)step * h;
  pull.to = (double)(step + 1) * h;
  pull.scale = 0;
#if !EG_DEVICE
  pull.events = NULL;
#endif
#if defined(EG_STEP_SCALE)
  pull.scale = eg_step_scale(p, pull.from, pull.to);
#endif
  (void)p;
  return pull;
}

#if EG_CAPS_TIMED
EG_FN void eg_step_exact_at(const eg_params *p, const eg_uniforms *u, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  eg_exact_at(p, u->staged, pull, realisation, x, z);
}
#endif
