/* How long is one step of SGD on data rows (least squares, d = 8, n = 256, batch 1)? Against naive C. */
#include "measure.h"

#include <stdio.h>

static bench_case *add_own(bench *b, const char *name, const char *state, double target) {
  const char *const study = BENCH_SOURCE "/studies/sgd.yaml";
  const char *const set_state = bench_text("state=%s", state);
  const char *const set_data = bench_text("model.data=%s/sgd.h5", b->folder);
  bench_case *c =
      bench_add(b, name, "32768 trajectories x 4000 steps, record every 500", 32768.0 * 4000.0,
                bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu",
                            "--threads", "1", "--quiet", "--set", set_state, "--set", set_data, NULL),
                bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu",
                            "--threads", "1", "--quiet", "--set", set_state, "--set", set_data, "--set",
                            "steps=1", "--set", "observe.at={steps: [1]}", NULL));
  c->target = target;
  return c;
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "sgd", argc, argv);
  bench_sample unused;
  const char *const maker = BENCH_SOURCE "/make_sgd_data.py";
  if (!bench_run(&b, bench_words(&b, "/usr/bin/python3", maker, "sgd.h5", NULL), &unused)) {
    fputs("sgd: skipped: the data file needs /usr/bin/python3 with h5py and numpy\n", stderr);
    bench_line(&b, "all", "", "\"skipped\": \"no /usr/bin/python3 with h5py and numpy\"");
    (void)bench_close(&b);
    return 0;
  }
  bench_case *const own = add_own(&b, "ensgrad sgd, double", "double", 1.6);
  add_own(&b, "ensgrad sgd, float", "float", 1.3);
  const char *const naive = bench_text("%s/sgd_naive", b.peers);
  if (bench_is_there(naive)) {
    bench_case *const c =
        bench_add(&b, "naive C, rand_r, double", "8192 trajectories x 2000 steps", 8192.0 * 2000.0,
                  bench_words(&b, naive, "8192", "2000", NULL), bench_words(&b, naive, "8192", "1", NULL));
    c->own = own;
    c->target_ratio = 6;
  } else {
    bench_add_missing(&b, "naive C, rand_r, double", "it was not built");
  }
  bench_measure(&b);
  bench_report(&b, "ns per trajectory-step");
  return bench_close(&b);
}
