/* Steppers that know the time and may pull draws (core/pull.h). exact_at: the exact law over one step of a process whose
   increments depend on the time or on events of its own; the values that it carries stand behind x and begin at 0. */
#if EG_CAPS_TIMED
EG_FN void eg_step_exact_at(const eg_params *p, const eg_uniforms *u, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  eg_exact_at(p, u->staged, pull, realisation, x, z);
}
#endif
