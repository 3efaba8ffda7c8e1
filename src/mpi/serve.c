#include "mpi/serve.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/condition.h"
#include "base/hash.h"
#include "base/stop_flag.h"
#include "mpi/message.h"
#include "mpi/watch.h"
#include "run/batch.h"
#include "run/devices.h"
#include "run/tile_queue.h"

/* A CPU worker takes so many milliseconds of work at once, in messages of at most so many bytes. */
enum { CPU_MILLISECONDS = 100, MOST_RESULT_BYTES = 32 << 20 };

/* How long the thread that talks rests between looks for messages: BUSY while all workers compute; SHORT while one waits for its next
   question, or an answer is on its way; LONG instead of SHORT after MOST_SHORT looks in vain. In seconds. */
static const double BUSY_REST = 5e-3, SHORT_REST = 0.1e-3, LONG_REST = 1e-3;
enum { MOST_SHORT = 100 };

typedef struct server server;

typedef struct served {
  server *server;
  int number;
  eg_device *device;
  pthread_t thread;
  bool is_started;
  eg_batch batch;
  uint64_t room;      /* tiles that the batch has room for */
  size_t run;         /* that is prepared */
  /* with the lock */
  eg_mpi_buffer question, answer, sent;
  int question_kind, answer_kind; /* 0: none */
  bool is_busy;
  bool is_sending;    /* `sent`, of the thread that talks alone */
  MPI_Request request;
  uint64_t beats, device_beats;
} served;

struct server {
  eg_campaign *campaign; /* for its grids alone */
  eg_worker_place *places;
  served *workers;
  int n;
  pthread_mutex_t lock;
  pthread_cond_t asked, answered;
  bool is_ending;
  volatile int stop;
};

/* ---- a worker ---- */

static eg_status set_grids(eg_context *ctx, server *s, size_t run, const eg_mpi_buffer *question) {
  const eg_plan *const plan = s->campaign->plan;
  const size_t n = eg_n_together(plan, run), bytes = plan->n_edges * sizeof(double);
  if (question->size != sizeof(eg_mpi_head) + n * bytes) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "the edges of histograms do not fit to the study");
  }
  for (size_t i = 0; i < n && bytes > 0; i++) {
    eg_run_histograms *const h = &s->campaign->runs[eg_together(plan, run, i)].histograms;
    const char *const edges = question->bytes + sizeof(eg_mpi_head) + i * bytes;
    if (!h->has_grids) {
      double *copy = NULL;
      EG_TRY(eg_allocate(ctx, plan->n_edges, sizeof *copy, &copy));
      memcpy(copy, edges, bytes);
      eg_run_histograms_set(plan, h, copy);
      free(copy);
    }
    if (memcmp(h->edges, edges, bytes) != 0) {
      return eg_fail(ctx, EG_ERR_INTERNAL, "the edges of histograms have changed");
    }
  }
  return EG_OK;
}

static eg_status prepare(eg_context *ctx, served *w, eg_mpi_head *head) {
  server *const s = w->server;
  const eg_plan *const plan = s->campaign->plan;
  const eg_worker_place *const place = &s->places[w->number];
  uint64_t most = 1;
  if (head->run >= plan->n_runs) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "there is no such run");
  }
  eg_batch_free(&w->batch);
  w->room = 0;
  w->run = (size_t)head->run;
  (void)pthread_mutex_lock(&s->lock);
  const eg_status status = set_grids(ctx, s, w->run, &w->question);
  (void)pthread_mutex_unlock(&s->lock);
  EG_TRY(status);
  EG_TRY(eg_batch_make_jobs(ctx, s->campaign, w->run, &w->batch));
  EG_TRY(place->backend->prepare(ctx, w->device, w->batch.jobs, &most));
  if (place->backend == &eg_backend_cpu) {
    most = CPU_MILLISECONDS * eg_run_batch(plan, &plan->runs[w->run], most);
  }
  const uint64_t fit = MOST_RESULT_BYTES / (eg_job_result_values(w->batch.jobs) * sizeof(double));
  head->n = most < fit ? most : fit > 0 ? fit : 1;
  return EG_OK;
}

static void put(eg_mpi_buffer *answer, size_t *at, const void *from, size_t bytes) {
  if (bytes > 0) {
    memcpy(answer->bytes + *at, from, bytes);
  }
  *at += bytes;
}

/* Nodes, counts, paths, number of bad trajectories of each tile, their list: unpack() of remote.c. */
static eg_status pack(eg_context *ctx, const served *w, eg_mpi_head *head, eg_mpi_buffer *answer) {
  const eg_batch *const b = &w->batch;
  const size_t node = eg_job_result_values(b->jobs) * sizeof(double), counts = b->n_counts * sizeof(uint64_t);
  head->has_paths = b->n_paths > 0 && head->first * b->jobs->tile < b->jobs->kept_first + b->jobs->n_kept;
  const size_t paths = head->has_paths ? b->n_paths * sizeof(double) : 0;
  head->n_bad = 0;
  for (uint64_t i = 0; i < head->n; i++) {
    head->n_bad += b->results[i].n_bad;
  }
  const size_t size = (size_t)head->n * (node + sizeof(uint64_t)) + counts + paths + (size_t)head->n_bad * sizeof(eg_bad_trajectory);
  size_t at = sizeof *head;
  EG_TRY(eg_mpi_buffer_make(ctx, head, size, answer));
  for (uint64_t i = 0; i < head->n; i++) {
    put(answer, &at, b->results[i].node, node);
  }
  put(answer, &at, b->counts, counts);
  put(answer, &at, b->paths, paths);
  for (uint64_t i = 0; i < head->n; i++) {
    const uint64_t n_bad = b->results[i].n_bad;
    put(answer, &at, &n_bad, sizeof n_bad);
  }
  for (uint64_t i = 0; i < head->n; i++) {
    put(answer, &at, b->results[i].bad, b->results[i].n_bad * sizeof(eg_bad_trajectory));
  }
  return EG_OK;
}

static void drop_lists(served *w) {
  for (uint64_t i = 0; i < w->room; i++) {
    free(w->batch.results[i].bad);
    w->batch.results[i].bad = NULL;
    w->batch.results[i].n_bad = 0;
  }
}

static eg_status make_room(eg_context *ctx, served *w, uint64_t n) {
  if (n <= w->room) {
    return EG_OK;
  }
  drop_lists(w);
  w->room = 0;
  EG_TRY(eg_batch_make_room(ctx, n, eg_n_together(w->server->campaign->plan, w->run), &w->batch));
  w->room = n;
  return EG_OK;
}

static eg_status advance(eg_context *ctx, served *w, eg_mpi_head *head, eg_mpi_buffer *answer) {
  if (w->batch.jobs == NULL || head->n == 0) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "tiles of a run that is not prepared");
  }
  EG_TRY(make_room(ctx, w, head->n));
  drop_lists(w);
  memset(w->batch.counts, 0, w->batch.n_counts * sizeof *w->batch.counts);
  EG_TRY(w->server->places[w->number].backend->advance(ctx, w->device, head->first, head->n, &w->server->stop, w->batch.results));
  const eg_status status = pack(ctx, w, head, answer);
  drop_lists(w);
  return status;
}

/* Answer the question in w->question. */
static eg_mpi_buffer answer_question(eg_context *ctx, served *w, int kind) {
  eg_mpi_head head;
  eg_mpi_buffer answer = {NULL, 0};
  memcpy(&head, w->question.bytes, sizeof head);
  head.text[0] = '\0';
  head.status = (int32_t)(kind == EG_MPI_PREPARE ? prepare(ctx, w, &head) : advance(ctx, w, &head, &answer));
  if (answer.bytes == NULL) {
    if (head.status != EG_OK) {
      (void)snprintf(head.text, sizeof head.text, "%s", eg_context_message(ctx));
    }
    if (eg_mpi_buffer_make(ctx, &head, 0, &answer) != EG_OK) {
      answer.bytes = NULL; /* rank 0 waits for it until it gives this worker up */
    }
  }
  return answer;
}

static void *worker_main(void *argument) {
  served *const w = argument;
  server *const s = w->server;
  eg_context *const ctx = eg_context_create();
  (void)pthread_mutex_lock(&s->lock);
  while (!s->is_ending && ctx != NULL) {
    if (w->question_kind == 0) {
      (void)pthread_cond_wait(&s->asked, &s->lock); /* cannot fail with a locked mutex */
      continue;
    }
    const int kind = w->question_kind;
    w->question_kind = 0;
    w->is_busy = true;
    (void)pthread_mutex_unlock(&s->lock);
    const eg_mpi_buffer answer = answer_question(ctx, w, kind);
    (void)pthread_mutex_lock(&s->lock);
    free(w->question.bytes);
    w->question.bytes = NULL;
    w->answer = answer;
    w->answer_kind = answer.bytes == NULL ? 0 : kind == EG_MPI_PREPARE ? EG_MPI_PREPARED : EG_MPI_RESULT;
    w->is_busy = false;
    (void)pthread_cond_signal(&s->answered);
  }
  (void)pthread_mutex_unlock(&s->lock);
  eg_context_free(ctx);
  return NULL;
}

/* ---- the main thread talks ---- */

/* None is waited for: a long one leaves when rank 0 looks, and other workers may be heard in the meantime. */
static eg_status send_answers(eg_context *ctx, server *s, bool *was_busy) {
  for (int i = 0; i < s->n; i++) {
    served *const w = &s->workers[i];
    if (w->is_sending) {
      int is_done = 0;
      EG_TRY(eg_mpi_try(ctx, MPI_Test(&w->request, &is_done, MPI_STATUS_IGNORE), "sending"));
      if (!is_done) {
        continue;
      }
      w->is_sending = false;
      free(w->sent.bytes);
      w->sent.bytes = NULL;
    }
    (void)pthread_mutex_lock(&s->lock);
    w->sent = w->answer;
    const int kind = w->answer_kind;
    w->answer.bytes = NULL;
    w->answer_kind = 0;
    (void)pthread_mutex_unlock(&s->lock);
    if (kind == 0) {
      continue;
    }
    *was_busy = true;
    EG_TRY(eg_mpi_try(ctx, MPI_Isend(w->sent.bytes, (int)w->sent.size, MPI_BYTE, 0, kind, MPI_COMM_WORLD, &w->request), "sending"));
    w->is_sending = true;
  }
  return EG_OK;
}

/* Until there is an answer, or it is time to look for messages. n_short: looks in vain since the last message. */
static void rest(server *s, int *n_short) {
  double seconds = BUSY_REST;
  (void)pthread_mutex_lock(&s->lock);
  for (int i = 0; i < s->n && seconds > 0; i++) {
    const served *const w = &s->workers[i];
    if (w->answer_kind != 0 && !w->is_sending) {
      seconds = 0;
    } else if (w->is_sending || (!w->is_busy && w->question_kind == 0)) {
      seconds = *n_short < MOST_SHORT ? SHORT_REST : LONG_REST;
    }
  }
  if (seconds > 0) {
    eg_condition_wait(&s->answered, &s->lock, seconds);
  }
  (void)pthread_mutex_unlock(&s->lock);
  *n_short += *n_short < MOST_SHORT;
}

/* A worker lives while its device gets on; the CPU always does. */
static eg_status send_beats(eg_context *ctx, server *s, uint64_t *beats) {
  (void)pthread_mutex_lock(&s->lock);
  for (int i = 0; i < s->n; i++) {
    served *const w = &s->workers[i];
    const eg_backend *const backend = s->places[i].backend;
    const uint64_t now = backend->beats == NULL ? w->beats + 1 : backend->beats(w->device);
    w->beats += !w->is_busy || now != w->device_beats;
    w->device_beats = now;
    beats[i] = w->beats;
  }
  (void)pthread_mutex_unlock(&s->lock);
  return eg_mpi_try(ctx, MPI_Send(beats, (int)((size_t)s->n * sizeof *beats), MPI_BYTE, 0, EG_MPI_BEATS, MPI_COMM_WORLD), "sending");
}

static eg_status deliver(eg_context *ctx, server *s, int kind, eg_mpi_buffer *message) {
  eg_mpi_head head;
  if (message->size < sizeof head) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "a message that is too short");
  }
  memcpy(&head, message->bytes, sizeof head);
  if (head.worker < 0 || head.worker >= s->n) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "a message for a worker that does not exist");
  }
  served *const w = &s->workers[head.worker];
  (void)pthread_mutex_lock(&s->lock);
  w->question = *message;
  w->question_kind = kind;
  message->bytes = NULL;
  (void)pthread_cond_broadcast(&s->asked);
  (void)pthread_mutex_unlock(&s->lock);
  return EG_OK;
}

/* A worker was given up, maybe one of these, whose thread can only end with the process. The result is rank 0's. */
static _Noreturn void leave(char how) {
  _exit(how == EG_MPI_FINALIZE && MPI_Finalize() != MPI_SUCCESS ? 1 : 0);
}

/* Take one message if there is one. s NULL: nobody works here. */
static eg_status receive(eg_context *ctx, server *s, bool *was_busy, bool *is_over) {
  MPI_Status status;
  int is_there = 0, size = 0;
  eg_mpi_buffer message = {NULL, 0};
  EG_TRY(eg_mpi_try(ctx, MPI_Iprobe(0, MPI_ANY_TAG, MPI_COMM_WORLD, &is_there, &status), "looking for messages"));
  if (!is_there) {
    return EG_OK;
  }
  *was_busy = true;
  eg_watch_heard();
  EG_TRY(eg_mpi_try(ctx, MPI_Get_count(&status, MPI_BYTE, &size), "looking at a message"));
  EG_TRY(eg_allocate(ctx, (size_t)size, 1, &message.bytes));
  message.size = (size_t)size;
  const int kind = status.MPI_TAG;
  eg_status got =
      eg_mpi_try(ctx, MPI_Recv(message.bytes, size, MPI_BYTE, 0, kind, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "receiving");
  if (got == EG_OK && kind == EG_MPI_BYE) {
    *is_over = true;
    if (size > 0) {
      leave(message.bytes[0]);
    }
  } else if (got == EG_OK && kind == EG_MPI_STOP && s != NULL) {
    eg_ask_to_stop(&s->stop);
  } else if (got == EG_OK && kind != EG_MPI_BEATS && s != NULL) {
    got = deliver(ctx, s, kind, &message);
  }
  free(message.bytes);
  return got;
}

static eg_status talk(eg_context *ctx, server *s) {
  uint64_t *beats = NULL;
  bool is_over = false;
  double last = eg_now();
  int n_short = 0;
  eg_status status = EG_OK;
  if (s != NULL) {
    EG_TRY(eg_allocate(ctx, (size_t)s->n, sizeof *beats, &beats));
  }
  while (!is_over && status == EG_OK) {
    bool was_busy = false;
    status = receive(ctx, s, &was_busy, &is_over);
    if (s != NULL && status == EG_OK && !is_over) {
      status = send_answers(ctx, s, &was_busy);
    }
    if (s != NULL && status == EG_OK && !is_over && eg_now() - last > EG_MPI_BEAT_SECONDS) {
      status = send_beats(ctx, s, beats);
      last = eg_now();
    }
    if (was_busy) {
      n_short = 0;
    } else if (s != NULL && status == EG_OK) {
      rest(s, &n_short);
    } else {
      static const struct timespec REST = {0, 5000000};
      (void)nanosleep(&REST, NULL); /* cut short is no harm */
    }
  }
  free(beats);
  return status;
}

static eg_status say_hello(eg_context *ctx, const eg_mpi_hello *hello) {
  return eg_mpi_try(ctx, MPI_Send(hello, sizeof *hello, MPI_BYTE, 0, EG_MPI_HELLO, MPI_COMM_WORLD), "sending");
}

eg_status eg_serve_nothing(eg_context *ctx, const char *why) {
  eg_mpi_hello hello = {.status = EG_ERR_DEVICE};
  (void)snprintf(hello.text, sizeof hello.text, "%s", why);
  EG_TRY(say_hello(ctx, &hello));
  return talk(ctx, NULL);
}

/* ---- setting up ---- */

static eg_status start_workers(eg_context *ctx, server *s) {
  EG_TRY(eg_allocate(ctx, (size_t)s->n, sizeof *s->workers, &s->workers));
  for (int i = 0; i < s->n; i++) {
    served *const w = &s->workers[i];
    w->server = s;
    w->number = i;
    EG_TRY(s->places[i].backend->open(ctx, s->places[i].index, &w->device));
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
      return eg_fail(ctx, EG_ERR_MEMORY, "cannot start worker thread %d", i + 1);
    }
    w->is_started = true;
  }
  return EG_OK;
}

static void end_workers(server *s) {
  (void)pthread_mutex_lock(&s->lock);
  s->is_ending = true;
  eg_ask_to_stop(&s->stop);
  (void)pthread_cond_broadcast(&s->asked);
  (void)pthread_mutex_unlock(&s->lock);
  for (int i = 0; s->workers != NULL && i < s->n; i++) {
    served *const w = &s->workers[i];
    if (w->is_started) {
      (void)pthread_join(w->thread, NULL);
    }
    if (w->device != NULL) {
      s->places[i].backend->close(w->device);
    }
    drop_lists(w);
    eg_batch_free(&w->batch);
    free(w->question.bytes);
    free(w->answer.bytes);
    if (w->is_sending) { /* rank 0 no longer takes it: MPI may still read it, so it stays until the process ends */
      (void)MPI_Request_free(&w->request);
    } else {
      free(w->sent.bytes);
    }
  }
  free(s->workers);
}

eg_status eg_serve_study(eg_context *ctx, const eg_study *study, const eg_run_options *options) {
  server s = {.n = 0};
  eg_devices devices;
  eg_plan *plan = NULL;
  char *line = NULL;
  eg_mpi_hello hello = {.status = EG_OK};
  memset(&devices, 0, sizeof devices);
  (void)pthread_mutex_init(&s.lock, NULL); /* cannot fail with default attributes on Linux */
  eg_condition_init(&s.asked);
  eg_condition_init(&s.answered);
  eg_status status = eg_devices_find(ctx, study, options, &devices);
  status = status == EG_OK ? eg_plan_create(ctx, study, &plan) : status;
  status = status == EG_OK ? eg_devices_fit(ctx, plan, &devices) : status;
  status = status == EG_OK ? eg_devices_describe(ctx, &devices, &line) : status;
  status = status == EG_OK ? eg_devices_places(ctx, &devices, options->threads, &s.places, &s.n) : status;
  status = status == EG_OK ? eg_campaign_create(ctx, plan, &s.campaign) : status;
  status = status == EG_OK ? start_workers(ctx, &s) : status;
  if (status == EG_OK) {
    hello.n_workers = s.n;
    hello.is_checked = devices.n > 0;
    hello.study = eg_hash_text(EG_HASH_START, study->canonical);
    hello.data = plan->data_hash;
    (void)snprintf(hello.text, sizeof hello.text, "%s", line);
    status = say_hello(ctx, &hello);
    status = status == EG_OK ? talk(ctx, &s) : status;
  } else {
    char *const why = strdup(eg_context_message(ctx));
    status = eg_serve_nothing(ctx, why != NULL ? why : "out of memory");
    free(why);
  }
  end_workers(&s);
  free(line);
  free(s.places);
  eg_campaign_free(s.campaign);
  eg_plan_free(plan);
  eg_devices_free(&devices);
  (void)pthread_mutex_destroy(&s.lock);
  (void)pthread_cond_destroy(&s.asked);
  (void)pthread_cond_destroy(&s.answered);
  return status;
}
