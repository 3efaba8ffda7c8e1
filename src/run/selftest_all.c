/* The gallery as a test of this machine: every study that is shipped under studies/gallery is run like any other, and every
   mean with a known value is judged; one limit for all of them. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/place.h"
#include "base/text.h"
#include "ensgrad/run.h"
#include "run/result_parts.h"
#include "run/run_loop.h"

/* Means of trajectories without noise agree with what is known to this. */
static const double ROUNDING = 1e-10;

/* Of all values of one feature of one run the one that is farthest from what is known. */
typedef struct row {
  char study[64], run[96], quantity[48];
  const char *backend;
  double time, expected, estimate, stderr_, z;
  size_t n_judged;
  bool is_broken;      /* beyond rounding, diverged, or nothing to judge: failed whatever the limit is */
  const char *remark;
} row;

typedef struct report {
  const char *folder;
  const eg_selftest_options *options;
  row *rows;
  size_t n_rows, capacity, n_judged, n_studies;
  eg_text skipped;
} report;

static eg_status add_row(eg_context *ctx, report *report, const row *r) {
  if (report->n_rows == report->capacity) {
    const size_t capacity = 2 * report->capacity + 64;
    row *const rows = realloc(report->rows, capacity * sizeof *rows);
    if (rows == NULL) {
      return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
    }
    report->rows = rows;
    report->capacity = capacity;
  }
  report->rows[report->n_rows++] = *r;
  report->n_judged += r->n_judged;
  return EG_OK;
}

static void name_quantity(const eg_plan *plan, const eg_feature *f, size_t point, size_t component, row *r) {
  char name[40], place[32] = "";
  (void)snprintf(name, sizeof name, f->width > 1 ? "%s%zu" : "%s", f->name, component); /* NOLINT: two literals */
  if (plan->n_points > 1) {
    (void)snprintf(place, sizeof place, ", point %zu", point);
  }
  (void)snprintf(r->quantity, sizeof r->quantity, "%.24s%s", name, place);
}

/* One value against what is known of it; the row keeps the worst. */
static void judge_value(const eg_campaign *c, const eg_summary *summary, size_t run, size_t t, size_t point,
                        const eg_feature *f, size_t component, row *worst) {
  const eg_plan *const plan = c->plan;
  const eg_run *const r = &plan->runs[run];
  const size_t column = f->first + component, at = eg_summary_row(plan, t, point);
  const double expected = c->expected_mean[eg_value_at(plan, run, t, point, column)];
  eg_moment_estimates m;
  if (isnan(expected) || eg_plan_is_empty(plan, r, t, column)) {
    return;
  }
  eg_summary_moments(summary, run, at, column, &m);
  const double d = m.mean.value - expected, size = fmax(fabs(expected), 1.0);
  double z = 0, measure = 0; /* measure: for the choice of the worst */
  bool is_broken = false;
  if (r->is_deterministic) {
    measure = fabs(d) / size;
    is_broken = !(measure <= ROUNDING);
    z = NAN;
  } else if (eg_summary_is_judged(summary, run, at, column)) {
    z = d / m.mean.stderr_;
    measure = fabs(z);
    is_broken = isnan(z);
    worst->n_judged++;
  } else {
    return;
  }
  if (worst->quantity[0] != '\0' && !is_broken && !(measure > fabs(isnan(worst->z) ? 0 : worst->z))) {
    return;
  }
  name_quantity(plan, f, point, component, worst);
  worst->time = r->times[t];
  worst->expected = expected;
  worst->estimate = m.mean.value;
  worst->stderr_ = m.mean.stderr_;
  worst->z = z;
  worst->is_broken = worst->is_broken || is_broken;
  worst->remark = is_broken ? "beyond rounding" : r->is_deterministic ? "no noise: rounding only" : "";
}

static eg_status judge_run(eg_context *ctx, report *report, const eg_campaign *c, const eg_summary *summary, size_t run,
                           const row *named, size_t *n_known) {
  const eg_plan *const plan = c->plan;
  const double n = (double)plan->runs[run].job.n_realisations * (double)plan->n_points;
  for (size_t f = 0; f < plan->n_features; f++) {
    row r = *named;
    (void)snprintf(r.run, sizeof r.run, "%s", plan->runs[run].description);
    for (size_t t = 0; t < plan->runs[run].job.n_records; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        for (size_t k = 0; k < plan->features[f].width; k++) {
          judge_value(c, summary, run, t, point, &plan->features[f], k, &r);
        }
      }
    }
    if (r.quantity[0] != '\0') {
      EG_TRY(add_row(ctx, report, &r));
      (*n_known)++;
    }
  }
  if ((double)c->runs[run].n_bad > plan->study->diverged_limit * n) {
    row r = *named;
    (void)snprintf(r.run, sizeof r.run, "%s", plan->runs[run].description);
    r.is_broken = true;
    r.remark = "more trajectories diverged than diverged_limit allows";
    EG_TRY(add_row(ctx, report, &r));
  }
  return EG_OK;
}

static eg_status judge_campaign(eg_context *ctx, report *report, eg_campaign *c, const row *named) {
  eg_summary summary = {0};
  size_t n_known = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_build_exact(ctx, c));
  EG_TRY_DONE(eg_summary_create(ctx, c, &summary));
  for (size_t run = 0; run < c->plan->n_runs; run++) {
    EG_TRY_DONE(judge_run(ctx, report, c, &summary, run, named, &n_known));
  }
  if (n_known == 0) {
    row r = *named;
    r.is_broken = true;
    r.remark = "nothing is known of it, or too few realisations to judge";
    EG_TRY_DONE(add_row(ctx, report, &r));
  }
done:
  eg_summary_free(&summary);
  return status;
}

static eg_status run_study(eg_context *ctx, report *report, const char *name, const eg_backend *backend) {
  char path[4352];
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_campaign *campaign = NULL;
  row named = {.backend = backend->name, .remark = ""};
  eg_worker_place *places = NULL;
  eg_loop_options loop = {.started = eg_now(), .snapshot_seconds = INFINITY, .device_timeout = EG_DEVICE_TIMEOUT};
  eg_status status = EG_OK;
  (void)snprintf(named.study, sizeof named.study, "%.*s", (int)(strlen(name) - strlen(".yaml")), name);
  if ((size_t)snprintf(path, sizeof path, "%s/%s", report->folder, name) >= sizeof path) {
    return eg_fail(ctx, EG_ERR_STUDY, "the path of the study '%s' is too long", name);
  }
  EG_TRY_DONE(eg_study_load(ctx, path, report->options->overrides, report->options->n_overrides, &study));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &campaign));
  EG_TRY_DONE(eg_worker_places(ctx, backend, report->options->threads, &places, &loop.n_workers));
  loop.places = places;
  status = eg_run_loop(ctx, campaign, &loop);
  if (status == EG_ERR_DEVICE && backend != &eg_backend_cpu) { /* not served there: said, and no failure */
    eg_text_append(&report->skipped, "%s skipped on %s: %s\n", named.study, backend->name, eg_context_message(ctx));
    status = EG_OK;
    goto done;
  }
  EG_TRY_DONE(status);
  EG_TRY_DONE(judge_campaign(ctx, report, campaign, &named));
done:
  free(places);
  if (!eg_has_lost_device()) { /* its thread may still look there */
    eg_campaign_free(campaign);
    eg_plan_free(plan);
  }
  eg_study_free(study);
  return status;
}

static int is_study(const struct dirent *entry) {
  const size_t n = strlen(entry->d_name);
  return n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static eg_status run_gallery(eg_context *ctx, report *report, const eg_backend *backend) {
  struct dirent **entries = NULL;
  const int n = scandir(report->folder, &entries, is_study, alphasort);
  eg_status status = EG_OK;
  if (n <= 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "there are no studies (*.yaml) in %s", report->folder);
  }
  for (int i = 0; i < n; i++) {
    if (status == EG_OK) {
      status = run_study(ctx, report, entries[i]->d_name, backend);
    }
    free(entries[i]);
  }
  free(entries);
  report->n_studies = (size_t)n;
  return status;
}

static bool has_failed(const row *r, double limit) {
  return r->is_broken || fabs(r->z) > limit;
}

static void append_json(eg_text *text, const row *r, double limit) {
  static const char *const words[] = {"backend", "study", "run", "quantity"};
  const char *const texts[] = {r->backend, r->study, r->run, r->quantity};
  eg_text_append(text, "{\"message_type\": \"row\"");
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    eg_text_append(text, ", \"%s\": ", words[i]);
    eg_text_append_json(text, texts[i]);
  }
  static const char *const names[] = {"time", "exact", "estimate", "stderr", "z"};
  const double values[] = {r->time, r->expected, r->estimate, r->stderr_, r->z};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    eg_text_append(text, ", \"%s\": ", names[i]);
    if (isfinite(values[i]) && r->quantity[0] != '\0') {
      eg_text_append(text, "%.17g", values[i]);
    } else {
      eg_text_append(text, "null");
    }
  }
  eg_text_append(text, ", \"judged\": %zu, \"passed\": %s, \"remark\": \"%s\"}\n", r->n_judged,
                 has_failed(r, limit) ? "false" : "true", r->remark);
}

static void append_line(eg_text *text, const row *r, double limit) {
  eg_text_append(text, "%-6s %-28s %-34s %-24s ", has_failed(r, limit) ? "FAILED" : "ok", r->study, r->run, r->quantity);
  if (r->quantity[0] != '\0') {
    eg_text_append(text, "%-8.4g %-17.10g %-17.10g %-9.2g ", r->time, r->expected, r->estimate, r->stderr_);
    if (!isnan(r->z)) {
      eg_text_append(text, "%+6.2f of %zu", r->z, r->n_judged);
    }
  }
  eg_text_append(text, "%s%s\n", r->remark[0] != '\0' ? " " : "", r->remark);
}

/* Text of all rows; how many failed. */
static size_t write_rows(const report *report, eg_text *text, double seconds) {
  const double limit = eg_z_limit(report->n_judged);
  size_t n_failed = 0;
  double largest = 0;
  if (!report->options->as_json) {
    eg_text_append(text, "%-6s %-28s %-34s %-24s %-8s %-17s %-17s %-9s %s\n", "", "study", "run", "quantity", "time", "exact",
                   "estimate", "stderr", "largest z");
  }
  for (size_t i = 0; i < report->n_rows; i++) {
    const row *const r = &report->rows[i];
    n_failed += has_failed(r, limit);
    largest = fmax(largest, isnan(r->z) ? 0 : fabs(r->z));
    if (report->options->as_json) {
      append_json(text, r, limit);
    } else {
      append_line(text, r, limit);
    }
  }
  if (report->options->as_json) {
    eg_text_append(text, "{\"message_type\": \"summary\", \"studies\": %zu, \"rows\": %zu, \"judged\": %zu, \"failed\": %zu, "
                         "\"z_largest\": %.17g, \"z_limit\": %.17g, \"seconds\": %.3f}\n",
                   report->n_studies, report->n_rows, report->n_judged, n_failed, largest,
                   isnan(limit) ? 0.0 : limit, seconds);
  } else {
    eg_text_append(text, "%s%zu studies, %zu values judged: largest |z| %.2f, limit %.2f (one false alarm in 1e6 runs of this "
                         "test); %zu of %zu rows failed; %.1f s\n",
                   eg_text_string(&report->skipped), report->n_studies, report->n_judged, largest, limit, n_failed,
                   report->n_rows, seconds);
  }
  return n_failed;
}

static eg_status run_backends(eg_context *ctx, report *report) {
  const char *const asked = report->options->backend != NULL ? report->options->backend : "auto";
  const bool is_auto = strcmp(asked, "auto") == 0;
  if (is_auto || strcmp(asked, "cpu") == 0) {
    EG_TRY(run_gallery(ctx, report, &eg_backend_cpu));
  }
  if (is_auto || strcmp(asked, "cuda") == 0) {
    const eg_backend *cuda = NULL;
    const eg_status status = eg_backend_cuda(ctx, &cuda);
    if (status != EG_OK && is_auto) {
      eg_text_append(&report->skipped, "cuda skipped: %s\n", eg_context_message(ctx));
      return EG_OK;
    }
    EG_TRY(status);
    EG_TRY(run_gallery(ctx, report, cuda));
  }
  return EG_OK;
}

eg_status eg_selftest_all(eg_context *ctx, const eg_selftest_options *options, char **out) {
  char folder[4096];
  report report = {.options = options, .folder = options->gallery};
  const double started = eg_now();
  eg_text text = {0};
  size_t n_failed = 0;
  eg_status status = EG_OK;
  if (options->gallery == NULL) {
    if (!eg_place_shared("studies/gallery", folder, sizeof folder)) {
      return eg_fail(ctx, EG_ERR_STUDY, "the gallery (share/ensgrad/studies/gallery) is not found beside this program; name its "
                                        "folder with --gallery");
    }
    report.folder = folder;
  }
  EG_TRY_DONE(run_backends(ctx, &report));
  n_failed = write_rows(&report, &text, eg_now() - started);
  if (text.is_broken || text.data == NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  *out = text.data;
  text.data = NULL;
  if (n_failed > 0) {
    status = eg_fail(ctx, EG_ERR_CLAIM, "selftest: %zu of %zu rows failed on this machine", n_failed, report.n_rows);
  }
done:
  eg_text_free(&text);
  eg_text_free(&report.skipped);
  free(report.rows);
  return status;
}
