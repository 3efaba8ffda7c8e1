/*
 * Streams and events of a device that is played on the host (fake_cudart.c). Nothing is done when it is asked for, only
 * when its turn comes, so code that does not wait for what it needs is found out:
 *
 * Several devices have nothing in common: a thread of the host sees the one that it chose.
 *
 *   ENSGRAD_FAKE_ORDER=concurrent  a thread for each stream, with random pauses (the default)
 *                     =steps       one thing at a time, as late as it can be; of what may run, low priority first
 *                     =statistics  the same, high priority first
 *   ENSGRAD_FAKE_BREAK=stepping, =statistics  waits of the low, of the high priority stream for events are dropped;
 *                     =host        waits of the host for events; =inputs  waits of the host for the whole device
 */
#ifndef EG_TESTS_FAKE_STREAMS_H
#define EG_TESTS_FAKE_STREAMS_H

#include <cuda_runtime_api.h>

/* `run` is called with `data` when everything before it in the stream is done, and then frees it. NULL: the default
   stream, which no other waits for. */
cudaError_t fake_enqueue(cudaStream_t stream, void (*run)(void *data), void *data);

enum { FAKE_MOST_DEVICES = 8 };
void fake_choose_device(int device); /* of the calling thread; 0 until it chooses */
int fake_device(void);

int fake_is_idle(cudaStream_t stream);
int fake_all_idle(void);
void fake_finish(cudaStream_t stream);
void fake_finish_all(void);
void fake_event_finish(cudaEvent_t event);

/* A program that misuses the interface is wrong, whatever comes out: ends it. */
void fake_misuse(const char *text);
int fake_setting_is(const char *name, const char *value);

#endif
