/* `mavilua chat`: be a client of the sandbox, in the terminal or from a pipe. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/plain.h"
#include "cli/repl_edit.h"
#include "cli/talk.h"

#define LISTEN_EVERY 200 /* ms between two looks for news */
#define MOST_BUTTONS 64
#define LONGEST_LINE 65536
#define INTERRUPTED 130 /* the exit status, as of a program that Ctrl-C ended */

struct options {
  const char *url, *host, *as, *ca_file;
  long wait, silence;
};

static const struct mv_flag flags[] = {
    {"url", .type = MV_FLAG_URL, .value = "URL", .preset = "http://127.0.0.1:8082",
     .env = "MAVILUA_SANDBOX_URL", .offset = offsetof(struct options, url),
     .doc = "the sandbox's address"},
    {"host", .type = MV_FLAG_URL, .value = "URL", .env = "MAVILUA_ADMIN_URL",
     .offset = offsetof(struct options, host),
     .doc = "the host's admin address: it is asked when the bot has finished"},
    MV_CLI_CA_ROW(struct options),
    {"as", .type = MV_FLAG_TEXT, .value = "NAME", .preset = "You",
     .offset = offsetof(struct options, as),
     .doc = "the client to be; made when there is none of that name"},
    {"wait", .type = MV_FLAG_NUMBER, .value = "SECONDS", .preset = "5", .low = 0, .high = 3600,
     .offset = offsetof(struct options, wait),
     .doc = "how long an answer is awaited when the lines come from a pipe"},
    {"silence", .type = MV_FLAG_NUMBER, .value = "MS", .preset = "700", .low = 0, .high = 3600000,
     .offset = offsetof(struct options, silence),
     .doc = "without --host: milliseconds after the last answer until the bot is taken to have finished"},
    {0}};

struct chat {
  const struct mv_command *command;
  const struct options *options;
  struct mv_talk *talk;
  struct mv_bytes input;      /* what was read and not yet used */
  bool terminal, ended;       /* ended: no more input */
  char *buttons[MOST_BUTTONS]; /* of the last answer that had some */
  size_t button_count;
  struct mv_error err;
};

/* Whether a control character begins here: C0, DEL, or C1 as UTF-8 (C2 80 to C2 9F). */
static bool is_control(const unsigned char *p) {
  return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

/* Text of a stranger: control characters must not reach the terminal. */
static void print_text(const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    bool control = is_control(p);
    if (*p == '\n')
      fputs("\n     ", stdout);
    else
      putchar(control ? '?' : *p);
    p += control && *p == 0xc2;
  }
}

static void forget_buttons(struct chat *chat) {
  while (chat->button_count > 0)
    free(chat->buttons[--chat->button_count]);
}

/* Buttons come as {hint, buttons: […]} or as the bare list. */
static void print_buttons(struct chat *chat, const json_t *given) {
  const json_t *list = json_is_object(given) ? json_object_get(given, "buttons") : given;
  size_t i;
  json_t *button;
  if (json_array_size(list) == 0)
    return;
  forget_buttons(chat);
  printf("    ");
  json_array_foreach(list, i, button) {
    const char *text = json_string_value(json_object_get(button, "text"));
    if (!text || chat->button_count == MOST_BUTTONS)
      continue;
    chat->buttons[chat->button_count++] = mv_strdup(text);
    printf(" [%zu] ", chat->button_count);
    print_text(text);
  }
  putchar('\n');
}

static void print_attachment(const json_t *attachment) {
  const json_t *url = json_is_object(attachment) ? json_object_get(attachment, "attachment_url") : attachment;
  if (!json_is_string(url))
    return;
  printf("     ");
  print_text(json_string_value(url));
  putchar('\n');
}

static void print_message(struct chat *chat, const json_t *message) {
  const char *text = json_string_value(json_object_get(message, "text"));
  const json_t *attachments = json_object_get(message, "attachments");
  size_t i;
  json_t *attachment;
  printf("bot> ");
  print_text(text ? text : "");
  putchar('\n');
  json_array_foreach(attachments, i, attachment) print_attachment(attachment);
  print_buttons(chat, json_object_get(message, "buttons"));
}

static void print_messages(struct chat *chat, const json_t *news) {
  size_t i;
  json_t *message;
  json_array_foreach(news, i, message) print_message(chat, message);
  fflush(stdout);
}

/* Prints what the bot has said; the number of messages, or -1. */
static int hear(struct chat *chat) {
  json_t *news = mv_talk_hear(chat->talk, &chat->err);
  if (!news)
    return -1;
  print_messages(chat, news);
  int count = (int)json_array_size(news);
  json_decref(news);
  return count;
}

/* The same above a line that is being written; 0 or -1. */
static int overhear(void *owner, struct mv_edit *edit) {
  struct chat *chat = owner;
  json_t *news = mv_talk_hear(chat->talk, &chat->err);
  if (json_array_size(news) > 0) {
    mv_edit_hide(edit);
    print_messages(chat, news);
    mv_edit_show(edit);
  }
  json_decref(news);
  return news ? 0 : -1;
}

/* The button that a line like "[2]" means, or NULL. */
static const char *button_of(const struct chat *chat, const char *line) {
  char *end;
  if (*line != '[' || !isdigit((unsigned char)line[1]))
    return NULL;
  unsigned long number = strtoul(line + 1, &end, 10);
  bool valid = strcmp(end, "]") == 0 && number >= 1 && number <= chat->button_count;
  return valid ? chat->buttons[number - 1] : NULL;
}

/* Whether the bot is through, the last answer being `silent` ms old (-1: none yet); 1, 0, -1. */
static int is_through(struct chat *chat, int64_t silent) {
  if (chat->options->host)
    return mv_talk_settled(chat->talk, &chat->err);
  return silent >= chat->options->silence;
}

/* Waits until the bot has answered and is through, or has not answered in time; 0 or -1. */
static int await_answers(struct chat *chat) {
  int64_t limit = mv_clock_monotonic(NULL) + chat->options->wait * 1000, heard_at = 0;
  for (;;) {
    int64_t now = mv_clock_monotonic(NULL);
    int through = is_through(chat, heard_at ? now - heard_at : -1);
    int count = through < 0 ? -1 : hear(chat); /* what was said before it was through is there */
    if (count < 0)
      return -1;
    if (count > 0)
      heard_at = now;
    if ((through && count == 0) || (!heard_at && now >= limit))
      break;
    usleep(LISTEN_EVERY / 4 * 1000);
  }
  if (!heard_at)
    fprintf(stderr, "mavilua chat: no answer%s\n", chat->options->host ? "" : " in time (--wait)");
  return 0;
}

static int say(struct chat *chat, const char *line) {
  const char *button = button_of(chat, line);
  const char *text = button ? button : line;
  if (!chat->terminal || button) {
    printf("%s> ", chat->options->as);
    print_text(text);
    putchar('\n');
    fflush(stdout);
  }
  if (mv_talk_say(chat->talk, text, &chat->err))
    return -1;
  return chat->terminal ? 0 : await_answers(chat);
}

/* Cuts the first line off the input; false when there is no whole one. */
static bool take_line(struct chat *chat, struct mv_bytes *line) {
  struct mv_bytes *input = &chat->input;
  const char *newline = input->length ? memchr(input->data, '\n', input->length) : NULL;
  if (!newline && !(chat->ended && input->length) && input->length < LONGEST_LINE)
    return false;
  size_t length = newline ? (size_t)(newline - input->data) : input->length;
  size_t used = length + (newline ? 1 : 0);
  mv_bytes_clear(line);
  mv_bytes_append(line, input->data, length);
  while (line->length > 0 && isspace((unsigned char)line->data[line->length - 1]))
    line->data[--line->length] = '\0';
  memmove(input->data, input->data + used, input->length - used + 1);
  input->length -= used;
  return true;
}

/* Waits a little for input and takes what is there; 0 or -1. */
static int read_input(struct chat *chat) {
  struct pollfd wait = {STDIN_FILENO, POLLIN, 0};
  char chunk[4096];
  int ready = poll(&wait, 1, LISTEN_EVERY);
  if (ready <= 0)
    return ready < 0 && errno != EINTR ? mv_error_set(&chat->err, MV_ERROR_SYSTEM, "%s", strerror(errno)) : 0;
  ssize_t got = read(STDIN_FILENO, chunk, sizeof chunk);
  if (got < 0)
    return mv_error_set(&chat->err, MV_ERROR_SYSTEM, "standard input: %s", strerror(errno));
  chat->ended = got == 0;
  return mv_bytes_append(&chat->input, chunk, (size_t)got)
             ? mv_error_set(&chat->err, MV_ERROR_SYSTEM, "out of memory")
             : 0;
}

static int say_lines(struct chat *chat) {
  struct mv_bytes line = {0};
  int failed = 0;
  while (!failed && take_line(chat, &line))
    if (line.length > 0)
      failed = say(chat, line.data);
  mv_bytes_free(&line);
  return failed;
}

static int converse(struct chat *chat) {
  while (!chat->ended)
    if (read_input(chat) || say_lines(chat) || hear(chat) < 0)
      return -1;
  return 0;
}

/* On a terminal */

static void no_run(void *owner) {
  (void)owner; /* there is none that a signal has to end */
}

static int say_line(struct chat *chat, struct mv_bytes *line) {
  while (line->length > 0 && isspace((unsigned char)line->data[line->length - 1]))
    line->data[--line->length] = '\0';
  return line->length > 0 ? say(chat, line->data) : 0;
}

/* Lines until the end of input; what the bot says meanwhile stands above the one being written. 0,
 * the exit status of an interrupt, or -1. */
static int edit_lines(struct chat *chat, struct mv_edit *edit, const char *prompt) {
  struct mv_bytes line = {0};
  enum mv_edit_outcome outcome;
  int failed = 0;
  while (!failed && (outcome = mv_edit_read(edit, prompt, &line)) == MV_EDIT_LINE)
    failed = say_line(chat, &line);
  mv_bytes_free(&line);
  if (!failed)
    putchar('\n');
  return failed || chat->err.kind != MV_ERROR_NONE ? -1 : outcome == MV_EDIT_END ? 0 : INTERRUPTED;
}

static int converse_on_terminal(struct chat *chat) {
  struct mv_interrupt interrupt = {0};
  struct mv_bytes prompt = {0};
  struct mv_edit *edit = NULL;
  int status = -1;
  mv_plain_put(&prompt, chat->options->as, 0, false);
  if (mv_bytes_puts(&prompt, "> "))
    mv_error_set(&chat->err, MV_ERROR_SYSTEM, "out of memory");
  else if (mv_interrupt_start(&interrupt, no_run, chat, &chat->err) == 0) {
    struct mv_edit_options options = {.wake = interrupt.wake,
                                      .forgets = true,
                                      .look = overhear,
                                      .look_every = LISTEN_EVERY,
                                      .owner = chat};
    edit = mv_edit_open(&options, &chat->err);
  }
  if (edit)
    status = edit_lines(chat, edit, prompt.data);
  mv_edit_close(edit);
  mv_interrupt_stop(&interrupt);
  mv_bytes_free(&prompt);
  return status;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  struct chat chat = {.command = command, .options = given, .terminal = mv_cli_on_terminal(stdin)};
  bool interactive = chat.terminal && mv_cli_on_terminal(stdout);
  int status = mv_cli_check_file(command, chat.options->ca_file, "a file of certificates");
  (void)operands;
  if (status)
    return status;
  if (interactive)
    mv_interrupt_prepare();
  chat.talk = mv_talk_open(chat.options->url, chat.options->host, chat.options->ca_file,
                           chat.options->as, &chat.err);
  if (chat.talk && chat.terminal)
    printf("You are %s. Write, or press a button with [1]; Ctrl-D ends.\n", chat.options->as);
  if (chat.talk)
    status = interactive ? converse_on_terminal(&chat) : converse(&chat);
  if (!chat.talk || status < 0)
    status = mv_cli_fail_with(command, &chat.err);
  forget_buttons(&chat);
  mv_bytes_free(&chat.input);
  mv_talk_close(chat.talk);
  return status;
}

const struct mv_command mv_command_chat = {
    .name = "chat",
    .operands = "",
    .doc = "talk to the bot in the terminal, as a client of the sandbox",
    .more = "Each line is a message; [1] presses the first button of the last answer; Ctrl-D ends. At a\n"
            "terminal the line is edited as in mavilua repl, and answers stand above it. From a\n"
            "pipe the lines are sent one after the other, each when the bot has finished with the one before:\n"
            "with --host that is known, otherwise it is guessed by its silence.\n\n"
            "  mavilua chat --as Ada\n"
            "  printf 'hello\\norder tea\\n' | mavilua chat\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
