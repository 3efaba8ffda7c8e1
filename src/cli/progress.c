/* Progress of a run: one line rewritten in place on a terminal, a plain line now and then elsewhere, JSON
 * lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

enum { LINE_BYTES = 512, BAR_CELLS = 20, LEAST_COLUMNS_FOR_BAR = 100 };
static const double PLAIN_SECONDS = 10, JSON_SECONDS = 1;

/* 1.23e9 as "1.23 G". */
static void format_rate(double rate, char *out, size_t size) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t i = 0;
  while (rate >= 999.5 && i + 1 < sizeof prefixes / sizeof prefixes[0]) {
    rate /= 1000;
    i++;
  }
  (void)snprintf(out, size, "%.3g %s", rate, prefixes[i]);
}

static void format_seconds(double seconds, char *out, size_t size) {
  if (seconds > 1e9) {
    (void)snprintf(out, size, "decades");
  } else if (seconds < 99.5) {
    (void)snprintf(out, size, "%.0f s", seconds);
  } else {
    const long minutes = (long)(seconds / 60 + 0.5);
    (void)snprintf(out, size, minutes < 60 ? "%ld min" : "%ld h %02ld min",
                   minutes < 60 ? minutes : minutes / 60, minutes % 60);
  }
}

static void format_bar(double fraction, char out[BAR_CELLS + 4]) {
  const int filled = (int)(fraction * BAR_CELLS);
  out[0] = '[';
  for (int i = 0; i < BAR_CELLS; i++) {
    out[1 + i] = i < filled ? '#' : '.';
  }
  memcpy(out + 1 + BAR_CELLS, "] ", 3);
}

/* Everything behind the percentage. */
static void format_rest(const eg_progress *p, char *out, size_t size) {
  char rate[32], time[40] = "";
  const bool is_done = p->fraction >= 1;
  const double seconds = is_done ? p->elapsed : p->left;
  format_rate(p->steps_per_second, rate, sizeof rate);
  if (isfinite(seconds)) {
    format_seconds(seconds, time, sizeof time);
  }
  (void)snprintf(out, size, "%ssteps/s%s%s%s%s%s%s", rate, time[0] != '\0' ? ", " : "", time,
                 time[0] == '\0' ? "" : (is_done ? " in all" : " left"),
                 p->is_snapshot ? ", snapshot written" : "", p->estimate[0] != '\0' ? ", " : "", p->estimate);
}

static double percent_of(const eg_progress *p) {
  const double percent = 100 * p->fraction;
  return p->fraction < 1 && percent > 99.9 ? 99.9 : percent; /* 100.0 is shown when all is done */
}

static int terminal_columns(void) {
  struct winsize window;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

/* Cut the text after so many characters (UTF-8); returns how many it has then. */
static int cut_columns(char *text, int most) {
  int n = 0;
  for (char *c = text; *c != '\0'; c++) {
    if (((unsigned char)*c & 0xC0u) != 0x80u && n++ == most) {
      *c = '\0';
      return most;
    }
  }
  return n;
}

static void draw_line(cli_progress *progress, const eg_progress *p) {
  char percent[16], bar[BAR_CELLS + 4] = "", rest[LINE_BYTES];
  const int columns = terminal_columns();
  const int head = snprintf(percent, sizeof percent, "%5.1f %% ", percent_of(p));
  format_rest(p, rest, sizeof rest);
  if (columns >= LEAST_COLUMNS_FOR_BAR) {
    format_bar(p->fraction, bar);
  }
  const int before = head + (int)strlen(bar);
  const int width = before + cut_columns(rest, columns - 1 > before ? columns - 1 - before : 0);
  const bool uses_colour = cli_uses_colour();
  const int stale = progress->program->line_width > width ? progress->program->line_width - width : 0;
  fprintf(stderr, "\r%s%s%s%s%s%*s", uses_colour ? "\033[32m" : "", percent, uses_colour ? "\033[0m" : "",
          bar, rest, stale, "");
  (void)fflush(stderr); /* progress that cannot be shown is no reason to stop */
  progress->program->line_width = width;
}

static void print_plain(const eg_progress *p) {
  char rest[LINE_BYTES];
  format_rest(p, rest, sizeof rest);
  fprintf(stderr, "ensgrad: %.1f %%, %s\n", percent_of(p), rest);
}

static void print_json(cli_program *program, const eg_progress *p) {
  cli_json_begin(program, "status");
  cli_json_number(program, "fraction", p->fraction);
  cli_json_number(program, "elapsed_seconds", p->elapsed);
  cli_json_number(program, "left_seconds", p->left);
  cli_json_number(program, "steps_per_second", p->steps_per_second);
  cli_json_number(program, "tiles_done", (double)p->tiles_done);
  cli_json_number(program, "tiles_total", (double)p->tiles_total);
  cli_json_bool(program, "snapshot", p->is_snapshot != 0);
  cli_json_text(program, "estimate", p->estimate);
  cli_json_end(program);
}

void cli_progress_start(cli_progress *progress, cli_program *program, bool is_quiet) {
  memset(progress, 0, sizeof *progress);
  const char *const ci = getenv("CI");
  progress->program = program;
  progress->is_quiet = is_quiet;
  progress->is_terminal = isatty(STDERR_FILENO) && (ci == NULL || ci[0] == '\0');
}

static void remember(cli_progress *progress, const eg_progress *now) {
  progress->last = *now;
  (void)snprintf(progress->estimate, sizeof progress->estimate, "%s", now->estimate); /* cut if longer */
  progress->last.estimate = progress->estimate;
  progress->is_known = true;
}

void cli_progress_show(void *user, const eg_progress *now) {
  cli_progress *const progress = user;
  cli_print_warnings(progress->program); /* those of the plan are known by now */
  remember(progress, now);
  if (progress->is_quiet) {
    return;
  }
  if (progress->is_terminal) {
    draw_line(progress, now);
  } else if (now->elapsed - progress->last_line >= PLAIN_SECONDS) {
    print_plain(now);
    progress->last_line = now->elapsed;
  }
  if (progress->program->is_json && now->elapsed - progress->last_json >= JSON_SECONDS) {
    print_json(progress->program, now);
    progress->last_json = now->elapsed;
  }
}

void cli_progress_end(cli_progress *progress) {
  if (!progress->is_known || progress->is_quiet) {
    return;
  }
  if (!(progress->last.steps_per_second > 0) && progress->last.fraction < 1) {
    cli_clear_line(progress->program); /* it failed before the first step */
    return;
  }
  if (progress->is_terminal) {
    draw_line(progress, &progress->last);
    fputc('\n', stderr);
    progress->program->line_width = 0;
  } else {
    print_plain(&progress->last);
  }
  if (progress->program->is_json) {
    print_json(progress->program, &progress->last);
  }
}
