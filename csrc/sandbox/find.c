/* find_clients: conditions on variables made into SQL. Each condition is a select over the index of
 * names and values; they are joined by INTERSECT (all) or UNION (any). Names and values are bound.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/params.h"
#include "sandbox/search.h"

enum { MOST_CONDITIONS = 100 };

enum operation { EQUAL, IN, NOT_EQUAL, NOT_IN };

struct condition {
  const char *name;
  bool negative;
  json_t *texts;   /* array: what texts are compared with */
  json_t *numbers; /* array: what numbers are compared with */
};

static int operator_of(const char *name) {
  static const char *const names[] = {"", "_in", "_not", "_not_in"};
  for (int i = IN; i <= NOT_IN; i++) {
    if (strcmp(names[i], name) == 0) {
      return i;
    }
  }
  return -1;
}

/* One value of a condition: numbers are compared as numbers, all else as text. */
static int add_value(struct condition *condition, json_t *value) {
  if (json_is_number(value)) {
    return json_array_append(condition->numbers, value);
  }
  char *text = json_is_boolean(value) ? mv_json_scalar_text(value) : NULL;
  int bad = -1;
  if (json_is_string(value)) {
    bad = json_array_append(condition->texts, value);
  } else if (text) {
    bad = json_array_append_new(condition->texts, json_string(text));
  }
  free(text);
  return bad;
}

/* -1: not a condition. */
static int read_condition(struct condition *condition, json_t *value) {
  int op = EQUAL;
  if (json_is_object(value)) {
    void *member = json_object_iter(value);
    if (json_object_size(value) != 1) {
      return -1;
    }
    op = operator_of(json_object_iter_key(member));
    value = json_object_iter_value(member);
  }
  condition->negative = op == NOT_EQUAL || op == NOT_IN;
  if (op == EQUAL || op == NOT_EQUAL) {
    return add_value(condition, value);
  }
  if (op < 0 || !json_is_array(value)) {
    return -1;
  }
  for (size_t i = 0; i < json_array_size(value); i++) {
    if (add_value(condition, json_array_get(value, i))) {
      return -1;
    }
  }
  return 0;
}

/* Numbers are compared only where every holder of the variable has one, as documented. */
static bool comparable(struct mv_ask *ask, const struct condition *condition, bool in_orders) {
  static const char in_clients[] =
      "SELECT 1 FROM variables v CROSS JOIN clients c ON c.id = v.client "
      "WHERE v.name = ? AND v.number IS NULL AND v.kind <> 4 AND c.project = ? LIMIT 1";
  static const char in_order[] =
      "SELECT 1 FROM order_variables v CROSS JOIN orders o ON o.id = v.\"order\" "
      "CROSS JOIN clients c ON c.id = o.client "
      "WHERE v.name = ? AND v.number IS NULL AND v.kind <> 4 AND c.project = ? LIMIT 1";
  if (!json_array_size(condition->numbers)) {
    return true;
  }
  return !mv_db_integer(ask->db, 0, in_orders ? in_order : in_clients, "ti", condition->name,
                        ask->work->project);
}

static bool has_numbers(const struct condition *condition) {
  return json_array_size(condition->numbers) > 0;
}

/* Without numbers texts are compared, be there any or none. */
static bool has_texts(const struct condition *condition) {
  return json_array_size(condition->texts) > 0 || !has_numbers(condition);
}

/* The select of one condition; to be bound: the name, the texts if it has any, likewise the
 * numbers.
 */
static void put_condition(struct mv_bytes *sql, const struct condition *condition, bool in_orders) {
  const char *negation = condition->negative ? "NOT " : "";
  mv_bytes_printf(sql, "SELECT %s FROM %s WHERE name = ? AND (", in_orders ? "\"order\"" : "client",
                  in_orders ? "order_variables" : "variables");
  if (has_texts(condition)) {
    mv_bytes_printf(sql, "value %sIN (SELECT value FROM json_each(?))", negation);
  }
  if (has_texts(condition) && has_numbers(condition)) {
    mv_bytes_puts(sql, condition->negative ? " AND " : " OR ");
  }
  if (has_numbers(condition)) {
    mv_bytes_printf(sql, "number %sIN (SELECT value FROM json_each(?))", negation);
  }
  mv_bytes_putc(sql, ')');
}

static char *build(const struct condition *conditions, size_t count, bool all, bool in_orders) {
  struct mv_bytes sql = {0};
  mv_bytes_puts(&sql, in_orders ? "SELECT DISTINCT c.id FROM orders o JOIN clients c "
                                  "ON c.id = o.client WHERE o.id IN ("
                                : "SELECT c.id FROM clients c WHERE c.id IN (");
  for (size_t i = 0; i < count; i++) {
    mv_bytes_puts(&sql, i == 0 ? "" : all ? " INTERSECT " : " UNION ");
    put_condition(&sql, &conditions[i], in_orders);
  }
  mv_bytes_puts(&sql, ") AND c.project = ? ORDER BY c.id");
  mv_bytes_putc(&sql, '\0');
  return mv_bytes_steal(&sql, NULL);
}

static void bind_list(struct mv_stmt *stmt, int index, const json_t *list) {
  char *text = mv_json_text(list);
  mv_sql_bind_copy(stmt, index, text, text ? strlen(text) : 0);
  free(text);
}

static json_t *run(struct mv_ask *ask, const struct condition *conditions, size_t count, bool all,
                   bool in_orders) {
  json_t *ids = json_array();
  char *sql = build(conditions, count, all, in_orders);
  struct mv_stmt *stmt = sql ? mv_db_prepare(ask->db, sql) : NULL;
  int index = 1;
  for (size_t i = 0; stmt && i < count; i++) {
    mv_sql_bind_text(stmt, index++, conditions[i].name);
    if (has_texts(&conditions[i])) {
      bind_list(stmt, index++, conditions[i].texts);
    }
    if (has_numbers(&conditions[i])) {
      bind_list(stmt, index++, conditions[i].numbers);
    }
  }
  if (stmt) {
    mv_sql_bind_int(stmt, index, ask->work->project);
  }
  while (mv_db_step(ask->db, stmt)) {
    json_array_append_new(ids, mv_db_number(stmt, 0));
  }
  free(sql);
  return ids;
}

static void answer(struct mv_ask *ask, struct condition *conditions, size_t count) {
  bool in_orders = mv_param(ask, "search_in") != NULL;
  bool all = !json_is_false(mv_param(ask, "include_all"));
  for (size_t i = 0; i < count; i++) {
    if (!comparable(ask, &conditions[i], in_orders)) {
      mv_answer_fail(ask, 200, "Something went wrong");
      return;
    }
  }
  mv_answer_result(ask, "client_ids", run(ask, conditions, count, all, in_orders));
}

void mv_search_clients(struct mv_ask *ask) {
  struct condition conditions[MOST_CONDITIONS] = {0};
  size_t count = 0;
  const char *name;
  json_t *value;
  bool good = true;
  json_object_foreach(mv_param(ask, "q"), name, value) {
    if (!good || count == MOST_CONDITIONS) {
      good = false;
      break;
    }
    conditions[count] = (struct condition){name, false, json_array(), json_array()};
    good = !read_condition(&conditions[count++], value);
  }
  if (!good) {
    mv_answer_fail(ask, 200, "Error in parameter format");
  } else if (!count) {
    mv_answer_fail(ask, 200, "Parameter \"q\" required");
  } else {
    answer(ask, conditions, count);
  }
  for (size_t i = 0; i < count; i++) {
    json_decref(conditions[i].texts);
    json_decref(conditions[i].numbers);
  }
}
