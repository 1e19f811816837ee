/* bare_sql FILE SECONDS FIRST COUNT SQL: runs a statement on a sandbox's file as it is, and prints
 *   of ten runs the fastest in µs <tab> rows
 * Of the i-th run ?1 is FIRST + i * 7919 % COUNT, as in http_load. No sandbox may have the file
 * open. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_RUNS = 200000, FEWEST = 3, STEP = 7919 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Returns what it took in µs. */
static double run(sqlite3_stmt *stmt, sqlite3_int64 number, long *rows) {
  volatile sqlite3_int64 id;
  double start = now();
  if (sqlite3_bind_parameter_count(stmt)) {
    sqlite3_bind_int64(stmt, 1, number);
  }
  for (*rows = 0; sqlite3_step(stmt) == SQLITE_ROW; ++*rows) {
    id = sqlite3_column_int64(stmt, 0);
  }
  (void)id;
  sqlite3_reset(stmt);
  return now() - start;
}

static void measure(sqlite3 *db, const char *sql, double seconds, sqlite3_int64 first,
                    sqlite3_int64 count) {
  static double took[MOST_RUNS];
  long rows = 0;
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
    fprintf(stderr, "bare_sql: %s: %s\n", sql, sqlite3_errmsg(db));
    exit(1);
  }
  double end = now() + seconds * 1e6;
  int runs = 0;
  while (runs < FEWEST || (runs < MOST_RUNS && now() < end)) {
    took[runs] = run(stmt, first + (sqlite3_int64)runs * STEP % count, &rows);
    runs++;
  }
  sqlite3_finalize(stmt);
  qsort(took, (size_t)runs, sizeof *took, by_size);
  printf("%.1f\t%ld\n", took[runs / 10], rows);
}

int main(int argc, char **argv) {
  sqlite3 *db;
  if (argc != 6 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
    fputs("bare_sql: takes FILE SECONDS FIRST COUNT SQL\n", stderr);
    return 1;
  }
  /* as the sandbox has it */
  sqlite3_exec(db, "PRAGMA cache_size = -8192; PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
  measure(db, argv[5], strtod(argv[2], NULL), strtoll(argv[3], NULL, 10),
          strtoll(argv[4], NULL, 10));
  return sqlite3_close(db) != SQLITE_OK;
}
