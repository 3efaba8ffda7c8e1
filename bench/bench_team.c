/* How long is one component of one step of SGD on data rows in team form (least squares, batch 1)? Dimensions 30 (so
   many trajectories that the exact moments, half a second, do not count) and 1000, against naive C that advances one
   trajectory after the other. */
#include "measure.h"

#include <stdio.h>

typedef struct size_case {
  int dim, rows;
  long trajectories, steps;
  double target_ratio;
} size_case;

static bench_case *add_own(bench *b, const size_case *s, const char *state) {
  const char *const study = BENCH_SOURCE "/studies/team.yaml";
  const char *const set_state = bench_text("state=%s", state);
  const char *const set_data = bench_text("model.data=%s/team%d.h5", b->folder, s->dim);
  const char *const set_number = bench_text("realisations=%ld", s->trajectories);
  const char *const set_steps = bench_text("steps=%ld", s->steps);
  return bench_add(
      b, bench_text("ensgrad sgd, %s, dimension %d", state, s->dim),
      bench_text("%ld trajectories x %ld steps, %d rows", s->trajectories, s->steps, s->rows),
      (double)s->trajectories * (double)s->steps * s->dim,
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                  "--quiet", "--set", set_state, "--set", set_data, "--set", set_number, "--set", set_steps, NULL),
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                  "--quiet", "--set", set_state, "--set", set_data, "--set", set_number, "--set", "steps=4", NULL));
}

static void add_naive(bench *b, const size_case *s, const bench_case *own) {
  const char *const path = bench_text("%s/team_naive", b->peers);
  const char *const name = bench_text("naive C, rand_r, double, dimension %d", s->dim);
  const long trajectories = s->trajectories / 8;
  if (!bench_is_there(path)) {
    bench_add_missing(b, name, "it was not built");
    return;
  }
  const char *const n = bench_text("%ld", trajectories), *const steps = bench_text("%ld", s->steps);
  const char *const dim = bench_text("%d", s->dim), *const rows = bench_text("%d", s->rows);
  bench_case *const c = bench_add(b, name, bench_text("%ld trajectories x %ld steps, %d rows", trajectories, s->steps, s->rows),
                                  (double)trajectories * (double)s->steps * s->dim,
                                  bench_words(b, path, n, steps, dim, rows, NULL),
                                  bench_words(b, path, n, "4", dim, rows, NULL));
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
    const bench_case *const own = add_own(&b, &sizes[i], "double");
    (void)add_own(&b, &sizes[i], "float");
    add_naive(&b, &sizes[i], own);
  }
  bench_measure(&b);
  bench_report(&b, "ns per component-step");
  return bench_close(&b);
}
