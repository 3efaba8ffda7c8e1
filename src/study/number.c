#include "study/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LENGTH = 64, MAX_EXPONENT = 1100 };

/* strtod and printf follow the decimal point of the thread's locale; these two switch it to "C" and back. */
typedef struct locale_guard {
  locale_t c_locale, previous;
} locale_guard;

static locale_guard enter_c_locale(void) {
  locale_guard guard = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
  if (guard.c_locale != (locale_t)0) {
    guard.previous = uselocale(guard.c_locale);
  }
  return guard;
}

static void leave_c_locale(locale_guard guard) {
  if (guard.c_locale != (locale_t)0) {
    (void)uselocale(guard.previous); /* restoring what was there cannot fail */
    freelocale(guard.c_locale);
  }
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static size_t skip_digits(const char **cursor) {
  size_t n = 0;
  while (is_digit(**cursor)) {
    (*cursor)++;
    n++;
  }
  return n;
}

static void skip_blanks(const char **cursor) {
  while (**cursor == ' ') {
    (*cursor)++;
  }
}

/* digits [. digits] [e [+-] digits] without a sign; the grammar is checked here because strtod also knows
   hexadecimal, infinity and nan. */
static eg_number_result read_decimal(const char **cursor, double *out) {
  const char *start = *cursor;
  size_t n_digits = skip_digits(cursor);
  if (**cursor == '.') {
    (*cursor)++;
    n_digits += skip_digits(cursor);
  }
  if (n_digits == 0) {
    return EG_NUMBER_MALFORMED;
  }
  if (**cursor == 'e' || **cursor == 'E') {
    (*cursor)++;
    if (**cursor == '+' || **cursor == '-') {
      (*cursor)++;
    }
    if (skip_digits(cursor) == 0) {
      return EG_NUMBER_MALFORMED;
    }
  }
  errno = 0;
  const double value = strtod(start, NULL);
  if (errno == ERANGE && (value == 0.0 || isinf(value))) {
    return EG_NUMBER_BEYOND_DOUBLE;
  }
  *out = value;
  return EG_NUMBER_GOOD;
}

static double whole_power(double base, int exponent) {
  if (base == 2.0) {
    return ldexp(1.0, exponent); /* exact also where 1/2^-n would overflow */
  }
  double result = 1.0;
  double square = base;
  for (int left = abs(exponent); left > 0; left /= 2) {
    if (left % 2 == 1) {
      result *= square;
    }
    square *= square;
  }
  return exponent < 0 ? 1.0 / result : result;
}

static eg_number_result read_exponent(const char **cursor, int *out) {
  const bool is_negative = **cursor == '-';
  if (**cursor == '-' || **cursor == '+') {
    (*cursor)++;
  }
  int exponent = 0;
  if (!is_digit(**cursor)) {
    return EG_NUMBER_MALFORMED;
  }
  for (; is_digit(**cursor); (*cursor)++) {
    exponent = exponent * 10 + (**cursor - '0');
    if (exponent > MAX_EXPONENT) {
      return EG_NUMBER_BEYOND_DOUBLE;
    }
  }
  *out = is_negative ? -exponent : exponent;
  return EG_NUMBER_GOOD;
}

/* decimal [^ exponent] */
static eg_number_result read_factor(const char **cursor, double *out) {
  double base = 0.0;
  eg_number_result result = read_decimal(cursor, &base);
  if (result != EG_NUMBER_GOOD) {
    return result;
  }
  skip_blanks(cursor);
  if (**cursor != '^') {
    *out = base;
    return EG_NUMBER_GOOD;
  }
  (*cursor)++;
  skip_blanks(cursor);
  int exponent = 0;
  result = read_exponent(cursor, &exponent);
  if (result != EG_NUMBER_GOOD) {
    return result;
  }
  skip_blanks(cursor);
  if (base == 0.0 && exponent < 0) {
    return EG_NUMBER_BY_ZERO;
  }
  *out = whole_power(base, exponent);
  return isinf(*out) || (*out == 0.0 && base != 0.0) ? EG_NUMBER_BEYOND_DOUBLE : EG_NUMBER_GOOD;
}

/* [sign] factor { (* or /) factor }, from left to right */
static eg_number_result read_expression(const char *text, double *out) {
  const char *cursor = text;
  skip_blanks(&cursor);
  const bool is_negative = *cursor == '-';
  if (*cursor == '-' || *cursor == '+') {
    cursor++;
  }
  double value = 0.0;
  eg_number_result result = read_factor(&cursor, &value);
  while (result == EG_NUMBER_GOOD && (*cursor == '*' || *cursor == '/')) {
    const char operation = *cursor++;
    double factor = 0.0;
    skip_blanks(&cursor);
    result = read_factor(&cursor, &factor);
    if (result == EG_NUMBER_GOOD && operation == '/' && factor == 0.0) {
      return EG_NUMBER_BY_ZERO;
    }
    const bool was_zero = value == 0.0 || (operation == '*' && factor == 0.0);
    value = operation == '/' ? value / (factor == 0.0 ? 1.0 : factor) : value * factor;
    if (result == EG_NUMBER_GOOD && (!isfinite(value) || (value == 0.0 && !was_zero))) {
      return EG_NUMBER_BEYOND_DOUBLE;
    }
  }
  if (result == EG_NUMBER_GOOD && *cursor != '\0') {
    return EG_NUMBER_MALFORMED;
  }
  *out = (is_negative ? -value : value) + 0.0; /* + 0.0 turns -0 into 0 */
  return result;
}

eg_number_result eg_number_parse(const char *text, double *out) {
  if (strlen(text) > MAX_LENGTH) {
    return EG_NUMBER_MALFORMED;
  }
  const locale_guard guard = enter_c_locale();
  double value = 0.0;
  const eg_number_result result = read_expression(text, &value);
  leave_c_locale(guard);
  if (result == EG_NUMBER_GOOD) {
    *out = value;
  }
  return result;
}

bool eg_seed_parse(const char *text, uint64_t *out) {
  const char *cursor = text;
  uint64_t seed = 0;
  for (; is_digit(*cursor); cursor++) {
    const uint64_t digit = (uint64_t)(*cursor - '0');
    if (seed > (UINT64_MAX - digit) / 10) {
      return false;
    }
    seed = seed * 10 + digit;
  }
  if (cursor != text && *cursor == '\0') {
    *out = seed;
    return true;
  }
  double value = 0.0;
  if (eg_number_parse(text, &value) != EG_NUMBER_GOOD || value < 0.0 || value > 0x1p53 ||
      floor(value) != value) {
    return false;
  }
  *out = (uint64_t)value;
  return true;
}

eg_number_text eg_number_format(double value) {
  eg_number_text text = {{0}};
  const locale_guard guard = enter_c_locale();
  for (int digits = 15; digits <= 17; digits++) {
    (void)snprintf(text.data, sizeof text.data, "%.*g", digits, value); /* 17 digits always fit */
    if (strtod(text.data, NULL) == value) {
      break;
    }
  }
  leave_c_locale(guard);
  return text;
}
