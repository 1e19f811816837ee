/* What the files of the SQLite backend share. Nobody else includes this. */
#ifndef MV_STORE_STORE_SQLITE_H
#define MV_STORE_STORE_SQLITE_H

#include <pthread.h>
#include <sys/types.h>

#include "store/held.h"
#include "store/sql.h"
#include "store/store.h"

/* events.head: where an event stands in the line of its key; a finished one is outside. */
enum { LINE_BEHIND = 0, LINE_HEAD = 1, LINE_OUTSIDE = 2 };

/* events.mark: what is listed on its own; null: nothing. */
enum {
  MARK_BLOCKED = 1, /* the head of its line, and waits for its retry */
  MARK_DEAD = 2,
  MARK_SUSPECT = 3, /* runs, and has been hit by MV_STORE_SUSPECT crashes */
};

/* Events that this many crashes have hit run one at a time. */
#define MV_STORE_SUSPECT 2

/* A file as it was when the store was opened. */
struct mv_store_file {
  char *path;
  dev_t device;
  ino_t inode;
};

/* Events that have left their lines and are still in the table `lines`. */
struct mv_parted_list {
  struct mv_parted *list;
  size_t count, at, capacity; /* those before `at` are gone */
  char *keys;                 /* what their keys point into */
  size_t used;
};

enum { MV_PENDING = 16 };

/* A new event; see store_sqlite_bare.c. */
struct mv_starting {
  struct mv_event event; /* with its strings behind `body` */
  int line;
  bool bare;
};

/* One that was bare, and has ended. */
struct mv_ending {
  int64_t id, token, accepted_at, finished_at;
  enum mv_event_state state;
  char key[MV_HELD_KEY];
  char handler[64];
  bool handled; /* it has a handler */
};

/* Rows of the transaction that wait to be written together. */
struct mv_pending {
  struct mv_starting starts[MV_PENDING];
  struct mv_ending ends[MV_PENDING];
  size_t count, ended;
};

enum { MV_CLOSING = 1024 }; /* ids from the lowest to the highest */

/* Runs of the transaction that have ended alike; see store_sqlite_close.c. */
struct mv_closing {
  int64_t base, finished_at;
  enum mv_event_state state;
  bool handled; /* they have a handler */
  char handler[64];
  size_t count;
  uint64_t bits[MV_CLOSING / 64]; /* one for each id from `base` on */
};

/* What mv_store_foresee was told; those before `at` have come. */
struct mv_foreseen {
  struct mv_event *events[MV_STORE_FORESEEN], *told[MV_STORE_FORESEEN]; /* all; with `dedupe` */
  size_t count, at;
  bool fresh; /* none of them has come before */
};

struct mv_store {
  struct mv_sql *sql;
  struct mv_store_file files[2]; /* the writer's: the database and its -wal; path NULL: none */
  struct mv_store *root; /* the writer; itself in the writer */
  char *path;            /* of the lock file, or NULL */
  int lock_fd;           /* held for as long as the store is open; -1: none */
  /* ":memory:" has one connection: its readers use it between the writer's transactions */
  bool memory;
  pthread_mutex_t lock;
  bool in_transaction; /* the writer's thread only */
  bool broken;         /* an operation failed half-way: only a rollback helps */
  int64_t dedupe_window;
  int64_t next_id, next_token;
  int64_t counts[MV_EVENT_STATES]; /* with this transaction */
  int64_t saved[MV_EVENT_STATES];  /* as committed */
  int64_t prune_cursor;            /* the last id a pruning round has seen */
  bool reports;                    /* see mv_store_report_dead */
  int64_t defer_from; /* waiting events from which on rows of `lines` may stay for a while */
  size_t deferred;    /* in this transaction */
  struct mv_parted_list parted, going; /* as they came; and sorted by key, on their way out */
  struct mv_held held;  /* lines that have no row */
  int64_t bare_checked; /* next_id when bare ones were last looked for that are so for long */
  bool lines_used;      /* false: the table `lines` is empty */
  struct mv_pending pending;
  struct mv_closing closing;
  struct mv_foreseen foreseen;
  struct mv_stop *stops; /* events marked in this transaction */
  size_t stop_count, stop_capacity;
};

/* Around reads; see `memory`. */
void mv_store_enter(struct mv_store *store);
void mv_store_leave(struct mv_store *store);

/* For failures inside a transaction: what an operation has half done must not be committed. -1. */
int mv_store_break(struct mv_store *store);

/* The columns that mv_store_read_event reads, in its order. */
#define MV_STORE_COLUMNS                                                                           \
  "id, state, source, name, key, accepted_at, due_at, started_at, finished_at, attempt, crashes, " \
  "token, handler, reason, planned_at, stop, head"
enum { COLUMN_HEAD = 16, COLUMN_META = 17, COLUMN_BODY = 18 };

/* NOT_FOUND. -1. */
int mv_store_no_such(int64_t id, struct mv_error *err);

/* The row as a new event; with `bodies` the columns meta and body follow the others. */
struct mv_event *mv_store_read_event(struct mv_stmt *stmt, bool bodies, struct mv_error *err);

/* Gives the event its id, and notes what it is told from others by. 1: it is new; 0: *original is
 * the same; -1. */
int mv_store_tell_apart(struct mv_store *store, struct mv_event *event, int64_t now,
                        int64_t *original, struct mv_error *err);

/* Rows in the text of a statement. */
#define MV_TIMES1(text) text
#define MV_TIMES2(text) text "," text
#define MV_TIMES4(text) MV_TIMES2(text) "," MV_TIMES2(text)
#define MV_TIMES8(text) MV_TIMES4(text) "," MV_TIMES4(text)
#define MV_TIMES16(text) MV_TIMES8(text) "," MV_TIMES8(text)

/* Writes a new event's rows: now, or, if it runs and nobody can ask for it before, with others. */
int mv_store_insert(struct mv_store *store, const struct mv_event *event, int line, bool bare,
                    struct mv_error *err);
int mv_store_insert_later(struct mv_store *store, const struct mv_event *event, bool bare,
                          struct mv_error *err);

/* Writes the row of a bare event that has ended, with others. 1; 0: cannot, do as with any; -1. */
int mv_store_end_later(struct mv_store *store, const struct mv_event *event,
                       const struct mv_outcome *outcome, int64_t now, struct mv_error *err);

/* Writes the end of a run that has never crashed, with others. False: cannot, do as with any. */
bool mv_store_close_later(struct mv_store *store, int64_t id, const struct mv_outcome *outcome,
                          int64_t now);
bool mv_store_is_closing(const struct mv_store *store, int64_t id);
int mv_store_write_closing(struct mv_store *store, struct mv_error *err);
void mv_store_forget_closing(struct mv_store *store);

/* --- Events without a row, see store_sqlite_bare.c --- */

/* Instead of `events` in a statement: the bare ones, as they would stand there. */
#define MV_STORE_BARE                                                                              \
  "(SELECT id, 1 AS state, 0 AS source, '' AS name, bare_key AS key, bare_at AS accepted_at,"      \
  " bare_at AS due_at, bare_at AS started_at, 0 AS finished_at, 1 AS attempt, 0 AS crashes,"       \
  " 0 AS token, NULL AS handler, NULL AS reason, bare_at AS planned_at, NULL AS stop, 1 AS head,"  \
  " NULL AS mark FROM payloads p"                                                                  \
  " WHERE bare_at IS NOT NULL AND id > (SELECT max(id) FROM payloads) - 4096"                      \
  " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = p.id)) AS events"
enum { MV_STORE_BARE_IDS = 4096 };

/* Whether this new event may go without a row. */
bool mv_store_may_be_bare(const struct mv_event *event);

/* Whether the one that holds the line of `key` in memory is `id`, and is bare. */
bool mv_store_is_bare(const struct mv_store *store, const char *key, int64_t id);

/* The row of `id`, if it is bare; `key` (NULL: unknown) is its own. */
int mv_store_write_out(struct mv_store *store, const char *key, int64_t id, struct mv_error *err);
int mv_store_write_out_all(struct mv_store *store, struct mv_error *err);

/* Before a commit: those that have been bare for long. */
int mv_store_write_out_old(struct mv_store *store, struct mv_error *err);

/* At opening, in the transaction: those that were bare when the process died. */
int mv_store_load_bare(struct mv_store *store, struct mv_error *err);

/* Whether its row may not be written yet, or not as it is by now. */
bool mv_store_is_pending(const struct mv_store *store, int64_t id);
void mv_store_forget_pending(struct mv_store *store);
/* There is something to be written before other statements. */
void mv_store_owe(struct mv_store *store);

/* Where a due event with this key would stand: LINE_HEAD or LINE_BEHIND. -1. */
int mv_store_place(struct mv_store *store, const char *key, struct mv_error *err);

/* Event `id` takes its place, see above. NULL as key: nothing to do. */
int mv_store_join_line(struct mv_store *store, const char *key, int64_t id, struct mv_error *err);

/* The same in memory, for one that runs at once and is alone there. False: no room. */
bool mv_store_hold_line(struct mv_store *store, const struct mv_event *event, bool bare);

/* Its run has ended, and it keeps its place. */
int mv_store_stay(struct mv_store *store, const char *key, int64_t id, struct mv_error *err);

/* At opening, in the transaction: what ran when the process died takes its place. */
int mv_store_load_lines(struct mv_store *store, struct mv_error *err);

/* Before a commit: whether there is anything left in the table. */
int mv_store_check_lines(struct mv_store *store, struct mv_error *err);

/* It is outside by now. If it was the head, the next becomes it: lowers *wake_at to its due time. */
int mv_store_part_line(struct mv_store *store, const char *key, int64_t id, bool head, int64_t now,
                       int64_t *wake_at, struct mv_error *err);

/* Before a commit: removes some of what has parted and was left in the table. */
int mv_store_sweep_lines(struct mv_store *store, struct mv_error *err);
void mv_store_lines_free(struct mv_store *store);

/* A schedule's moment ends (or lives again) as its event does. */
int mv_store_moment_state(struct mv_store *store, int64_t event, enum mv_event_state state,
                          const char *reason, struct mv_error *err);

/* Event `id` is dead: accepts its report, if reports are wanted. Lowers *wake_at. */
int mv_store_report(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                    struct mv_error *err);
int mv_store_load_reports(struct mv_store *store, struct mv_error *err); /* at opening */

/* Applies the array of effects; if out->cancelled only those of `once`. Malformed: USAGE, and the
 * caller undoes. */
int mv_store_apply(struct mv_store *store, const json_t *effects, int64_t now,
                   struct mv_store_finished *out, struct mv_error *err);

/* A result, or none, takes the place of the mark that the key's function began. */
int mv_store_once_set(struct mv_store *store, const char *key, const char *value, int64_t now,
                      struct mv_error *err);
int mv_store_once_clear(struct mv_store *store, const char *key, struct mv_error *err);

static inline void mv_store_count(struct mv_store *store, enum mv_event_state from,
                                  enum mv_event_state to) {
  if (from < MV_EVENT_STATES)
    store->counts[from]--;
  if (to < MV_EVENT_STATES)
    store->counts[to]++;
}

static inline int64_t mv_store_earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

#endif
