#include "mpi/remote.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/condition.h"
#include "base/hash.h"
#include "base/stop_flag.h"
#include "mpi/message.h"
#include "run/run_from.h"

/* How long the thread that talks rests when there is nothing to do, and while MPI is to get on with something, in seconds. MPI wakes
   nobody up: it looks for messages after each rest, and every look costs 15 microseconds of the thread that works beside it. */
static const double REST = 1e-3, SHORT_REST = 0.5e-3;

/* How long a stop waits for workers to leave their tiles: a dead rank would never answer, and the launcher of MPI does not wait
   long before it kills rank 0. */
static const double STOP_SECONDS = 0.5;

/* A rank that has said nothing for so long, where it says something every half second, is taken for dead in the end. */
static const double SILENT_SECONDS = 2;

/* A worker of another rank, as a worker thread here holds it: one question at a time. */
struct eg_device {
  int rank, worker, number; /* number: among all remote workers */
  const eg_job *job;
  char text[96];
  /* with the lock */
  eg_mpi_buffer question, sent, answer;
  int question_kind, answer_kind; /* 0: none */
  bool is_sending;
  MPI_Request request;
  const volatile int *stop;       /* of the tiles under way */
  uint64_t beats;
};

/* One for the process, as MPI is. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t asked, answered;
  pthread_t thread;
  bool has_hellos, is_talking, is_ending, has_failed;
  char failure[256];
  int n_ranks, n_workers;
  int *first;                     /* (n_ranks + 1) number of the first worker of a rank */
  bool *was_stopped;              /* (n_ranks) */
  MPI_Request *beats;             /* (n_ranks) the last sign of life that was sent there; MPI_REQUEST_NULL: arrived, or none */
  double beaten;                  /* when signs of life were sent */
  double *heard;                  /* (n_ranks) when its last message came; 0: none since its greeting */
  double ended;                   /* when talking ended */
  eg_mpi_hello *hellos;           /* (n_ranks) */
  eg_device **devices;            /* (n_workers) NULL while not open */
} remote = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the thread that talks; MPI is called by nobody else while it lives ---- */

/* Called with the lock held. */
static eg_status send_questions(eg_context *ctx, bool *was_busy) {
  for (int i = 0; i < remote.n_workers; i++) {
    eg_device *const d = remote.devices[i];
    if (d == NULL) {
      continue;
    }
    if (d->is_sending) {
      int is_done = 0;
      EG_TRY(eg_mpi_try(ctx, MPI_Test(&d->request, &is_done, MPI_STATUS_IGNORE), "sending"));
      d->is_sending = !is_done;
    }
    if (d->question_kind != 0 && !d->is_sending) {
      free(d->sent.bytes);
      d->sent = d->question;
      d->question.bytes = NULL;
      EG_TRY(eg_mpi_try(ctx,
                        MPI_Isend(d->sent.bytes, (int)d->sent.size, MPI_BYTE, d->rank, d->question_kind, MPI_COMM_WORLD,
                                  &d->request),
                        "sending"));
      d->is_sending = true;
      d->question_kind = 0;
      *was_busy = true;
    }
    if (eg_is_stopping(d->stop) && !remote.was_stopped[d->rank]) {
      remote.was_stopped[d->rank] = true;
      EG_TRY(eg_mpi_try(ctx, MPI_Send(NULL, 0, MPI_BYTE, d->rank, EG_MPI_STOP, MPI_COMM_WORLD), "sending"));
    }
  }
  return EG_OK;
}

/*
 * That rank 0 lives: without it, the others would wait for ever where the launcher leaves them alive. One at most is under way to
 * a rank, as a dead one takes none, and what MPI says against it is no failure of the run.
 */
static void send_beats(void) {
  const double now = eg_now();
  if (now - remote.beaten < EG_MPI_BEAT_SECONDS) {
    return;
  }
  remote.beaten = now;
  for (int rank = 1; rank < remote.n_ranks; rank++) {
    int is_done = 1;
    if (remote.beats[rank] == MPI_REQUEST_NULL ||
        (MPI_Test(&remote.beats[rank], &is_done, MPI_STATUS_IGNORE) == MPI_SUCCESS && is_done)) {
      if (MPI_Isend(NULL, 0, MPI_BYTE, rank, EG_MPI_BEATS, MPI_COMM_WORLD, &remote.beats[rank]) != MPI_SUCCESS) {
        remote.beats[rank] = MPI_REQUEST_NULL;
      }
    }
  }
}

static void take_beats(int rank, const eg_mpi_buffer *message) {
  const int n = remote.first[rank + 1] - remote.first[rank];
  for (int i = 0; i < n && ((size_t)i + 1) * sizeof(uint64_t) <= message->size; i++) {
    eg_device *const d = remote.devices[remote.first[rank] + i];
    if (d != NULL) {
      memcpy(&d->beats, message->bytes + (size_t)i * sizeof(uint64_t), sizeof(uint64_t));
    }
  }
}

/* Hand a message over; what nobody waits for is dropped. */
static void deliver(int rank, int kind, eg_mpi_buffer *message) {
  eg_mpi_head head;
  remote.heard[rank] = eg_now();
  if (kind == EG_MPI_BEATS) {
    take_beats(rank, message);
  } else if (message->size >= sizeof head) {
    memcpy(&head, message->bytes, sizeof head);
    const int number = remote.first[rank] + head.worker;
    eg_device *const d = head.worker >= 0 && number < remote.first[rank + 1] ? remote.devices[number] : NULL;
    if (d != NULL && d->answer_kind == 0) {
      d->answer = *message;
      d->answer_kind = kind;
      message->bytes = NULL;
      (void)pthread_cond_broadcast(&remote.answered);
    }
  }
  free(message->bytes);
  message->bytes = NULL;
}

static eg_status receive(eg_context *ctx, bool *was_busy) {
  MPI_Status status;
  int is_there = 0, size = 0;
  eg_mpi_buffer message = {NULL, 0};
  EG_TRY(eg_mpi_try(ctx, MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &is_there, &status), "looking for messages"));
  if (!is_there) {
    return EG_OK;
  }
  EG_TRY(eg_mpi_try(ctx, MPI_Get_count(&status, MPI_BYTE, &size), "looking at a message"));
  EG_TRY(eg_allocate(ctx, (size_t)size, 1, &message.bytes));
  message.size = (size_t)size;
  const eg_status got = eg_mpi_try(ctx,
                                   MPI_Recv(message.bytes, size, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD,
                                            MPI_STATUS_IGNORE),
                                   "receiving");
  if (got != EG_OK) {
    free(message.bytes);
    return got;
  }
  (void)pthread_mutex_lock(&remote.lock);
  deliver(status.MPI_SOURCE, status.MPI_TAG, &message);
  (void)pthread_mutex_unlock(&remote.lock);
  *was_busy = true;
  return EG_OK;
}

/* Called with the lock held: until there is a question, or it is time to look for messages. */
static void rest(void) {
  double seconds = REST;
  for (int i = 0; i < remote.n_workers; i++) {
    const eg_device *const d = remote.devices[i];
    if (d != NULL && d->question_kind != 0 && !d->is_sending) {
      return;
    }
    seconds = d != NULL && d->is_sending ? SHORT_REST : seconds;
  }
  if (!remote.is_ending) {
    eg_condition_wait(&remote.asked, &remote.lock, seconds);
  }
}

static void *talk(void *argument) {
  (void)argument;
  eg_context *const ctx = eg_context_create();
  eg_status status = ctx == NULL ? EG_ERR_MEMORY : EG_OK;
  bool is_ending = false;
  while (status == EG_OK && !is_ending) {
    bool was_busy = false;
    (void)pthread_mutex_lock(&remote.lock);
    status = send_questions(ctx, &was_busy);
    is_ending = remote.is_ending;
    (void)pthread_mutex_unlock(&remote.lock);
    status = status == EG_OK ? receive(ctx, &was_busy) : status;
    send_beats();
    if (!was_busy && status == EG_OK) {
      (void)pthread_mutex_lock(&remote.lock);
      rest();
      (void)pthread_mutex_unlock(&remote.lock);
    }
  }
  (void)pthread_mutex_lock(&remote.lock);
  if (status != EG_OK) {
    remote.has_failed = true;
    (void)snprintf(remote.failure, sizeof remote.failure, "%s", ctx == NULL ? "out of memory" : eg_context_message(ctx));
    (void)pthread_cond_broadcast(&remote.answered);
  }
  (void)pthread_mutex_unlock(&remote.lock);
  eg_context_free(ctx);
  return NULL;
}

/* ---- the backend ---- */

/* An answer, or the time to look whether all is to end, is waited for so long. */
static const double ANSWER_REST = 0.05;

/* Ask and wait; the answer is the caller's to free. */
static eg_status ask(eg_context *ctx, eg_device *d, int kind, eg_mpi_buffer question, const volatile int *stop, int wanted,
                     eg_mpi_buffer *answer) {
  eg_mpi_head head;
  (void)pthread_mutex_lock(&remote.lock);
  d->question = question;
  d->question_kind = kind;
  d->stop = stop;
  (void)pthread_cond_signal(&remote.asked);
  double stopped = 0; /* since when it is to end */
  bool is_left = false;
  while (d->answer_kind == 0 && !remote.has_failed && !is_left) {
    eg_condition_wait(&remote.answered, &remote.lock, ANSWER_REST);
    if (eg_is_stopping(stop)) {
      const double now = eg_now();
      stopped = stopped > 0 ? stopped : now;
      is_left = now - stopped > STOP_SECONDS;
    }
  }
  *answer = d->answer;
  const int got = d->answer_kind;
  d->answer = (eg_mpi_buffer){NULL, 0};
  d->answer_kind = 0;
  d->stop = NULL;
  (void)pthread_mutex_unlock(&remote.lock);
  if (got == 0 && is_left) {
    return EG_STOPPED;
  }
  if (got != wanted) {
    return eg_fail(ctx, EG_ERR_DEVICE, "rank %d: %s", d->rank, got == 0 ? remote.failure : "it answered what was not asked");
  }
  memcpy(&head, answer->bytes, sizeof head);
  if (head.status == EG_STOPPED) {
    return EG_STOPPED;
  }
  if (head.status != EG_OK) {
    head.text[sizeof head.text - 1] = '\0';
    return eg_fail(ctx, EG_ERR_DEVICE, "rank %d: %s", d->rank, head.text); /* others may go on without it */
  }
  return EG_OK;
}

static eg_status count_devices(eg_context *ctx, int *n) {
  (void)ctx;
  *n = remote.n_workers;
  return EG_OK;
}

static eg_status open_device(eg_context *ctx, int index, eg_device **device) {
  eg_device *d = NULL;
  EG_TRY(eg_allocate(ctx, 1, sizeof *d, &d));
  d->number = index;
  while (remote.first[d->rank + 1] <= index) {
    d->rank++;
  }
  d->worker = index - remote.first[d->rank];
  (void)snprintf(d->text, sizeof d->text, "worker %d of rank %d: %.48s", d->worker, d->rank, remote.hellos[d->rank].text);
  (void)pthread_mutex_lock(&remote.lock);
  remote.devices[index] = d;
  (void)pthread_mutex_unlock(&remote.lock);
  *device = d;
  return EG_OK;
}

static void close_device(eg_device *d) {
  if (d == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&remote.lock);
  while (d->is_sending && !remote.has_failed) { /* answered already, so it is a matter of the next look */
    eg_condition_wait(&remote.answered, &remote.lock, SHORT_REST);
  }
  remote.devices[d->number] = NULL;
  (void)pthread_mutex_unlock(&remote.lock);
  free(d->question.bytes);
  free(d->sent.bytes);
  free(d->answer.bytes);
  free(d);
}

static const char *describe(const eg_device *d) {
  return d->text;
}

static uint64_t beats_of(const eg_device *d) {
  (void)pthread_mutex_lock(&remote.lock);
  const uint64_t beats = d->beats;
  (void)pthread_mutex_unlock(&remote.lock);
  return beats;
}

/* Run and the edges of its grids, of all members of its group. */
static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  const size_t n = job->group == NULL ? 1 : job->group->n_members, bytes = job->n_edges * sizeof(double);
  const eg_mpi_head head = {.worker = d->worker, .run = job->run};
  eg_mpi_buffer question = {NULL, 0}, answer = {NULL, 0};
  EG_TRY(eg_mpi_buffer_make(ctx, &head, n * bytes, &question));
  for (size_t i = 0; i < n && bytes > 0; i++) {
    const eg_job *const member = job->group == NULL ? job : job->group->members[i];
    memcpy(question.bytes + sizeof head + i * bytes, member->edges, bytes);
  }
  const eg_status status = ask(ctx, d, EG_MPI_PREPARE, question, NULL, EG_MPI_PREPARED, &answer);
  if (status == EG_OK) {
    eg_mpi_head got;
    memcpy(&got, answer.bytes, sizeof got);
    *tiles_at_once = got.n > 0 ? got.n : 1;
    d->job = job;
  }
  free(answer.bytes);
  return status;
}

/* The next `bytes` of an answer; false if there are fewer. */
static bool take(const eg_mpi_buffer *answer, size_t *at, void *to, size_t bytes) {
  if (answer->size - *at < bytes) {
    return false;
  }
  if (bytes > 0) {
    memcpy(to, answer->bytes + *at, bytes);
  }
  *at += bytes;
  return true;
}

/* As serve.c packs them: nodes, counts, paths, number of bad trajectories of each tile, their list. */
static eg_status unpack(eg_context *ctx, const eg_job *job, const eg_mpi_buffer *answer, uint64_t n, eg_tile_result *results) {
  const size_t n_members = job->group == NULL ? 1 : job->group->n_members, values = eg_job_result_values(job);
  eg_mpi_head head;
  size_t at = 0;
  bool is_whole = take(answer, &at, &head, sizeof head);
  for (uint64_t i = 0; i < n && is_whole; i++) {
    is_whole = take(answer, &at, results[i].node, values * sizeof(double));
  }
  is_whole = is_whole && take(answer, &at, results[0].counts, job->n_counts * n_members * sizeof(uint64_t));
  if (is_whole && head.has_paths) {
    is_whole = take(answer, &at, results[0].paths, eg_job_path_values(job) * n_members * sizeof(double));
  }
  for (uint64_t i = 0; i < n && is_whole; i++) {
    uint64_t n_bad = 0;
    is_whole = take(answer, &at, &n_bad, sizeof n_bad) && n_bad <= answer->size / sizeof(eg_bad_trajectory);
    results[i].n_bad = is_whole ? (size_t)n_bad : 0;
  }
  for (uint64_t i = 0; i < n && is_whole; i++) {
    if (results[i].n_bad > 0) {
      EG_TRY(eg_allocate(ctx, results[i].n_bad, sizeof *results[i].bad, &results[i].bad));
      is_whole = take(answer, &at, results[i].bad, results[i].n_bad * sizeof *results[i].bad);
    }
  }
  return is_whole && at == answer->size ? EG_OK : eg_fail(ctx, EG_ERR_DEVICE, "a message of another length than its contents");
}

static eg_status advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  const eg_mpi_head head = {.worker = d->worker, .first = first, .n = n};
  eg_mpi_buffer question = {NULL, 0}, answer = {NULL, 0};
  EG_TRY(eg_mpi_buffer_make(ctx, &head, 0, &question));
  eg_status status = ask(ctx, d, EG_MPI_ADVANCE, question, stop, EG_MPI_RESULT, &answer);
  status = status == EG_OK ? unpack(ctx, d->job, &answer, n, results) : status;
  free(answer.bytes);
  return status;
}

static const eg_backend backend_ranks = {"rank", count_devices, open_device, close_device, describe,
                                         prepare, advance, NULL, beats_of, false};

/* ---- beginning and end ---- */

static eg_status receive_hellos(eg_context *ctx) {
  if (remote.has_hellos) {
    return EG_OK;
  }
  EG_TRY(eg_mpi_try(ctx, MPI_Comm_size(MPI_COMM_WORLD, &remote.n_ranks), "counting ranks"));
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_ranks, sizeof *remote.hellos, &remote.hellos));
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_ranks, sizeof *remote.was_stopped, &remote.was_stopped));
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_ranks, sizeof *remote.heard, &remote.heard));
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_ranks, sizeof *remote.beats, &remote.beats));
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_ranks + 1, sizeof *remote.first, &remote.first));
  for (int rank = 0; rank < remote.n_ranks; rank++) {
    remote.beats[rank] = MPI_REQUEST_NULL;
  }
  for (int rank = 1; rank < remote.n_ranks; rank++) {
    EG_TRY(eg_mpi_try(ctx,
                      MPI_Recv(&remote.hellos[rank], sizeof(eg_mpi_hello), MPI_BYTE, rank, EG_MPI_HELLO, MPI_COMM_WORLD,
                               MPI_STATUS_IGNORE),
                      "receiving"));
  }
  remote.has_hellos = true;
  return EG_OK;
}

/* Ranks that can work on this very study. */
static eg_status count_workers(eg_context *ctx, const eg_study *study) {
  const uint64_t hash = eg_hash_text(EG_HASH_START, study->canonical);
  eg_plan *plan = NULL;
  EG_TRY(eg_plan_create(ctx, study, &plan));
  const uint64_t data = plan->data_hash;
  eg_plan_free(plan);
  remote.n_workers = 0;
  for (int rank = 0; rank < remote.n_ranks; rank++) {
    const eg_mpi_hello *const h = &remote.hellos[rank];
    remote.first[rank] = remote.n_workers;
    if (rank == 0) {
      continue;
    }
    if (h->status != EG_OK) {
      eg_warn(ctx, "rank %d does not work: %.*s", rank, (int)sizeof h->text, h->text);
    } else if (h->study != hash || h->data != data) {
      return eg_fail(ctx, EG_ERR_STUDY, "rank %d has read %s than rank 0: all must see the same files", rank,
                     h->study != hash ? "another study" : "other data, or another model file,");
    } else {
      remote.n_workers += h->n_workers;
    }
  }
  remote.first[remote.n_ranks] = remote.n_workers;
  return eg_allocate(ctx, (size_t)remote.n_workers, sizeof(eg_device *), &remote.devices);
}

static eg_status make_places(eg_context *ctx, eg_worker_place **places) {
  EG_TRY(eg_allocate(ctx, (size_t)remote.n_workers, sizeof **places, places));
  for (int rank = 1, i = 0; rank < remote.n_ranks; rank++) {
    for (; i < remote.first[rank + 1]; i++) {
      (*places)[i] = (eg_worker_place){
          .backend = &backend_ranks, .index = i, .is_checked = remote.hellos[rank].is_checked, .is_remote = true};
    }
  }
  return EG_OK;
}

eg_status eg_remote_run(eg_context *ctx, const eg_study *study, const eg_run_options *options) {
  eg_worker_place *places = NULL;
  eg_status status = EG_OK;
  EG_TRY(receive_hellos(ctx));
  EG_TRY(count_workers(ctx, study));
  EG_TRY(make_places(ctx, &places));
  eg_condition_init(&remote.asked);
  eg_condition_init(&remote.answered);
  if (pthread_create(&remote.thread, NULL, talk, NULL) != 0) {
    free(places);
    return eg_fail(ctx, EG_ERR_MEMORY, "cannot start the thread that talks with the other ranks");
  }
  remote.is_talking = true;
  status = eg_run_with(ctx, study, options, NULL, places, remote.n_workers);
  free(places);
  return status;
}

static void end_talking(void) {
  if (!remote.is_talking) {
    return;
  }
  (void)pthread_mutex_lock(&remote.lock);
  remote.is_ending = true;
  (void)pthread_cond_signal(&remote.asked);
  (void)pthread_mutex_unlock(&remote.lock);
  (void)pthread_join(remote.thread, NULL);
  remote.ended = eg_now();
}

/* Where a launcher leaves the others alive. */
static bool has_dead_rank(void) {
  for (int rank = 1; rank < remote.n_ranks; rank++) {
    if (remote.first[rank + 1] > remote.first[rank] && remote.ended - remote.heard[rank] > SILENT_SECONDS) {
      return true;
    }
  }
  return false;
}

/* Good-bye where a worker was given up; also to ranks that seem dead, but nothing waits for them. */
static eg_status end_without_waiting(eg_context *ctx, eg_mpi_bye how) {
  static char byte;
  static const struct timespec DELIVERY = {0, 20000000};
  byte = (char)how;
  for (int rank = 1; rank < remote.n_ranks; rank++) {
    MPI_Request request;
    EG_TRY(eg_mpi_try(ctx, MPI_Isend(&byte, 1, MPI_BYTE, rank, EG_MPI_BYE, MPI_COMM_WORLD, &request), "sending"));
    EG_TRY(eg_mpi_try(ctx, MPI_Request_free(&request), "sending"));
  }
  for (int i = 0; i < 10; i++) { /* MPI gets on while it is called */
    int is_there = 0;
    EG_TRY(eg_mpi_try(ctx, MPI_Iprobe(MPI_ANY_SOURCE, EG_MPI_HELLO, MPI_COMM_WORLD, &is_there, MPI_STATUS_IGNORE), "sending"));
    (void)nanosleep(&DELIVERY, NULL);
  }
  return EG_OK;
}

/* Talking went on until now: a table that nobody reads off a full pipe must not look like a dead rank 0 to the others. */
eg_status eg_remote_end(eg_context *ctx, bool *has_dead) {
  end_talking();
  EG_TRY(receive_hellos(ctx));
  for (int rank = 1; rank < remote.n_ranks; rank++) { /* a dead rank takes no sign of life */
    if (remote.beats[rank] != MPI_REQUEST_NULL) {
      EG_TRY(eg_mpi_try(ctx, MPI_Request_free(&remote.beats[rank]), "sending"));
    }
  }
  if (eg_has_lost_device()) { /* its thread still looks at what is freed below */
    *has_dead = has_dead_rank();
    return end_without_waiting(ctx, *has_dead ? EG_MPI_LEAVE : EG_MPI_FINALIZE);
  }
  for (int rank = 1; rank < remote.n_ranks; rank++) {
    EG_TRY(eg_mpi_try(ctx, MPI_Send(NULL, 0, MPI_BYTE, rank, EG_MPI_BYE, MPI_COMM_WORLD), "sending"));
  }
  free(remote.hellos);
  free(remote.was_stopped);
  free(remote.heard);
  free(remote.beats);
  free(remote.first);
  free(remote.devices);
  return EG_OK;
}
