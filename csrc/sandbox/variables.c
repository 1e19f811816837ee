#include "sandbox/variables.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/cell.h"
#include "sandbox/clients.h"
#include "sandbox/names.h"
#include "sandbox/orders.h"
#include "sandbox/params.h"

static void set(struct mv_work *work, const char *sql, int64_t owner, const char *name,
                const json_t *value) {
  struct mv_cell cell;
  int64_t id = mv_names_get(work, name);
  struct mv_stmt *stmt = id ? mv_db_query(work->db, sql, "ii", owner, id) : NULL;
  if (mv_cell_of(value, &cell)) {
    mv_db_fail(work->db, "out of memory");
  }
  if (stmt) {
    mv_cell_bind(stmt, 3, &cell);
    while (mv_db_step(work->db, stmt)) {
    }
  }
  mv_cell_free(&cell);
}

void mv_variables_set_client(struct mv_work *work, int64_t client, const char *name,
                             const json_t *value) {
  set(work,
      "INSERT OR REPLACE INTO variables (client, name, kind, value, number) "
      "VALUES (?, ?, ?, ?, ?)",
      client, name, value);
}

void mv_variables_set_order(struct mv_work *work, int64_t order, const char *name,
                            const json_t *value) {
  set(work,
      "INSERT OR REPLACE INTO order_variables (\"order\", name, kind, value, number) "
      "VALUES (?, ?, ?, ?, ?)",
      order, name, value);
}

static json_t *all(struct mv_work *work, const char *sql, int64_t owner) {
  json_t *variables = json_object();
  struct mv_stmt *row = mv_db_query(work->db, sql, "i", owner);
  while (mv_db_step(work->db, row)) {
    json_object_set_new(variables, mv_sql_text(row, 0), mv_cell_read(row, 1, 2));
  }
  return variables;
}

json_t *mv_variables_of_client(struct mv_work *work, int64_t client) {
  return all(work, 
             "SELECT n.name, v.kind, v.value FROM variables v CROSS JOIN names n ON n.id = v.name "
             "WHERE v.client = ?",
             client);
}

json_t *mv_variables_of_order(struct mv_work *work, int64_t order) {
  return all(work, 
             "SELECT n.name, v.kind, v.value FROM order_variables v "
             "CROSS JOIN names n ON n.id = v.name WHERE v.\"order\" = ?",
             order);
}

void mv_variables_save_all(struct mv_work *work, int64_t client, const json_t *variables) {
  int64_t order = 0;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)variables, name, value) {
    if (strncmp(name, "client.", 7) == 0) {
      mv_variables_set_client(work, client, name + 7, value);
    } else {
      order = order ? order : mv_orders_needed(work, client);
      mv_variables_set_order(work, order, name, value);
    }
  }
  mv_clients_touch(work, client);
}

/* All clients must exist before any is changed. */
static int check_clients(struct mv_ask *ask, const json_t *clients) {
  for (size_t i = 0; i < json_array_size(clients); i++) {
    int64_t id;
    if (!mv_params_id_of(json_array_get(clients, i), &id)) {
      mv_answer_fail(ask, 400, "Parameter \"clients[%zu]\" takes an integer or a text of one", i);
      return -1;
    }
    if (!mv_clients_exists(ask->work, id)) {
      mv_answer_word(ask, 404, "client_not_found");
      return -1;
    }
  }
  return 0;
}

void mv_variables_save(struct mv_ask *ask) {
  const json_t *variables = mv_param(ask, "variables");
  json_t *clients = mv_param(ask, "clients");
  int64_t id;
  if (mv_param(ask, "client_id")) {
    if (mv_clients_asked(ask, 404, &id)) {
      return;
    }
    mv_variables_save_all(ask->work, id, variables);
  }
  if (check_clients(ask, clients)) {
    return;
  }
  for (size_t i = 0; i < json_array_size(clients); i++) {
    mv_params_id_of(json_array_get(clients, i), &id);
    mv_variables_save_all(ask->work, id, variables);
  }
  mv_answer_ok(ask);
}

/* What the platform itself knows of a client; variables of the same names win. */
static json_t *built_in(struct mv_work *work, int64_t client, int64_t order) {
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT name, avatar, client_type, platform_id, tag, group_id, "
                                    "created_at / 1000 FROM clients WHERE id = ?",
                                    "i", client);
  if (!mv_db_step(work->db, row)) {
    return json_object();
  }
  bool whatsapp = (int)mv_sql_int(row, 2) == MV_WHATSAPP;
  json_t *values = json_pack(
      "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "client_id", (json_int_t)client, "name",
      mv_db_text(row, 0), "avatar", mv_db_text(row, 1), "client_type", mv_db_number(row, 2),
      "platform_id", mv_db_text(row, 3), "tag", mv_db_text(row, 4), "group", mv_db_text(row, 5),
      "created_at", mv_db_number(row, 6), "phone", whatsapp ? mv_db_text(row, 3) : json_null());
  mv_db_reset(row);
  if (order) {
    char id[64];
    snprintf(id, sizeof id, "%lld-%lld", (long long)client, (long long)order);
    json_object_set_new(values, "order_id", json_string(id));
  }
  return values;
}

void mv_variables_get(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 404, &client)) {
    return;
  }
  int64_t order = mv_orders_current(ask->work, client);
  json_t *values = built_in(ask->work, client, order);
  json_t *of_client = mv_variables_of_client(ask->work, client);
  json_t *of_order = order ? mv_variables_of_order(ask->work, order) : json_object();
  json_object_update(values, of_client);
  json_object_update(values, of_order);
  json_decref(of_client);
  json_decref(of_order);
  mv_answer_json(ask, values);
}
