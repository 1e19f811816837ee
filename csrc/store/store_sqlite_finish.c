/* The SQLite backend: runs end, well or not, or with the process. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct ended {
  char *key;
  char *stopped; /* why, if it was to be stopped */
  enum mv_event_source source;
  int64_t due_at;
  int crashes;
};

static bool is_final(enum mv_event_state state) {
  return state >= MV_EVENT_DONE;
}

static bool parks(const struct mv_outcome *outcome) {
  return outcome->state == MV_EVENT_RETRYABLE && outcome->on_fail == MV_ON_FAIL_PARK;
}

/* Whether the token is that of a running claim that is not to be stopped. 1, 0, -1. */
static int read_claim(struct mv_store *store, int64_t id, int64_t token, struct ended *ended,
                      struct mv_error *err) {
  if (!mv_store_is_pending(store, id))
    mv_sql_pass(store->sql);
  struct mv_stmt *stmt = mv_sql_query(store->sql, err,
                                      "SELECT key, source, due_at, crashes FROM events"
                                      " WHERE id = ? AND token = ? AND state = 1 AND stop IS NULL",
                                      "ii", id, token);
  int found = mv_sql_step(stmt, err);
  if (found > 0) {
    ended->key = mv_sql_text_dup(stmt, 0);
    ended->source = (enum mv_event_source)mv_sql_int(stmt, 1);
    ended->due_at = mv_sql_int(stmt, 2);
    ended->crashes = (int)mv_sql_int(stmt, 3);
    if (!ended->key && !mv_sql_is_null(stmt, 0))
      found = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  mv_sql_done(stmt);
  return found;
}

/* No RETURNING in place of read_claim: SQLite makes a table for what it returns, which costs more
 * than all the rest of a run's end. */
static int write_end(struct mv_store *store, int64_t id, const struct mv_outcome *outcome,
                     int64_t now, int crashes, struct mv_error *err) {
  bool dead = outcome->state == MV_EVENT_DEAD;
  if ((dead || crashes >= MV_STORE_SUSPECT) &&
      mv_sql_run(store->sql, err, "UPDATE events SET mark = iif(?, 2, NULL) WHERE id = ?", "ii",
                 (int64_t)dead, id))
    return -1;
  if (!mv_store_is_pending(store, id)) {
    if (!dead && crashes < MV_STORE_SUSPECT && mv_store_close_later(store, id, outcome, now))
      return 0;
    mv_sql_pass(store->sql);
  }
  return mv_sql_run(store->sql, err,
                    "UPDATE events SET state = ?, head = iif(key IS NOT NULL, 2, head),"
                    " finished_at = ?, handler = coalesce(?, handler), reason = ? WHERE id = ?",
                    "iissi", (int64_t)outcome->state, now, outcome->handler, outcome->reason, id);
}

/* Who holds its line in memory runs, has never crashed and is not to be stopped. 1, 0, -1. */
static int know_claim(const struct mv_store *store, int64_t id, int64_t token,
                      const struct mv_outcome *outcome, struct ended *ended,
                      struct mv_error *err) {
  const struct mv_event *event = outcome->claimed;
  const struct mv_held_line *line =
      event && event->key ? mv_held_get(&store->held, event->key) : NULL;
  if (!line || line->id != id || line->token != token || !is_final(outcome->state))
    return 0;
  ended->source = event->source;
  ended->key = mv_strdup(event->key);
  return ended->key ? 1 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static int write_pause(struct mv_store *store, int64_t id, const struct mv_outcome *outcome,
                       int64_t now, int64_t due_at, struct mv_error *err) {
  return mv_sql_run(store->sql, err,
                    "UPDATE events SET state = ?1, due_at = ?2,"
                    " head = iif(?3 AND key IS NOT NULL, 2, head), attempt = attempt - (?1 = 0),"
                    " since = iif(?1 = 2, ?4, since), finished_at = 0,"
                    " handler = coalesce(?5, handler), reason = ?6,"
                    " mark = iif(?1 = 2 AND NOT ?3 AND key IS NOT NULL, 1, NULL) WHERE id = ?7",
                    "iiiissi", (int64_t)outcome->state, due_at, (int64_t)parks(outcome), now,
                    outcome->handler, outcome->reason, id);
}

/* Writes the outcome if the token is that of a running claim that is not to be stopped. 1, 0, -1. */
static int write_outcome(struct mv_store *store, int64_t id, int64_t token,
                         const struct mv_outcome *outcome, int64_t now, struct ended *ended,
                         struct mv_error *err) {
  const struct mv_event *claimed = outcome->claimed;
  int found = know_claim(store, id, token, outcome, ended, err);
  if (claimed && found > 0 && mv_store_is_bare(store, claimed->key, id)) {
    int ended_later = mv_store_end_later(store, claimed, outcome, now, err);
    if (ended_later)
      return ended_later;
  }
  bool has_row = claimed && !claimed->key; /* without a key none is bare */
  if (!has_row && mv_store_write_out(store, claimed ? claimed->key : NULL, id, err))
    return -1;
  if (found == 0)
    found = read_claim(store, id, token, ended, err);
  if (found <= 0)
    return found;
  if (is_final(outcome->state))
    return write_end(store, id, outcome, now, ended->crashes, err) ? -1 : 1;
  if (outcome->state == MV_EVENT_RETRYABLE || outcome->due_at > 0)
    ended->due_at = outcome->due_at;
  return write_pause(store, id, outcome, now, ended->due_at, err) ? -1 : 1;
}

/* The run was to be stopped: it ends as cancelled, however it ended. 1, 0: stale, -1. */
static int write_stopped(struct mv_store *store, int64_t id, int64_t token,
                         const struct mv_outcome *outcome, int64_t now, struct ended *ended,
                         struct mv_error *err) {
  char *reason = NULL;
  int found = mv_sql_one_text(store->sql, &reason, err,
                              "SELECT stop FROM events WHERE id = ? AND token = ? AND state = 1",
                              "ii", id, token);
  if (found > 0 &&
      mv_sql_run(store->sql, err, "UPDATE events SET stop = NULL WHERE id = ?", "i", id))
    found = -1;
  if (found > 0) {
    struct mv_outcome cancelled = {
        .state = MV_EVENT_CANCELLED, .reason = reason, .handler = outcome->handler};
    found = write_outcome(store, id, token, &cancelled, now, ended, err);
  }
  ended->stopped = reason;
  return found;
}

/* What follows from an outcome: the next of the key, the schedule's row. */
static int follow_up(struct mv_store *store, int64_t id, const struct mv_outcome *outcome,
                     const struct ended *ended, int64_t now, int64_t *wake_at,
                     struct mv_error *err) {
  bool final = is_final(outcome->state);
  if (!final)
    *wake_at = mv_store_earlier(*wake_at, ended->due_at);
  if (ended->crashes >= MV_STORE_SUSPECT)
    *wake_at = 0; /* the next suspect may run: look */
  bool leaves = final || parks(outcome);
  if (leaves ? mv_store_part_line(store, ended->key, id, true, now, wake_at, err)
             : mv_store_stay(store, ended->key, id, err))
    return -1;
  if (outcome->reply && mv_sql_run(store->sql, err, "UPDATE dedupe SET reply = ? WHERE event = ?",
                                   "si", outcome->reply, id))
    return -1;
  if (outcome->state == MV_EVENT_DEAD && ended->source != MV_SOURCE_REPORT &&
      mv_store_report(store, id, now, wake_at, err))
    return -1;
  if (final && ended->source == MV_SOURCE_SCHEDULE)
    return mv_store_moment_state(store, id, outcome->state, outcome->reason, err);
  return 0;
}

static int finish(struct mv_store *store, int64_t id, int64_t token,
                  const struct mv_outcome *outcome, int64_t now, struct mv_store_finished *out,
                  struct mv_error *err) {
  struct ended ended = {0};
  struct mv_outcome cancelled = {.state = MV_EVENT_CANCELLED};
  int found = write_outcome(store, id, token, outcome, now, &ended, err);
  if (found == 0) {
    found = write_stopped(store, id, token, outcome, now, &ended, err);
    out->cancelled = found > 0;
    cancelled.reason = ended.stopped;
    outcome = &cancelled;
  }
  out->stale = found == 0;
  if (found > 0) {
    mv_store_count(store, MV_EVENT_RUNNING, outcome->state);
    found = follow_up(store, id, outcome, &ended, now, &out->wake_at, err) ? -1 : 1;
  }
  free(ended.key);
  free(ended.stopped);
  return found < 0 ? mv_store_break(store) : 0;
}

/* With effects: a malformed one takes its run back, and nothing else of the transaction. */
static int finish_with(struct mv_store *store, int64_t id, int64_t token,
                       const struct mv_outcome *outcome, const json_t *effects, int64_t now,
                       struct mv_store_finished *out, struct mv_error *err) {
  int64_t counts[MV_EVENT_STATES];
  size_t held = store->held.changed;
  memcpy(counts, store->counts, sizeof counts);
  if (mv_sql_savepoint(store->sql, err))
    return mv_store_break(store);
  if (finish(store, id, token, outcome, now, out, err) == 0 &&
      (out->stale || mv_store_apply(store, effects, now, out, err) == 0) &&
      mv_sql_release(store->sql, err) == 0)
    return 0;
  if (mv_store_broken(store))
    return -1;
  mv_sql_rollback_savepoint(store->sql);
  mv_held_undo(&store->held, held);
  memcpy(store->counts, counts, sizeof counts);
  *out = (struct mv_store_finished){.wake_at = MV_STORE_NEVER};
  return -1;
}

int mv_store_finish(struct mv_store *store, int64_t id, int64_t token,
                    const struct mv_outcome *outcome, const json_t *effects, int64_t now,
                    struct mv_store_finished *out, struct mv_error *err) {
  assert(store->in_transaction && outcome->state != MV_EVENT_RUNNING);
  *out = (struct mv_store_finished){.wake_at = MV_STORE_NEVER};
  if (!effects || json_array_size(effects) == 0)
    return finish(store, id, token, outcome, now, out, err);
  return finish_with(store, id, token, outcome, effects, now, out, err);
}

/* --- After a crash, after a stop --- */

/* Alone it was the event's doing; beside others any of them may have been the cause, or somebody who
 * killed the process: suspects run one at a time, so that only a true one gets as far as the last. */
enum { FATAL_CRASHES_ALONE = 2, FATAL_CRASHES = 4 };

struct crashed {
  int64_t id, token;
  int crashes;       /* before this one */
  int crashes_alone; /* of these */
  bool stop;
  bool alone; /* nothing else was running */
};

static int read_running(struct mv_store *store, struct crashed **list, int *count,
                        struct mv_error *err) {
  struct mv_stmt *stmt = mv_sql_query(store->sql, err,
                                      "SELECT id, token, crashes, alone, stop IS NOT NULL"
                                      " FROM events INDEXED BY events_running WHERE state = 1 ORDER BY id",
                                      "");
  int row, capacity = 0;
  while ((row = mv_sql_step(stmt, err)) > 0) {
    if (*count == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      struct crashed *grown = realloc(*list, (size_t)capacity * sizeof *grown);
      if (!grown) {
        row = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
        break;
      }
      *list = grown;
    }
    (*list)[(*count)++] = (struct crashed){.id = mv_sql_int(stmt, 0),
                                           .token = mv_sql_int(stmt, 1),
                                           .crashes = (int)mv_sql_int(stmt, 2),
                                           .crashes_alone = (int)mv_sql_int(stmt, 3),
                                           .stop = mv_sql_int(stmt, 4) != 0};
  }
  if (*count == 1)
    (*list)[0].alone = true;
  mv_sql_done(stmt);
  return row;
}

/* For each running event; `out` as `each` has it. */
static int for_running(struct mv_store *store, int64_t now, struct mv_store_recovered *out,
                       int (*each)(struct mv_store *store, const struct crashed *event, int64_t now,
                                   struct mv_store_recovered *out, struct mv_error *err),
                       struct mv_error *err) {
  struct crashed *list = NULL;
  int count = 0;
  int failed = read_running(store, &list, &count, err);
  if (failed)
    mv_store_break(store);
  for (int i = 0; i < count && !failed; i++)
    failed = each(store, &list[i], now, out, err);
  free(list);
  return failed;
}

static int end_run(struct mv_store *store, const struct crashed *event,
                   const struct mv_outcome *outcome, int64_t now, struct mv_error *err) {
  struct mv_store_finished finished = {.wake_at = MV_STORE_NEVER};
  return finish(store, event->id, event->token, outcome, now, &finished, err);
}

/* Why it is not run again, or NULL. */
static const char *poison(const struct crashed *event) {
  if (event->crashes_alone + event->alone >= FATAL_CRASHES_ALONE)
    return "poison: the process died twice while this event ran alone";
  if (event->crashes + 1 >= FATAL_CRASHES)
    return "poison: the process died four times while this event ran";
  return NULL;
}

static int recover_one(struct mv_store *store, const struct crashed *event, int64_t now,
                       struct mv_store_recovered *out, struct mv_error *err) {
  /* not the clock's present: if that went back, the event would wait */
  if (mv_sql_run(store->sql, err,
                 "UPDATE events SET crashes = crashes + 1, alone = alone + ?,"
                 " due_at = min(due_at, ?), mark = NULL WHERE id = ?",
                 "iii", (int64_t)event->alone, now, event->id))
    return mv_store_break(store);
  struct mv_outcome dead = {.state = MV_EVENT_DEAD, .reason = poison(event)};
  if (event->stop || dead.reason) {
    ++*(event->stop ? &out->cancelled : &out->dead);
    return end_run(store, event, &dead, now, err);
  }
  out->again++;
  mv_store_count(store, MV_EVENT_RUNNING, MV_EVENT_AVAILABLE);
  if (mv_sql_run(store->sql, err, "UPDATE events SET state = 0, token = 0 WHERE id = ?", "i",
                 event->id))
    return mv_store_break(store);
  return 0;
}

int mv_store_recover(struct mv_store *store, int64_t now, struct mv_store_recovered *out,
                     struct mv_error *err) {
  assert(store->in_transaction);
  *out = (struct mv_store_recovered){0};
  return for_running(store, now, out, recover_one, err);
}

static int release_one(struct mv_store *store, const struct crashed *event, int64_t now,
                       struct mv_store_recovered *out, struct mv_error *err) {
  static const struct mv_outcome back = {.state = MV_EVENT_AVAILABLE};
  (void)out;
  return end_run(store, event, &back, now, err);
}

int mv_store_release_all(struct mv_store *store, int64_t now, struct mv_error *err) {
  assert(store->in_transaction);
  if (mv_store_write_out_all(store, err))
    return -1;
  return for_running(store, now, NULL, release_one, err);
}
