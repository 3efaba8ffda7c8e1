/* How long is one step of one particle of a population (linear mean-field network, d = 10, batch 1)? Against naive C. */
#include "measure.h"

#include <stdio.h>

typedef struct population {
  const char *size, *particles, *realisations, *steps;
  double work;
} population;

static bench_case *add_own(bench *b, const char *name, const char *state, const population *p) {
  const char *const study = BENCH_SOURCE "/studies/population.yaml";
  const char *const set_state = bench_text("state=%s", state);
  const char *const set_particles = bench_text("model.particles=%s", p->particles);
  const char *const set_realisations = bench_text("realisations=%s", p->realisations);
  const char *const set_steps = bench_text("steps=%s", p->steps);
  return bench_add(b, name, p->size, p->work,
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                               "1", "--quiet", "--set", set_state, "--set", set_particles, "--set", set_realisations,
                               "--set", set_steps, NULL),
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                               "1", "--quiet", "--set", set_state, "--set", set_particles, "--set", set_realisations,
                               "--set", "steps=1", NULL));
}

int main(int argc, char **argv) {
  static const population sizes[2] = {
      {"100000 particles x 1000 steps, 2 realisations", "100000", "2", "1000", 2e5 * 1e3},
      {"1000 particles x 1000 steps, 256 realisations", "1000", "256", "1000", 2.56e5 * 1e3},
  };
  bench b;
  bench_open(&b, "population", argc, argv);
  const char *const naive = bench_text("%s/population_naive", b.peers);
  for (int i = 0; i < 2; i++) {
    const population *const p = &sizes[i];
    bench_case *const own = add_own(&b, "ensgrad population, double", "double", p);
    add_own(&b, "ensgrad population, float", "float", p);
    if (!bench_is_there(naive)) {
      bench_add_missing(&b, "naive C, rand_r, double", "it was not built");
      continue;
    }
    bench_add(&b, "naive C, rand_r, double", p->size, p->work,
              bench_words(&b, naive, p->realisations, p->particles, p->steps, NULL),
              bench_words(&b, naive, p->realisations, p->particles, "1", NULL))
        ->own = own;
  }
  bench_measure(&b);
  bench_report(&b, "ns per particle-step");
  return bench_close(&b);
}
