/* The functions of one model, called one at a time: for tests/physics/test_models.c. One is made for every model and padded
   dimension of the build (cmake/model_probe.cmake). */
#ifndef EG_TESTS_MODEL_PROBE_H
#define EG_TESTS_MODEL_PROBE_H

#include <stdint.h>

enum { MOST_DIM = 64, MOST_NORMALS = 256, MOST_PARTICLES = 8 };

/* What the plan has staged for a run. */
typedef struct setting {
  const void *params;
  const double *staged, *rows;
  uint32_t n_rows;
  double h, correction;
} setting;

typedef struct model_probe {
  const char *name;
  int dim, caps, is_process, sample, channels;
  double (*loss)(const setting *s, const double *x);
  void (*gradient)(const setting *s, const double *x, double *g);
  void (*drift)(const setting *s, const double *x, double *b); /* at the setting's correction */
  void (*diagonal)(const setting *s, const double *x, double *v);
  void (*channel_noise)(const setting *s, const double *x, const double *z, double *v);
  void (*factor_noise)(const setting *s, const double *x, const double *z, double *v);
  void (*sample_gradient)(const setting *s, const double *x, const double *z, double *g);
  void (*row_gradient)(const setting *s, const double *x, uint32_t row, double *g); /* with the regulariser */
  void (*covariance)(const setting *s, const double *x, double *C); /* lower triangle */
  void (*flow)(const setting *s, double *x);
  void (*noise_drift)(const setting *s, const double *x, double *q);
  void (*channels_slope)(const setting *s, const double *x, const double *z, const double *y, double *v);
  void (*channel)(const setting *s, const double *x, int c, double *v);
  const char *shape; /* of its layers, as a study gives it; NULL: none */
  /* populations: x (n, dim); v (n, dim) how each particle moves */
  double (*population_loss)(const setting *s, int n, const double *x);
  void (*population_drift)(const setting *s, int n, const double *x, double *v);
  void (*population_row)(const setting *s, int n, const double *x, uint32_t row, double *v);
  void (*population_flow)(const setting *s, int n, const double *x, double *v);
} model_probe;

extern const model_probe *const model_probes[];
extern const unsigned n_model_probes;

#endif
