/* Along the index of values the rows of a condition lie in the order of clients. One condition
 * leads: its rows are walked, and at each client the others are looked up, which costs far more.
 * So the one that gets farthest in a few rows is to lead. It is asked for again when as many rows
 * have been walked as before: wherever the rows of a condition lie close and wherever far between,
 * not much is walked in vain. */
#include "sandbox/query_walk.h"

#include "sandbox/cell.h"

enum {
  MOST = 32,         /* conditions: SQLite joins 64 tables */
  STEPS = 16,        /* rows that tell how far one gets */
  FIRST_CHECK = 256, /* rows */
};

#define ROWS "variables INDEXED BY variables_by_value"

struct walk {
  struct mv_work *work;
  const struct mv_query *query;
  size_t leader;
  int64_t at; /* all clients up to this one are done */
};

static const json_t *value_of(const struct mv_condition *condition) {
  const json_t *list = json_array_size(condition->keys) ? condition->keys : condition->numbers;
  return json_array_get(list, 0);
}

/* A number equals texts, too: those that are not written as SQLite would stand in `number`. */
static bool has_odd_rows(struct mv_work *work, const struct mv_condition *condition) {
  return json_array_size(condition->numbers) &&
         mv_db_integer(work->db, 0, "SELECT 1 FROM variables WHERE name = ? AND number = ? LIMIT 1",
                       "iv", condition->id, value_of(condition));
}

bool mv_query_can_walk(struct mv_work *work, const struct mv_query *query) {
  bool can = query->count > 1 && query->count <= MOST && !query->any && !query->in_orders;
  for (size_t i = 0; can && i < query->count; i++) {
    const struct mv_condition *condition = &query->conditions[i];
    size_t values = json_array_size(condition->keys) + json_array_size(condition->numbers);
    can = values == 1 && !condition->negative && !has_odd_rows(work, condition);
  }
  return can;
}

static void bind(struct mv_stmt *stmt, int *index, const struct mv_condition *condition) {
  mv_sql_bind_int(stmt, (*index)++, condition->id);
  mv_cell_bind_json(stmt, (*index)++, value_of(condition));
}

/* The client to which a few rows of a condition lead; beyond all when there are not so many. */
static int64_t reach(struct walk *walk, size_t i) {
  int index = 1;
  int64_t client = INT64_MAX;
  struct mv_stmt *stmt =
      mv_db_prepare(walk->work->db, "SELECT client FROM " ROWS " WHERE name = ? AND value = ? "
                                    "AND client > ? ORDER BY client LIMIT 1 OFFSET ?");
  if (stmt) {
    bind(stmt, &index, &walk->query->conditions[i]);
    mv_sql_bind_int(stmt, index, walk->at);
    mv_sql_bind_int(stmt, index + 1, STEPS - 1);
  }
  if (mv_db_step(walk->work->db, stmt)) {
    client = mv_sql_int(stmt, 0);
    mv_db_reset(stmt);
  }
  return client;
}

static size_t farthest(struct walk *walk) {
  size_t best = walk->leader;
  int64_t most = reach(walk, best);
  for (size_t i = 0; most < INT64_MAX && i < walk->query->count; i++) {
    int64_t client = i == walk->leader ? most : reach(walk, i);
    if (client > most) {
      most = client;
      best = i;
    }
  }
  return best;
}

/* The leader's clients, and the same again, or null, where all others hold. */
static void put_sql(struct mv_bytes *sql, size_t count) {
  mv_bytes_printf(sql,
                  "SELECT v0.client, v%zu.client FROM variables v0 "
                  "INDEXED BY variables_by_value",
                  count - 1);
  for (size_t i = 1; i < count; i++) {
    mv_bytes_printf(sql,
                    " LEFT JOIN variables v%zu INDEXED BY variables_by_value "
                    "ON v%zu.client = v%zu.client AND v%zu.name = ? AND v%zu.value = ?",
                    i, i, i - 1, i, i);
  }
  mv_bytes_puts(sql, " WHERE v0.name = ? AND v0.value = ? AND v0.client > ? ORDER BY v0.client");
}

static struct mv_stmt *start(struct walk *walk) {
  struct mv_bytes sql = {0};
  int index = 1;
  put_sql(&sql, walk->query->count);
  struct mv_stmt *stmt = sql.failed ? NULL : mv_db_prepare(walk->work->db, sql.data);
  if (sql.failed) {
    mv_db_fail(walk->work->db, "out of memory");
  }
  mv_bytes_free(&sql);
  for (size_t i = 0; stmt && i < walk->query->count; i++) {
    if (i != walk->leader) {
      bind(stmt, &index, &walk->query->conditions[i]);
    }
  }
  if (stmt) {
    bind(stmt, &index, &walk->query->conditions[walk->leader]);
    mv_sql_bind_int(stmt, index, walk->at);
  }
  return stmt;
}

void mv_query_walk(struct mv_work *work, const struct mv_query *query, mv_query_take *take,
                   void *owner) {
  struct walk walk = {.work = work, .query = query, .at = INT64_MIN};
  walk.leader = farthest(&walk);
  struct mv_stmt *stmt = start(&walk);
  int64_t walked = 0, check = FIRST_CHECK;
  while (mv_db_step(work->db, stmt)) {
    walk.at = mv_sql_int(stmt, 0);
    if (!mv_sql_is_null(stmt, 1)) {
      take(owner, walk.at);
    }
    if (++walked < check) {
      continue;
    }
    check *= 2;
    size_t best = farthest(&walk);
    if (best != walk.leader) {
      mv_db_reset(stmt);
      walk.leader = best;
      stmt = start(&walk);
    }
  }
}
