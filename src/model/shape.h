/* The shape of a model made of layers: the widths n_0 .. n_L as text, "2x3x2", and the definitions that compile it
   (kernels/core/linear_layers.h). Header only: the plug-in of the GPU uses it, too. */
#ifndef EG_MODEL_SHAPE_H
#define EG_MODEL_SHAPE_H

#include <stdio.h>
#include <stdlib.h>

enum { EG_MOST_LAYERS = 8 };

/* define(to, name, value) for EG_LAYERS and every EG_SHAPE_l. */
static inline void eg_shape_each(const char *shape, void (*define)(void *to, const char *name, int value), void *to) {
  char name[32];
  int n = 0;
  for (const char *at = shape; *at != '\0';) {
    char *end = NULL;
    const int width = (int)strtol(at, &end, 10);
    (void)snprintf(name, sizeof name, "EG_SHAPE_%d", n++);
    define(to, name, width);
    at = *end == 'x' ? end + 1 : end;
  }
  define(to, "EG_LAYERS", n - 1);
}

#endif
