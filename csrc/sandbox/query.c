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
#include "sandbox/query_walk.h"

/* ---- conditions ---- */

void mv_condition_init(struct mv_condition *condition, const char *name) {
  *condition = (struct mv_condition){.name = name, .keys = json_array(), .numbers = json_array()};
}

void mv_condition_free(struct mv_condition *condition) {
  json_decref(condition->keys);
  json_decref(condition->numbers);
}

int mv_condition_add_text(struct mv_condition *condition, const char *text, size_t length) {
  return json_array_append_new(condition->keys, mv_cell_key(text, length));
}

int mv_condition_add(struct mv_condition *condition, const json_t *value) {
  if (json_is_number(value)) {
    return json_array_append(condition->numbers, (json_t *)value);
  }
  if (json_is_string(value)) {
    return mv_condition_add_text(condition, json_string_value(value), json_string_length(value));
  }
  const char *word = json_is_true(value) ? "true" : "false";
  return json_is_boolean(value) ? mv_condition_add_text(condition, word, strlen(word)) : -1;
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
    mv_bytes_printf(sql, "%s %sIN (SELECT " MV_CELL_OF_ROW " FROM json_each(?))", column,
                    negative ? "NOT " : "");
  }
}

/* A null is no number, so it is not another number either. */
static void put_negative(struct mv_bytes *sql, const struct mv_condition *condition) {
  mv_bytes_puts(sql, "v.name = ?");
  if (has_keys(condition)) {
    mv_bytes_puts(sql, " AND ");
    put_compare(sql, "v.value", condition->keys, true);
  }
  if (has_numbers(condition)) {
    mv_bytes_puts(sql, " AND v.value <> x'' AND ");
    put_compare(sql, "v.value", condition->numbers, true);
    mv_bytes_puts(sql, " AND (v.number IS NULL OR ");
    put_compare(sql, "v.number", condition->numbers, true);
    mv_bytes_putc(sql, ')');
  }
}

/* Rows whose value is asked for; those of numbers that are texts are told by put_numbers. */
static void put_values(struct mv_bytes *sql, const struct mv_condition *condition) {
  if (condition->negative) {
    put_negative(sql, condition);
    return;
  }
  mv_bytes_puts(sql, "v.name = ? AND (");
  if (has_keys(condition)) {
    put_compare(sql, "v.value", condition->keys, false);
  }
  if (has_numbers(condition)) {
    mv_bytes_puts(sql, has_keys(condition) ? " OR " : "");
    put_compare(sql, "v.value", condition->numbers, false);
  }
  mv_bytes_putc(sql, ')');
}

static void put_numbers(struct mv_bytes *sql, const struct mv_condition *condition) {
  mv_bytes_puts(sql, "v.name = ? AND ");
  put_compare(sql, "v.number", condition->numbers, false);
}

/* Whether it is held by the rows of one text or boolean: then an owner comes once, and along the
 * index of values these rows lie side by side. */
static bool is_plain(const struct mv_condition *condition) {
  return !condition->negative && !has_numbers(condition) && json_array_size(condition->keys) == 1;
}

/* Joins the owners to such rows. One statement, one cursor: twice as fast as put_check. */
static void put_join(struct mv_bytes *sql, size_t number, bool in_orders) {
  const char *table = table_of(in_orders);
  mv_bytes_printf(sql,
                  " CROSS JOIN %s v%zu INDEXED BY %s_by_value "
                  "ON v%zu.%s = owner AND v%zu.name = ? AND v%zu.value = ?",
                  table, number, table, number, owner_of(in_orders), number, number);
}

/* That an owner has a row of any other kind. */
static void put_check(struct mv_bytes *sql, const struct mv_condition *condition, bool in_orders) {
  const char *owner = owner_of(in_orders), *table = table_of(in_orders);
  mv_bytes_printf(sql, " AND (EXISTS (SELECT 1 FROM %s v WHERE v.%s = owner AND ", table, owner);
  put_values(sql, condition);
  if (has_numbers(condition) && !condition->negative) {
    mv_bytes_printf(sql, ") OR EXISTS (SELECT 1 FROM %s v WHERE v.%s = owner AND ", table, owner);
    put_numbers(sql, condition);
  }
  mv_bytes_puts(sql, "))");
}

/* All rows, found by the indexes of values and of numbers. Both find the same one only where texts
 * and numbers are asked for. `apart`: no others are joined to them by UNION. */
static void put_rows(struct mv_bytes *sql, const struct mv_condition *condition, bool in_orders,
                     bool apart) {
  const char *owner = owner_of(in_orders), *table = table_of(in_orders);
  mv_bytes_printf(sql, "SELECT v.%s AS owner FROM %s v WHERE ", owner, table);
  put_values(sql, condition);
  if (has_numbers(condition) && !condition->negative) {
    mv_bytes_printf(sql, " UNION %sSELECT v.%s FROM %s v WHERE ",
                    apart && !has_keys(condition) ? "ALL " : "", owner, table);
    put_numbers(sql, condition);
  }
}

static char *finished(struct mv_bytes *sql) {
  mv_bytes_putc(sql, '\0');
  return mv_bytes_steal(sql, NULL);
}

/* A list of one is bound as it is, any other as JSON. */
static void bind_list(struct mv_db *db, struct mv_stmt *stmt, int *index, const json_t *list) {
  if (json_array_size(list) == 1) {
    mv_cell_bind_json(stmt, (*index)++, json_array_get(list, 0));
    return;
  }
  char *text = mv_json_text(list);
  if (!text) {
    mv_db_fail(db, "out of memory");
  }
  mv_sql_bind_copy(stmt, (*index)++, text, text ? strlen(text) : 0);
  free(text);
}

/* For put_check and put_rows; both name the variable again where they look for numbers. */
static void bind_condition(struct mv_db *db, struct mv_stmt *stmt, int *index,
                           const struct mv_condition *condition) {
  mv_sql_bind_int(stmt, (*index)++, condition->id);
  if (has_keys(condition)) {
    bind_list(db, stmt, index, condition->keys);
  }
  if (has_numbers(condition)) {
    bind_list(db, stmt, index, condition->numbers);
    if (!condition->negative) {
      mv_sql_bind_int(stmt, (*index)++, condition->id);
    }
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

/* Whether more rows than `most` hold. */
static bool exceeds(struct mv_work *work, const struct mv_query *query,
                    const struct mv_condition *condition, int64_t most) {
  struct mv_bytes sql = {0};
  put_rows(&sql, condition, query->in_orders, true);
  mv_bytes_puts(&sql, " LIMIT 1 OFFSET ?");
  struct mv_stmt *stmt = prepare(work->db, finished(&sql));
  int index = 1;
  if (stmt) {
    bind_condition(work->db, stmt, &index, condition);
    mv_sql_bind_int(stmt, index, most);
  }
  bool more = mv_db_step(work->db, stmt);
  if (more) {
    mv_db_reset(stmt);
  }
  return more;
}

/* A condition with at most twice the rows of the one with the fewest. They are walked side by side,
 * each round twice as far, until one is at its end: that is a part of what looking up that one
 * costs. */
static size_t rarest(struct mv_work *work, const struct mv_query *query) {
  for (int64_t most = 16; query->count > 1 && most < INT64_MAX / 2; most *= 2) {
    for (size_t i = 0; i < query->count; i++) {
      if (!exceeds(work, query, &query->conditions[i], most)) {
        return i;
      }
    }
  }
  return 0;
}

/* ---- the query ---- */

enum { MOST_JOINS = 32 }; /* SQLite joins 64 tables */

static bool is_joined(const struct mv_query *query, size_t i) {
  return i < MOST_JOINS && !query->any && is_plain(&query->conditions[i]);
}

/* Along the rows of the first condition; each other one is looked up at the same owner. */
static void put_all(struct mv_bytes *sql, const struct mv_query *query, size_t first) {
  mv_bytes_puts(sql, "SELECT owner FROM (");
  put_rows(sql, &query->conditions[first], query->in_orders, true);
  mv_bytes_putc(sql, ')');
  for (size_t i = 0; i < query->count; i++) {
    if (i != first && is_joined(query, i)) {
      put_join(sql, i, query->in_orders);
    }
  }
  mv_bytes_puts(sql, " WHERE true");
  for (size_t i = 0; i < query->count; i++) {
    if (i != first && !is_joined(query, i)) {
      put_check(sql, &query->conditions[i], query->in_orders);
    }
  }
}

static void put_any(struct mv_bytes *sql, const struct mv_query *query) {
  for (size_t i = 0; i < query->count; i++) {
    mv_bytes_puts(sql, i ? " UNION " : "");
    put_rows(sql, &query->conditions[i], query->in_orders, false);
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

/* The first, then in the order of put_all: those that are joined, those that are checked. */
static void bind_all(struct mv_db *db, struct mv_stmt *stmt, const struct mv_query *query,
                     size_t first) {
  int index = 1;
  bind_condition(db, stmt, &index, &query->conditions[first]);
  for (int joined = 1; joined >= 0; joined--) {
    for (size_t i = 0; i < query->count; i++) {
      if (i != first && is_joined(query, i) == (joined == 1)) {
        bind_condition(db, stmt, &index, &query->conditions[i]);
      }
    }
  }
}

static struct mv_stmt *start(struct mv_work *work, const struct mv_query *query) {
  size_t first = query->any ? 0 : rarest(work, query);
  struct mv_stmt *stmt = prepare(work->db, build(query, first));
  if (stmt) {
    bind_all(work->db, stmt, query, first);
  }
  return stmt;
}

/* Whether all that must be known by name is: else no client has it. */
static bool find_names(struct mv_work *work, const struct mv_query *query) {
  bool all_known = true, one_known = false;
  for (size_t i = 0; i < query->count; i++) {
    query->conditions[i].id = mv_names_find(work, query->conditions[i].name);
    all_known = all_known && query->conditions[i].id;
    one_known = one_known || query->conditions[i].id;
  }
  return query->any ? one_known : all_known;
}

void mv_query_each(struct mv_work *work, const struct mv_query *query, mv_query_take *take,
                   void *owner) {
  if (!find_names(work, query)) {
    return;
  }
  if (mv_query_can_walk(work, query)) {
    mv_query_walk(work, query, take, owner);
    return;
  }
  struct mv_stmt *stmt = start(work, query);
  while (mv_db_step(work->db, stmt)) {
    take(owner, mv_sql_int(stmt, 0));
  }
}

/* What is no number is a TEXT, and SQLite has these between numbers and blobs. */
static bool is_mixed(struct mv_work *work, const struct mv_condition *condition, bool in_orders) {
#define WORDS "v WHERE v.name = ? AND v.value >= '' AND v.value < x'' LIMIT 1"
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
