#include "sandbox/seed_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/clients.h"
#include "sandbox/managers.h"
#include "sandbox/messages.h"
#include "sandbox/orders.h"
#include "sandbox/variables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

int mv_seed_each(struct mv_work *work, int64_t owner, const struct mv_place *up,
                 const json_t *object, const char *name, mv_seed_loader load,
                 struct mv_error *err) {
  const json_t *list = json_object_get(object, name);
  for (size_t i = 0; i < json_array_size(list); i++) {
    struct mv_place at = {up, name, (long)i};
    if (load(work, owner, &at, json_array_get(list, i), err)) {
      return -1;
    }
  }
  return 0;
}

#define TAKEN "UNIQUE constraint failed: "

/* What must be unique, from SQLite's "clients.project, clients.platform_id": "platform_id". Whether
 * it need only be so within its project. */
static bool unique_members(const char *columns, char names[128]) {
  bool in_project = false;
  *names = '\0';
  for (const char *dot = strchr(columns, '.'); dot; dot = strchr(dot + 1, '.')) {
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(dot + 1, ", "), dot + 1);
    if (strcmp(name, "project") == 0) {
      in_project = true;
      continue;
    }
    strncat(names, *names ? ", " : "", 127 - strlen(names));
    strncat(names, name, 127 - strlen(names));
  }
  return in_project;
}

int mv_seed_stored(struct mv_work *work, const struct mv_place *at, struct mv_error *err) {
  if (!work->db->failed) {
    return 0;
  }
  const char *taken = strstr(work->db->error.text, TAKEN);
  if (!taken) {
    return mv_error_set(err, work->db->error.kind, "%s", work->db->error.text);
  }
  char names[128];
  bool in_project = unique_members(taken + strlen(TAKEN), names);
  mv_db_forget(work->db); /* the seed's fault, and no failure of the database */
  return mv_shape_fault(at, NULL, err, "there is one with the same %s already%s", names,
                        in_project ? "" : ", in this project or another");
}

int64_t mv_seed_integer(const json_t *object, const char *name, int64_t absent) {
  const json_t *value = json_object_get(object, name);
  return json_is_integer(value) ? json_integer_value(value) : absent;
}

const char *mv_seed_text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

int mv_seed_choice(const struct mv_place *at, const json_t *object, const char *name,
                   const char *const *words, int *index, struct mv_error *err) {
  const char *text = mv_seed_text(object, name);
  if (!text) {
    return 0;
  }
  char list[128] = "";
  for (int i = 0; words[i]; i++) {
    if (strcmp(words[i], text) == 0) {
      *index = i;
      return 0;
    }
    strncat(list, i ? ", " : "", sizeof list - strlen(list) - 1);
    strncat(list, words[i], sizeof list - strlen(list) - 1);
  }
  return mv_shape_fault(at, name, err, "takes one of %s", list);
}

int mv_seed_state(struct mv_work *work, const struct mv_place *at, const json_t *object,
                  int64_t *state, struct mv_error *err) {
  const json_t *value = json_object_get(object, "state");
  if (!value || json_is_null(value)) {
    return 0;
  }
  if (json_is_integer(value)) {
    *state = json_integer_value(value);
    return mv_orders_has_state(work, *state)
               ? 0
               : mv_shape_fault(at, "state", err, "there is no state with this id");
  }
  *state = mv_db_integer(work->db, 0,
                         "SELECT s.id FROM states s JOIN funnels f ON f.id = s.funnel "
                         "WHERE f.project = ? AND s.name = ? ORDER BY f.position LIMIT 1",
                         "it", work->project, json_string_value(value));
  return *state ? 0 : mv_shape_fault(at, "state", err, "there is no state with this name");
}

/* Unix seconds of a member as ms, or the sandbox's now. */
static int64_t moment(struct mv_work *work, const json_t *object, const char *name) {
  int64_t seconds = mv_seed_integer(object, name, INT64_MIN);
  return seconds > INT64_MIN / 1000 && seconds < INT64_MAX / 1000 ? seconds * 1000 : work->now;
}

static int load_order(struct mv_work *work, int64_t owner, const struct mv_place *at,
                      const json_t *order, struct mv_error *err) {
  static const struct mv_shape shapes[] = {
      {"id", MV_SHAPE_ID, false},        {"state", MV_SHAPE_KEY, false},
      {"name", MV_SHAPE_TEXT, false},         {"description", MV_SHAPE_TEXT, false},
      {"budget", MV_SHAPE_SCALAR, false},     {"variables", MV_SHAPE_OBJECT, false},
      {"created_at", MV_SHAPE_TIME, false}};
  int64_t state = 0;
  if (mv_shape_check(at, order, shapes, COUNT(shapes), err) ||
      mv_seed_state(work, at, order, &state, err)) {
    return -1;
  }
  int64_t created = moment(work, order, "created_at");
  mv_db_run(work->db,
            "INSERT INTO orders (id, client, state, status, name, description, budget, created_at, "
            "updated_at) VALUES (?, ?, nullif(?, 0), "
            "coalesce((SELECT outcome FROM states WHERE id = ?), 0), ?, ?, ?, ?, ?)",
            "viiittjii", json_object_get(order, "id"), owner, state, state,
            mv_seed_text(order, "name"), mv_seed_text(order, "description"),
            json_object_get(order, "budget"), created, created);
  if (mv_seed_stored(work, at, err)) {
    return -1;
  }
  int64_t id = mv_db_last_id(work->db);
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(order, "variables"), name, value) {
    mv_variables_set_order(work, id, name, value);
  }
  return mv_seed_stored(work, at, err);
}

static int load_message(struct mv_work *work, int64_t owner, const struct mv_place *at,
                        const json_t *message, struct mv_error *err) {
  static const struct mv_shape shapes[] = {{"from", MV_SHAPE_TEXT, true},
                                           {"text", MV_SHAPE_TEXT, false},
                                           {"attachments", MV_SHAPE_FILES, false},
                                           {"block", MV_SHAPE_ID, false},
                                           {"at", MV_SHAPE_TIME, false}};
  static const char *const senders[] = {"client", "bot", "api", "callback", "manager", NULL};
  static const int outside[] = {MV_FROM_NORMAL, MV_FROM_NORMAL, MV_FROM_API, MV_FROM_CALLBACK,
                                MV_FROM_CRM};
  int from = 0;
  if (mv_shape_check(at, message, shapes, COUNT(shapes), err) ||
      mv_seed_choice(at, message, "from", senders, &from, err)) {
    return -1;
  }
  bool input = from == 0 || from == 3;
  mv_db_run(work->db,
            "INSERT INTO messages (id, client, client_replica, from_outside, block, created_at, "
            "text, attachments, answered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "iiiivitji", mv_messages_next_id(work), owner, (int64_t)input, (int64_t)outside[from],
            json_object_get(message, "block"), moment(work, message, "at"),
            mv_seed_text(message, "text"), json_object_get(message, "attachments"),
            (int64_t)!input);
  return mv_seed_stored(work, at, err);
}

static int store_client(struct mv_work *work, const struct mv_place *at, const json_t *client,
                        const char *group, const char *platform_id, struct mv_error *err) {
  int64_t created = moment(work, client, "created_at");
  mv_db_run(
      work->db,
      "INSERT INTO clients (id, project, client_type, group_id, platform_id, name, avatar, tag, "
      "paused, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "viitttttiii", json_object_get(client, "id"), work->project,
      mv_seed_integer(client, "client_type", 0), group, platform_id, mv_seed_text(client, "name"),
      mv_seed_text(client, "avatar"), mv_seed_text(client, "tag"),
      (int64_t)json_is_true(json_object_get(client, "paused")), created, created);
  return mv_seed_stored(work, at, err);
}

/* Whose the client is, and why nothing reaches it. */
static int load_marks(struct mv_work *work, int64_t id, const struct mv_place *at,
                      const json_t *client, struct mv_error *err) {
  const char *email = mv_seed_text(client, "manager");
  int64_t manager = email ? mv_managers_find(work, email) : 0;
  if (email && !manager) {
    return mv_shape_fault(at, "manager", err, "there is no manager with this e-mail");
  }
  const char *reason = mv_seed_text(client, "undeliverable");
  if (manager || reason) {
    mv_db_run(work->db, "UPDATE clients SET manager = nullif(?, 0), undeliverable = ? WHERE id = ?",
              "iti", manager, reason, id);
  }
  return 0;
}

static int load_parts(struct mv_work *work, const struct mv_place *at, const json_t *client,
                      struct mv_error *err) {
  int64_t id = mv_db_last_id(work->db);
  if (load_marks(work, id, at, client, err)) {
    return -1;
  }
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(client, "variables"), name, value) {
    mv_variables_set_client(work, id, name, value);
  }
  if (mv_seed_each(work, id, at, client, "orders", load_order, err) ||
      mv_seed_each(work, id, at, client, "messages", load_message, err)) {
    return -1;
  }
  return mv_seed_stored(work, at, err);
}

int mv_seed_client(struct mv_work *work, int64_t owner, const struct mv_place *at,
                   const json_t *client, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {
      {"id", MV_SHAPE_ID, false},         {"client_type", MV_SHAPE_SMALL, true},
      {"group_id", MV_SHAPE_SCALAR, true},     {"platform_id", MV_SHAPE_KEY, true},
      {"name", MV_SHAPE_TEXT, false},          {"avatar", MV_SHAPE_TEXT, false},
      {"tag", MV_SHAPE_TEXT, false},           {"paused", MV_SHAPE_BOOLEAN, false},
      {"created_at", MV_SHAPE_TIME, false}, {"variables", MV_SHAPE_OBJECT, false},
      {"orders", MV_SHAPE_OBJECTS, false},     {"messages", MV_SHAPE_OBJECTS, false},
      {"manager", MV_SHAPE_TEXT, false},       {"undeliverable", MV_SHAPE_TEXT, false}};
  if (mv_shape_check(at, client, shapes, COUNT(shapes), err)) {
    return -1;
  }
  char *group = mv_json_scalar_text(json_object_get(client, "group_id"));
  char *given = mv_json_scalar_text(json_object_get(client, "platform_id"));
  int type = (int)mv_seed_integer(client, "client_type", 0);
  char *platform_id = given ? mv_clients_platform_id(type, given) : NULL;
  int bad = platform_id && !*platform_id
                ? mv_shape_fault(at, "platform_id", err, "takes a phone number")
                : store_client(work, at, client, group, platform_id, err) ||
                      load_parts(work, at, client, err);
  free(group);
  free(given);
  free(platform_id);
  return bad ? -1 : 0;
}
