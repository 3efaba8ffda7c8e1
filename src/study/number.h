/* Numbers as studies write them: 12, -3, 0.125, 1e6, 1/8, 2^24, 2^-7, 3*2^10. The same in every locale. */
#ifndef EG_STUDY_NUMBER_H
#define EG_STUDY_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum eg_number_result {
  EG_NUMBER_GOOD,
  EG_NUMBER_MALFORMED,
  EG_NUMBER_BEYOND_DOUBLE, /* too large, or not zero but smaller than every double */
  EG_NUMBER_BY_ZERO
} eg_number_result;

/* Decimals, single powers of two and quotients of exact values are correctly rounded. -0 becomes 0. */
eg_number_result eg_number_parse(const char *text, double *out);

/* All 64 bits: digits are read as an integer, anything else must be a whole number up to 2^53. */
bool eg_seed_parse(const char *text, uint64_t *out);

typedef struct eg_number_text {
  char data[32];
} eg_number_text;

/* The shortest of 15, 16 or 17 digits that gives the same double back; "inf", "-inf", "nan". */
eg_number_text eg_number_format(double value);
#define EG_NUMBER_TEXT(value) (eg_number_format(value).data)

#endif
