/* ensgrad: ensembles of SGD and SDE trajectories. Includes the whole public interface. */
#ifndef ENSGRAD_ENSGRAD_H
#define ENSGRAD_ENSGRAD_H

#include "ensgrad/analyse.h"
#include "ensgrad/replay.h"
#include "ensgrad/result.h"
#include "ensgrad/run.h"
#include "ensgrad/status.h"
#include "ensgrad/study.h"

#endif
