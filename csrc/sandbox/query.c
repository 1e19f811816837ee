/* A condition upon a row of variables needs its name (to be bound: names.id) and then
 *   value = ?  or  value IN (list)      for texts and numbers alike, see cell.h
 *   or number = ? / number IN (list)    where numbers are asked for
 * and their negations. Lists are bound as JSON: any number of values in one parameter. */
#include "sandbox/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/cell.h"
#include "sandbox/names.h"

/* ---- conditions ---- */

void mv_condition_init(struct mv_condition *condition, const char *name) {
  *condition = (struct mv_condition){.name = name, .keys = json_array(), .numbers = json_array()};
}

void mv_condition_free(struct mv_condition *condition) {
  json_decref(condition->keys);
  json_decref(condition->numbers);
}

int mv_condition_add_text(struct mv_condition *condition, const char *text) {
  return json_array_append_new(condition->keys, mv_cell_key(text, strlen(text)));
}

int mv_condition_add(struct mv_condition *condition, const json_t *value) {
  if (json_is_number(value)) {
    return json_array_append(condition->numbers, (json_t *)value);
  }
  if (json_is_string(value)) {
    return json_array_append_new(condition->keys, mv_cell_key(json_string_value(value),
                                                              json_string_length(value)));
  }
  return json_is_boolean(value)
             ? mv_condition_add_text(condition, json_is_true(value) ? "true" : "false")
             : -1;
}

static bool has_numbers(const struct mv_condition *condition) {
  return json_array_size(condition->numbers) > 0;
}

/* Without numbers texts are compared, be there any or none. */
static bool has_keys(const struct mv_condition *condition) {
  return json_array_size(condition->keys) > 0 || !has_numbers(condition);
}

/* ---- SQL ---- */

static const char *table_of(bool in_orders) {
  return in_orders ? "order_variables" : "variables";
}

static const char *owner_of(bool in_orders) {
  return in_orders ? "\"order\"" : "client";
}

static void put_compare(struct mv_bytes *sql, const char *column, const json_t *list,
                        bool negative) {
  if (json_array_size(list) == 1) {
    mv_bytes_printf(sql, "%s %s ?", column, negative ? "<>" : "=");
  } else {
    mv_bytes_printf(sql, "%s %sIN (SELECT value FROM json_each(?))", column,
                    negative ? "NOT " : "");
  }
}

static void put_positive(struct mv_bytes *sql, const struct mv_condition *condition) {
  if (has_keys(condition)) {
    put_compare(sql, "v.value", condition->keys, false);
  }
  if (has_numbers(condition)) {
    mv_bytes_puts(sql, has_keys(condition) ? " OR " : "");
    put_compare(sql, "v.value", condition->numbers, false);
    mv_bytes_puts(sql, " OR ");
    put_compare(sql, "v.number", condition->numbers, false);
  }
}

/* A null is no number, so it is not another number either. */
static void put_negative(struct mv_bytes *sql, const struct mv_condition *condition) {
  if (has_keys(condition)) {
    put_compare(sql, "v.value", condition->keys, true);
  }
  if (has_numbers(condition)) {
    mv_bytes_puts(sql, has_keys(condition) ? " AND " : "");
    put_compare(sql, "v.value", condition->numbers, true);
    mv_bytes_puts(sql, " AND (v.number IS NULL OR (v.number <> 'null' AND ");
    put_compare(sql, "v.number", condition->numbers, true);
    mv_bytes_puts(sql, "))");
  }
}

static void put_condition(struct mv_bytes *sql, const struct mv_condition *condition) {
  mv_bytes_puts(sql, "v.name = ? AND (");
  (condition->negative ? put_negative : put_positive)(sql, condition);
  mv_bytes_putc(sql, ')');
}

static char *finished(struct mv_bytes *sql) {
  mv_bytes_putc(sql, '\0');
  return mv_bytes_steal(sql, NULL);
}

/* A list of one is bound as it is, any other as JSON. */
static void bind_list(struct mv_db *db, struct mv_stmt *stmt, int *index, const json_t *list) {
  const json_t *one = json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
  if (json_is_integer(one)) {
    mv_sql_bind_int(stmt, *index, json_integer_value(one));
  } else if (json_is_real(one)) {
    mv_sql_bind_real(stmt, *index, json_real_value(one));
  } else if (one) {
    mv_sql_bind_copy(stmt, *index, json_string_value(one), json_string_length(one));
  } else {
    char *text = mv_json_text(list);
    if (!text) {
      mv_db_fail(db, "out of memory");
    }
    mv_sql_bind_copy(stmt, *index, text, text ? strlen(text) : 0);
    free(text);
  }
  (*index)++;
}

static void bind_condition(struct mv_db *db, struct mv_stmt *stmt, int *index,
                           const struct mv_condition *condition) {
  mv_sql_bind_int(stmt, (*index)++, condition->id);
  if (has_keys(condition)) {
    bind_list(db, stmt, index, condition->keys);
  }
  if (has_numbers(condition)) {
    bind_list(db, stmt, index, condition->numbers);
    bind_list(db, stmt, index, condition->numbers);
  }
}

/* A statement for this text, which is freed. */
static struct mv_stmt *prepare(struct mv_db *db, char *sql) {
  struct mv_stmt *stmt = sql ? mv_db_prepare(db, sql) : NULL;
  if (!sql) {
    mv_db_fail(db, "out of memory");
  }
  free(sql);
  return stmt;
}

/* ---- which condition first ---- */

/* How many rows hold, counted up to `most`. */
static int64_t count(struct mv_work *work, const struct mv_query *query,
                     const struct mv_condition *condition, int64_t most) {
  struct mv_bytes sql = {0};
  mv_bytes_printf(&sql, "SELECT count(*) FROM (SELECT 1 FROM %s v WHERE ",
                  table_of(query->in_orders));
  put_condition(&sql, condition);
  mv_bytes_puts(&sql, " LIMIT ?)");
  struct mv_stmt *stmt = prepare(work->db, finished(&sql));
  int index = 1;
  int64_t found = 0;
  if (stmt) {
    bind_condition(work->db, stmt, &index, condition);
    mv_sql_bind_int(stmt, index, most);
  }
  if (mv_db_step(work->db, stmt)) {
    found = mv_sql_int(stmt, 0);
    mv_db_reset(stmt);
  }
  return found;
}

/* The condition with the fewest rows. They are counted side by side, eight times further each
 * round, until one is at its end: the counting costs a part of what looking up that one costs. */
static size_t rarest(struct mv_work *work, const struct mv_query *query) {
  for (int64_t most = 64; query->count > 1 && most < INT64_C(1) << 40; most *= 8) {
    size_t best = query->count;
    int64_t fewest = most;
    for (size_t i = 0; i < query->count; i++) {
      int64_t found = count(work, query, &query->conditions[i], fewest);
      if (found < fewest) {
        fewest = found;
        best = i;
      }
    }
    if (best < query->count || work->db->failed) {
      return best < query->count ? best : 0;
    }
  }
  return 0;
}

/* ---- the query ---- */

/* Along the rows of the first condition; each other one is looked up at the same owner. */
static void put_all(struct mv_bytes *sql, const struct mv_query *query, size_t first) {
  const char *table = table_of(query->in_orders), *owner = owner_of(query->in_orders);
  mv_bytes_printf(sql, "SELECT v.%s AS owner FROM %s v WHERE ", owner, table);
  put_condition(sql, &query->conditions[first]);
  for (size_t i = 0; i < query->count; i++) {
    if (i != first) {
      mv_bytes_printf(sql, " AND EXISTS (SELECT 1 FROM %s v WHERE v.%s = owner AND ", table, owner);
      put_condition(sql, &query->conditions[i]);
      mv_bytes_putc(sql, ')');
    }
  }
}

static void put_any(struct mv_bytes *sql, const struct mv_query *query) {
  for (size_t i = 0; i < query->count; i++) {
    mv_bytes_printf(sql, "%sSELECT v.%s AS owner FROM %s v WHERE ", i ? " UNION " : "",
                    owner_of(query->in_orders), table_of(query->in_orders));
    put_condition(sql, &query->conditions[i]);
  }
}

static char *build(const struct mv_query *query, size_t first) {
  struct mv_bytes sql = {0};
  mv_bytes_puts(&sql, query->in_orders ? "SELECT DISTINCT o.client FROM (" : "");
  if (query->any) {
    put_any(&sql, query);
  } else {
    put_all(&sql, query, first);
  }
  mv_bytes_puts(&sql, query->in_orders ? ") CROSS JOIN orders o ON o.id = owner ORDER BY o.client"
                                       : " ORDER BY owner");
  return finished(&sql);
}

static struct mv_stmt *start(struct mv_work *work, const struct mv_query *query) {
  size_t first = query->any ? 0 : rarest(work, query);
  struct mv_stmt *stmt = prepare(work->db, build(query, first));
  int index = 1;
  if (stmt) {
    bind_condition(work->db, stmt, &index, &query->conditions[first]);
  }
  for (size_t i = 0; stmt && i < query->count; i++) {
    if (i != first) {
      bind_condition(work->db, stmt, &index, &query->conditions[i]);
    }
  }
  return stmt;
}

struct mv_stmt *mv_query_start(struct mv_work *work, const struct mv_query *query) {
  bool all_known = true, one_known = false;
  for (size_t i = 0; i < query->count; i++) {
    query->conditions[i].id = mv_names_find(work, query->conditions[i].name);
    all_known = all_known && query->conditions[i].id;
    one_known = one_known || query->conditions[i].id;
  }
  return (query->any ? one_known : all_known) ? start(work, query) : NULL;
}

/* Of a variable the texts stand behind the numbers. */
static bool is_mixed(struct mv_work *work, const struct mv_condition *condition, bool in_orders) {
#define WORDS "v WHERE v.name = ? AND v.value >= '' AND v.number IS NULL LIMIT 1"
  int64_t id = mv_names_find(work, condition->name);
  return mv_db_integer(work->db, 0,
                       in_orders ? "SELECT 1 FROM order_variables " WORDS
                                 : "SELECT 1 FROM variables " WORDS,
                       "i", id) == 1;
#undef WORDS
}

bool mv_query_is_mixed(struct mv_work *work, const struct mv_query *query) {
  for (size_t i = 0; i < query->count; i++) {
    if (has_numbers(&query->conditions[i]) &&
        is_mixed(work, &query->conditions[i], query->in_orders)) {
      return true;
    }
  }
  return false;
}
