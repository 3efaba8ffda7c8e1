/* Texts about models, devices and the build. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "build_info.h"
#include "ensgrad/run.h"
#include "model/catalogue.h"
#include "model/units.h"
#include "backend/backend.h"

static eg_status finish(eg_context *ctx, eg_text *text, char **out) {
  if (text->is_broken || text->data == NULL) {
    eg_text_free(text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *out = text->data;
  return EG_OK;
}

static void describe_model(eg_text *text, const eg_model_info *m) {
  eg_text_append(text, "%s\n  %s\n  source: %s\n  dynamics: %s\n", m->name, m->equation, m->source, m->dynamics);
  if (m->has_rows) {
    eg_text_append(text, "  data, inputs, target, standardize%s: see `ensgrad help study`\n",
                   m->is_population ? "" : ", ridge");
  }
  if (m->shape != NULL) {
    eg_text_append(text, "  shape            default [");
    for (size_t l = 0; l < m->n_widths; l++) {
      eg_text_append(text, "%s%d", l > 0 ? ", " : "", m->widths[l]);
    }
    eg_text_append(text, "]  %s; at most 8 layers of at most 16 numbers together\n", m->shape);
  }
  if (m->is_population) {
    eg_text_append(text, "  a realisation is a population of particles: features are averages over them, loss is that of the whole\n");
  }
  for (size_t i = 0; i < m->n_params; i++) {
    const eg_param_info *const p = &m->params[i];
    eg_text_append(text, "  %-16s default %-6g %s[%g, %g]  %s\n", p->name, p->default_value,
                   p->is_vector ? "one or one per dimension, each in " : "in ", p->low, p->high, p->doc);
  }
}

eg_status eg_models_text(eg_context *ctx, const char *name, char **out) {
  eg_text text = {0};
  if (name == NULL) {
    for (size_t i = 0; i < eg_model_count(); i++) {
      eg_text_append(&text, "%s", i > 0 ? "\n" : "");
      describe_model(&text, eg_model_at(i));
    }
    return finish(ctx, &text, out);
  }
  const eg_model_info *const model = eg_model_find(name);
  if (model == NULL) {
    return eg_fail(ctx, EG_ERR_USAGE, "unknown model '%s'; `ensgrad models` lists them", name);
  }
  describe_model(&text, model);
  return finish(ctx, &text, out);
}

eg_status eg_devices_text(eg_context *ctx, char **out) {
  eg_text text = {0};
  const eg_cpu_kernels *kernels = NULL;
  const eg_backend *cuda = NULL;
  eg_device *device = NULL;
  if (eg_cpu_kernels_choose(ctx, &kernels) == EG_OK) {
    eg_text_append(&text, "cpu    %ld cores, %s\n", sysconf(_SC_NPROCESSORS_ONLN), kernels->description);
  } else {
    eg_text_append(&text, "cpu    not usable: %s\n", eg_context_message(ctx));
  }
  int n = 0;
  if (eg_backend_cuda(ctx, &cuda) != EG_OK || cuda->count(ctx, &n) != EG_OK) {
    eg_text_append(&text, "cuda   not usable: %s\n", eg_context_message(ctx));
  }
  for (int i = 0; i < n; i++) {
    if (cuda->open(ctx, i, &device) == EG_OK) {
      eg_text_append(&text, "cuda %d %s\n", i, cuda->describe(device));
      cuda->close(device);
    } else {
      eg_text_append(&text, "cuda %d not usable: %s\n", i, eg_context_message(ctx));
    }
  }
  return finish(ctx, &text, out);
}

eg_status eg_version_text(eg_context *ctx, int as_json, char **out) {
  eg_text text = {0};
  if (as_json) {
    eg_text_append(&text,
                   "{\"name\": \"ensgrad\", \"version\": \"%s\", \"git_commit\": \"%s\", \"git_dirty\": %s, "
                   "\"build_type\": \"%s\", \"compiler\": \"%s\", \"hdf5\": \"%d.%d.%d\"}\n",
                   EG_BUILD_VERSION, EG_BUILD_COMMIT, EG_BUILD_IS_DIRTY ? "true" : "false", EG_BUILD_TYPE,
                   EG_BUILD_COMPILER, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
  } else {
    eg_text_append(&text, "ensgrad %s\ncommit %s%s, %s build, %s, HDF5 %d.%d.%d\n", EG_BUILD_VERSION, EG_BUILD_COMMIT,
                   EG_BUILD_IS_DIRTY ? " with changes" : "", EG_BUILD_TYPE, EG_BUILD_COMPILER, H5_VERS_MAJOR,
                   H5_VERS_MINOR, H5_VERS_RELEASE);
  }
  return finish(ctx, &text, out);
}
