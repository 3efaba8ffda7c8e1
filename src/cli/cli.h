/*
 * The command line: what all subcommands share. It uses include/ensgrad only, like any user would.
 *
 * A subcommand is one file command_NAME.c with one `cli_command`: its options table gives the parser, the
 * help text and the suggestions. Functions print what went wrong themselves and return the status that
 * decides the exit code.
 */
#ifndef EG_CLI_CLI_H
#define EG_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "ensgrad/ensgrad.h"

#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* X(name): in the order of the help text. `new` and `export` are no C keywords. */
#define CLI_COMMANDS(X)                                                                                      \
  X(run) X(check) X(split) X(merge) X(extend) X(info) X(analyse) X(export) X(replay) X(verify) X(new) X(models)            \
  X(devices) X(selftest) X(help)

/* What `ensgrad run` calls: eg_run_study, or what takes its place in ensgrad-mpi. */
typedef eg_status (*cli_study_runner)(eg_context *ctx, const eg_study *study, const eg_run_options *options);
extern cli_study_runner cli_run_study;

/* The whole program but for main(). */
int cli_main(int argc, char **argv);

typedef struct cli_program {
  eg_context *ctx;
  int argc;
  char **argv;
  bool is_json;     /* JSON lines on stdout, text for people on stderr */
  int line_width;   /* columns of the progress line that stands on the terminal, 0 if none */
  int stdout_errno; /* of the first failed write to stdout, 0 if none failed */
} cli_program;

typedef struct cli_option {
  const char *name;     /* long, without the dashes; NULL ends a table */
  char letter;          /* short form, '\0' if none */
  const char *argument; /* as shown in the help; NULL: a flag */
  const char *help;
  bool is_list; /* may be given more than once; one list per command */
} cli_option;

enum { CLI_MAX_OPTIONS = 24 };

typedef struct cli_args {
  const cli_option *options;
  const char *values[CLI_MAX_OPTIONS]; /* last value of each option, "" for a flag, NULL if not given */
  const char **list;                   /* values of the list option */
  size_t n_list;
  const char **operands;
  size_t n_operands;
  bool wants_help;
} cli_args;

typedef struct cli_command {
  const char *name;     /* "" for the program itself */
  const char *operands; /* as shown in the usage line, e.g. "STUDY.yaml" */
  size_t least, most;   /* how many operands */
  const char *summary;  /* one line */
  const char *details;  /* paragraphs of the help, each line ended; may be "" */
  const cli_option *options;
  eg_status (*run)(cli_program *program, const cli_args *args);
} cli_command;

#define CLI_DECLARE(name) extern const cli_command cli_command_##name;
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE
extern const cli_command cli_command_program;
extern const cli_command *const cli_commands[];        /* ended by NULL */
const cli_command *cli_find_command(const char *name); /* NULL if there is none */

/* arguments.c: argv[0] is the name of the command. Wrong use is printed and gives EG_ERR_USAGE. Free in every
 * case. */
EG_NODISCARD eg_status cli_parse(cli_program *program, const cli_command *command, int argc, char **argv,
                                 cli_args *args);
void cli_args_free(cli_args *args);
const char *cli_value(const cli_args *args, const char *option); /* NULL if not given */
bool cli_flag(const cli_args *args, const char *option);

/* usage.c */
void cli_print_overview(cli_program *program);
void cli_print_help(cli_program *program, const cli_command *command);
extern const cli_option cli_help_option; /* every command has it */
extern const char cli_first_steps[];
eg_status cli_fail_usage(cli_program *program, const cli_command *command, const char *format, ...)
    CLI_PRINTF(3, 4);

/* manual.c, completion.c: what packages install, made from the same tables. `shell`: "bash" or "zsh". */
EG_NODISCARD eg_status cli_print_manual(cli_program *program);
EG_NODISCARD eg_status cli_print_completion(cli_program *program, const char *shell);

/* suggest.c: the nearest of n names, NULL if none is near enough to be a slip of the pen. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* duration.c: 90, 90s, 55m, 2h, 1d, 1h30m as seconds; false if it is none or not positive. */
bool cli_parse_duration(const char *text, double *seconds);

/* command_line.c: the command line as it can be pasted into a shell, without the words equal to `left_out`
   (may be NULL). NULL with no memory; free(). */
char *cli_command_line(const cli_program *program, const char *left_out);

/* output.c: text to stdout; a failed write is remembered for cli_finish_output. */
void cli_print(cli_program *program, const char *format, ...) CLI_PRINTF(2, 3);
/* Print what a call gave and free it, or report why it failed; returns `status`. */
eg_status cli_print_owned(cli_program *program, eg_status status, char *text);
/* Flush stdout: EG_ERR_OUTPUT (printed) if something could not be written and `status` is EG_OK, else
 * `status`. */
eg_status cli_finish_output(cli_program *program, eg_status status);

/* message.c: to stderr (errors also as a JSON line). */
void cli_note(cli_program *program, const char *format, ...) CLI_PRINTF(2, 3);
void cli_print_error(cli_program *program, eg_status status, const char *text);
void cli_print_warnings(cli_program *program); /* those of the context, then forgets them */
eg_status cli_report(cli_program *program,
                     eg_status status); /* the context's message if it failed; returns status */
void cli_clear_line(cli_program *program);
bool cli_uses_colour(void);

/* write_text.c: a whole text file. Refuses to replace one unless `is_forced`. Reports failures. */
EG_NODISCARD eg_status cli_write_text(cli_program *program, const char *path, const char *text,
                                      bool is_forced);
bool cli_is_same_file(const char *a, const char *b);

/* json_line.c: {"message_type": "..", ..} on stdout, one line a message. */
void cli_json_begin(cli_program *program, const char *message_type);
void cli_json_text(cli_program *program, const char *key, const char *value); /* value NULL: null */
void cli_json_number(cli_program *program, const char *key, double value);    /* not finite: null */
void cli_json_bool(cli_program *program, const char *key, bool value);
void cli_json_end(cli_program *program); /* also flushes */

/* progress.c */
typedef struct cli_progress {
  cli_program *program;
  bool is_quiet, is_terminal, is_known; /* is_known: `last` was set */
  double last_line, last_json;          /* elapsed seconds of the last printed line */
  eg_progress last;
  char estimate[200];
} cli_progress;

void cli_progress_start(cli_progress *progress, cli_program *program, bool is_quiet);
void cli_progress_show(void *progress, const eg_progress *now); /* for eg_run_options.progress */
void cli_progress_end(cli_progress *progress);                  /* the last state, as a line that stays */

/* stop_signal.c: TERM, INT, USR1, HUP and XCPU set *cli_stop_flag(); a second INT or TERM ends the program.
 */
void cli_catch_stop_signals(void);
const volatile int *cli_stop_flag(void);
const char *cli_stop_signal_name(void); /* "" if none came */
void cli_ignore_write_signals(void);

/* What HDF5 does where it has no memory left becomes a message and an exit code. */
void cli_catch_crashes(void);

#endif
