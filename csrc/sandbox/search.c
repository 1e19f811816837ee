#include "sandbox/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/cell.h"
#include "sandbox/clients.h"
#include "sandbox/params.h"
#include "sandbox/query.h"

/* The numbers of names and values, to be bound: project, name; the key of the value. */
#define NAMED "v.name = (SELECT id FROM names WHERE project = ?1 AND name = ?2) "

/* A text that may hold NULs: a variable's value. */
struct text {
  char *bytes;
  size_t length;
};

/* Of a text, a number or a boolean; free its bytes, which are NULL of anything else. */
static struct text text_of(const json_t *value) {
  char *bytes = mv_json_scalar_text(value);
  size_t length = bytes ? strlen(bytes) : 0;
  return (struct text){bytes, json_is_string(value) ? json_string_length(value) : length};
}

/* Runs it with project, name, value and, where asked for, the group or another text. The first
 * column or 0. */
static int64_t first_of(struct mv_work *work, const char *sql, const char *name, struct text value,
                        const char *group) {
  struct mv_stmt *stmt = mv_db_query(work->db, sql, "it", work->project, name);
  int64_t id = 0;
  if (stmt && value.bytes) {
    mv_cell_bind_key(stmt, 3, value.bytes, value.length);
  }
  if (stmt && group) {
    mv_sql_bind_text(stmt, 4, group);
  }
  if (mv_db_step(work->db, stmt)) {
    id = mv_sql_int(stmt, 0);
    mv_db_reset(stmt);
  }
  return id;
}

/* `group` NULL: any. The lowest id; 0 when there is none. CROSS JOIN: along the index of values,
 * which has them in the order of clients. */
static int64_t by_client_variable(struct mv_work *work, const char *name, struct text value,
                                  const char *group) {
  return first_of(work,
                  group ? "SELECT v.client FROM variables v CROSS JOIN clients c "
                          "ON c.id = v.client WHERE " NAMED "AND v.value = ?3 AND c.group_id = ?4 "
                          "ORDER BY v.client LIMIT 1"
                        : "SELECT v.client FROM variables v WHERE " NAMED
                          "AND v.value = ?3 ORDER BY v.client LIMIT 1",
                  name, value, group);
}

static int64_t by_order_variable(struct mv_work *work, const char *name, struct text value,
                                 const char *group) {
  return first_of(work,
                  group ? "SELECT min(o.client) FROM order_variables v "
                          "CROSS JOIN orders o ON o.id = v.\"order\" "
                          "CROSS JOIN clients c ON c.id = o.client WHERE " NAMED
                          "AND v.value = ?3 AND c.group_id = ?4"
                        : "SELECT min(o.client) FROM order_variables v "
                          "CROSS JOIN orders o ON o.id = v.\"order\" WHERE " NAMED
                          "AND v.value = ?3",
                  name, value, group);
}

/* The client's variable goes before the order's. One statement: half of what two take. */
#define BY_VARIABLE                                                                                \
  "(SELECT v.client FROM variables v WHERE " NAMED "AND v.value = ?3 ORDER BY v.client LIMIT 1), " \
  "(SELECT min(o.client) FROM order_variables v CROSS JOIN orders o ON o.id = v.\"order\" "        \
  "WHERE " NAMED "AND v.value = ?3)"

int64_t mv_search_phone(struct mv_work *work, const char *phone) {
  _Static_assert(MV_WHATSAPP == 6, "as in the statement");
  return first_of(work,
                  "SELECT coalesce((SELECT min(id) FROM clients INDEXED BY clients_by_platform "
                  "WHERE project = ?1 AND platform_id = ?4 AND client_type = 6), " BY_VARIABLE ")",
                  "phone", (struct text){(char *)phone, strlen(phone)}, phone);
}

int64_t mv_search_email(struct mv_work *work, const char *email) {
  return first_of(work, "SELECT coalesce(" BY_VARIABLE ")", "email",
                  (struct text){(char *)email, strlen(email)}, NULL);
}

static void answer_one(struct mv_ask *ask, int64_t client) {
  if (client) {
    mv_answer_result(ask, "client_id", json_integer(client));
  } else {
    mv_answer_word(ask, 404, "client_not_found");
  }
}

void mv_search_by_phone(struct mv_ask *ask) {
  char *phone = mv_param_id_text(ask, "phone");
  answer_one(ask, phone ? mv_search_phone(ask->work, phone) : 0);
  free(phone);
}

void mv_search_by_email(struct mv_ask *ask) {
  answer_one(ask, mv_search_email(ask->work, mv_param_text(ask, "email")));
}

void mv_search_by_var(struct mv_ask *ask) {
  struct text value = text_of(mv_param(ask, "val"));
  char *group = mv_param_id_text(ask, "group_id");
  const char *name = mv_param_text(ask, "var");
  bool in_orders = mv_param(ask, "search_in") != NULL;
  int64_t client = in_orders ? by_order_variable(ask->work, name, value, group)
                             : by_client_variable(ask->work, name, value, group);
  free(value.bytes);
  free(group);
  answer_one(ask, client);
}

void mv_search_latest(struct mv_ask *ask) {
  struct text value = text_of(mv_param(ask, "val"));
  answer_one(ask,
             first_of(ask->work,
                      "SELECT c.id FROM (SELECT v.client FROM variables v WHERE " NAMED
                      "AND v.value = ?3 UNION SELECT o.client FROM order_variables v "
                      "CROSS JOIN orders o ON o.id = v.\"order\" WHERE " NAMED
                      "AND v.value = ?3) f CROSS JOIN clients c ON c.id = f.client "
                      "ORDER BY c.created_at DESC, c.id DESC LIMIT 1",
                      mv_param_text(ask, "var"), value, NULL));
  free(value.bytes);
}

/* Answers with those of whose variables all conditions hold, and frees these. */
static void answer_all(struct mv_ask *ask, struct mv_condition *conditions, size_t count) {
  struct mv_query query = {.conditions = conditions, .count = count};
  if (!ask->failed) {
    mv_answer_clients(ask, &query);
  }
  for (size_t i = 0; i < count; i++) {
    mv_condition_free(&conditions[i]);
  }
}

static void read_condition(struct mv_ask *ask, struct mv_condition *condition, const char *name,
                           const json_t *value) {
  struct text text = text_of(value);
  mv_condition_init(condition, name);
  if (!text.bytes || mv_condition_add_text(condition, text.bytes, text.length)) {
    mv_answer_fail(ask, 400, "Parameter \"%.100s\" takes a text, a number or a boolean", name);
  }
  free(text.bytes);
}

void mv_search_all(struct mv_ask *ask) {
  struct mv_condition condition;
  read_condition(ask, &condition, mv_param_text(ask, "var"), mv_param(ask, "val"));
  answer_all(ask, &condition, 1);
}

void mv_search_several(struct mv_ask *ask) {
  struct mv_condition conditions[MV_QUERY_CONDITIONS];
  size_t count = 0;
  const char *name;
  json_t *value;
  json_object_foreach(ask->extras, name, value) {
    if (count < MV_QUERY_CONDITIONS) {
      read_condition(ask, &conditions[count++], name, value);
    }
  }
  answer_all(ask, conditions, count);
}
