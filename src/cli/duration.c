/* Durations as people and job scripts write them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static double seconds_of_unit(char unit) {
  switch (unit) {
  case 's':
    return 1;
  case 'm':
    return 60;
  case 'h':
    return 3600;
  case 'd':
    return 86400;
  default:
    return NAN;
  }
}

bool cli_parse_duration(const char *text, double *seconds) {
  double sum = 0;
  const char *at = text;
  do {
    if (strchr("0123456789.", *at) == NULL || *at == '\0' || strncmp(at, "0x", 2) == 0 ||
        strncmp(at, "0X", 2) == 0) {
      return false; /* strtod would take signs, "inf" and hexadecimal */
    }
    char *end = NULL;
    const double value = strtod(at, &end);
    if (end == at) {
      return false;
    }
    const bool is_plain = at == text && *end == '\0';
    sum += value * (is_plain ? 1.0 : seconds_of_unit(*end));
    at = is_plain ? end : end + (*end != '\0');
  } while (*at != '\0');
  if (!isfinite(sum) || sum <= 0) {
    return false;
  }
  *seconds = sum;
  return true;
}
