/* How long is one component of one step of SGD on data rows in team form (least squares, batch 1)? Dimensions 30 (so
   many trajectories that the exact moments, half a second, do not count) and 1000; at 30 also rows shuffled every epoch, rows with
   noise and the Langevin equation. Against naive C that advances one trajectory after the other. */
#include "measure.h"

#include <stdio.h>

typedef struct size_case {
  int dim, rows;
  long trajectories, steps;
  double target_ratio;
} size_case;

/* Other dynamics, at the first size: name, of the naive one too, and what the study says. */
static const char *const others[][2] = {{"shuffle", "{name: sgd, batch_size: 1, sampling: shuffle}"},
                                        {"inputs", "{name: sgd, batch_size: 1, input_noise: 0.5, label_noise: 0.5}"},
                                        {"langevin", "{name: langevin, momentum: 0.5, batch_size: 1}"}};

static bench_case *add_own(bench *b, const size_case *s, const char *state, const char *kind, const char *dynamics) {
  const char *const set_dynamics = bench_text("dynamics=%s", dynamics);
  const char *const study = BENCH_SOURCE "/studies/team.yaml";
  const char *const set_state = bench_text("state=%s", state);
  const char *const set_data = bench_text("model.data=%s/team%d.h5", b->folder, s->dim);
  const char *const set_number = bench_text("realisations=%ld", s->trajectories);
  const char *const set_steps = bench_text("steps=%ld", s->steps);
  return bench_add(
      b, bench_text("ensgrad %s, %s, dimension %d", kind, state, s->dim),
      bench_text("%ld trajectories x %ld steps, %d rows", s->trajectories, s->steps, s->rows),
      (double)s->trajectories * (double)s->steps * s->dim,
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                  "--quiet", "--set", set_state, "--set", set_data, "--set", set_number, "--set", set_dynamics, "--set", set_steps, NULL),
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                  "--quiet", "--set", set_state, "--set", set_data, "--set", set_number, "--set", set_dynamics, "--set", "steps=4", NULL));
}

static void add_naive(bench *b, const size_case *s, const char *kind, const bench_case *own) {
  const char *const path = bench_text("%s/team_naive", b->peers);
  const char *const name = bench_text("naive C: %s, rand_r, double, dimension %d", kind, s->dim);
  const long trajectories = s->trajectories / 8;
  if (!bench_is_there(path)) {
    bench_add_missing(b, name, "it was not built");
    return;
  }
  const char *const n = bench_text("%ld", trajectories), *const steps = bench_text("%ld", s->steps);
  const char *const dim = bench_text("%d", s->dim), *const rows = bench_text("%d", s->rows);
  bench_case *const c = bench_add(b, name, bench_text("%ld trajectories x %ld steps, %d rows", trajectories, s->steps, s->rows),
                                  (double)trajectories * (double)s->steps * s->dim,
                                  bench_words(b, path, n, steps, dim, rows, kind, NULL),
                                  bench_words(b, path, n, "4", dim, rows, kind, NULL));
  c->own = own;
  c->target_ratio = s->target_ratio;
}

int main(int argc, char **argv) {
  static const size_case sizes[] = {{30, 569, 131072, 2000, 3}, {1000, 256, 1024, 1000, 3}};
  bench b;
  bench_open(&b, "team", argc, argv);
  for (int i = 0; i < 2; i++) {
    bench_sample unused;
    if (!bench_run(&b, bench_words(&b, "/usr/bin/python3", BENCH_SOURCE "/make_sgd_data.py",
                                   bench_text("team%d.h5", sizes[i].dim), bench_text("%d", sizes[i].rows),
                                   bench_text("%d", sizes[i].dim), NULL), &unused)) {
      fputs("team: skipped: the data files need /usr/bin/python3 with h5py and numpy\n", stderr);
      bench_line(&b, "all", "", "\"skipped\": \"no /usr/bin/python3 with h5py and numpy\"");
      (void)bench_close(&b);
      return 0;
    }
    static const char single[] = "{name: sgd, batch_size: 1}";
    const bench_case *const own = add_own(&b, &sizes[i], "double", "sgd", single);
    (void)add_own(&b, &sizes[i], "float", "sgd", single);
    add_naive(&b, &sizes[i], "sgd", own);
    for (size_t k = 0; i == 0 && k < sizeof others / sizeof others[0]; k++) {
      const size_case fewer = {sizes[i].dim, sizes[i].rows, sizes[i].trajectories / 4, sizes[i].steps, sizes[i].target_ratio};
      add_naive(&b, &fewer, others[k][0], add_own(&b, &fewer, "double", others[k][0], others[k][1]));
    }
  }
  bench_measure(&b);
  bench_report(&b, "ns per component-step");
  return bench_close(&b);
}
