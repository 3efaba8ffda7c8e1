/* The staging of data rows (core/stage_cpu.h) alone. -DSTAGING: name of the table; -DEG_REAL: type of the state. */
#include "staging.h"

#include "core/portable.h"

typedef EG_REAL eg_real;
#define EG_BITS_float      32
#define EG_BITS_double     64
#define EG_BITS_OF(type)   EG_BITS_##type
#define EG_BITS_ALSO(type) EG_BITS_OF(type)
#define EG_REAL_BITS       EG_BITS_ALSO(EG_REAL)
#if defined(__AVX512F__)
#define EG_GROUP (512 / EG_REAL_BITS)
#elif defined(__AVX2__)
#define EG_GROUP (256 / EG_REAL_BITS)
#else
#define EG_GROUP 8
#endif
#include "core/stage_cpu.h"

#define CASES(X) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17)
#define CASE(n) case n: eg_stage_row(rows, n_rows, n, index, out); break;

static void stage(int columns, const void *rows, uint32_t n_rows, const int32_t *index, void *out) {
  switch (columns) { CASES(CASE) }
}

const staging STAGING = {(int)sizeof(eg_real), EG_GROUP, stage};
