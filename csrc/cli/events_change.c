/* `mavilua events replay` and `cancel`: by id, and of many by what they have in common. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/events.h"
#include "cli/plain.h"
#include "cli/progress.h"

#define BATCH 100        /* events in one request, and one transaction */
#define SHOWN 20         /* of a dry run on a terminal */
#define INTERRUPTED 130  /* exit status, as of a program that INT has ended */

struct change {
  struct mv_events *events;
  const char *verb, *done; /* "replay", "replayed" */
  int64_t matched, last;   /* how many were meant, and the last of them */
  int64_t total;           /* of these, as far as --limit lets */
  int64_t changed, refused, stopping;
  json_int_t cursor;       /* the last one looked at */
  int signals;
  bool interrupted;
};

static json_int_t number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

/* Takes `object`. */
static void print_json(json_t *object) {
  mv_plain_print_json(stdout, object);
  json_decref(object);
}

/* ---- by id ---------------------------------------------------------------------------------- */

static void print_changed(const struct change *change, const char *id, const json_t *answer) {
  if (change->events->json)
    mv_plain_print_json(stdout, answer);
  else
    printf("event %s %s\n", id,
           json_is_true(json_object_get(answer, "stopping")) ? "runs; it is cancelled once it has stopped"
                                                             : change->done);
}

static int change_ids(struct change *change, char **ids) {
  struct mv_events *events = change->events;
  int status = EX_OK;
  if (events->options->dry_run)
    return mv_events_show(events, ids);
  for (; *ids; ids++) {
    struct mv_error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/api/events/%.20s/%s", *ids, change->verb);
    json_t *answer = mv_door_ask(events->door, path, json_object(), &err);
    if (answer)
      print_changed(change, *ids, answer);
    else
      status = mv_door_fail(events->command, &err);
    json_decref(answer);
  }
  return status;
}

/* ---- how many ------------------------------------------------------------------------------- */

static json_t *ask(const struct change *change, const char *name, json_t *value,
                   struct mv_error *err) {
  char path[64];
  json_t *body = json_deep_copy(change->events->filter);
  snprintf(path, sizeof path, "/api/events/%s", change->verb);
  json_object_set_new(body, name, value);
  if (change->cursor)
    json_object_set_new(body, "after", json_integer(change->cursor));
  if (change->last)
    json_object_set_new(body, "last", json_integer(change->last));
  return mv_door_ask(change->events->door, path, body, err);
}

static int count(struct change *change, struct mv_error *err) {
  long limit = change->events->options->limit;
  json_t *answer = ask(change, "dry_run", json_true(), err);
  if (!answer)
    return -1;
  change->total = change->matched = number_of(answer, "matched");
  change->last = number_of(answer, "last");
  if (limit > 0 && limit < change->total)
    change->total = limit;
  /* what is meant without --state, for the list of a dry run */
  json_object_set(change->events->filter, "state", json_object_get(answer, "state"));
  json_decref(answer);
  return 0;
}

static int show_only(struct change *change) {
  struct mv_events *events = change->events;
  struct mv_error err = {0};
  bool more;
  if (events->json) {
    print_json(json_pack("{s:I, s:b}", "matched", (json_int_t)change->total, "dry_run", true));
    return EX_OK;
  }
  printf("would %s %" PRId64 " event%s\n", change->verb, change->total, change->total == 1 ? "" : "s");
  json_object_del(events->filter, "after"); /* the list begins with the newest */
  if (change->total && mv_events_print(events, events->filter, SHOWN, &more, &err) < 0)
    return mv_door_fail(events->command, &err);
  if (change->total > SHOWN)
    printf("… mavilua events list shows more\n");
  return EX_OK;
}

static int nobody_to_ask(const struct change *change) {
  return mv_cli_fail(change->events->command, EX_USAGE,
                     "%" PRId64 " event%s would be %s, and nobody can be asked: --yes does it, --dry-run only "
                     "tells", change->total, change->total == 1 ? "" : "s", change->done);
}

static bool is_confirmed(const struct change *change) {
  char answer[16] = "";
  fprintf(stderr, "%s %" PRId64 " event%s? [y/N] ", change->verb, change->total,
          change->total == 1 ? "" : "s");
  if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
    return true;
  fprintf(stderr, "nothing was done\n");
  return false;
}

/* ---- one batch after the other -------------------------------------------------------------- */

/* Waits until `until` (ms, monotonic) unless INT or TERM comes; looks for one in any case. */
static void wait_or_hear(struct change *change, int64_t until) {
  struct pollfd waits = {change->signals, POLLIN, 0};
  int64_t left = until - mv_clock_monotonic(NULL);
  while (poll(&waits, 1, left > 0 ? (int)(left < 60000 ? left : 60000) : 0) > 0) {
    change->interrupted |= mv_cli_wait_signal(change->signals) != SIGHUP;
    if (change->interrupted)
      return;
    left = until - mv_clock_monotonic(NULL);
  }
}

/* Small ones when they are paced, so that the pace is even. */
static int64_t batch_of(const struct change *change) {
  long rate = change->events->options->rate;
  int64_t left = change->total - change->changed - change->refused;
  int64_t size = rate && rate < BATCH * 4 ? (rate + 3) / 4 : BATCH;
  return left < size ? left : size;
}

/* 1: there is more, 0: that was all, -1 and `err`. */
static int change_batch(struct change *change, struct mv_error *err) {
  json_t *answer = ask(change, "limit", json_integer(batch_of(change)), err);
  if (!answer)
    return -1;
  json_int_t cursor = number_of(answer, "cursor");
  change->changed += number_of(answer, change->done);
  change->refused += number_of(answer, "refused");
  change->stopping += number_of(answer, "stopping");
  if (cursor)
    change->cursor = cursor;
  json_decref(answer);
  return cursor && change->changed + change->refused < change->total;
}

static int change_all(struct change *change, struct mv_error *err) {
  struct mv_progress progress;
  int64_t start = mv_clock_monotonic(NULL);
  long rate = change->events->options->rate;
  int more;
  mv_progress_begin(&progress, change->done, change->total);
  do {
    more = change_batch(change, err);
    int64_t seen = change->changed + change->refused;
    mv_progress_tell(&progress, seen);
    if (more > 0)
      wait_or_hear(change, rate ? start + seen * 1000 / rate : 0);
  } while (more > 0 && !change->interrupted);
  mv_progress_end(&progress);
  change->interrupted &= more > 0;
  return more < 0 ? -1 : 0;
}

/* ---- the result ----------------------------------------------------------------------------- */

static void print_how_to_go_on(const struct change *change) {
  fprintf(stderr, "%s %" PRId64 " of %" PRId64 "; to go on, repeat the command with --after %" JSON_INTEGER_FORMAT
          "\n", change->done, change->changed, change->total, change->cursor);
}

static void print_result(const struct change *change) {
  if (change->events->json) {
    print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "matched", (json_int_t)change->matched,
                         change->done, (json_int_t)change->changed, "refused",
                         (json_int_t)change->refused, "stopping", (json_int_t)change->stopping,
                         "after", change->cursor, "interrupted", change->interrupted));
    return;
  }
  printf("%s %" PRId64 " event%s", change->done, change->changed, change->changed == 1 ? "" : "s");
  if (change->stopping)
    printf(" (%" PRId64 " of them run, and are once they have stopped)", change->stopping);
  if (change->refused)
    printf("; %" PRId64 " could not be", change->refused);
  putchar('\n');
}

static int change_confirmed(struct change *change) {
  const struct mv_command *command = change->events->command;
  struct mv_error err = {0};
  change->signals = mv_cli_signals(&err);
  if (change->signals < 0)
    return mv_door_fail(command, &err);
  int failed = change_all(change, &err);
  close(change->signals);
  print_result(change);
  if (failed || change->interrupted)
    print_how_to_go_on(change);
  if (failed)
    return mv_door_fail(command, &err);
  return change->interrupted ? INTERRUPTED : EX_OK;
}

static int change_many(struct change *change) {
  struct mv_events *events = change->events;
  struct mv_error err = {0};
  if (json_object_size(events->filter) == 0)
    return mv_cli_fail(events->command, EX_USAGE,
                       "which events? name them by id, or choose them by --state, --handler, --key, --name, "
                       "--since or --until");
  if (count(change, &err))
    return mv_door_fail(events->command, &err);
  if (events->options->dry_run)
    return show_only(change);
  if (change->total == 0) {
    print_result(change);
    return EX_OK;
  }
  bool terminal = mv_cli_on_terminal(stdin) && mv_cli_on_terminal(stderr);
  if (!events->options->yes && !terminal)
    return nobody_to_ask(change);
  return events->options->yes || is_confirmed(change) ? change_confirmed(change) : EX_OK;
}

static int run(struct mv_events *events, const char *verb, const char *done, char **ids) {
  struct change change = {.events = events, .verb = verb, .done = done};
  if (*ids && json_object_size(events->filter) > 0)
    return mv_cli_fail(events->command, EX_USAGE, "ids and options that choose events do not go together");
  return *ids ? change_ids(&change, ids) : change_many(&change);
}

int mv_events_replay(struct mv_events *events, char **ids) {
  return run(events, "replay", "replayed", ids);
}

int mv_events_cancel(struct mv_events *events, char **ids) {
  return run(events, "cancel", "cancelled", ids);
}
