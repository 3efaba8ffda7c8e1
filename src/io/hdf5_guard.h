/*
 * Manners around HDF5: one thread at a time (the serial library is not thread-safe), none of its own
 * printing, its reasons in our messages.
 *
 *   eg_hdf5_enter(&guard);
 *   EG_TRY_DONE(eg_hdf5_check(ctx, EG_ERR_INTERNAL, space = H5Screate(H5S_SCALAR), "create a dataspace for",
 * name)); done: eg_hdf5_close(space); eg_hdf5_leave(&guard);
 */
#ifndef EG_IO_HDF5_GUARD_H
#define EG_IO_HDF5_GUARD_H

#include <hdf5.h>

#include "base/context.h"
#include "io/labelled.h"

typedef struct eg_hdf5_guard {
  H5E_auto2_t print;
  void *print_data;
} eg_hdf5_guard;

void eg_hdf5_enter(eg_hdf5_guard *guard);
void eg_hdf5_leave(const eg_hdf5_guard *guard);

/* Between these two: from here to eg_hdf5_leave HDF5 should use no more than so much of this thread's CPU time with the file of that
   name; eg_stuck_in_hdf5 looks at it. */
void eg_hdf5_expect(double seconds, const char *path);

/* EG_OK if `result` (a handle, a count, an herr_t) is not negative. Else `status`, or EG_ERR_MEMORY if that
   is what HDF5 lacked, with "HDF5 cannot <doing> '<name>': <innermost reason>". */
EG_NODISCARD eg_status eg_hdf5_check(eg_context *ctx, eg_status status, int64_t result, const char *doing,
                                     const char *name);

/* Close a handle of any kind; negative ones are ignored. */
void eg_hdf5_close(hid_t id);

/* The type of a value in memory and in a file. A new handle. Negative on failure. */
hid_t eg_hdf5_memory_type(eg_type type);
hid_t eg_hdf5_file_type(eg_type type);

/* The eg_type that holds a type found in a file exactly; false if there is none. */
bool eg_hdf5_find_type(hid_t file_type, eg_type *out);

#endif
