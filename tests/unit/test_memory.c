/* What does not fit is refused with the number that would: each number is tried, and so is the next one. The memory at hand is read
   from made-up /proc and /sys. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "run/fit.h"

static eg_context *ctx;
static char root[64];

static void write_file(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", root, name);
  for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    (void)mkdir(path, 0700); /* it may be there */
    *slash = '/';
  }
  FILE *const f = fopen(path, "w");
  CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void check_memory(double limit, const char *name) {
  const eg_memory m = eg_memory_at_hand(root, 2);
  CHECK_NEAR(m.limit, limit, 0);
  CHECK_HAS(m.name, name);
  CHECK_NEAR(m.used, 1000.0 * (double)sysconf(_SC_PAGESIZE), 0);
}

static void test_limits(void) {
  write_file("proc/self/statm", "5000 1000 7 7 0 7 0\n");
  write_file("proc/self/cgroup", "");
  write_file("proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
  check_memory(16000000.0 * 1024, "physical memory");
  write_file("proc/self/cgroup", "3:cpu,cpuacct:/slurm\n0::/slurm/job_1/step_2\n");
  write_file("sys/fs/cgroup/slurm/memory.max", "1000000000\n");
  write_file("sys/fs/cgroup/slurm/job_1/step_2/memory.max", "max\n");
  check_memory(1000000000, "control group");
  write_file("sys/fs/cgroup/slurm/job_1/memory.max", "900000000\n");
  check_memory(900000000, "control group");
  write_file("sys/fs/cgroup/memory/slurm/uid_0/memory.limit_in_bytes", "9223372036854771712\n");
  write_file("sys/fs/cgroup/memory/slurm/memory.limit_in_bytes", "800000000\n");
  write_file("proc/self/cgroup", "9:memory:/slurm/uid_0\n3:cpu:/\n");
  check_memory(800000000, "control group");
  struct rlimit old, new;
  CHECK(getrlimit(RLIMIT_AS, &old) == 0);
  new = old;
  new.rlim_cur = (rlim_t)1 << 29;
  if (setrlimit(RLIMIT_AS, &new) == 0) { /* a sanitizer's address space is larger than that */
    const eg_memory m = eg_memory_at_hand(root, 2);
    CHECK(setrlimit(RLIMIT_AS, &old) == 0);
    CHECK_NEAR(m.limit, 0x1p29, 0);
    CHECK_HAS(m.name, "ulimit -v");
    CHECK(m.used >= 5000.0 * (double)sysconf(_SC_PAGESIZE));
  }
  write_file("proc/self/cgroup", "no line of it\n");
  write_file("proc/meminfo", "nothing\n");
  CHECK(isinf(eg_memory_at_hand(root, 2).limit) || old.rlim_cur != RLIM_INFINITY);
}

static eg_status plan_of(const char *observe, eg_study **study, eg_plan **plan) {
  char text[1000];
  snprintf(text, sizeof text,
           "seed: 1\nmodel: ornstein-uhlenbeck\nrealisations: 300000\ntime_step: 1/8\nsteps: 4194304\n"
           "start: {points: [[1], [2], [3], [4], [5], [6], [7], [8], [9], [8], [7], [6], [5], [4], [3], [2]]}\ndynamics: {name: sde, scheme: exact}\nobserve:\n  %s\n", observe);
  if (eg_study_parse(ctx, "t.yaml", text, strlen(text), NULL, 0, study) != EG_OK) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
    exit(1);
  }
  const eg_status status = eg_plan_create(ctx, *study, plan);
  CHECK(status == EG_OK || status == EG_ERR_STUDY);
  return status;
}

static bool is_planned(const char *observe) {
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  const eg_status status = plan_of(observe, &study, &plan);
  eg_plan_free(plan);
  eg_study_free(study);
  return status == EG_OK;
}

/* The number that the refusal names in front of `words` fits, and one more does not. */
static void test_number(const char *format, size_t asked, const char *words) {
  char observe[300];
  snprintf(observe, sizeof observe, format, asked);
  CHECK(!is_planned(observe));
  const char *const message = eg_context_message(ctx), *at = strstr(message, words);
  CHECK(at != NULL);
  if (at == NULL) {
    fprintf(stderr, "%s\n", message);
    return;
  }
  while (at > message && at[-1] >= '0' && at[-1] <= '9') {
    at--;
  }
  const size_t fits = (size_t)strtoul(at, NULL, 10);
  CHECK(fits > 0 && fits < asked);
  snprintf(observe, sizeof observe, format, fits);
  CHECK(is_planned(observe));
  snprintf(observe, sizeof observe, format, fits + 1);
  CHECK(!is_planned(observe));
}

static void test_numbers(void) {
  test_number("at: {steps: {linear: %zu}}\n  features: [x, norm2]", 1000000, " of the 1000000 times would fit");
  test_number("at: {steps: {linear: %zu}}\n  features: [x]\n  histograms: {feature: x, bins: 4096}", 100000, " of the 100000 times");
  test_number("at: {steps: {linear: %zu}}\n  features: [x]\n  paths: {statistic: moments, powers: [1, 2]}", 400, " lags would fit");
  test_number("at: {steps: {linear: %zu}}\n  features: [x, norm2]\n  paths: [{statistic: moments, powers: [1]}, {statistic: tail, feature: norm2}]",
              511, " would fit");
}

/* A plan whose workers take about 500 MiB each, and made-up memory. */
static void test_fit(void) {
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  CHECK(plan_of("at: {steps: {linear: 1000}}\n  features: [x]\n  histograms: {feature: x, bins: 4096}", &study, &plan) == EG_OK);
  const double one = eg_fit_need(plan, 1, plan->n_records), eight = eg_fit_need(plan, 8, plan->n_records);
  CHECK(one > 0x1p30 && eight > 1.5 * one && eight < 8 * one); /* of one worker: the sums and their file */
  const eg_memory enough = {eight + 1000, 1000, "a purse"}, for_six = {eg_fit_need(plan, 6, plan->n_records) + 1000, 1000, "a purse"};
  CHECK(eg_fit_check(ctx, plan, 8, enough) == EG_OK);
  CHECK(eg_fit_check(ctx, plan, 9, enough) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "--threads 8 would fit");
  CHECK(eg_fit_check(ctx, plan, 6, for_six) == EG_OK);
  CHECK(eg_fit_check(ctx, plan, 8, for_six) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "MiB are left of a purse");
  CHECK_HAS(eg_context_message(ctx), "--threads 6 would fit");
  const eg_memory little = {eg_fit_need(plan, 1, 500), 0, "a purse"}, nothing = {1000, 2000, "a purse"};
  CHECK(eg_fit_check(ctx, plan, 4, little) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "500 of the 1000 times would fit, with --threads 1");
  CHECK(eg_fit_check(ctx, plan, 1, nothing) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "not even one time and one thread would");
  const eg_memory unknown = {INFINITY, 0, "physical memory"};
  CHECK(eg_fit_check(ctx, plan, 4000, unknown) == EG_OK);
  eg_plan_free(plan);
  eg_study_free(study);
}

int main(void) {
  char command[128];
  snprintf(root, sizeof root, "/tmp/ensgrad-test-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  ctx = eg_context_create();
  test_limits();
  test_numbers();
  test_fit();
  eg_context_free(ctx);
  snprintf(command, sizeof command, "rm -r %s", root);
  CHECK(system(command) == 0);
  return check_report();
}
