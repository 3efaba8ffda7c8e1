/* The exported table, and opening and closing of a device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "fatbins.h"

/* What a user can do about the errors that are not ours. */
static const char *advice(cudaError_t error) {
  switch ((int)error) {
  case 34:
    return "the CUDA driver library is a stub: the machine has the toolkit but no driver, or LD_LIBRARY_PATH "
           "names "
           "the toolkit's folder 'stubs'";
  case 35:
    return "there is no NVIDIA driver, or it is older than this plug-in needs (CUDA 13: driver 580)";
  case 100:
    return "no GPU is visible: there is none, or CUDA_VISIBLE_DEVICES hides it";
  case 101:
    return "there is no GPU of this number";
  case 2:
    return "the GPU's memory is full";
  case 46:
    return "the GPU is in exclusive or prohibited compute mode and another process holds it";
  case 209:
  case 222:
  case 223:
    return "the plug-in has no code for this GPU and the driver cannot translate it: ensgrad needs compute "
           "capability 8.0 or higher";
  case 700:
  case 719:
    return "a kernel failed: please report it";
  case 803:
    return "driver and driver library differ in version: restart the machine after a driver update";
  default:
    return cudaGetErrorString(error);
  }
}

eg_cuda_status eg_cuda_fail(eg_cuda_message message, cudaError_t error, const char *doing) {
  return eg_cuda_say(message, EG_CUDA_FAILED, "%s: %s (CUDA error %d, %s)", doing, advice(error), (int)error,
                     cudaGetErrorName(error));
}

static eg_cuda_status count_devices(int *n_devices, eg_cuda_message message) {
  EG_CUDA_TRY(cudaGetDeviceCount(n_devices), "looking for a GPU");
  return EG_CUDA_OK;
}

static void destroy_event(cudaEvent_t event) {
  if (event != NULL) {
    (void)cudaEventDestroy(event);
  }
}

void eg_cuda_destroy_events(eg_cuda_device *d) {
  for (unsigned i = 0; i < EG_CUDA_IN_FLIGHT; i++) {
    destroy_event(d->flights[i].before);
    destroy_event(d->flights[i].stepped);
  }
  for (unsigned i = 0; i < EG_CUDA_SLOTS; i++) {
    destroy_event(d->slots[i].reduced);
  }
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++) {
    destroy_event(d->batches[i].copied);
  }
}

static void close_device(eg_cuda_device *d) {
  if (d == NULL) {
    return;
  }
  /* Nothing can be done about errors while closing: the process or the device is going away. */
  (void)cudaSetDevice(d->index);
  eg_cuda_release_job(d);
  if (d->statistics_code != NULL) {
    (void)cudaLibraryUnload(d->statistics_code);
  }
  eg_cuda_destroy_events(d);
  if (d->stepping != NULL) {
    (void)cudaStreamDestroy(d->stepping);
  }
  if (d->statistics != NULL) {
    (void)cudaStreamDestroy(d->statistics);
  }
  free(d);
}

/* The events between the streams (device.h). */
eg_cuda_status eg_cuda_make_events(eg_cuda_device *d, eg_cuda_message message) {
  for (unsigned i = 0; i < EG_CUDA_IN_FLIGHT; i++) {
    EG_CUDA_TRY(cudaEventCreateWithFlags(&d->flights[i].before, cudaEventDefault), "making an event");
    EG_CUDA_TRY(cudaEventCreateWithFlags(&d->flights[i].stepped, cudaEventBlockingSync), "making an event");
  }
  for (unsigned i = 0; i < EG_CUDA_SLOTS; i++) {
    EG_CUDA_TRY(cudaEventCreateWithFlags(&d->slots[i].reduced, cudaEventDisableTiming), "making an event");
  }
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++) {
    EG_CUDA_TRY(cudaEventCreateWithFlags(&d->batches[i].copied, cudaEventDisableTiming | cudaEventBlockingSync),
                "making an event");
  }
  return EG_CUDA_OK;
}

/* Streams that do not wait for the default one. The reductions are short and free a slot for records: they go first where both
   could run. */
static eg_cuda_status make_streams(eg_cuda_device *d, eg_cuda_message message) {
  int least = 0, greatest = 0;
  EG_CUDA_TRY(cudaDeviceGetStreamPriorityRange(&least, &greatest), "making a stream");
  EG_CUDA_TRY(cudaStreamCreateWithPriority(&d->stepping, cudaStreamNonBlocking, least), "making a stream");
  EG_CUDA_TRY(cudaStreamCreateWithPriority(&d->statistics, cudaStreamNonBlocking, greatest), "making a stream");
  return eg_cuda_make_events(d, message);
}

static eg_cuda_status find_statistics(eg_cuda_device *d, eg_cuda_message message) {
  const struct {
    const char *name;
    cudaKernel_t *kernel;
  } kernels[] = {{"eg_reduce_moments", &d->reduce_moments},
                 {"eg_reduce_comoments", &d->reduce_comoments},
                 {"eg_reduce_products", &d->reduce_products},
                 {"eg_count_histograms", &d->count_histograms},
                 {"eg_count_pairs", &d->count_pairs},
                 {"eg_track_records", &d->track_records},
                 {"eg_make_path_values", &d->make_path_values},
                 {"eg_feed_streams", &d->feed_streams},
                 {"eg_order_lanes", &d->order_lanes},
                 {"eg_subtract_records", &d->subtract_records}};
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
    EG_CUDA_TRY(cudaLibraryGetKernel(kernels[i].kernel, d->statistics_code, kernels[i].name), "loading the statistics kernels");
  }
  return EG_CUDA_OK;
}

static eg_cuda_status set_up(eg_cuda_device *d, eg_cuda_message message) {
  struct cudaDeviceProp properties;
  int driver = 0;
  EG_CUDA_TRY(cudaSetDevice(d->index), "opening the GPU");
  EG_CUDA_TRY(cudaGetDeviceProperties(&properties, d->index), "asking for the GPU's properties");
  EG_CUDA_TRY(cudaDriverGetVersion(&driver), "asking for the driver's version");
  if (properties.major < 8) {
    return eg_cuda_say(message, EG_CUDA_FAILED,
                       "GPU %d (%s) has compute capability %d.%d; ensgrad needs 8.0 or higher", d->index,
                       properties.name, properties.major, properties.minor);
  }
  d->n_multiprocessors = properties.multiProcessorCount;
  d->capability = 10 * properties.major + properties.minor;
  d->threads_each = properties.maxThreadsPerMultiProcessor;
  (void)snprintf(d->description, sizeof d->description, "%s, %d SM, driver for CUDA %d.%d", properties.name,
                 properties.multiProcessorCount, driver / 1000, driver % 1000 / 10);
  EG_CUDA_PASS(make_streams(d, message));
  EG_CUDA_TRY(cudaLibraryLoadData(&d->statistics_code, eg_fatbin_of_statistics(), NULL, NULL, 0, NULL, NULL, 0),
              "loading the statistics kernels");
  return find_statistics(d, message);
}

static eg_cuda_status open_device(int index, eg_cuda_device **device, eg_cuda_message message) {
  int n = 0;
  const eg_cuda_status counted = count_devices(&n, message);
  if (counted != EG_CUDA_OK) {
    return counted;
  }
  if (index < 0 || index >= n) {
    return eg_cuda_say(message, EG_CUDA_FAILED, "there is no GPU %d: %d %s visible, counted from 0", index, n,
                       n == 1 ? "is" : "are");
  }
  eg_cuda_device *const d = (eg_cuda_device *)calloc(1, sizeof *d);
  if (d == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  d->index = index;
  const eg_cuda_status status = set_up(d, message);
  if (status != EG_CUDA_OK) {
    close_device(d);
    return status;
  }
  *device = d;
  return EG_CUDA_OK;
}

static const char *describe(const eg_cuda_device *d) {
  return d->description;
}

extern const eg_cuda_plugin ensgrad_cuda_plugin;
__attribute__((visibility("default"))) const eg_cuda_plugin ensgrad_cuda_plugin = {
    EG_CUDA_PLUGIN_ABI, sizeof(eg_launch), sizeof(eg_cuda_job), sizeof(eg_cuda_result),
    count_devices,      open_device,       close_device,        describe,
    eg_cuda_prepare,    eg_cuda_advance};
