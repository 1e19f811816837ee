/* The store's files: after crashes, beside others, on a full disk; and the helpers for SQL. */
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sql.h"
#include "store/sql_create.h"
#include "test/directory.h"
#include "test/store_support.h"

/* --- Crashes, files --- */

static void test_crash_and_poison(void) {
  const char *path = path_of("poison.db");
  struct mv_store *store = open_at(path);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t a = put(store, "k", NULL, 0, T0, true).id;
  int64_t b = put(store, "k", NULL, 0, T0, true).id;
  int64_t old = token_of(store, a);
  end(store);
  for (int crash = 1; crash <= 2; crash++) {
    store = open_at(path);
    struct mv_store_recovered recovered;
    CHECK(mv_store_begin(store, &err) == 0);
    CHECK(mv_store_recover(store, T0, &recovered, &err) == 0);
    CHECK(recovered.again == (crash == 1) && recovered.dead == (crash == 2));
    int64_t ids[4] = {0};
    CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == (crash == 1 ? a : b));
    CHECK(token_of(store, ids[0]) > old);
    end(store);
  }
  store = open_at(path);
  struct mv_event *event = mv_store_get(store, a, &err);
  CHECK(event && event->state == MV_EVENT_DEAD && event->attempt == 2 &&
        strncmp(event->reason, "poison", 6) == 0);
  mv_event_free(event);
  /* a clean end costs nothing */
  CHECK(mv_store_begin(store, &err) == 0 && mv_store_release_all(store, T0, &err) == 0);
  event = mv_store_get(store, b, &err);
  CHECK(event && event->state == MV_EVENT_AVAILABLE && event->attempt == 0 && event->crashes == 0);
  mv_event_free(event);
  end(store);
}

/* Opens as after a crash: `again` events run again, `dead` are given up. In a transaction. */
static struct mv_store *after_crash(const char *path, int again, int dead) {
  struct mv_store *store = open_at(path);
  struct mv_store_recovered recovered;
  CHECK(mv_store_begin(store, &err) == 0);
  CHECK(mv_store_recover(store, T0, &recovered, &err) == 0);
  CHECK(recovered.again == again && recovered.dead == dead);
  return store;
}

/* Whoever kills the process while many events run must not make them dead: from the second time on
 * they run one at a time, and only the one that is there again and again is given up. */
static void test_crash_of_many(void) {
  const char *path = path_of("many.db");
  int64_t ids[8] = {0}, due_at;
  struct mv_store *store = open_at(path);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t a = put(store, NULL, NULL, 0, T0, true).id;
  int64_t b = put(store, NULL, NULL, 0, T0, true).id;
  int64_t c = put(store, NULL, NULL, 0, T0, true).id;
  end(store);
  store = after_crash(path, 3, 0);
  CHECK(claim(store, T0, 8, ids) == 3);
  end(store);
  store = after_crash(path, 3, 0);
  int64_t fresh = put(store, NULL, NULL, 0, T0, false).id;
  CHECK(claim(store, T0, 8, ids) == 2 && ids[0] == a && ids[1] == fresh);
  CHECK(mv_store_next_due(store, &due_at, &err) == 0 && due_at == MV_STORE_NEVER);
  CHECK(finish(store, a, done, T0).wake_at <= T0);
  CHECK(mv_store_next_due(store, &due_at, &err) == 0 && due_at == T0);
  CHECK(claim(store, T0, 1, ids) == 1 && ids[0] == b);
  CHECK(claim(store, T0, 8, ids) == 0);
  end(store);
  store = after_crash(path, 2, 0);
  CHECK(claim(store, T0, 8, ids) == 2 && ids[0] == b && ids[1] == fresh);
  end(store);
  store = after_crash(path, 1, 1);
  CHECK(claim(store, T0, 8, ids) == 1 && ids[0] == c);
  struct mv_event *event = mv_store_get(store, b, &err);
  CHECK(event && event->state == MV_EVENT_DEAD && event->crashes == 4);
  mv_event_free(event);
  end(store);
}

static int refuses(const char *path, enum mv_error_kind kind, const char *part) {
  struct mv_store_options options = {.path = path};
  struct mv_store *store = mv_store_open(&options, &err);
  int right = !store && err.kind == kind && strstr(err.text, part) && strstr(err.text, path);
  if (!right)
    fprintf(stderr, "%s: %s\n", path, store ? "opened" : err.text);
  mv_store_close(store);
  return right;
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
}

static void test_files(void) {
  const char *path = path_of("files.db");
  struct mv_store *store = open_at(path);
  struct stat st;
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_nlink == 1);
  glob_t drafts;
  char pattern[128];
  snprintf(pattern, sizeof pattern, "%s.new-*", path);
  CHECK(glob(pattern, 0, NULL, &drafts) == GLOB_NOMATCH);
  CHECK(mv_sql_create(path, 1, &err) == 0); /* what is there stays */
  CHECK(glob(pattern, 0, NULL, &drafts) == GLOB_NOMATCH);
  CHECK(refuses(path, MV_ERROR_BUSY, "in use by another mavilua"));
  char link[128];
  snprintf(link, sizeof link, "%s.link", path);
  CHECK(symlink(path, link) == 0);
  CHECK(refuses(link, MV_ERROR_BUSY, "in use by another mavilua"));
  unlink(link);
  CHECK(symlink(path_of("nothing.db"), link) == 0); /* not there yet: two names would be two locks */
  CHECK(refuses(link, MV_ERROR_USAGE, "a link to a file that is not there"));
  unlink(link);
  struct mv_store_options look = {.path = path, .read_only = true};
  struct mv_store *reader = mv_store_open(&look, &err);
  CHECK(reader != NULL);
  mv_store_close(reader);
  mv_store_close(store);
  CHECK((store = open_at(path)) != NULL);
  mv_store_close(store);
  struct mv_sql_options raw = {.path = path};
  struct mv_sql *sql = mv_sql_open(&raw, &err);
  CHECK(mv_sql_script(sql, "PRAGMA user_version = 1", &err) == 0);
  CHECK(mv_store_open(&look, &err) == NULL && err.kind == MV_ERROR_USAGE);
  CHECK(strstr(err.text, "older version") != NULL);
  CHECK(mv_sql_script(sql, "PRAGMA user_version = 99", &err) == 0);
  mv_sql_close(sql);
  CHECK(refuses(path, MV_ERROR_USAGE, "newer version"));
  raw.path = path_of("foreign.db");
  sql = mv_sql_open(&raw, &err);
  CHECK(mv_sql_script(sql, "CREATE TABLE t (x)", &err) == 0);
  mv_sql_close(sql);
  CHECK(refuses(raw.path, MV_ERROR_USAGE, "not a database of"));
  write_file(path_of("text.db"),
             "hello, this is some text and not a database at all; it is long enough "
             "to have a header of 100 bytes, which it has not.\n");
  CHECK(refuses(path_of("text.db"), MV_ERROR_USAGE, "not a database of"));
  CHECK(refuses(path_of("no/such/dir.db"), MV_ERROR_SYSTEM, "cannot be created"));
  CHECK(refuses(directory, MV_ERROR_USAGE, "regular file"));
}

static void test_readers(const char *path) {
  struct mv_store *store = open_at(path);
  struct mv_store *reader = mv_store_reader(store, &err);
  CHECK(reader != NULL);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t id = put(store, NULL, NULL, 0, T0, true).id;
  CHECK(apply(store, id, "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":1}]") == 0);
  if (strcmp(path, ":memory:") != 0)
    CHECK(holds(reader, "a", T0, NULL));
  CHECK(mv_store_commit(store, &err) == 0);
  CHECK(holds(reader, "a", T0, "1"));
  struct mv_store_stats stats;
  CHECK(mv_store_stats(reader, &stats, &err) == 0 && stats.states[MV_EVENT_DONE] == 1);
  mv_store_close(reader);
  mv_store_close(store);
}

static void test_disk_full(void) {
  struct mv_store_options options = {.path = path_of("full.db"), .max_pages = 60};
  struct mv_store *store = mv_store_open(&options, &err);
  CHECK(store != NULL);
  if (!store)
    return;
  int accepted = 0, failed = 0;
  char *large = calloc(1, 4000);
  memset(large, 'x', 3999);
  for (int i = 0; i < 100 && failed < 5; i++) {
    CHECK(mv_store_begin(store, &err) == 0);
    struct mv_event *event = event_of("k", NULL, large);
    struct mv_store_accepted out;
    if (mv_store_accept(store, event, T0, false, &out, &err)) {
      CHECK(err.kind == MV_ERROR_SYSTEM && strstr(err.text, "disk is full"));
      CHECK(mv_store_broken(store));
      mv_store_rollback(store);
      failed++;
    } else if (mv_store_commit(store, &err) == 0)
      accepted++;
    else
      failed++;
    mv_event_free(event);
  }
  free(large);
  CHECK(accepted > 5 && failed == 5);
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_AVAILABLE] == accepted);
  mv_store_close(store);
}

/* --- The SQL helpers --- */

static void test_sql(void) {
  struct mv_sql_options options = {.path = ":memory:"};
  struct mv_sql *sql = mv_sql_open(&options, &err);
  CHECK(mv_sql_script(sql, "CREATE TABLE t (a, b)", &err) == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "is", INT64_C(1), "one") == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "rb", 2.5, "x\0y", (size_t)3) == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "nb", "", (size_t)0) == 0);
  /* the same text while it is in use */
  struct mv_stmt *outer = mv_sql_query(sql, &err, "SELECT b FROM t ORDER BY rowid", "");
  CHECK(mv_sql_step(outer, &err) == 1 && strcmp(mv_sql_text(outer, 0), "one") == 0);
  char *text = NULL;
  CHECK(mv_sql_one_text(sql, &text, &err, "SELECT b FROM t ORDER BY rowid", "") == 1);
  CHECK(text && strcmp(text, "one") == 0);
  free(text);
  size_t length = 0;
  CHECK(mv_sql_step(outer, &err) == 1 && mv_sql_blob(outer, 0, &length) && length == 3);
  CHECK(mv_sql_step(outer, &err) == 1 && mv_sql_blob(outer, 0, &length) && length == 0);
  CHECK(mv_sql_step(outer, &err) == 0);
  mv_sql_done(outer);
  int64_t number = 0;
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT a FROM t WHERE a IS NULL", "") == 0);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT no FROM t", "") == -1);
  CHECK(strstr(err.text, "no such column") != NULL);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT ?", "ii", INT64_C(1), INT64_C(2)) == -1);
  for (int i = 0; i < 1000; i++) {
    char query[64];
    snprintf(query, sizeof query, "SELECT %d", i);
    CHECK(mv_sql_one_int(sql, &number, &err, query, "") == 1 && number == i);
  }
  CHECK(mv_sql_begin(sql, &err) == 0 && mv_sql_savepoint(sql, &err) == 0);
  CHECK(mv_sql_run(sql, &err, "DELETE FROM t", "") == 0 && mv_sql_changes(sql) == 3);
  mv_sql_rollback_savepoint(sql);
  CHECK(mv_sql_commit(sql, &err) == 0);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT count(*) FROM t", "") == 1 && number == 3);
  mv_sql_close(sql);
}

int main(void) {
  if (!make_directory("store"))
    return 1;
  test_sql();
  test_crash_and_poison();
  test_crash_of_many();
  test_files();
  test_readers(":memory:");
  test_readers(path_of("readers.db"));
  test_disk_full();
  remove_directory();
  return check_end("store_files");
}
