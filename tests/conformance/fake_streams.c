/* Streams and events of the played device: see fake_streams.h. */
#include "fake_streams.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct operation {
  void (*run)(void *data); /* NULL: an event, recorded or waited for */
  void *data;
  cudaEvent_t event;
  int is_wait;
  uint64_t number; /* of the event's recordings */
  struct operation *next;
} operation;

struct CUstream_st {
  int priority, device;
  int is_busy, is_closing, has_thread;
  uint64_t random;
  pthread_t thread;
  operation *first, *last;
  struct CUstream_st *next;
};

struct CUevent_st {
  uint64_t recorded, done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct CUstream_st default_streams[FAKE_MOST_DEVICES];
static struct CUstream_st *streams; /* all but the default ones */
static _Thread_local int device;    /* that the thread has chosen */
static int has_threads;             /* as the setting was when the last operation came */

void fake_misuse(const char *text) {
  fprintf(stderr, "the CUDA runtime is misused: %s\n", text);
  _exit(99); /* nothing that follows has a meaning */
}

int fake_setting_is(const char *name, const char *value) {
  const char *const given = getenv(name);
  return given != NULL && strcmp(given, value) == 0;
}

void fake_choose_device(int chosen) {
  device = chosen;
}

int fake_device(void) {
  return device;
}

static int is_concurrent(void) {
  return !fake_setting_is("ENSGRAD_FAKE_ORDER", "steps") && !fake_setting_is("ENSGRAD_FAKE_ORDER", "statistics");
}

/* ---- one operation; called with the lock held ---- */

static int is_ready(const struct CUstream_st *s) {
  const operation *const o = s->first;
  return o != NULL && !s->is_busy && (!o->is_wait || o->event->done >= o->number);
}

static void run_first(struct CUstream_st *s) {
  operation *const o = s->first;
  s->is_busy = 1;
  if (o->run != NULL) {
    (void)pthread_mutex_unlock(&lock);
    o->run(o->data);
    (void)pthread_mutex_lock(&lock);
  } else if (!o->is_wait) {
    o->event->done = o->number;
  }
  s->is_busy = 0;
  s->first = o->next;
  s->last = s->first == NULL ? NULL : s->last;
  free(o);
  (void)pthread_cond_broadcast(&changed);
}

static void pause_a_little(struct CUstream_st *s) {
  s->random = s->random * 6364136223846793005u + 1442695040888963407u;
  const unsigned microseconds = (unsigned)(s->random >> 33) % 64;
  if (microseconds >= 32) { /* half of the time none */
    (void)usleep(microseconds);
  }
}

static void *stream_main(void *argument) {
  struct CUstream_st *const s = argument;
  device = s->device;
  (void)pthread_mutex_lock(&lock);
  while (!s->is_closing || s->first != NULL) {
    if (!has_threads || !is_ready(s)) {
      (void)pthread_cond_wait(&changed, &lock);
      continue;
    }
    (void)pthread_mutex_unlock(&lock);
    pause_a_little(s);
    (void)pthread_mutex_lock(&lock);
    run_first(s); /* still ready: nobody else runs this stream */
  }
  (void)pthread_mutex_unlock(&lock);
  return NULL;
}

static void need_thread(struct CUstream_st *s) {
  has_threads = is_concurrent();
  if (has_threads && !s->has_thread) {
    if (pthread_create(&s->thread, NULL, stream_main, s) != 0) {
      fake_misuse("no more threads");
    }
    s->has_thread = 1;
  }
}

/* Without threads: the operation whose turn it is, chosen as the setting says; the default stream comes last. */
static void run_one(void) {
  const int low_first = fake_setting_is("ENSGRAD_FAKE_ORDER", "steps");
  struct CUstream_st *best = NULL;
  for (struct CUstream_st *s = streams; s != NULL; s = s->next) {
    if (s->device == device && is_ready(s) && (best == NULL || (low_first ? s->priority > best->priority : s->priority < best->priority))) {
      best = s;
    }
  }
  best = best == NULL && is_ready(&default_streams[device]) ? &default_streams[device] : best;
  if (best == NULL) {
    fake_misuse("the host waits for something that cannot happen");
  }
  run_first(best);
}

/* Something has happened, or is made to happen. */
static void wait_for_change(void) {
  if (has_threads) {
    (void)pthread_cond_wait(&changed, &lock);
  } else {
    run_one();
  }
}

/* ---- what fake_cudart.c needs ---- */

static struct CUstream_st *of(cudaStream_t stream) {
  return stream != NULL ? stream : &default_streams[device];
}

static cudaError_t append(cudaStream_t stream, operation o) {
  struct CUstream_st *const s = of(stream);
  operation *const copy = malloc(sizeof *copy);
  if (copy == NULL) {
    return cudaErrorMemoryAllocation;
  }
  *copy = o;
  (void)pthread_mutex_lock(&lock);
  need_thread(s);
  if (o.event != NULL) {
    copy->number = o.is_wait ? o.event->recorded : ++o.event->recorded;
  }
  if (s->last == NULL) {
    s->first = copy;
  } else {
    s->last->next = copy;
  }
  s->last = copy;
  (void)pthread_cond_broadcast(&changed);
  (void)pthread_mutex_unlock(&lock);
  return cudaSuccess;
}

cudaError_t fake_enqueue(cudaStream_t stream, void (*run)(void *data), void *data) {
  return append(stream, (operation){.run = run, .data = data});
}

int fake_is_idle(cudaStream_t stream) {
  (void)pthread_mutex_lock(&lock);
  const int is_idle = of(stream)->first == NULL;
  (void)pthread_mutex_unlock(&lock);
  return is_idle;
}

int fake_all_idle(void) {
  int is_idle = fake_is_idle(NULL);
  (void)pthread_mutex_lock(&lock);
  for (const struct CUstream_st *s = streams; s != NULL; s = s->next) {
    is_idle &= s->device != device || s->first == NULL;
  }
  (void)pthread_mutex_unlock(&lock);
  return is_idle;
}

void fake_finish(cudaStream_t stream) {
  (void)pthread_mutex_lock(&lock);
  while (of(stream)->first != NULL) {
    wait_for_change();
  }
  (void)pthread_mutex_unlock(&lock);
}

void fake_finish_all(void) {
  while (!fake_all_idle()) {
    (void)pthread_mutex_lock(&lock);
    for (struct CUstream_st *s = streams; s != NULL; s = s->next) {
      while (s->device == device && s->first != NULL) {
        wait_for_change();
      }
    }
    (void)pthread_mutex_unlock(&lock);
    fake_finish(NULL);
  }
}

/* ---- streams ---- */

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  *least = 0;
  *greatest = -2;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
  struct CUstream_st *const s = calloc(1, sizeof *s);
  if (s == NULL || flags != cudaStreamNonBlocking) {
    free(s);
    return cudaErrorInvalidValue;
  }
  s->priority = priority;
  s->device = device;
  s->random = (uint64_t)(priority + 7);
  (void)pthread_mutex_lock(&lock);
  s->next = streams;
  streams = s;
  (void)pthread_mutex_unlock(&lock);
  *stream = s;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (!fake_is_idle(stream)) {
    fake_misuse("a stream is destroyed while it works");
  }
  (void)pthread_mutex_lock(&lock);
  stream->is_closing = 1;
  struct CUstream_st **place = &streams;
  while (*place != stream) {
    place = &(*place)->next;
  }
  *place = stream->next;
  (void)pthread_cond_broadcast(&changed);
  (void)pthread_mutex_unlock(&lock);
  if (stream->has_thread) {
    (void)pthread_join(stream->thread, NULL);
  }
  free(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  (void)flags;
  if (fake_setting_is("ENSGRAD_FAKE_BREAK", stream->priority < 0 ? "statistics" : "stepping")) {
    return cudaSuccess;
  }
  return append(stream, (operation){.event = event, .is_wait = 1});
}

/* ---- events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  (void)flags;
  *event = calloc(1, sizeof **event);
  return *event != NULL ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (!fake_all_idle()) {
    fake_misuse("an event is destroyed while streams work");
  }
  free(event);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return append(stream, (operation){.event = event});
}

static int is_done(cudaEvent_t event) {
  (void)pthread_mutex_lock(&lock);
  const int done = event->done >= event->recorded;
  (void)pthread_mutex_unlock(&lock);
  return done;
}

void fake_event_finish(cudaEvent_t event) {
  if (fake_setting_is("ENSGRAD_FAKE_BREAK", "host")) {
    return;
  }
  (void)pthread_mutex_lock(&lock);
  const uint64_t wanted = event->recorded;
  while (event->done < wanted) {
    wait_for_change();
  }
  (void)pthread_mutex_unlock(&lock);
}

/* Made up, so that launches are cut anywhere. */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t before, cudaEvent_t after) {
  static const float times[] = {2000.0f, 20.0f, 90.0f, 10.0f, 700.0f};
  static atomic_uint turn;
  if (!is_done(before) || !is_done(after)) {
    return cudaErrorNotReady;
  }
  *milliseconds = times[atomic_fetch_add(&turn, 1) % (sizeof times / sizeof times[0])];
  return cudaSuccess;
}
