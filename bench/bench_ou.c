/*
 * How long is one Euler-Maruyama step of the Ornstein-Uhlenbeck process, through the whole program? `ensgrad
 * run` on studies/ou.yaml against numpy, numba, JAX, GSL, XMDS2 and naive C, one thread each, start-up (a run of one
 * step) taken off.
 */
#include "measure.h"

#include <stdio.h>

/* A run of ours: trajectories x steps, a record every `segment` steps. */
static bench_case *add_own(bench *b, const char *name, const char *noise, const char *state, long steps,
                           long segment, double target) {
  const long trajectories = 262144; /* table5 then runs for half a second: of 0.15 s its start is a tenth */
  const char *const study = BENCH_SOURCE "/studies/ou.yaml";
  const char *const set_noise = bench_text("noise=%s", noise), *const set_state = bench_text("state=%s", state);
  const char *const set_steps = bench_text("steps=%ld", steps), *const set_realisations = bench_text("realisations=%ld", trajectories);
  const char *const set_at = bench_text("observe.at={steps: {linear: %ld}}", steps / segment);
  bench_case *c = bench_add(
      b, name, bench_text("%ld trajectories x %ld steps, record every %ld", trajectories, steps, segment),
      (double)trajectories * (double)steps,
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                  "1", "--quiet", "--set", set_noise, "--set", set_state, "--set", set_steps, "--set", set_at,
                  "--set", set_realisations, NULL),
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                  "1", "--quiet", "--set", set_noise, "--set", set_state, "--set", "steps=1", "--set",
                  "observe.at={steps: [1]}", "--set", set_realisations, NULL));
  c->target = target;
  return c;
}

static void add_peer(bench *b, const char *name, const char *interpreter, const char *path, const char *why,
                     long trajectories, long steps, const bench_case *own, double ratio) {
  if (!bench_is_there(path) || (interpreter != NULL && !bench_is_there(interpreter))) {
    bench_add_missing(b, name, why);
    return;
  }
  const char *const n = bench_text("%ld", trajectories), *const s = bench_text("%ld", steps);
  const char *const size = bench_text("%ld trajectories x %ld steps", trajectories, steps);
  const double work = (double)trajectories * (double)steps;
  bench_case *const c = interpreter != NULL
                            ? bench_add(b, name, size, work, bench_words(b, interpreter, path, n, s, NULL),
                                        bench_words(b, interpreter, path, n, "1", NULL))
                            : bench_add(b, name, size, work, bench_words(b, path, n, s, NULL),
                                        bench_words(b, path, n, "1", NULL));
  c->own = own;
  c->target_ratio = ratio;
}

/* XMDS2 fixes sizes when it generates code: see cmake/bench.cmake. */
static void add_xmds(bench *b, const char *name, const char *form, long trajectories, long steps,
                     const bench_case *own, double ratio) {
  const char *const path = bench_text("%s/ou_xmds_%s", b->peers, form);
  const char *const start = bench_text("%s/ou_xmds_%s_start", b->peers, form);
  if (!bench_is_there(path) || !bench_is_there(start)) {
    bench_add_missing(b, name, "XMDS2 (Debian package xmds2) or its C++ compiler is not installed");
    return;
  }
  bench_case *const c = bench_add(b, name, bench_text("%ld trajectories x %ld steps", trajectories, steps),
                                  (double)trajectories * (double)steps, bench_words(b, path, NULL),
                                  bench_words(b, start, NULL));
  c->own = own;
  c->target_ratio = ratio;
}

/* A peer from PyPI, in the environment that scripts/bench makes. */
static void add_python(bench *b, const char *name, const char *module, const char *script, long trajectories,
                       long steps, const bench_case *own, double ratio) {
  const char *const python = bench_python_with(b, module);
  if (python == NULL) {
    bench_add_missing(
        b, name, bench_text("%s is not installed (scripts/bench installs it where there is a network)", module));
    return;
  }
  add_peer(b, name, python, bench_text("%s/peers/%s", BENCH_SOURCE, script), "", trajectories, steps, own, ratio);
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "ou", argc, argv);
  bench_case *const own =
      add_own(&b, "ensgrad gaussian, double, segments of 500", "gaussian", "double", 8000, 500, 0.42);
  add_own(&b, "ensgrad gaussian, double, segments of 37", "gaussian", "double", 7992, 37, 0.47);
  add_own(&b, "ensgrad gaussian, float, segments of 500", "gaussian", "float", 8000, 500, 0);
  add_own(&b, "ensgrad table5, double, segments of 500", "table5", "double", 24000, 500, 0.09);
  add_own(&b, "ensgrad table5, float, segments of 500", "table5", "float", 24000, 500, 0);
  add_own(&b, "ensgrad two-point, double, segments of 500", "two-point", "double", 24000, 500, 0);
  add_own(&b, "ensgrad gaussian64, double, segments of 500", "gaussian64", "double", 4000, 500, 0);
  add_peer(&b, "numpy, PCG64, in place", "/usr/bin/python3", BENCH_SOURCE "/peers/ou_numpy.py",
           "/usr/bin/python3 is not installed", 4096, 8000, own, 20);
  add_python(&b, "numba, njit, standard_normal", "numba", "ou_numba.py", 4096, 8000, own, 0);
  add_python(&b, "JAX, scan, threefry, float", "jax", "ou_jax.py", 8192, 8000, own, 0);
  add_peer(&b, "GSL, taus2, ziggurat", NULL, bench_text("%s/ou_gsl", b.peers),
           "GSL (libgsl-dev) is not installed", 8192, 8000, own, 10);
  add_xmds(&b, "XMDS2, one trajectory per path", "paths", 16384, 1000, own, 25);
  add_xmds(&b, "XMDS2, 4096 trajectories per path", "lattice", 32768, 1000, own, 0);
  add_peer(&b, "naive C, drand48, Box-Muller", NULL, bench_text("%s/ou_naive", b.peers), "it was not built",
           2048, 8000, own, 40);
  bench_measure(&b);
  bench_report(&b, "ns per trajectory-step");
  return bench_close(&b);
}
