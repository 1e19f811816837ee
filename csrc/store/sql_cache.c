/* The cache of compiled statements. */
#include "store/sql_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CACHED = 256 };

static void free_stmt(struct mv_stmt *stmt) {
  sqlite3_finalize(stmt->raw);
  free(stmt);
}

static void uncache(struct mv_sql *sql, struct mv_stmt *stmt) {
  struct mv_stmt **at = &sql->buckets[stmt->hash % MV_SQL_BUCKETS];
  while (*at != stmt)
    at = &(*at)->next;
  *at = stmt->next;
  sql->cached--;
  for (int i = 0; i < MV_SQL_KNOWN; i++)
    if (sql->known[i] == stmt)
      sql->known[i] = NULL;
}

/* Texts made at run time must not fill memory: the idle one longest unused makes room. */
static void evict(struct mv_sql *sql) {
  struct mv_stmt *oldest = NULL;
  for (int i = 0; i < MV_SQL_BUCKETS; i++)
    for (struct mv_stmt *stmt = sql->buckets[i]; stmt; stmt = stmt->next)
      if (!stmt->in_use && (!oldest || stmt->used < oldest->used))
        oldest = stmt;
  if (!oldest)
    return;
  uncache(sql, oldest);
  free_stmt(oldest);
}

static struct mv_stmt *compile(struct mv_sql *sql, const char *text, uint32_t hash, bool cached,
                               struct mv_error *err) {
  size_t size = strlen(text) + 1;
  struct mv_stmt *stmt = calloc(1, sizeof *stmt + size);
  if (!stmt) {
    mv_error_set(err, MV_ERROR_SYSTEM, "%s: out of memory", sql->path);
    return NULL;
  }
  memcpy(stmt->text, text, size);
  stmt->sql = sql;
  stmt->hash = hash;
  stmt->cached = cached;
  unsigned flags = cached ? SQLITE_PREPARE_PERSISTENT : 0;
  int code = sqlite3_prepare_v3(sql->db, text, (int)size, flags, &stmt->raw, NULL);
  if (code == SQLITE_OK)
    return stmt;
  mv_sql_error(sql, code, err);
  free(stmt);
  return NULL;
}

/* From the buckets, or compiled. */
static struct mv_stmt *find(struct mv_sql *sql, const char *text, struct mv_error *err) {
  uint32_t hash = mv_hash(text);
  struct mv_stmt **bucket = &sql->buckets[hash % MV_SQL_BUCKETS], *stmt = *bucket;
  while (stmt && (stmt->hash != hash || strcmp(stmt->text, text) != 0))
    stmt = stmt->next;
  if (stmt && stmt->in_use)
    stmt = compile(sql, text, hash, false, err);
  else if (!stmt) {
    if (sql->cached >= CACHED)
      evict(sql);
    stmt = compile(sql, text, hash, true, err);
    if (stmt) {
      stmt->next = *bucket;
      *bucket = stmt;
      sql->cached++;
    }
  }
  return stmt;
}

void mv_sql_owe(struct mv_sql *sql, int (*write)(void *owner, struct mv_error *err), void *owner) {
  sql->owed = write;
  sql->owner = owner;
}

void mv_sql_pass(struct mv_sql *sql) {
  sql->passes = true;
}

static int settle(struct mv_sql *sql, struct mv_error *err) {
  int (*owed)(void *owner, struct mv_error *err) = sql->owed;
  if (sql->passes || !owed) {
    sql->passes = false;
    return 0;
  }
  sql->owed = NULL;
  return owed(sql->owner, err);
}

/* The address only tells where to look first: the text there may be another by now. */
struct mv_stmt *mv_sql_get(struct mv_sql *sql, const char *text, struct mv_error *err) {
  struct mv_stmt **known = &sql->known[(uintptr_t)text / 8 % MV_SQL_KNOWN], *stmt;
  if (settle(sql, err))
    return NULL;
  stmt = *known;
  if (!stmt || stmt->in_use || strcmp(stmt->text, text) != 0) {
    stmt = find(sql, text, err);
    if (stmt && stmt->cached)
      *known = stmt;
  }
  if (stmt) {
    stmt->in_use = true;
    stmt->failed = SQLITE_OK;
    stmt->used = ++sql->uses;
  }
  return stmt;
}

void mv_sql_done(struct mv_stmt *stmt) {
  if (!stmt)
    return;
  assert(stmt->in_use);
  if (!stmt->cached) {
    free_stmt(stmt);
    return;
  }
  sqlite3_reset(stmt->raw);
  sqlite3_clear_bindings(stmt->raw);
  stmt->in_use = false;
}

void mv_sql_forget_statements(struct mv_sql *sql) {
  for (int i = 0; i < MV_SQL_BUCKETS; i++) {
    for (struct mv_stmt *stmt = sql->buckets[i], *next; stmt; stmt = next) {
      next = stmt->next;
      assert(!stmt->in_use);
      free_stmt(stmt);
    }
  }
}
