/* What the study parser and the help know about models: names, parameters, ranges. No kernel code is called. */
#ifndef EG_MODEL_CATALOGUE_H
#define EG_MODEL_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eg_param_info {
  const char *name;
  double default_value;
  double low, high;      /* allowed range, inclusive */
  bool is_vector;        /* one value per dimension; a scalar in the study sets all of them */
  const char *doc;       /* meaning and unit */
} eg_param_info;

typedef struct eg_model_info {
  const char *name;      /* "ornstein-uhlenbeck" */
  const char *equation;  /* one line */
  const char *source;    /* where it comes from */
  const eg_param_info *params;
  size_t n_params;
  bool has_rows;         /* takes data, standardize and ridge: a finite-data model */
  bool has_coefficients; /* its rows are coefficients of the loss: never standardised */
  bool has_labels;       /* its targets are 0 or 1, or classes */
  bool has_classes;      /* targets 0 .. classes - 1 of a parameter 'classes'; the dimension is that times the inputs */
  bool is_process;       /* an SDE given by drift and diffusion, no loss: time_step instead of learning_rate */
  int dimension;         /* 0: any; else the only one */
  int multiple;          /* of which a free dimension must be one */
  const char *shape;     /* what key `shape` says, NULL: the model has no layers; then `dimension` is that of the default */
  const int *widths;     /* (n_widths): the default shape */
  size_t n_widths;
  int sample_degree;     /* of the gradient of a drawn sample in its normals */
  bool is_population;    /* one realisation is many coupled particles; features are averages over them */
  const char *dynamics;  /* names it can be used with, separated by blanks: "sgd gradient-flow sme1 sme2" */
} eg_model_info;

size_t eg_model_count(void);
const eg_model_info *eg_model_at(size_t index);
const eg_model_info *eg_model_find(const char *name); /* NULL if unknown */

#endif
