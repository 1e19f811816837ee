/* What the files of sql.h share. Nobody else includes this. */
#ifndef MV_STORE_SQL_INTERNAL_H
#define MV_STORE_SQL_INTERNAL_H

#include "store/sql.h"

enum { MV_SQL_BUCKETS = 128, MV_SQL_KNOWN = 256 };

struct mv_stmt {
  struct mv_sql *sql;
  sqlite3_stmt *raw;
  struct mv_stmt *next; /* in its bucket */
  uint64_t used;        /* the cache's count at the last use */
  int failed;           /* the first bind that failed; told by the next step */
  bool in_use;
  bool cached;
  uint32_t hash;
  char text[];
};

struct mv_sql {
  sqlite3 *db;
  char *path;
  const char *what;
  struct mv_stmt *buckets[MV_SQL_BUCKETS];
  struct mv_stmt *known[MV_SQL_KNOWN]; /* found by the address of its text, which is mostly a literal */
  int cached;
  uint64_t uses;
  int depth; /* savepoints open */
  int (*owed)(void *owner, struct mv_error *err); /* see mv_sql_owe; or NULL */
  void *owner;
  bool passes; /* the next statement does not wait for it */
};

/* At closing: all statements, which must have been given back. */
void mv_sql_forget_statements(struct mv_sql *sql);

#endif
