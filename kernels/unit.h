/* A unit: one model compiled together with every stepper it can serve. The driver comes around it: unit_cpu.c for cc,
   unit_cuda.cu for nvcc and NVRTC. -DEG_MODEL_FILE="\"models/NAME.h\"" names the model. */
#ifndef EG_UNIT_H
#define EG_UNIT_H

#include "core/model.h"
#include EG_MODEL_FILE
#if EG_CAPS & EG_CAP_POPULATION
#include "steppers/population/list.h"
#else
#include "steppers/list.h"
#include "core/features.h"
#endif

#endif
