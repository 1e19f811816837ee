#include "cli/repl_edit.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/plain.h"
#include "cli/repl_history.h"

#define MOST_LINES 2000 /* that the arrow keys reach */
#define MOST_NAMES 200  /* that are listed */
#define END_OF_INPUT 4  /* Ctrl-D */

struct mv_edit {
  struct mv_edit_options options;
  EditLine *line;
  History *history;
  int file;        /* the history's, or -1 */
  locale_t locale; /* UTF-8 for libedit, in this thread and while it reads; 0: the process's */
  const char *prompt;
  bool interrupted;
  int held;  /* a byte that was read and begins the next character, or -1 */
  int ahead; /* bytes to come that were typed before the line was edited */
};

static struct mv_edit *edit_of(EditLine *line) {
  void *edit = NULL;
  el_get(line, EL_CLIENTDATA, &edit);
  return edit;
}

static char *give_prompt(EditLine *line) {
  return (char *)(uintptr_t)edit_of(line)->prompt;
}

/* Reading */

static int wait_ms(const struct mv_edit *edit) {
  return edit->options.look ? edit->options.look_every : -1;
}

/* Takes the terminal's keys, before there is a prompt that invites to type. */
static void take_terminal(struct mv_edit *edit) {
  el_set(edit->line, EL_PREP_TERM, 1);
  if (ioctl(STDIN_FILENO, FIONREAD, &edit->ahead))
    edit->ahead = 0;
}

/* Whether the byte that was read is one of a key. A Ctrl-D that was typed ahead has become a zero
 * byte in the terminal, which libedit would take for a key that quotes the next one; Ctrl-Space,
 * which sends one too, means nothing here. */
static bool is_of_key(struct mv_edit *edit, unsigned char *byte) {
  bool ahead = edit->ahead > 0;
  edit->ahead -= ahead;
  if (*byte == 0 && ahead)
    *byte = END_OF_INPUT;
  return *byte != 0;
}

/* Waits for a byte; false when it was interrupted or there is none. */
static bool read_byte(struct mv_edit *edit, unsigned char *byte) {
  if (edit->held >= 0) {
    *byte = (unsigned char)edit->held;
    edit->held = -1;
    return true;
  }
  for (;;) {
    struct pollfd wait[] = {{STDIN_FILENO, POLLIN, 0}, {edit->options.wake, POLLIN, 0}};
    int ready = poll(wait, 2, wait_ms(edit));
    if (ready < 0 && errno == EINTR)
      continue;
    bool stop = ready == 0 && edit->options.look(edit->options.owner, edit);
    if (ready == 0 && !stop)
      continue;
    if (stop || wait[1].revents) {
      edit->interrupted = true;
      return false;
    }
    ssize_t got = read(STDIN_FILENO, byte, 1);
    if (got == 1 && !is_of_key(edit, byte))
      continue;
    if (got >= 0 || errno != EINTR)
      return got == 1;
  }
}

/* The length of a character in UTF-8 by its first byte; 0: it is none. */
static size_t length_of(unsigned char first) {
  return first < 0x80   ? 1
         : first < 0xc2 ? 0
         : first < 0xe0 ? 2
         : first < 0xf0 ? 3
         : first < 0xf5 ? 4
                        : 0;
}

/* libedit asks for a character: 1, or 0 at the end. What is no UTF-8 is U+FFFD. */
static int read_character(EditLine *line, wchar_t *out) {
  struct mv_edit *edit = edit_of(line);
  unsigned char byte;
  if (!read_byte(edit, &byte))
    return 0;
  size_t length = length_of(byte);
  unsigned code = length == 1 ? byte : length ? byte & (0xffU >> (length + 1)) : 0xfffd;
  for (size_t i = 1; i < length; i++) {
    if (!read_byte(edit, &byte))
      return 0;
    if ((byte & 0xc0) != 0x80) {
      edit->held = byte;
      code = 0xfffd;
      break;
    }
    code = code << 6 | (byte & 0x3fU);
  }
  *out = (wchar_t)(code > 0x10ffff ? 0xfffd : code);
  return 1;
}

/* Keys */

static unsigned char interrupt(EditLine *line, int character) {
  (void)character;
  edit_of(line)->interrupted = true;
  return CC_EOF;
}

/* Ctrl-Z: the shell has the terminal as it was, and on return it is ours again. */
static unsigned char suspend(EditLine *line, int character) {
  (void)character;
  el_set(line, EL_PREP_TERM, 0);
  kill(getpid(), SIGTSTP);
  take_terminal(edit_of(line));
  return CC_REDISPLAY;
}

static void list_names(const json_t *names) {
  size_t count = json_array_size(names), shown = count < MOST_NAMES ? count : MOST_NAMES,
         widest = 0;
  for (size_t i = 0; i < shown; i++) {
    size_t length = json_string_length(json_array_get(names, i));
    widest = length > widest ? length : widest;
  }
  size_t across = mv_plain_columns(stdout) / (widest + 2), rows = 0;
  across = across ? across : 1;
  rows = (shown + across - 1) / across;
  for (size_t row = 0; row < rows; row++) {
    putchar('\n');
    for (size_t i = row; i < shown; i += rows)
      printf("%-*s", i + rows < shown ? (int)widest + 2 : 0,
             json_string_value(json_array_get(names, i)));
  }
  if (shown < count)
    printf("\n… %zu more", count - shown);
  putchar('\n');
  fflush(stdout);
}

/* Tab. */
static unsigned char complete(EditLine *line, int character) {
  (void)character;
  struct mv_edit *edit = edit_of(line);
  const LineInfo *info = el_line(line);
  if (!edit->options.complete)
    return CC_ERROR;
  json_t *found = edit->options.complete(edit->options.owner, info->buffer,
                                         (size_t)(info->cursor - info->buffer));
  const char *insert = json_string_value(json_object_get(found, "insert"));
  const json_t *names = json_object_get(found, "names");
  unsigned char outcome = CC_ERROR;
  if (insert && *insert && el_insertstr(line, insert) == 0) {
    outcome = CC_REFRESH;
  } else if (json_array_size(names) > 0) {
    list_names(names);
    outcome = CC_REDISPLAY;
  }
  json_decref(found);
  return outcome;
}

struct binding {
  const char *keys, *function;
};

/* Beside what libedit has by itself, keys as terminals send them today. */
static const struct binding bindings[] = {
    {"^I", "mavilua-complete"},   {"^C", "mavilua-interrupt"},       {"^Z", "mavilua-suspend"},
    {"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"}, {"\\e[H", "ed-move-to-beg"},
    {"\\e[1~", "ed-move-to-beg"}, {"\\e[F", "ed-move-to-end"},       {"\\e[4~", "ed-move-to-end"},
    {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"}};

/* Ctrl-C and Ctrl-Z are keys while a line is edited, and signals otherwise. */
static void set_keys(EditLine *line) {
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_SETTY, "-d", "-isig", NULL);
  /* wide, because it keeps the texts: copies that it makes of narrow ones are never freed */
  el_wset(line, EL_ADDFN, L"mavilua-complete", L"complete the word", complete);
  el_wset(line, EL_ADDFN, L"mavilua-interrupt", L"drop the line", interrupt);
  el_wset(line, EL_ADDFN, L"mavilua-suspend", L"suspend the program", suspend);
  for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++)
    el_set(line, EL_BIND, bindings[i].keys, bindings[i].function, NULL);
}

/* History */

static void enter(void *owner, const char *text) {
  struct mv_edit *edit = owner;
  HistEvent event;
  history(edit->history, &event, H_ENTER, text);
}

static void open_history(struct mv_edit *edit) {
  HistEvent event;
  struct mv_error err;
  history(edit->history, &event, H_SETSIZE, MOST_LINES);
  history(edit->history, &event, H_SETUNIQUE, 1);
  el_set(edit->line, EL_HIST, history, edit->history);
  if (edit->options.forgets)
    return;
  edit->file = mv_repl_history_open(&err);
  if (edit->file < 0)
    fprintf(stderr, "mavilua repl: lines are not remembered: %s\n", err.text);
  else
    mv_repl_history_each(edit->file, enter, edit);
}

static void remember(struct mv_edit *edit, const char *text) {
  HistEvent newest;
  bool again = history(edit->history, &newest, H_FIRST) >= 0 && strcmp(newest.str, text) == 0;
  if (again || !mv_repl_history_keeps(text, edit->options.key))
    return;
  enter(edit, text);
  if (edit->file >= 0)
    mv_repl_history_add(edit->file, text);
}

/* Hide, show */

/* The row of the screen, counted from the prompt's, in which the cursor stands. */
static size_t row_of_cursor(struct mv_edit *edit) {
  struct mv_bytes shown = {0};
  const LineInfo *info = el_line(edit->line);
  size_t width = mv_plain_put(&shown, edit->prompt, 0, false) +
                 mv_plain_append(&shown, info->buffer, (size_t)(info->cursor - info->buffer), 0, false);
  mv_bytes_free(&shown);
  return width / mv_plain_columns(stdout);
}

void mv_edit_hide(struct mv_edit *edit) {
  const char *type = getenv("TERM");
  if (!type || strcmp(type, "dumb") == 0) {
    putchar('\n');
    return;
  }
  size_t row = row_of_cursor(edit);
  if (row > 0)
    printf("\033[%zuA", row);
  printf("\r\033[J");
}

void mv_edit_show(struct mv_edit *edit) {
  fflush(stdout);
  el_set(edit->line, EL_REFRESH);
}

/* Open, read, close */

/* libedit works in the locale of its thread. Other threads and scripts keep theirs. */
static locale_t use_locale(const struct mv_edit *edit) {
  return edit->locale ? uselocale(edit->locale) : (locale_t)0;
}

static void leave_locale(locale_t before) {
  if (before)
    uselocale(before);
}

static int set_up(struct mv_edit *edit, struct mv_error *err) {
  edit->line = el_init("mavilua", stdin, stdout, stderr);
  edit->history = history_init();
  if (!edit->line || !edit->history)
    return mv_error_set(err, MV_ERROR_SYSTEM, "the terminal cannot be edited on");
  el_set(edit->line, EL_CLIENTDATA, edit);
  el_set(edit->line, EL_GETCFN, read_character);
  el_set(edit->line, EL_PROMPT, give_prompt);
  set_keys(edit->line);
  open_history(edit);
  el_source(edit->line, NULL); /* ~/.editrc */
  return 0;
}

struct mv_edit *mv_edit_open(const struct mv_edit_options *options, struct mv_error *err) {
  struct mv_edit *edit = calloc(1, sizeof *edit);
  if (!edit) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  *edit = (struct mv_edit){.options = *options, .file = -1, .prompt = "", .held = -1};
  edit->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  locale_t before = use_locale(edit);
  int failed = set_up(edit, err);
  leave_locale(before);
  if (!failed)
    return edit;
  mv_edit_close(edit);
  return NULL;
}

void mv_edit_close(struct mv_edit *edit) {
  if (!edit)
    return;
  if (edit->line)
    el_end(edit->line);
  if (edit->history)
    history_end(edit->history);
  if (edit->file >= 0)
    close(edit->file);
  if (edit->locale)
    freelocale(edit->locale);
  free(edit);
}

enum mv_edit_outcome mv_edit_read(struct mv_edit *edit, const char *prompt, struct mv_bytes *line) {
  int length = 0;
  edit->prompt = prompt;
  edit->interrupted = false;
  fflush(stdout);
  locale_t before = use_locale(edit);
  el_resize(edit->line);
  take_terminal(edit);
  const char *text = el_gets(edit->line, &length);
  leave_locale(before);
  if (edit->interrupted)
    return MV_EDIT_INTERRUPTED;
  if (!text || length <= 0)
    return MV_EDIT_END;
  size_t used = text[length - 1] == '\n' ? (size_t)length - 1 : (size_t)length;
  mv_bytes_clear(line);
  if (mv_bytes_append(line, text, used))
    return MV_EDIT_END;
  remember(edit, line->data ? line->data : "");
  return MV_EDIT_LINE;
}
