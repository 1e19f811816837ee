/* Where events live: a queue with order, retries and fencing; moments of schedules; kv and once.
 *
 * A backend offers these operations and nothing of its own nature. A store is written by one
 * thread, between mv_store_begin and mv_store_commit; what was written and not committed has not
 * happened. Read operations (marked R) need no transaction and work on a reader, too.
 *
 * The line of an ordering key: events with a key that are due queue up, and only the first of them
 * (the head) can be claimed. One that is not yet due, or was parked after a failure, stands outside
 * and holds nobody up; it joins the line when its time comes. */
#ifndef MV_STORE_STORE_H
#define MV_STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/event.h"

struct mv_store;

#define MV_STORE_NEVER INT64_MAX /* a due time that never comes */

struct mv_store_options {
  const char *path;      /* a file, or ":memory:" */
  bool read_only;        /* looks at a file that another process may own */
  int64_t dedupe_window; /* ms; 0: 7 days */
  int busy_ms;           /* patience with foreign locks on the file; 0: 2000 */
  int backlog;           /* so many waiting events are worked off with fewer writes; 0: 16384 */
  int max_pages;         /* the file never grows beyond, for tests; 0: no limit */
};

/* Opens or creates. NULL and `err`: not writable, not a mavilua database, written by a newer
 * version, or in use by another mavilua; each names the file and what to do. */
struct mv_store *mv_store_open(const struct mv_store_options *options, struct mv_error *err);

/* Leaves word for others while this store is open: where its host can be asked (an admin URL; one
 * line). Any thread. 0 or -1. */
int mv_store_tell(struct mv_store *store, const char *text);

/* Whether another process has the database `path` open for writing: 1, with the word it left in
 * `text` ("" when there is none yet); 0 nobody; -1 and `err`: there is no such file. */
int mv_store_owner(const char *path, char *text, size_t size, struct mv_error *err);

void mv_store_close(struct mv_store *store); /* after its readers; NULL is fine */

/* A reader of the same data for another thread; closed with mv_store_close. Sees commits only. */
struct mv_store *mv_store_reader(struct mv_store *store, struct mv_error *err);

/* --- Transactions --- */

int mv_store_begin(struct mv_store *store, struct mv_error *err);
/* On disk when it returns 0. -1: nothing of the transaction has happened (BUSY: a lock, try again;
 * SYSTEM: disk full or broken). */
int mv_store_commit(struct mv_store *store, struct mv_error *err);
void mv_store_rollback(struct mv_store *store);
/* Whether an operation's failure took the whole transaction with it: roll back, nothing else. */
bool mv_store_broken(const struct mv_store *store);

/* --- Accepting and claiming --- */

struct mv_store_accepted {
  int64_t id;      /* the new event's, or the one it duplicates */
  bool duplicate;  /* nothing was stored */
  bool claimed;    /* stored as running: the event's state, attempt and token are set */
  int64_t wake_at; /* when it can be claimed; MV_STORE_NEVER: somebody else is before it */
};

/* Stores `event` (source, name, key, dedupe, due_at, body, meta; due_at 0: now) and sets its id and
 * accepted_at. With `claim`, an event that is due and first of its key starts running at once. */
int mv_store_accept(struct mv_store *store, struct mv_event *event, int64_t now, bool claim,
                    struct mv_store_accepted *out, struct mv_error *err);

/* Optional, in a transaction: the events that mv_store_accept gets next, in this order. What they
 * are told from others by is stored at once. 0, or -1. */
enum { MV_STORE_FORESEEN = 16 };
int mv_store_foresee(struct mv_store *store, struct mv_event *const *events, size_t count,
                     int64_t now, struct mv_error *err);

/* The running claim `token` of `event` has found out by what it is to be told from others: *original
 * is the event within the window that has the same value, 0: there is none, or it is this one. 0, or
 * -1. */
int mv_store_dedupe(struct mv_store *store, int64_t event, int64_t token, const char *value,
                    int64_t now, int64_t *original, struct mv_error *err);

/* What the sender of an event was answered, for who sends it again: *reply as mv_outcome.reply, to be
 * freed, or NULL; *open: it has not come to an end and is not between attempts. 0, or -1. */
int mv_store_answer(struct mv_store *store, int64_t event, char **reply, bool *open,
                    struct mv_error *err);

/* Takes up to `limit` due heads, oldest due first, as running under new tokens: a list through
 * `node` in *list, to be freed one by one. The number, or -1. Of the events that two crashes have
 * hit, only one runs at a time: the next can be claimed when that has ended. */
int mv_store_claim(struct mv_store *store, int64_t now, int limit, struct mv_event **list,
                   struct mv_error *err);

/* The clock was set back to `now`: what waits for a while that was counted from later than that (a
 * retry, a delayed job, all that was due at once) waits as long from now on. Moments of the calendar
 * stay. *wake_at as above. */
int mv_store_turn_back(struct mv_store *store, int64_t now, int64_t *wake_at,
                       struct mv_error *err);

/* When the next event can be claimed; may be past; MV_STORE_NEVER. (R) */
int mv_store_next_due(struct mv_store *store, int64_t *due_at, struct mv_error *err);

/* --- Finishing --- */

enum mv_on_fail {
  MV_ON_FAIL_BLOCK, /* the key waits while its head retries */
  MV_ON_FAIL_PARK,  /* the failed one steps out of the line until its retry */
  MV_ON_FAIL_SKIP,  /* the failed one is skipped */
};

struct mv_outcome {
  enum mv_event_state state; /* AVAILABLE: given back, costs no attempt; RETRYABLE; or a final one */
  int64_t due_at;            /* RETRYABLE, AVAILABLE: when; ms since 1970; AVAILABLE 0: as it was */
  enum mv_on_fail on_fail;   /* RETRYABLE */
  const char *reason;        /* or NULL */
  const char *handler;       /* or NULL: stays */
  const char *reply;         /* what its sender is answered, for mv_store_answer; or NULL */
  const struct mv_event *claimed; /* as it was claimed, by who still has it: saves a look; or NULL */
};

struct mv_store_finished {
  bool stale;      /* the token is not the running claim's: nothing was changed */
  bool cancelled;  /* mv_store_cancel came before: that is how it ended, whatever the outcome */
  int64_t wake_at; /* when this or the next of its key can be claimed; MV_STORE_NEVER */
  int jobs;        /* accepted by the effects: jobs and webhooks */
};

/* Ends the run `token` of event `id`: outcome and effects together or, on -1, neither. Effects: see
 * mv_vm_result (NULL: none); of a cancelled run only those of `once` are kept. A malformed
 * effect is kind USAGE and harms nothing else. */
int mv_store_finish(struct mv_store *store, int64_t id, int64_t token,
                    const struct mv_outcome *outcome, const json_t *effects, int64_t now,
                    struct mv_store_finished *out, struct mv_error *err);

struct mv_store_recovered {
  int64_t again; /* were running when the process died; due at once */
  int64_t dead;  /* twice alone, or four times in all: quarantined */
  int64_t cancelled; /* were to be stopped: they are */
};

/* After opening: what ran when the last process died runs again, or is dead as poison, or is
 * cancelled if that had been asked for. */
int mv_store_recover(struct mv_store *store, int64_t now, struct mv_store_recovered *out,
                     struct mv_error *err);

/* At a clean end: everything that is running becomes available and has cost no attempt; what was to
 * be stopped is cancelled. */
int mv_store_release_all(struct mv_store *store, int64_t now, struct mv_error *err);

/* Whether from now on each event that goes dead, one quarantined after a crash included, brings a
 * report: an event of its own (MV_SOURCE_REPORT, "dead") in the same transaction. Kept across
 * openings. Reports bring none. */
int mv_store_report_dead(struct mv_store *store, bool on, struct mv_error *err);

/* --- Operating --- */

/* A final event becomes available and due, with its attempts and its age counted anew; *wake_at as above.
 * NOT_FOUND, or USAGE when it is not final. */
int mv_store_replay(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                    struct mv_error *err);

/* An event that waits becomes cancelled at once. One that runs is marked (event.stop): it keeps its
 * place in the line until its run has ended, and is cancelled then. *wake_at as above. */
int mv_store_cancel(struct mv_store *store, int64_t id, const char *reason, int64_t now,
                    int64_t *wake_at, struct mv_error *err);

/* The running events that were marked since mv_store_begin: once it is committed, their runs are to
 * be stopped. Valid until the next begin. The writer's thread only. */
struct mv_stop {
  int64_t id, token;
};
const struct mv_stop *mv_store_stops(const struct mv_store *store, size_t *count);

/* A new event on the heap, or NULL with NOT_FOUND. (R) */
struct mv_event *mv_store_get(struct mv_store *store, int64_t id, struct mv_error *err);

struct mv_store_filter {
  unsigned states;     /* bits 1 << enum mv_event_state; 0: any */
  const char *handler; /* that ran it; NULL: any */
  const char *name;    /* hook, schedule, job; NULL: any */
  const char *key;     /* NULL: any */
  int64_t since, until; /* accepted_at in [since, until), ms; 0: open */
  int64_t cursor;      /* only ids below, for the next page; 0: from the newest */
  int64_t after;       /* only ids above; 0: all */
  bool oldest_first;   /* the next page begins `after` the last one of this */
  int limit;           /* 0: 50; at most 1000 */
  bool bodies;         /* with body and meta */
};

#define MV_STORE_WAITING (1U << MV_EVENT_AVAILABLE | 1U << MV_EVENT_RETRYABLE)
#define MV_STORE_UNFINISHED (MV_STORE_WAITING | 1U << MV_EVENT_RUNNING)

/* Newest first unless told, a list through `node`. The number, or -1. (R) */
int mv_store_list(struct mv_store *store, const struct mv_store_filter *filter,
                  struct mv_event **list, struct mv_error *err);

struct mv_store_matches {
  int64_t count;
  int64_t first, last; /* the least and the greatest id; 0: none */
};

/* How many there are; whatever the limit. Reads them all. (R) */
int mv_store_count_matches(struct mv_store *store, const struct mv_store_filter *filter,
                           struct mv_store_matches *out, struct mv_error *err);

struct mv_store_stats {
  int64_t states[MV_EVENT_STATES]; /* events by state */
  int64_t oldest_due;              /* due_at of the oldest that can be claimed; MV_STORE_NEVER */
  int64_t bytes;                   /* of the data */
};
int mv_store_stats(struct mv_store *store, struct mv_store_stats *out, struct mv_error *err); /* R */

/* Events by state as the writer has committed them, without reading; the writer's thread only. */
void mv_store_depth(const struct mv_store *store, int64_t states[MV_EVENT_STATES]);

struct mv_blocked {
  char *key;
  int64_t head;    /* the event that retries */
  int64_t due_at;  /* its next attempt */
  int attempt;
  int64_t waiting; /* events behind it; counted up to 1000 */
  char *reason;
};

/* Keys whose head waits for a retry, by the head's id, which is above `after`; an array for
 * mv_store_blocked_free. The number, or -1. (R) */
int mv_store_blocked(struct mv_store *store, int64_t after, int limit, struct mv_blocked **list,
                     struct mv_error *err);
void mv_store_blocked_free(struct mv_blocked *list, int count);

struct mv_store_limits { /* 0: the default */
  int64_t done_ms;    /* done and cancelled; 7 days */
  int64_t skipped_ms; /* 7 days */
  int64_t dead_ms;    /* 90 days */
  int64_t once_ms;    /* results of `once`; 90 days */
  int64_t max_bytes;  /* over this, done and skipped go at once, oldest first; 0: no limit */
};

/* Deletes what is too old, looking at up to `max_rows` rows. Returns whether to call again soon
 * (1), or not (0: the round is over), or -1. */
int mv_store_prune(struct mv_store *store, int64_t now, const struct mv_store_limits *limits,
                   int max_rows, struct mv_error *err);

/* --- Once --- */

enum mv_once_state {
  MV_ONCE_BEGUN,     /* the mark is made: it may run, once this is committed */
  MV_ONCE_KNOWN,     /* it has a result */
  MV_ONCE_BUSY,      /* a claim that is running has begun it */
  MV_ONCE_AMBIGUOUS, /* one that was cut off has begun it: nobody knows whether it was done */
  MV_ONCE_LOST,      /* the asking claim is not the running one any more */
};

struct mv_once {
  enum mv_once_state state;
  int64_t event, at; /* BUSY, AMBIGUOUS: which event began it, and when (ms) */
};

/* Marks that the running claim `token` of `event` begins what is done once for `key`; it stays until
 * its result is stored, or an effect "once_clear" says that it has none. With `again` one that was
 * cut off is begun anew. 0, or -1. */
int mv_store_once_begin(struct mv_store *store, const char *key, int64_t event, int64_t token,
                        bool again, int64_t now, struct mv_once *out, struct mv_error *err);

/* --- Schedules --- */

struct mv_schedule_row {
  char *name;
  char *definition;
  int64_t first_seen;  /* ms */
  int64_t last_moment; /* the last planned moment with a row; 0: none */
  bool changed;        /* out of mv_store_schedule: it is new, or its definition is */
};

/* Notes a schedule, or its new definition; fills first_seen and last_moment (strings stay NULL). */
int mv_store_schedule(struct mv_store *store, const char *name, const char *definition, int64_t now,
                      struct mv_schedule_row *out, struct mv_error *err);

/* The schedule of a name: 1, with name and definition to be freed by mv_store_schedule_clear; 0:
 * unknown; -1. (R) */
int mv_store_schedule_get(struct mv_store *store, const char *name, struct mv_schedule_row *out,
                          struct mv_error *err);
void mv_store_schedule_clear(struct mv_schedule_row *row);

/* Up to `limit` names of schedules, sorted: a JSON array (new reference), or NULL. (R) */
json_t *mv_store_schedule_names(struct mv_store *store, int limit, struct mv_error *err);

enum mv_overlap { MV_OVERLAP_ALLOW, MV_OVERLAP_SKIP, MV_OVERLAP_QUEUE, MV_OVERLAP_CANCEL };

struct mv_moment {
  char *schedule;
  int64_t moment;      /* planned, ms since 1970 */
  int64_t event;       /* its event; 0: none */
  enum mv_event_state state;
  char *reason;
};

struct mv_moment_result {
  bool exists;  /* this moment has its row already: nothing was done */
  bool skipped; /* by overlap or because `skip` said so */
  struct mv_store_accepted accepted; /* of the event, if neither */
  int cancelled;   /* events cancelled by MV_OVERLAP_CANCEL; without those that must stop first */
  int64_t wake_at; /* when what they held up can be claimed; MV_STORE_NEVER */
};

/* Inserts the row (schedule, moment). With `skip` (a reason) the row ends there; else `event` is
 * accepted unless an unfinished earlier moment and `overlap` forbid it. QUEUE is ALLOW in a line,
 * and CANCEL waits in it for the run that it stops: the event's key is to be the schedule's own. */
int mv_store_moment(struct mv_store *store, const char *schedule, int64_t moment,
                    enum mv_overlap overlap, const char *skip, struct mv_event *event, int64_t now,
                    bool claim, struct mv_moment_result *out, struct mv_error *err);

/* When a run of the schedule last ended well, ms; 0: never, or longer ago than is kept. (R) */
int mv_store_last_success(struct mv_store *store, const char *schedule, int64_t *at,
                          struct mv_error *err);

/* The last moments of a schedule, newest first; an array for mv_store_moments_free. (R) */
int mv_store_moments(struct mv_store *store, const char *schedule, int limit,
                     struct mv_moment **list, struct mv_error *err);

/* What became of one planned moment (ms): 1, with an array of one for mv_store_moments_free; 0: it
 * has no row; -1. (R) */
int mv_store_moment_get(struct mv_store *store, const char *schedule, int64_t moment,
                        struct mv_moment **list, struct mv_error *err);
void mv_store_moments_free(struct mv_moment *list, int count);

/* --- Small values (R) --- */

/* JSON text of a committed value: 1 found (*value to be freed), 0 absent or expired, -1. */
int mv_store_kv_get(struct mv_store *store, const char *key, int64_t now, char **value,
                    struct mv_error *err);
int mv_store_once_get(struct mv_store *store, const char *key, char **value, struct mv_error *err);

/* --- What has come --- */

/* Whether an event of this source and name with this `dedupe` was accepted within the window before
 * `now`: 1, 0, -1. (R) */
int mv_store_known(struct mv_store *store, enum mv_event_source source, const char *name,
                   const char *dedupe, int64_t now, struct mv_error *err);

/* When the newest event was accepted, ms; 0: there was never one. 0, or -1. (R) */
int mv_store_last_accepted(struct mv_store *store, int64_t *at, struct mv_error *err);

#endif
