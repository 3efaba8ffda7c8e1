/* What a driver holds of the lists of steppers. With -DEG_ONE_STEPPER, as the run-time compilers have it, only the stepper for
   which there is -DEG_WANTED_<stepper>=EG_YES. ONLY_WANTED(stepper, text): the text, or nothing. WANTED_OR(stepper, a, b): a, or b. */
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
#define CHOOSE(is_wanted, a, b)  CHOOSE2(is_wanted, a, b)
#define CHOOSE2(is_wanted, a, b) CHOOSE_##is_wanted(a, b)
#define CHOOSE_0(a, b) b
#define CHOOSE_1(a, b) a
#define WANTED_OR(stepper, a, b) CHOOSE(SECOND(EG_WANTED_##stepper, 0, 0), a, b)
#else
#define ONLY_WANTED(stepper, ...) __VA_ARGS__
#define WANTED_OR(stepper, a, b) a
#endif

#endif
