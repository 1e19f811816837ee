#include "sandbox/variables.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/cell.h"
#include "sandbox/clients.h"
#include "sandbox/names.h"
#include "sandbox/orders.h"
#include "sandbox/params.h"

/* A new variable, else the change of an old one: parameters owner, name, kind, value, number. Not
 * INSERT OR REPLACE, which could undo itself and pays for that: it takes twice as long. */
struct setter {
  const char *add, *change;
};

static const struct setter of_client = {
    "INSERT OR IGNORE INTO variables (client, name, kind, value, number) "
    "VALUES (?1, ?2, ?3, ?4, ?5)",
    "UPDATE variables SET kind = ?3, value = ?4, number = ?5 WHERE client = ?1 AND name = ?2"};

static const struct setter of_order = {
    "INSERT OR IGNORE INTO order_variables (\"order\", name, kind, value, number) "
    "VALUES (?1, ?2, ?3, ?4, ?5)",
    "UPDATE order_variables SET kind = ?3, value = ?4, number = ?5 "
    "WHERE \"order\" = ?1 AND name = ?2"};

/* Whether a row was changed. */
static bool run_setter(struct mv_work *work, const char *sql, int64_t owner, int64_t name,
                       const struct mv_cell *cell) {
  struct mv_stmt *stmt = mv_db_query(work->db, sql, "ii", owner, name);
  if (stmt) {
    mv_cell_bind(stmt, 3, cell);
    while (mv_db_step(work->db, stmt)) {
    }
  }
  return work->db->failed || mv_sql_changes(work->db->sql) > 0;
}

static void store(struct mv_work *work, const struct setter *setter, int64_t owner, int64_t name,
                  const struct mv_cell *cell) {
  if (!run_setter(work, setter->add, owner, name, cell)) {
    run_setter(work, setter->change, owner, name, cell);
  }
}

static void set(struct mv_work *work, const struct setter *setter, int64_t owner, const char *name,
                const json_t *value) {
  struct mv_cell cell;
  if (mv_cell_of(value, &cell)) {
    mv_db_fail(work->db, "out of memory");
  } else {
    store(work, setter, owner, mv_names_get(work, name), &cell);
  }
  mv_cell_free(&cell);
}

void mv_variables_set_client(struct mv_work *work, int64_t client, const char *name,
                             const json_t *value) {
  set(work, &of_client, client, name, value);
}

void mv_variables_set_order(struct mv_work *work, int64_t order, const char *name,
                            const json_t *value) {
  set(work, &of_order, order, name, value);
}

/* Adds the variables of an owner to an object; those of the same names go. */
static void read_into(struct mv_work *work, const char *sql, int64_t owner, json_t *variables) {
  struct mv_stmt *row = mv_db_query(work->db, sql, "i", owner);
  size_t length;
  while (mv_db_step(work->db, row)) {
    const char *name = mv_sql_blob(row, 0, &length); /* not _text: that would copy it */
    json_object_setn_new_nocheck(variables, name, length, mv_cell_read(row, 1, 2));
  }
}

static void read_client(struct mv_work *work, int64_t client, json_t *variables) {
  read_into(work,
            "SELECT n.name, v.kind, v.value FROM variables v CROSS JOIN names n ON n.id = v.name "
            "WHERE v.client = ?",
            client, variables);
}

static void read_order(struct mv_work *work, int64_t order, json_t *variables) {
  read_into(work,
            "SELECT n.name, v.kind, v.value FROM order_variables v "
            "CROSS JOIN names n ON n.id = v.name WHERE v.\"order\" = ?",
            order, variables);
}

json_t *mv_variables_of_client(struct mv_work *work, int64_t client) {
  json_t *variables = json_object();
  read_client(work, client, variables);
  return variables;
}

json_t *mv_variables_of_order(struct mv_work *work, int64_t order) {
  json_t *variables = json_object();
  read_order(work, order, variables);
  return variables;
}

/* What is to be saved, made ready once for all clients. */
struct assignment {
  int64_t name;
  bool in_client; /* or in its current order */
  struct mv_cell cell;
};

/* To be freed with free_assignments; NULL when it failed. */
static struct assignment *assignments_of(struct mv_work *work, const json_t *variables) {
  struct assignment *list = calloc(json_object_size(variables) + 1, sizeof *list);
  const char *name;
  json_t *value;
  bool failed = !list;
  size_t i = 0;
  json_object_foreach((json_t *)variables, name, value) {
    if (!failed) {
      list[i].in_client = strncmp(name, "client.", 7) == 0;
      list[i].name = mv_names_get(work, list[i].in_client ? name + 7 : name);
      failed = mv_cell_of(value, &list[i++].cell) != 0;
    }
  }
  if (failed) {
    mv_db_fail(work->db, "out of memory");
  }
  return list;
}

static void free_assignments(struct assignment *list, const json_t *variables) {
  for (size_t i = 0; list && i < json_object_size(variables); i++) {
    mv_cell_free(&list[i].cell);
  }
  free(list);
}

static void assign(struct mv_work *work, int64_t client, const struct assignment *list,
                   size_t count) {
  int64_t order = 0;
  for (size_t i = 0; !work->db->failed && i < count; i++) {
    if (list[i].in_client) {
      store(work, &of_client, client, list[i].name, &list[i].cell);
    } else {
      order = order ? order : mv_orders_needed(work, client);
      store(work, &of_order, order, list[i].name, &list[i].cell);
    }
  }
  mv_work_touch(work, client);
}

void mv_variables_save_all(struct mv_work *work, int64_t client, const json_t *variables) {
  struct assignment *list = assignments_of(work, variables);
  assign(work, client, list, json_object_size(variables));
  free_assignments(list, variables);
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
  bool one = mv_param(ask, "client_id") != NULL;
  if ((one && mv_clients_asked(ask, 404, &id)) || check_clients(ask, clients)) {
    return;
  }
  struct assignment *list = assignments_of(ask->work, variables);
  if (one) {
    assign(ask->work, id, list, json_object_size(variables));
  }
  for (size_t i = 0; i < json_array_size(clients); i++) {
    mv_params_id_of(json_array_get(clients, i), &id);
    assign(ask->work, id, list, json_object_size(variables));
  }
  free_assignments(list, variables);
  mv_answer_ok(ask);
}
