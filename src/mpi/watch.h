/* Where the launcher leaves the others alive when rank 0 dies (mpirun --enable-recovery), nobody would tell them to end. */
#ifndef EG_MPI_WATCH_H
#define EG_MPI_WATCH_H

#include "base/context.h"

/*
 * Ends the process with exit code 6 once rank 0 has been heard and then was silent for `seconds`; 0: never. A thread of its own, as
 * the one that talks may be sending to the dead rank; time in which this process was stopped, too, does not count. One line says
 * so to `words`, a file descriptor. At most once a process.
 */
EG_NODISCARD eg_status eg_watch_start(eg_context *ctx, double seconds, int words);

/* A message of rank 0 has come. */
void eg_watch_heard(void);

#endif
