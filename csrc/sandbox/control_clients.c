/* What the platform shows of a client but tells nobody by its API: pause, employee, lists. */
#include "sandbox/clients.h"
#include "sandbox/control_parts.h"
#include "sandbox/managers.h"
#include "sandbox/params.h"

int64_t mv_control_client(struct mv_control *c, const json_t *object) {
  int64_t client;
  if (!mv_params_id_of(json_object_get(object, "client_id"), &client)) {
    mv_control_fail(c, 400, json_object_get(object, "client_id")
                                ? "client_id: takes the id of a client"
                                : "client_id required");
    return 0;
  }
  if (!mv_clients_exists(&c->work, client)) {
    mv_control_fail(c, 404, "client_id: there is no such client");
    return 0;
  }
  return client;
}

static json_t *lists_of(struct mv_work *work, int64_t client) {
  json_t *lists = json_array();
  struct mv_stmt *row = mv_db_query(
      work->db, "SELECT list FROM list_members WHERE client = ? ORDER BY list", "i", client);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(lists, mv_db_number(row, 0));
  }
  return lists;
}

static void answer_client(struct mv_control *c, int64_t id) {
  json_t *client = mv_clients_told(&c->work, id);
  struct mv_stmt *row =
      mv_db_query(c->work.db,
                  "SELECT paused, undeliverable, (SELECT email FROM managers WHERE id = manager) "
                  "FROM clients WHERE id = ?",
                  "i", id);
  if (mv_db_step(c->work.db, row)) {
    json_object_set_new(client, "paused", json_boolean((int)mv_sql_int(row, 0)));
    json_object_set_new(client, "undeliverable", mv_db_text(row, 1));
    json_object_set_new(client, "manager", mv_db_text(row, 2));
    mv_db_reset(row);
  }
  json_object_set_new(client, "lists", lists_of(&c->work, id));
  mv_control_answer(c, json_pack("{s:o}", "client", client));
}

void mv_control_get_client(struct mv_control *c) {
  int64_t client = mv_control_client(c, c->query);
  if (client) {
    answer_client(c, client);
  }
}

/* The member, unless it is there and of a wrong type: then -1 (answered). null is a text, too. */
static int check(struct mv_control *c, const char *name, bool text) {
  const json_t *value = json_object_get(c->body, name);
  bool good = text ? json_is_string(value) || json_is_null(value) : json_is_boolean(value);
  if (value && !good) {
    mv_control_fail(c, 400, "%s: takes %s", name, text ? "a text or null" : "true or false");
    return -1;
  }
  return 0;
}

/* Sets "undeliverable" and "manager", as far as they are there. */
static void mark(struct mv_control *c, int64_t client) {
  const json_t *reason = json_object_get(c->body, "undeliverable");
  const json_t *email = json_object_get(c->body, "manager");
  const char *name = json_string_value(email);
  int64_t manager = name ? mv_managers_find(&c->work, name) : 0;
  if (name && !manager) {
    mv_control_fail(c, 404, "manager: there is no such employee");
    return;
  }
  if (reason) {
    mv_db_run(c->work.db, "UPDATE clients SET undeliverable = ? WHERE id = ?", "ti",
              json_string_value(reason), client);
  }
  if (email) {
    mv_db_run(c->work.db, "UPDATE clients SET manager = nullif(?, 0) WHERE id = ?", "ii", manager,
              client);
  }
}

void mv_control_post_client(struct mv_control *c) {
  int64_t client = mv_control_client(c, c->body);
  if (!client || check(c, "paused", false) || check(c, "undeliverable", true) ||
      check(c, "manager", true)) {
    return;
  }
  const json_t *paused = json_object_get(c->body, "paused");
  if (paused) {
    mv_clients_pause(&c->work, client, json_is_true(paused));
  }
  mark(c, client);
  if (!c->failed) {
    answer_client(c, client);
  }
}
