#include "sandbox/orders.h"

#include <stdio.h>
#include <stdlib.h>

#include "sandbox/clients.h"
#include "sandbox/messages.h"
#include "sandbox/params.h"
#include "sandbox/search.h"
#include "sandbox/variables.h"

int64_t mv_orders_current(struct mv_work *work, int64_t client) {
  return mv_db_integer(work->db, 0, "SELECT " MV_ORDERS_CURRENT, "i", client);
}

static int64_t first_state(struct mv_work *work) {
  return mv_db_integer(work->db, 0,
                       "SELECT s.id FROM states s JOIN funnels f ON f.id = s.funnel "
                       "WHERE f.project = ? ORDER BY f.position, s.position LIMIT 1",
                       "i", work->project);
}

bool mv_orders_has_state(struct mv_work *work, int64_t state) {
  return mv_db_integer(work->db, 0,
                       "SELECT 1 FROM states s JOIN funnels f ON f.id = s.funnel "
                       "WHERE s.id = ? AND f.project = ?",
                       "ii", state, work->project) == 1;
}

/* `state` 0: a project without funnels. */
static int64_t add(struct mv_work *work, int64_t client, int64_t state) {
  mv_db_run(work->db,
            "INSERT INTO orders (client, state, status, created_at, updated_at) "
            "VALUES (?, nullif(?, 0), "
            "coalesce((SELECT outcome FROM states WHERE id = ?), 0), ?, ?)",
            "iiiii", client, state, state, work->now, work->now);
  return mv_db_last_id(work->db);
}

int64_t mv_orders_needed(struct mv_work *work, int64_t client) {
  int64_t order = mv_orders_current(work, client);
  return order ? order : add(work, client, first_state(work));
}

/* "crm_state_changed <Pipeline>:<Stage>", with the order's id in the variable callback_query_id. */
static void tell_move(struct mv_work *work, int64_t client, int64_t order, int64_t state) {
  struct mv_stmt *row =
      mv_db_query(work->db,
                  "SELECT 'crm_state_changed ' || f.name || ':' || s.name "
                  "FROM states s JOIN funnels f ON f.id = s.funnel WHERE s.id = ?",
                  "i", state);
  if (!mv_db_step(work->db, row)) {
    return;
  }
  json_t *text = mv_db_text(row, 0);
  mv_db_reset(row);
  json_t *id = json_integer(order);
  mv_variables_set_client(work, client, "callback_query_id", id);
  mv_messages_receive(work, client, MV_FROM_CRM, json_string_value(text), NULL);
  json_decref(id);
  json_decref(text);
}

void mv_orders_move(struct mv_work *work, int64_t client, int64_t order, int64_t state) {
  int64_t before = mv_db_integer(work->db, 0, "SELECT state FROM orders WHERE id = ?", "i", order);
  if (before == state) {
    return;
  }
  mv_db_run(work->db,
            "UPDATE orders SET state = ?, updated_at = ?, "
            "status = (SELECT outcome FROM states WHERE id = ?) WHERE id = ?",
            "iiii", state, work->now, state, order);
  tell_move(work, client, order, state);
}

static json_t *states_of(struct mv_work *work, int64_t funnel) {
  static const char *const outcomes[] = {"active", "won", "lost"};
  json_t *states = json_array();
  struct mv_stmt *row = mv_db_query(
      work->db, "SELECT id, name, outcome FROM states WHERE funnel = ? ORDER BY position", "i",
      funnel);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(states, json_pack("{s:o, s:o, s:s}", "id", mv_db_number(row, 0), "name",
                                            mv_db_text(row, 1), "outcome",
                                            outcomes[(int)mv_sql_int(row, 2)]));
  }
  return states;
}

json_t *mv_orders_funnels(struct mv_work *work) {
  json_t *funnels = json_array();
  struct mv_stmt *row =
      mv_db_query(work->db, "SELECT id, name FROM funnels WHERE project = ? ORDER BY position", "i",
                  work->project);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(funnels, json_pack("{s:o, s:o, s:o}", "id", mv_db_number(row, 0), "name",
                                             mv_db_text(row, 1), "states",
                                             states_of(work, mv_sql_int(row, 0))));
  }
  return funnels;
}

/* ---- the actions ---- */

/* The order that the parameters name. 1; 0 when there is none or it is another client's (`order` is
 * then what was asked for, 0 without a current one); -1 when the call was answered. */
static int asked_order(struct mv_ask *ask, int64_t *client, int64_t *order) {
  if (mv_clients_asked(ask, 200, client)) {
    return -1;
  }
  int given = mv_param_id(ask, "order_id", order);
  if (given < 0) {
    return -1;
  }
  if (!given) {
    *order = mv_orders_current(ask->work, *client);
    return *order != 0;
  }
  return mv_db_integer(ask->db, 0, "SELECT 1 FROM orders WHERE id = ? AND client = ?", "ii", *order,
                       *client) == 1;
}

/* "order 12345 not found", or "order not found" when none was named. */
static void answer_no_order(struct mv_ask *ask, int64_t order) {
  char word[64] = "order not found";
  if (order) {
    snprintf(word, sizeof word, "order %lld not found", (long long)order);
  }
  mv_answer_word(ask, 200, word);
}

/* The parameter state_id: 1, 0 when absent, -1 when there is no such state (answered). */
static int asked_state(struct mv_ask *ask, int64_t *state) {
  int given = mv_param_id(ask, "state_id", state);
  if (given > 0 && !mv_orders_has_state(ask->work, *state)) {
    mv_answer_fail(ask, 200, "State %lld not found", (long long)*state);
    return -1;
  }
  return given;
}

static int64_t client_by_phone(struct mv_ask *ask) {
  char *phone = mv_param_id_text(ask, "phone");
  int64_t id = mv_search_phone(ask->work, phone);
  id = id ? id : mv_clients_contact(ask->work, MV_TELEPHONY, "", "phone", phone);
  free(phone);
  return id;
}

static int64_t client_by_email(struct mv_ask *ask) {
  const char *email = mv_param_text(ask, "email");
  int64_t id = mv_search_email(ask->work, email);
  return id ? id : mv_clients_contact(ask->work, MV_EMAIL, "", "email", email);
}

void mv_orders_create(struct mv_ask *ask) {
  int64_t client;
  if (mv_param(ask, "client_id")) {
    if (mv_clients_asked(ask, 200, &client)) {
      return;
    }
  } else {
    client = mv_param(ask, "phone") ? client_by_phone(ask) : client_by_email(ask);
  }
  int64_t state = first_state(ask->work);
  if (asked_state(ask, &state) < 0) {
    return;
  }
  int64_t order = add(ask->work, client, state);
  mv_db_run(ask->db, "UPDATE orders SET name = ?, description = ?, budget = ? WHERE id = ?", "ttji",
            mv_param_text(ask, "name"), mv_param_text(ask, "description"), mv_param(ask, "budget"),
            order);
  mv_answer_result(ask, "order_id", json_integer(order));
}

void mv_orders_current_id(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 200, &client)) {
    return;
  }
  int64_t order = mv_orders_current(ask->work, client);
  if (!order) {
    answer_no_order(ask, 0);
    return;
  }
  mv_answer_result(ask, "order_id", json_integer(order));
}

void mv_orders_list(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 200, &client)) {
    return;
  }
  int64_t status = mv_param_integer(ask, "order_status", -1);
  struct mv_stmt *row = mv_db_query(ask->db,
                                    "SELECT id FROM orders WHERE client = ? "
                                    "AND (? < 0 OR status = ?) ORDER BY id",
                                    "iii", client, status, status);
  json_t *ids = json_array();
  while (mv_db_step(ask->db, row)) {
    json_array_append_new(ids, mv_db_number(row, 0));
  }
  mv_answer_result(ask, "order_id", ids);
}

void mv_orders_get_state(struct mv_ask *ask) {
  int64_t client, order;
  int found = asked_order(ask, &client, &order);
  if (found < 0) {
    return;
  }
  if (!found) {
    answer_no_order(ask, 0);
    return;
  }
  int64_t state = mv_db_integer(ask->db, 0, "SELECT state FROM orders WHERE id = ?", "i", order);
  mv_answer_result(ask, "state_id", state ? json_integer(state) : json_null());
}

void mv_orders_set_state(struct mv_ask *ask) {
  int64_t client, state;
  if (mv_clients_asked(ask, 200, &client) || asked_state(ask, &state) < 0) {
    return;
  }
  mv_orders_move(ask->work, client, mv_orders_needed(ask->work, client), state);
  mv_answer_success(ask);
}

/* The state behind this one in its funnel; lost ones are no step forward. In the last it stays. */
static int64_t state_behind(struct mv_work *work, int64_t state) {
  return mv_db_integer(work->db, state,
                       "SELECT n.id FROM states s JOIN states n ON n.funnel = s.funnel "
                       "AND n.position > s.position AND n.outcome <> 2 "
                       "WHERE s.id = ? ORDER BY n.position LIMIT 1",
                       "i", state);
}

void mv_orders_next_state(struct mv_ask *ask) {
  int64_t client, order;
  int found = asked_order(ask, &client, &order);
  if (found < 0) {
    return;
  }
  if (!found) {
    answer_no_order(ask, order);
    return;
  }
  int64_t state = mv_db_integer(ask->db, 0, "SELECT state FROM orders WHERE id = ?", "i", order);
  int64_t next = state ? state_behind(ask->work, state) : first_state(ask->work);
  if (next) {
    mv_orders_move(ask->work, client, order, next);
  }
  mv_answer_result(ask, "state_id", next ? json_integer(next) : json_null());
}

void mv_orders_get_vars(struct mv_ask *ask) {
  int64_t client, order;
  int found = asked_order(ask, &client, &order);
  if (found < 0) {
    return;
  }
  if (!found) {
    answer_no_order(ask, order);
    return;
  }
  json_t *all = mv_variables_of_order(ask->work, order);
  json_t *names = mv_param(ask, "variables");
  if (!names) {
    mv_answer_result(ask, "result", all);
    return;
  }
  json_t *some = json_object();
  for (size_t i = 0; i < json_array_size(names); i++) {
    const char *name = json_string_value(json_array_get(names, i));
    json_t *value = json_object_get(all, name);
    if (value) {
      json_object_set(some, name, value);
    }
  }
  json_decref(all);
  mv_answer_result(ask, "result", some);
}

void mv_orders_set_vars(struct mv_ask *ask) {
  int64_t client, order;
  int found = asked_order(ask, &client, &order);
  if (found < 0) {
    return;
  }
  if (!found) {
    answer_no_order(ask, order);
    return;
  }
  const char *name;
  json_t *value;
  json_object_foreach(mv_param(ask, "variables"), name, value) {
    mv_variables_set_order(ask->work, order, name, value);
  }
  mv_answer_success(ask);
}
