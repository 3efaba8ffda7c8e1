/* Where this code was installed: what is shipped with it (kernel sources, the CUDA plug-in) is found from there, so that a
   whole installation may be moved. */
#ifndef EG_BASE_PLACE_H
#define EG_BASE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of the file that holds this code, without the last slash: bin/ for the program, lib/ for a program that has
   loaded the shared library. false if it cannot be told. */
bool eg_place_folder(char *folder, size_t size);

/* A file or folder below share/ensgrad, seen from the build folder, from bin/ or lib/, or from lib/ARCHITECTURE/; false if it
   is in none of them. */
bool eg_place_shared(const char *name, char *path, size_t size);

#endif
