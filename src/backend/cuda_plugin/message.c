/* Messages across the plug-in's border: see plugin.h. */
#include <stdarg.h>
#include <stdio.h>

#include "device.h"

eg_cuda_status eg_cuda_say(eg_cuda_message message, eg_cuda_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(message.text, message.size, format, args); /* a cut message is better than none */
  va_end(args);
  return status;
}
