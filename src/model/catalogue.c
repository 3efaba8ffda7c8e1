#include "model/catalogue.h"

#include <string.h>

#define X(model) extern const eg_model_info eg_model_info_##model;
#include "model_list.h"
#undef X

static const eg_model_info *const models[] = {
#define X(model) &eg_model_info_##model,
#include "model_list.h"
#undef X
};

size_t eg_model_count(void) {
  return sizeof models / sizeof models[0];
}

const eg_model_info *eg_model_at(size_t index) {
  return index < eg_model_count() ? models[index] : NULL;
}

const eg_model_info *eg_model_find(const char *name) {
  for (size_t i = 0; i < eg_model_count(); i++) {
    if (strcmp(models[i]->name, name) == 0) {
      return models[i];
    }
  }
  return NULL;
}
