#include "io/hdf5_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "ensgrad/result.h"

/* The only globals of the library: HDF5 itself is one global object. */
static pthread_mutex_t hdf5_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int reader_clock;     /* CPU time of the thread that is inside */
static atomic_llong reader_is_late; /* nanoseconds of that clock; 0: nothing is expected */
static const char *_Atomic reader_path;

_Static_assert(sizeof(clockid_t) == sizeof(int), "a clock is kept as an int");

static _Thread_local volatile sig_atomic_t is_inside;

typedef struct reason {
  char text[200];
  bool is_memory;
} reason;

void eg_hdf5_enter(eg_hdf5_guard *guard) {
  (void)pthread_mutex_lock(&hdf5_mutex); /* cannot fail: a plain mutex, never locked twice by one thread */
  is_inside = 1;
  guard->print = NULL;
  guard->print_data = NULL;
  if (H5Eget_auto2(H5E_DEFAULT, &guard->print, &guard->print_data) >= 0) {
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* at worst HDF5 prints */
  }
}

void eg_hdf5_leave(const eg_hdf5_guard *guard) {
  (void)H5Eset_auto2(H5E_DEFAULT, guard->print, guard->print_data); /* at worst HDF5 stays silent */
  (void)H5Eclear2(H5E_DEFAULT);                                     /* reasons were taken by eg_hdf5_check */
  atomic_store(&reader_is_late, 0);
  is_inside = 0;
  (void)pthread_mutex_unlock(&hdf5_mutex);
}

/* 0 where the thread has ended in the meantime. */
static long long nanoseconds_of(clockid_t clock) {
  struct timespec used = {0, 0};
  return clock_gettime(clock, &used) == 0 ? (long long)used.tv_sec * 1000000000 + used.tv_nsec : 0;
}

void eg_hdf5_expect(double seconds, const char *path) {
  clockid_t clock;
  if (pthread_getcpuclockid(pthread_self(), &clock) == 0) { /* at worst nobody looks */
    atomic_store(&reader_clock, (int)clock);
    atomic_store(&reader_path, path);
    atomic_store(&reader_is_late, nanoseconds_of(clock) + (long long)(1e9 * seconds) + 1);
  }
}

const char *eg_stuck_in_hdf5(void) {
  const long long late = atomic_load(&reader_is_late);
  const clockid_t clock = atomic_load(&reader_clock);
  const char *const path = atomic_load(&reader_path);
  /* The second look: what was read belongs together, and the thread is still inside. */
  return late > 0 && nanoseconds_of(clock) > late && atomic_load(&reader_is_late) == late ? path : NULL;
}

int eg_is_inside_hdf5(void) {
  return is_inside;
}

void eg_own_hdf5(void) {
  is_inside = 1;
  (void)H5dont_atexit(); /* at worst it tidies up */
  is_inside = 0;
}

/* Called from the innermost error outwards. */
static herr_t take_reason(unsigned n, const H5E_error2_t *error, void *data) {
  reason *found = data;
  if (n == 0) {
    (void)snprintf(found->text, sizeof found->text, "%s", error->desc == NULL ? "" : error->desc);
  }
  found->is_memory = found->is_memory || error->maj_num == H5E_RESOURCE || error->min_num == H5E_NOSPACE ||
                     error->min_num == H5E_CANTALLOC;
  return 0;
}

eg_status eg_hdf5_check(eg_context *ctx, eg_status status, int64_t result, const char *doing,
                        const char *name) {
  if (result >= 0) {
    return EG_OK;
  }
  reason found = {.text = "no reason given"};
  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, &found); /* without it the default text stays */
  return eg_fail(ctx, found.is_memory ? EG_ERR_MEMORY : status, "HDF5 cannot %s '%s': %s", doing, name,
                 found.text);
}

void eg_hdf5_close(hid_t id) {
  if (id >= 0) {
    (void)H5Idec_ref(id); /* only memory is behind our handles: a failed close loses nothing on disk */
  }
}

static hid_t text_type(void) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
    eg_hdf5_close(type);
    return H5I_INVALID_HID;
  }
  return type;
}

hid_t eg_hdf5_memory_type(eg_type type) {
  switch (type) {
  case EG_TYPE_F64:
    return H5Tcopy(H5T_NATIVE_DOUBLE);
  case EG_TYPE_I32:
    return H5Tcopy(H5T_NATIVE_INT32);
  case EG_TYPE_I64:
    return H5Tcopy(H5T_NATIVE_INT64);
  case EG_TYPE_U64:
    return H5Tcopy(H5T_NATIVE_UINT64);
  case EG_TYPE_U8:
    return H5Tcopy(H5T_NATIVE_UINT8);
  case EG_TYPE_TEXT:
    return text_type();
  }
  return H5I_INVALID_HID;
}

hid_t eg_hdf5_file_type(eg_type type) {
  switch (type) {
  case EG_TYPE_F64:
    return H5Tcopy(H5T_IEEE_F64LE);
  case EG_TYPE_I32:
    return H5Tcopy(H5T_STD_I32LE);
  case EG_TYPE_I64:
    return H5Tcopy(H5T_STD_I64LE);
  case EG_TYPE_U64:
    return H5Tcopy(H5T_STD_U64LE);
  case EG_TYPE_U8:
    return H5Tcopy(H5T_STD_U8LE);
  case EG_TYPE_TEXT:
    return text_type();
  }
  return H5I_INVALID_HID;
}

bool eg_hdf5_find_type(hid_t file_type, eg_type *out) {
  const H5T_class_t kind = H5Tget_class(file_type);
  const size_t size = H5Tget_size(file_type);
  const bool has_sign = kind == H5T_INTEGER && H5Tget_sign(file_type) == H5T_SGN_2;
  if (kind == H5T_FLOAT && size == 8) {
    *out = EG_TYPE_F64;
  } else if (kind == H5T_INTEGER && size == 4 && has_sign) {
    *out = EG_TYPE_I32;
  } else if (kind == H5T_INTEGER && size == 8) {
    *out = has_sign ? EG_TYPE_I64 : EG_TYPE_U64;
  } else if (kind == H5T_INTEGER && size == 1 && !has_sign) {
    *out = EG_TYPE_U8;
  } else if (kind == H5T_STRING && H5Tis_variable_str(file_type) > 0) {
    *out = EG_TYPE_TEXT;
  } else {
    return false;
  }
  return true;
}
