/* The SQLite backend: opening, the lock of the file, transactions, readers. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/lock.h"

#define APPLICATION_ID 0x6d76686f /* "mvho" */

/* What changes is apart from what does not: rows of `events` are small, so that many runs that end
 * in one commit dirty few pages; payloads are written once. Few indexes, and most of them partial:
 * an event that starts at once touches two of them. */
static const char *const schema[] = {
    "CREATE TABLE events ("
    "  id INTEGER PRIMARY KEY, state INTEGER NOT NULL, head INTEGER NOT NULL,"
    "  source INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,"
    "  crashes INTEGER NOT NULL DEFAULT 0, token INTEGER NOT NULL DEFAULT 0,"
    "  due_at INTEGER NOT NULL, planned_at INTEGER NOT NULL, accepted_at INTEGER NOT NULL,"
    "  started_at INTEGER NOT NULL DEFAULT 0, finished_at INTEGER NOT NULL DEFAULT 0,"
    "  name TEXT NOT NULL, key TEXT, handler TEXT, reason TEXT);"
    "CREATE TABLE payloads (id INTEGER PRIMARY KEY, meta TEXT, body BLOB);"
    /* what can be claimed, and what claims it next */
    "CREATE INDEX events_due ON events (due_at, id) WHERE head > 0 AND state IN (0, 2);"
    /* the lines of keys */
    "CREATE INDEX events_key ON events (key, id)"
    "  WHERE key IS NOT NULL AND head < 2 AND state < 3;"
    "CREATE INDEX events_running ON events (id) WHERE state = 1;"
    "CREATE INDEX events_dead ON events (id) WHERE state = 4;"
    "CREATE INDEX events_blocked ON events (id) WHERE state = 2 AND head = 1 AND key IS NOT NULL;"
    /* keyed by event, so that the oldest are found without a further index */
    "CREATE TABLE dedupe (event INTEGER PRIMARY KEY, source INTEGER NOT NULL, name TEXT NOT NULL,"
    "  value TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (value, name, source));"
    "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    "  expires_at INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at > 0;"
    "CREATE TABLE once (key TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL);"
    "CREATE TABLE schedules (name TEXT PRIMARY KEY, definition TEXT NOT NULL,"
    "  first_seen INTEGER NOT NULL);"
    "CREATE TABLE moments (schedule TEXT NOT NULL, moment INTEGER NOT NULL, event INTEGER,"
    "  state INTEGER NOT NULL, reason TEXT, PRIMARY KEY (schedule, moment));"
    "CREATE INDEX moments_event ON moments (event) WHERE event IS NOT NULL;"
    "CREATE INDEX moments_open ON moments (schedule) WHERE state < 3;"
    /* kept with each commit: counting a million rows for a metric would take too long */
    "CREATE TABLE counts (state INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
    "INSERT INTO counts VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0);"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
    "INSERT INTO meta VALUES ('opened', 0);",
    /* why a running event is to be cancelled once it has stopped */
    "ALTER TABLE events ADD COLUMN stop TEXT;",
    /* crashes during which nothing else ran */
    "ALTER TABLE events ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX events_suspect ON events (state) WHERE crashes >= 2 AND state < 3;",
    /* a `once` that began, and by which claim: it has no result yet */
    "CREATE TABLE once_begun (key TEXT PRIMARY KEY, event INTEGER NOT NULL,"
    "  token INTEGER NOT NULL, at INTEGER NOT NULL);",
    /* what was answered to the sender of the event, for those who send it again */
    "ALTER TABLE dedupe ADD COLUMN reply TEXT;",
    /* what due_at was counted from; 0: from nothing, it is a moment of the calendar */
    "ALTER TABLE events ADD COLUMN since INTEGER NOT NULL DEFAULT 0;",
    /* What has ended stands outside. So the index does not ask for the state, and a claim, which
     * changes nothing else of it, leaves alone what with a million keys is a page for each event. */
    "UPDATE events SET head = 2 WHERE state >= 3 AND key IS NOT NULL;"
    "DROP INDEX events_key;"
    "CREATE INDEX events_key ON events (key, id) WHERE key IS NOT NULL AND head < 2;",
    /* not an index of events: so its rows may stay for a while, see store_sqlite_lines.c */
    "CREATE TABLE lines (key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id))"
    "  WITHOUT ROWID;"
    "INSERT INTO lines SELECT key, id FROM events INDEXED BY events_key"
    "  WHERE key IS NOT NULL AND head < 2 ORDER BY key, id;"
    "DROP INDEX events_key;",
    /* A line of one that runs may be without a row from now on, see store_sqlite_lines.c. What an
     * index asks for is a column of its own: whatever names `state` or `head` is opened at each end of
     * a run. `mark`: see MARK_BLOCKED. */
    "ALTER TABLE events ADD COLUMN mark INTEGER;"
    "UPDATE events SET mark = 2 WHERE state = 4;"
    "UPDATE events SET mark = 1 WHERE state = 2 AND head = 1 AND key IS NOT NULL;"
    "UPDATE events SET mark = 3 WHERE state = 1 AND crashes >= 2;"
    "DROP INDEX events_dead;"
    "DROP INDEX events_blocked;"
    "DROP INDEX events_suspect;"
    "CREATE INDEX events_marked ON events (mark, id) WHERE mark IS NOT NULL;",
    /* of those that began without a row in `events`, see store_sqlite_bare.c; else null */
    "ALTER TABLE payloads ADD COLUMN bare_key TEXT;"
    "ALTER TABLE payloads ADD COLUMN bare_at INTEGER;",
};

/* --- Opening --- */

static int lock_file(struct mv_store *store, const char *path, struct mv_error *err) {
  struct stat st;
  bool there = stat(path, &st) == 0;
  if (there && !S_ISREG(st.st_mode))
    return mv_error_set(err, MV_ERROR_USAGE, "%s: not a regular file; name a file for the database",
                        path);
  /* SQLite would make the file where the link leads, and who comes by that name had another lock */
  if (!there && lstat(path, &st) == 0)
    return mv_error_set(err, MV_ERROR_USAGE, "%s: a link to a file that is not there; name that file itself",
                        path);
  store->lock_fd = mv_lock_take(path, &store->path, err);
  return store->lock_fd < 0 ? -1 : 0;
}

int mv_store_tell(struct mv_store *store, const char *text) {
  return store->lock_fd < 0 ? 0 : mv_lock_tell(store->lock_fd, text);
}

int mv_store_owner(const char *path, char *text, size_t size, struct mv_error *err) {
  return mv_lock_owner(path, text, size, err);
}

static int load_counts(struct mv_store *store, struct mv_error *err) {
  struct mv_stmt *stmt = mv_sql_query(store->sql, err, "SELECT state, n FROM counts", "");
  int row;
  while ((row = mv_sql_step(stmt, err)) > 0) {
    int64_t state = mv_sql_int(stmt, 0);
    if (state >= 0 && state < MV_EVENT_STATES)
      store->counts[state] = store->saved[state] = mv_sql_int(stmt, 1);
  }
  mv_sql_done(stmt);
  return row;
}

/* Tokens grow from one opening to the next, so that no old one is ever valid again. */
static int load_counters(struct mv_store *store, struct mv_error *err) {
  int64_t opened = 0;
  if (mv_sql_run(store->sql, err, "UPDATE meta SET value = value + 1 WHERE name = 'opened'", "") ||
      mv_sql_one_int(store->sql, &opened, err, "SELECT value FROM meta WHERE name = 'opened'", "") <
          0 ||
      mv_sql_one_int(store->sql, &store->next_id, err, "SELECT max(id) FROM events", "") < 0)
    return -1;
  store->next_id++;
  store->next_token = (opened << 40) + 1;
  return load_counts(store, err);
}

/* One commit, whatever is to be done. */
static int prepare(struct mv_store *store, struct mv_error *err) {
  int versions = (int)(sizeof schema / sizeof schema[0]);
  if (mv_sql_begin(store->sql, err))
    return -1;
  if (mv_sql_migrate(store->sql, schema, versions, err) || mv_store_load_bare(store, err) ||
      load_counters(store, err) ||
      mv_store_load_lines(store, err) || mv_store_load_reports(store, err)) {
    mv_sql_rollback(store->sql);
    return -1;
  }
  return mv_sql_commit(store->sql, err);
}

/* --- Whether the files are still there --- */

/* SQLite goes on writing to a file that has no name any more, and all of it is gone at the end. */
static int watch_files(struct mv_store *store, struct mv_error *err) {
  static const char *const endings[] = {"", "-wal"};
  for (int i = 0; i < 2 && !store->memory; i++) {
    struct mv_bytes path = {0};
    struct stat st;
    mv_bytes_printf(&path, "%s%s", mv_sql_path(store->sql), endings[i]);
    char *name = mv_bytes_steal(&path, NULL);
    if (!name)
      return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    if (stat(name, &st)) {
      free(name); /* no -wal: nothing to lose there */
      continue;
    }
    store->files[i] =
        (struct mv_store_file){.path = name, .device = st.st_dev, .inode = st.st_ino};
  }
  return 0;
}

static int check_files(const struct mv_store *store, struct mv_error *err) {
  for (int i = 0; i < 2; i++) {
    const struct mv_store_file *file = &store->files[i];
    struct stat st;
    if (file->path && (stat(file->path, &st) || st.st_dev != file->device || st.st_ino != file->inode))
      return mv_error_set(err, MV_ERROR_SYSTEM,
                          "%s: deleted or replaced while the host has it open, what is stored would be "
                          "lost; put the file back where it was, or stop the host and start it anew",
                          file->path);
  }
  return 0;
}

/* A copy that was put here, say from a backup, may be readable by others. Only what we own can be
 * changed; by name, as closing a descriptor would drop SQLite's locks. */
static void make_private(const struct mv_store *store) {
  static const char *const endings[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < 3 && !store->memory; i++) {
    struct mv_bytes path = {0};
    struct stat st;
    mv_bytes_printf(&path, "%s%s", mv_sql_path(store->sql), endings[i]);
    if (!path.failed && stat(path.data, &st) == 0 && st.st_uid == geteuid() && st.st_mode & 077)
      (void)!chmod(path.data, st.st_mode & 0700);
    mv_bytes_free(&path);
  }
}

static int open_store(struct mv_store *store, const struct mv_store_options *options,
                      struct mv_error *err) {
  store->memory = strcmp(options->path, ":memory:") == 0;
  if (!store->memory && !options->read_only && lock_file(store, options->path, err))
    return -1;
  struct mv_sql_options sql = {.path = options->path,
                               .read_only = options->read_only,
                               .busy_ms = options->busy_ms,
                               .max_pages = options->max_pages,
                               /* a million keys make 25 MiB of `lines`, which is read all over */
                               .cache_kib = 40960,
                               .checkpoint = 8000,
                               .application_id = APPLICATION_ID,
                               .what = "the mavilua host"};
  store->sql = mv_sql_open(&sql, err);
  if (!store->sql)
    return -1;
  if (options->read_only)
    return mv_sql_check_version(store->sql, (int)(sizeof schema / sizeof *schema), err);
  if (prepare(store, err) || watch_files(store, err))
    return -1;
  make_private(store);
  return 0;
}

static struct mv_store *new_store(struct mv_error *err) {
  struct mv_store *store = calloc(1, sizeof *store);
  if (!store || pthread_mutex_init(&store->lock, NULL)) {
    free(store);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  store->root = store;
  store->lock_fd = -1;
  return store;
}

struct mv_store *mv_store_open(const struct mv_store_options *options, struct mv_error *err) {
  struct mv_store *store = new_store(err);
  if (!store)
    return NULL;
  store->dedupe_window =
      options->dedupe_window > 0 ? options->dedupe_window : INT64_C(7) * 24 * 3600 * 1000;
  store->defer_from = options->backlog > 0 ? options->backlog : 16384;
  if (open_store(store, options, err)) {
    mv_store_close(store);
    return NULL;
  }
  return store;
}

struct mv_store *mv_store_reader(struct mv_store *store, struct mv_error *err) {
  struct mv_store *reader = new_store(err);
  if (!reader)
    return NULL;
  reader->dedupe_window = store->dedupe_window;
  if (store->root->memory) {
    reader->root = store->root;
    reader->sql = store->root->sql;
    return reader;
  }
  struct mv_sql_options sql = {.path = mv_sql_path(store->sql),
                               .read_only = true,
                               .cache_kib = 512,
                               .application_id = APPLICATION_ID,
                               .what = "the mavilua host"};
  reader->sql = mv_sql_open(&sql, err);
  if (!reader->sql) {
    mv_store_close(reader);
    return NULL;
  }
  return reader;
}

void mv_store_close(struct mv_store *store) {
  if (!store)
    return;
  if (store->in_transaction)
    mv_store_rollback(store);
  if (store->root == store)
    mv_sql_close(store->sql);
  if (store->lock_fd >= 0)
    close(store->lock_fd);
  pthread_mutex_destroy(&store->lock);
  free(store->path);
  free(store->files[0].path);
  free(store->files[1].path);
  free(store->stops);
  mv_store_lines_free(store);
  free(store);
}

/* --- Transactions --- */

void mv_store_enter(struct mv_store *store) {
  struct mv_store *root = store->root;
  if (store == root && store->in_transaction)
    return;
  if (root->memory)
    pthread_mutex_lock(&root->lock);
}

void mv_store_leave(struct mv_store *store) {
  struct mv_store *root = store->root;
  if (store == root && store->in_transaction)
    return;
  if (root->memory)
    pthread_mutex_unlock(&root->lock);
}

int mv_store_begin(struct mv_store *store, struct mv_error *err) {
  assert(store->root == store && !store->in_transaction);
  mv_store_enter(store);
  if (mv_sql_begin(store->sql, err)) {
    mv_store_leave(store);
    return -1;
  }
  store->in_transaction = true;
  store->broken = false;
  store->stop_count = 0;
  store->deferred = 0;
  store->foreseen.count = 0;
  return 0;
}

static void end(struct mv_store *store) {
  store->in_transaction = false;
  store->broken = false;
  mv_store_leave(store);
}

static int save_counts(struct mv_store *store, struct mv_error *err) {
  for (int state = 0; state < MV_EVENT_STATES; state++) {
    if (store->counts[state] != store->saved[state] &&
        mv_sql_run(store->sql, err, "UPDATE counts SET n = ? WHERE state = ?", "ii",
                   store->counts[state], (int64_t)state))
      return -1;
  }
  return 0;
}

int mv_store_commit(struct mv_store *store, struct mv_error *err) {
  assert(store->in_transaction && !mv_store_broken(store));
  if (check_files(store, err) || mv_store_sweep_lines(store, err) ||
      mv_store_check_lines(store, err) || mv_store_write_out_old(store, err) || save_counts(store, err) ||
      mv_sql_commit(store->sql, err)) {
    mv_store_rollback(store);
    return -1;
  }
  memcpy(store->saved, store->counts, sizeof store->saved);
  mv_held_keep(&store->held);
  end(store);
  return 0;
}

void mv_store_rollback(struct mv_store *store) {
  if (!store->in_transaction)
    return;
  mv_store_forget_pending(store);
  mv_sql_rollback(store->sql);
  memcpy(store->counts, store->saved, sizeof store->counts);
  mv_held_undo(&store->held, 0);
  store->lines_used = true;
  store->bare_checked = 0;
  end(store);
}

int mv_store_break(struct mv_store *store) {
  store->broken = true;
  return -1;
}

bool mv_store_broken(const struct mv_store *store) {
  return store->broken || (store->in_transaction && !mv_sql_in_transaction(store->sql));
}
