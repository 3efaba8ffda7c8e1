/* Temporary files of eg_disk_replace, and what killed runs left of them. Names: TARGET.tmp.PID.PLACERANDOM, with eight
   hexadecimal digits each for the place where that process number means something and for a random number. */
#ifndef EG_IO_DISK_STALE_H
#define EG_IO_DISK_STALE_H

#include <stdint.h>

/* This host and its process numbers (containers have their own): a hash. */
uint32_t eg_disk_place(void);

/* Remove what processes of this place and user that are gone left beside `target`, which is in `folder`. What cannot be
   removed stays: the run does not depend on it. */
void eg_disk_remove_stale(const char *folder, const char *target);

#endif
