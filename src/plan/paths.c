/* Statistics of whole paths: tracked columns, and for every run the observations that each value is made of. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/path_builder.h"
#include "stats/moments.h"

static const double max_track_bytes = 0x1p28; /* of one worker */
static const double default_powers[] = {0.5, 1, 1.5, 2, 3, 4};
enum { MOST_VELOCITY_LAGS = 33, MOST_COUNTED = 64 };

/* Where a column of a record is tracked; plan->n_tracked if it is not. */
static size_t tracked_at(const eg_plan *plan, size_t column) {
  size_t i = 0;
  while (i < plan->n_tracked && plan->tracked_columns[i] != column) {
    i++;
  }
  return i;
}

/* The same of the columns that are fed. */
static size_t fed_at(const eg_plan *plan, size_t column) {
  size_t i = 0;
  while (i < plan->n_fed && plan->fed_columns[i] != column) {
    i++;
  }
  return i;
}

/* The columns of feature i that a statistic needs: all of x, or one. */
static eg_status columns_of(eg_context *ctx, const eg_plan *plan, const eg_study_path *p, size_t i, size_t *first,
                            size_t *width) {
  const eg_feature *const f = eg_plan_any_feature(plan, eg_path_needs(p, i));
  const int component = i == 0 ? p->of.component : p->with.component;
  if (f == NULL) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "path statistic '%s' of a feature that is not observed", p->name);
  }
  *first = f->first;
  *width = f->width;
  if (eg_path_has_column(p->kind) && f->id == EG_FEATURE_X) {
    if (component >= plan->dim) {
      return eg_study_fail_at(ctx, plan->study, p->mark, "there is no x%d: the dimension is %d, components are x0 .. x%d",
                              component, plan->dim, plan->dim - 1);
    }
    *first += (size_t)component;
    *width = 1;
  }
  return EG_OK;
}

static void track(eg_plan *plan, size_t first, size_t width) {
  for (size_t k = first; k < first + width; k++) {
    if (tracked_at(plan, k) == plan->n_tracked) {
      plan->tracked_columns[plan->n_tracked++] = (uint32_t)k;
    }
  }
}

static void feed(eg_plan *plan, size_t first, size_t width) {
  for (size_t k = first; k < first + width; k++) {
    if (fed_at(plan, k) == plan->n_fed) {
      plan->fed_columns[plan->n_fed] = (uint32_t)k;
      plan->fed[plan->n_fed++] = plan->codes[k];
    }
  }
}

eg_status eg_plan_tracks(eg_context *ctx, eg_plan *plan) {
  const eg_study_observe *const o = &plan->study->observe;
  if (o->n_paths == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, plan->n_all_columns, sizeof *plan->tracked_columns, &plan->tracked_columns));
  EG_TRY(eg_allocate(ctx, plan->n_all_columns, sizeof *plan->fed_columns, &plan->fed_columns));
  EG_TRY(eg_allocate(ctx, plan->n_all_columns, sizeof *plan->fed, &plan->fed));
  /* x first and as a whole: the columns of one feature stand side by side */
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < o->n_paths; i++) {
      for (size_t k = 0; eg_path_needs(&o->paths[i], k) != NULL; k++) {
        size_t first = 0, width = 0;
        EG_TRY(columns_of(ctx, plan, &o->paths[i], k, &first, &width));
        if (eg_path_has_column(o->paths[i].kind) == (pass == 1)) {
          (eg_path_is_streamed(o->paths[i].kind) ? feed : track)(plan, first, width);
        }
      }
    }
  }
  return EG_OK;
}

/* ---- one statistic of one run ---- */

/* Covariances of so many times or points and times as memory allows: kernels make them in pieces, pair by pair. A tile's sums are then half
   a million numbers, which the budget of the plan counts. */
enum { MOST_WIDE = 1024 };

static bool is_wide(const eg_path_builder *b) {
  return b->study->kind == EG_PATH_TWO_TIME || b->study->kind == EG_PATH_M_POINT;
}

eg_status eg_path_begin_values(eg_path_builder *b, size_t n_lags, size_t n_powers) {
  eg_run_path *const p = b->out;
  p->n_lags = n_lags;
  p->n_powers = n_powers;
  if (n_lags == 0) {
    return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark, "path statistic '%s' of run '%s' has no lag: observe %s",
                            b->study->name, b->run->description, "at more times");
  }
  const size_t most = is_wide(b) ? MOST_WIDE : EG_MOST_PATH_VALUES;
  if (n_lags * n_powers > most) {
    return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                            "path statistic '%s' has %zu values (%zu lags x %zu powers); at most %zu are allowed, %zu lags would "
                            "fit: observe at fewer times%s",
                            b->study->name, n_lags * n_powers, n_lags, n_powers, most, most / n_powers,
                            b->study->kind == EG_PATH_TAMSD || b->study->kind == EG_PATH_VELOCITY ? ", or name its lags" : "");
  }
  EG_TRY(eg_allocate(b->ctx, n_lags, sizeof *p->lags, &p->lags));
  EG_TRY(eg_allocate(b->ctx, n_lags * n_powers + 1, sizeof *p->first, &p->first));
  return eg_allocate(b->ctx, n_lags * n_powers, sizeof *p->powers, &p->powers);
}

void eg_path_begin_value(eg_path_builder *b, double power) {
  b->out->first[b->n_values] = (uint32_t)b->n_terms;
  b->out->powers[b->n_values++] = power;
  b->out->first[b->n_values] = (uint32_t)b->n_terms;
}

eg_status eg_path_add_term(eg_path_builder *b, size_t from, size_t to, size_t from_2, size_t to_2) {
  if (b->n_terms == b->capacity) {
    const size_t capacity = b->capacity == 0 ? 64 : 2 * b->capacity;
    eg_path_term *const terms = realloc(b->out->terms, capacity * sizeof *terms);
    if (terms == NULL) {
      return eg_fail(b->ctx, EG_ERR_MEMORY, "out of memory for the windows of path statistic '%s'", b->study->name);
    }
    b->out->terms = terms;
    b->capacity = capacity;
  }
  b->out->terms[b->n_terms++] = (eg_path_term){(uint32_t)from, (uint32_t)to, (uint32_t)from_2, (uint32_t)to_2};
  b->out->first[b->n_values] = (uint32_t)b->n_terms;
  return EG_OK;
}

eg_status eg_path_find_origin(const eg_path_builder *b, size_t *at) {
  const uint64_t *const s = b->at->steps;
  const uint64_t origin = (uint64_t)b->study->origin;
  const size_t n = b->at->n;
  size_t i = 0;
  while (i < n && s[i] < origin) {
    i++;
  }
  if (i < n && s[i] == origin) {
    *at = i;
    return EG_OK;
  }
  const size_t near = i == n || (i > 0 && origin - s[i - 1] < s[i] - origin) ? i - 1 : i;
  return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                          "origin %" PRIu64 " of path statistic '%s' is no observed step of run '%s'; the nearest one is "
                          "%" PRIu64,
                          origin, b->study->name, b->run->description, s[near]);
}

/* Displacements from the start or an origin to all later observations. */
static eg_status build_displacements(eg_path_builder *b) {
  const bool is_from_start = isnan(b->study->origin);
  const uint64_t *const s = b->at->steps;
  static const double two = 2;
  const bool has_powers = b->study->kind == EG_PATH_MOMENTS;
  const eg_number_list *const written = &b->study->powers;
  const double *const powers = !has_powers ? &two : (written->n > 0 ? written->values : default_powers);
  const size_t n_powers = !has_powers ? 1 : (written->n > 0 ? written->n : sizeof default_powers / sizeof *default_powers);
  size_t origin = EG_PATH_NOWHERE, first = s[0] == 0 ? 1 : 0;
  if (!is_from_start) {
    EG_TRY(eg_path_find_origin(b, &origin));
    first = origin + 1;
  }
  EG_TRY(eg_path_begin_values(b, b->at->n - first, n_powers));
  for (size_t i = 0; i < b->out->n_lags; i++) {
    b->out->lags[i] = s[first + i] - (is_from_start ? 0 : s[origin]);
    for (size_t k = 0; k < n_powers; k++) {
      eg_path_begin_value(b, powers[k]);
      EG_TRY(eg_path_add_term(b, origin, first + i, origin, is_from_start ? EG_PATH_NOWHERE : first + i));
    }
  }
  return EG_OK;
}

/* Equal distance between observations in steps; 0: they are not equidistant. */
static uint64_t spacing_of(const eg_run_schedule *at) {
  const uint64_t *const s = at->steps;
  for (size_t i = 2; i < at->n; i++) {
    if (s[i] - s[i - 1] != s[1] - s[0]) {
      return 0;
    }
  }
  return at->n > 1 ? s[1] - s[0] : 0;
}

static eg_status refuse_spacing(const eg_path_builder *b, const char *instead) {
  return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                          "path statistic '%s' of run '%s' needs at least two equidistant observations%s", b->study->name,
                          b->run->description, instead);
}

/* Lags k = 1 .. longest of equidistant observations, about ten in a decade. */
static size_t log_lags(size_t longest, uint64_t spacing, uint64_t *lags) {
  size_t n = 0;
  uint64_t last = 0;
  for (int i = 0; last < longest; i++) {
    const double k = nearbyint(pow(10.0, i / 10.0));
    if (k > (double)longest) {
      break;
    }
    if ((uint64_t)k > last) {
      last = (uint64_t)k;
      if (lags != NULL) {
        lags[n] = last * spacing;
      }
      n++;
    }
  }
  return n;
}

/* Mean over all windows of one length within the observations. */
static eg_status build_time_averages(eg_path_builder *b) {
  const uint64_t *const s = b->at->steps;
  const size_t n = b->at->n;
  const uint64_t spacing = spacing_of(b->at);
  if (b->study->lags.n == 0 && spacing == 0) {
    return refuse_spacing(b, ", or 'lags'");
  }
  EG_TRY(eg_path_begin_values(b, b->study->lags.n > 0 ? b->study->lags.n : log_lags(n - 1, spacing, NULL), 1));
  (void)(b->study->lags.n > 0 ? 0 : log_lags(n - 1, spacing, b->out->lags));
  for (size_t i = 0; i < b->out->n_lags; i++) {
    const uint64_t lag = b->study->lags.n > 0 ? (uint64_t)b->study->lags.values[i] : b->out->lags[i];
    b->out->lags[i] = lag;
    eg_path_begin_value(b, 2);
    for (size_t from = 0, to = 0; from < n; from++) {
      while (to < n && s[to] < s[from] + lag) {
        to++;
      }
      if (to < n && s[to] == s[from] + lag) {
        EG_TRY(eg_path_add_term(b, from, to, from, to));
      }
    }
    if (b->out->first[i + 1] == b->out->first[i]) {
      return eg_study_fail_at(b->ctx, b->plan->study, b->study->lags.mark,
                              "no two observations of run '%s' are %" PRIu64 " steps apart", b->run->description, lag);
    }
  }
  return EG_OK;
}

/* Product of the displacements between neighbouring observations, one lag apart. */
static eg_status build_velocities(eg_path_builder *b) {
  const uint64_t spacing = spacing_of(b->at);
  const size_t n = b->at->n;
  size_t begin = 0;
  if (spacing == 0) {
    return refuse_spacing(b, "");
  }
  if (!isnan(b->study->origin)) {
    EG_TRY(eg_path_find_origin(b, &begin));
  }
  const size_t longest = n > begin + 1 ? n - begin - 1 : 0, /* lags 0 .. longest - 1 */
      n_default = longest < MOST_VELOCITY_LAGS ? longest : MOST_VELOCITY_LAGS;
  EG_TRY(eg_path_begin_values(b, b->study->lags.n > 0 ? b->study->lags.n : n_default, 1));
  for (size_t i = 0; i < b->out->n_lags; i++) {
    const uint64_t lag = b->study->lags.n > 0 ? (uint64_t)b->study->lags.values[i] : i * spacing;
    b->out->lags[i] = lag;
    if (lag % spacing != 0 || lag / spacing >= longest) {
      return eg_study_fail_at(b->ctx, b->plan->study, b->study->lags.mark,
                              "lag %" PRIu64 " of path statistic '%s' is no multiple of the %" PRIu64
                              " steps between observations below %" PRIu64,
                              lag, b->study->name, spacing, longest * spacing);
    }
    const size_t k = (size_t)(lag / spacing);
    eg_path_begin_value(b, 2);
    for (size_t from = begin; from + k + 1 < n && (from == begin || isnan(b->study->origin)); from++) {
      EG_TRY(eg_path_add_term(b, from, from + 1, from + k, from + k + 1));
    }
  }
  return EG_OK;
}

/* One feature at all observations. */
static eg_status build_two_time(eg_path_builder *b) {
  EG_TRY(eg_path_begin_values(b, b->at->n, 1));
  for (size_t i = 0; i < b->out->n_lags; i++) {
    b->out->lags[i] = b->at->steps[i];
    eg_path_begin_value(b, 2);
    EG_TRY(eg_path_add_term(b, EG_PATH_NOWHERE, i, EG_PATH_NOWHERE, EG_PATH_NOWHERE));
  }
  return EG_OK;
}

static eg_status (*const builds[])(eg_path_builder *b) = {build_displacements, build_displacements, build_velocities,
                                                  build_time_averages, build_two_time,      eg_path_build_m_point,
                                                  eg_path_build_product, eg_path_build_distance, eg_path_build_characteristic,
                                                  eg_path_build_tail,  eg_path_build_time_average,
                                                  eg_path_build_correlator, eg_path_build_correlator};

/* The covariance between lags is what fits need, of at most 64; of more it is left out, but msd, two-time and m-point are nothing
   without. That of many times or points is made as a product of matrices. */
static eg_status choose_covariance(const eg_path_builder *b, int32_t *covariance) {
  const eg_path_kind kind = b->study->kind;
  const bool is_series = b->stream != NULL && b->stream->series > 1; /* the error of what is made of several means */
  const bool needs = is_wide(b) || is_series || kind == EG_PATH_MSD;
  const bool is_wanted = needs || kind == EG_PATH_TAMSD || kind == EG_PATH_CORRELATOR_MSD;
  const int most = is_wide(b) ? MOST_WIDE : is_series ? EG_MOST_PATH_PRODUCT : EG_MOST_PATH_COVARIANCE;
  *covariance = !is_wanted || b->n_values > (size_t)most     ? EG_COVARIANCE_NONE
                : b->n_values <= EG_MOST_PATH_TREE       ? EG_COVARIANCE_TREE
                                                         : EG_COVARIANCE_PRODUCT;
  if (needs && *covariance == EG_COVARIANCE_NONE) {
    return eg_study_fail_at(b->ctx, b->plan->study, b->study->mark,
                            "path statistic '%s' of run '%s' has %zu %s; their covariance is kept, and that of at most %d: "
                            "observe at fewer times",
                            b->study->name, b->run->description, b->n_values,
                            kind == EG_PATH_M_POINT ? "points x times" : "lags", most);
  }
  return EG_OK;
}

/* The terms number the observations of one schedule; kernels take the numbers of all that is tracked. */
static eg_status number_terms(const eg_path_builder *b, eg_path_statistic *s) {
  uint32_t *number = NULL;
  EG_TRY(eg_allocate(b->ctx, b->at->n, sizeof *number, &number));
  for (uint32_t i = 0; b->at->places == NULL && i < b->at->n; i++) {
    number[i] = i;
  }
  for (size_t i = 0; b->at->places != NULL && i < b->run->job_schedules.n_observations; i++) {
    if (b->at->places[i] != EG_NO_PLACE) {
      number[b->at->places[i]] = b->run->tracked_places[i];
    }
  }
  const bool are_all = s->form == EG_PATH_INCREMENTS, are_two = s->form == EG_PATH_JOINT || s->form == EG_PATH_DISTANCES;
  for (size_t i = 0; i < b->n_terms; i++) { /* which of a, b, c, d are observations: stats/paths.h */
    eg_path_term *const t = &b->out->terms[i];
    uint32_t *const all[4] = {&t->a, are_all || are_two ? &t->c : NULL, are_all ? &t->b : NULL, are_all ? &t->d : NULL};
    for (size_t k = 0; k < 4; k++) {
      if (all[k] != NULL && *all[k] != EG_PATH_NOWHERE) {
        *all[k] = number[*all[k]];
      }
    }
  }
  s->last = number[b->at->n - 1];
  free(number);
  return EG_OK;
}

static eg_status plan_one(eg_context *ctx, const eg_plan *plan, eg_run *run, size_t path, eg_run_path *out,
                          eg_path_statistic *s) {
  const eg_study_path *const study = &plan->study->observe.paths[path];
  const bool is_streamed = eg_path_is_streamed(study->kind);
  eg_stream *const stream = is_streamed ? &run->streams[run->job.n_streams] : NULL;
  eg_path_builder b = {ctx, plan, run, study, &run->schedules[plan->path_schedules[path]], out, 0, 0, 0, stream};
  size_t first = 0, width = 0;
  int32_t covariance = EG_COVARIANCE_NONE;
  EG_TRY(columns_of(ctx, plan, study, 0, &first, &width));
  const size_t tracked = first;
  s->column = (uint32_t)tracked_at(plan, first);
  s->width = (uint32_t)width;
  if (eg_path_needs(study, 1) != NULL) {
    EG_TRY(columns_of(ctx, plan, study, 1, &first, &width));
  }
  s->column_2 = (uint32_t)tracked_at(plan, first);
  if (is_streamed) { /* without a second feature it is the first again */
    stream->column = (uint32_t)fed_at(plan, tracked);
    stream->width = s->width;
    stream->column_2 = study->has_with                           ? (uint32_t)fed_at(plan, first)
                       : study->combine == EG_COMBINE_COVARIANCE ? stream->column
                                                                 : EG_STREAM_NO_COLUMN;
    s->stream = stream;
    run->job.n_streams++;
  }
  EG_TRY(builds[study->kind](&b));
  EG_TRY(choose_covariance(&b, &covariance));
  s->terms = out->terms;
  s->first = out->first;
  s->powers = out->powers;
  s->n_values = (uint32_t)b.n_values;
  s->n_largest = study->kind == EG_PATH_TAIL ? (uint32_t)study->largest : 0;
  s->form = is_streamed                                                          ? EG_PATH_STREAMED
            : study->kind == EG_PATH_TAIL                                        ? EG_PATH_LARGEST
            : study->kind == EG_PATH_CHARACTERISTIC                                ? EG_PATH_WAVE
            : study->kind == EG_PATH_DISTANCE                                    ? EG_PATH_DISTANCES
            : study->kind == EG_PATH_M_POINT || study->kind == EG_PATH_PRODUCT ? EG_PATH_JOINT
                                                                                 : EG_PATH_INCREMENTS;
  s->with_covariance = covariance;
  return number_terms(&b, s);
}

/* The counts of a statistic's values stand behind all others. */
static eg_status count_path(eg_context *ctx, const eg_plan *plan, const eg_study_path *study, eg_job *job, eg_path_statistic *s) {
  if (!study->has_histogram) {
    return EG_OK;
  }
  if (s->n_values > MOST_COUNTED) {
    return eg_study_fail_at(ctx, plan->study, study->mark,
                            "path statistic '%s' has %u values (lags x powers), and at most %d can have histograms: name fewer lags, "
                            "or observe at fewer times",
                            study->name, s->n_values, MOST_COUNTED);
  }
  s->n_counted = s->n_values;
  s->first_count = job->n_counts;
  job->n_counts += (size_t)s->n_counted * plan->n_points * EG_PATH_PLACES;
  return EG_OK;
}

eg_status eg_plan_paths(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study_observe *const o = &plan->study->observe;
  eg_job *const job = &run->job;
  if (o->n_paths == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, o->n_paths, sizeof *run->paths, &run->paths));
  EG_TRY(eg_allocate(ctx, o->n_paths, sizeof *run->path_statistics, &run->path_statistics));
  EG_TRY(eg_allocate(ctx, o->n_paths, sizeof *run->streams, &run->streams));
  for (size_t i = 0; i < o->n_paths; i++) {
    EG_TRY(plan_one(ctx, plan, run, i, &run->paths[i], &run->path_statistics[i]));
    EG_TRY(count_path(ctx, plan, &o->paths[i], job, &run->path_statistics[i]));
    job->node_values += eg_path_rows(&run->path_statistics[i], (uint32_t)plan->n_points) *
                        eg_path_row_values(&run->path_statistics[i]);
  }
  job->paths = run->path_statistics;
  job->n_paths = o->n_paths;
  job->tracked_columns = plan->tracked_columns;
  job->n_tracked = plan->n_tracked;
  job->streams = run->streams;
  job->fed = plan->fed;
  job->n_fed = plan->n_fed;
  const double bytes = (double)eg_job_track_values(job, eg_job_tracked_records(job)) * sizeof(double);
  const double streamed = (double)eg_job_stream_values(job, job->n_streams) * sizeof(double);
  const double lanes = (double)plan->n_points * job->launch.ld;
  if (streamed > max_track_bytes) {
    return eg_study_fail_at(ctx, plan->study, o->paths[0].mark,
                            "what streamed statistics of paths keep of a tile takes %.3g MiB (%u realisations x %zu points x %.0f "
                            "numbers); at most %.0f MiB are allowed, %.0f numbers would fit: fewer 'values', or a shorter window",
                            streamed / 0x1p20, job->launch.ld, plan->n_points, streamed / (lanes * sizeof(double)),
                            max_track_bytes / 0x1p20, floor(max_track_bytes / (lanes * sizeof(double))));
  }
  if (bytes > max_track_bytes) {
    return eg_study_fail_at(ctx, plan->study, o->paths[0].mark,
                            "the observations of a tile that statistics of paths are made of take %.3g MiB (%zu times x %zu "
                            "points x %zu columns x %u realisations); at most %.0f MiB are allowed: observe fewer times, %.0f would fit",
                            bytes / 0x1p20, eg_job_tracked_records(job), plan->n_points, plan->n_tracked, job->launch.ld,
                            max_track_bytes / 0x1p20, floor(max_track_bytes / (lanes * (double)plan->n_tracked * sizeof(double))));
  }
  return EG_OK;
}

void eg_plan_free_paths(eg_run *run, size_t n_paths) {
  for (size_t i = 0; run->paths != NULL && i < n_paths; i++) {
    free(run->paths[i].lags);
    free(run->paths[i].terms);
    free(run->paths[i].first);
    free(run->paths[i].powers);
  }
  free(run->paths);
  free(run->path_statistics);
  free(run->streams);
}
