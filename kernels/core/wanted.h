/* ONLY_WANTED(stepper, text): the text; with -DEG_ONE_STEPPER only where there is -DEG_WANTED_<stepper>=EG_YES. Of the GPU's
   drivers, which NVRTC compiles for one stepper. */
#ifndef EG_CORE_WANTED_H
#define EG_CORE_WANTED_H

/* SECOND(EG_WANTED_name, 0, 0) is 1 where that name is defined as EG_YES, else 0. */
#if defined(EG_ONE_STEPPER)
#define EG_YES             0, 1
#define SECOND(...)        SECOND2(__VA_ARGS__)
#define SECOND2(a, b, ...) b
#define TAKE(is_wanted, ...)  TAKE2(is_wanted, __VA_ARGS__)
#define TAKE2(is_wanted, ...) TAKE_##is_wanted(__VA_ARGS__)
#define TAKE_0(...)
#define TAKE_1(...) __VA_ARGS__
#define ONLY_WANTED(stepper, ...) TAKE(SECOND(EG_WANTED_##stepper, 0, 0), __VA_ARGS__)
#else
#define ONLY_WANTED(stepper, ...) __VA_ARGS__
#endif

#endif
