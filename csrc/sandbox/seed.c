/* A seed is one JSON object; every part may be left out, times are unix seconds, ids that are left
 * out are given. `state` is the id of a state, or its name in the first funnel that has it.
 *
 *   {"project": {"id": 424757, "name": "Shop"},
 *    "settings": {"ok_body": "text"},                        as for POST /_sandbox/settings
 *    "keys": [{"key": "sandbox", "permissions": ["R", "W", "X", "CR", "CW"]}],   this one if none
 *    "channels": [{"id": 23, "client_type": 1, "group_id": "shop_bot", "name": "Shop",
 *                  "enabled": true, "status": 1}],
 *    "funnels": [{"id": 7, "name": "Sales", "states": [
 *                  {"id": 1001, "name": "New", "outcome": "active"}]}],     or "won", "lost"
 *    "blocks": [{"id": 390, "condition": "/start", "match": "exact",        or "contains",
 * "first_word" "answer": "Hello!", "buttons": [], "attachments": [], "variables":
 * {"client.greeted": true}, "state": "New", "pause": false, "message_type": 0,
 *                 "description": "greets"}],
 *    "managers": [{"id": 12486, "email": "eva@shop.example", "name": "Eva"}],
 *    "clients": [{"id": 836058546, "client_type": 1, "group_id": "shop_bot", "platform_id":
 * "6253651200", "name": "Ada", "avatar": null, "tag": null, "paused": false,
 *                 "manager": "eva@shop.example", "undeliverable": null, "created_at": 1609867984,
 * "variables": {"city": "Oslo"}, "orders": [{"id": 40632, "state": "New", "name": "tea",
 * "description": null, "budget": 12, "created_at": 1609867984, "variables": {"size": 2}}],
 *                 "messages": [{"from": "client", "text": "Hi", "attachments": [],
 *                               "at": 1609867984}]}],
 *    "lists": [{"id": 12, "name": "VIP", "clients": [836058546]}]}
 *
 * from: "client", "bot", "api", "callback", "manager"; undeliverable: why nothing that is sent to
 * the client arrives.
 */
#include "sandbox/seed.h"

#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/json.h"
#include "sandbox/blocks.h"
#include "sandbox/clients.h"
#include "sandbox/data.h"
#include "sandbox/fold.h"
#include "sandbox/lists.h"
#include "sandbox/messages.h"
#include "sandbox/seed_parts.h"
#include "sandbox/settings.h"
#include "sandbox/shape.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIRST_PROJECT 424757
#define FIRST_CLIENT INT64_C(836058500)
#define FIRST_ORDER INT64_C(40600)

/* ---- project, settings, keys ---- */

static int load_project(struct mv_work *work, const json_t *seed, struct mv_error *err) {
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_INTEGER, false},
                                           {"name", MV_SHAPE_TEXT, false}};
  static const struct mv_place at = {NULL, "project", -1};
  const json_t *project = json_object_get(seed, "project");
  if (project && mv_shape_check(&at, project, shapes, COUNT(shapes), err)) {
    return -1;
  }
  const char *name = json_string_value(json_object_get(project, "name"));
  work->project = mv_seed_integer(project, "id", FIRST_PROJECT);
  mv_db_run(work->db, "INSERT INTO projects (id, name) VALUES (?, ?)", "it", work->project,
            name ? name : "Sandbox");
  return mv_seed_stored(work, &at, err);
}

static int load_settings(struct mv_work *work, const json_t *seed, json_t *webhook_url,
                         struct mv_error *err) {
  const json_t *settings = json_object_get(seed, "settings");
  json_t *kept = json_pack("{s:O?}", "webhook_url", webhook_url);
  int bad = webhook_url && mv_settings_set(work, kept, err);
  json_decref(kept);
  if (bad || (settings && mv_settings_set(work, settings, err))) {
    return mv_error_prefix(err, "settings");
  }
  return 0;
}

static int permission_bit(const char *name) {
  for (int p = MV_READ_CLIENTS; name && p <= MV_WRITE_CRM; p++) {
    if (strcmp(name, mv_permission_name((enum mv_permission)p)) == 0) {
      return 1 << p;
    }
  }
  return 0;
}

static int load_key(struct mv_work *work, int64_t owner, const struct mv_place *at,
                    const json_t *key, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {{"key", MV_SHAPE_TEXT, true},
                                           {"permissions", MV_SHAPE_LIST, true}};
  if (mv_shape_check(at, key, shapes, COUNT(shapes), err)) {
    return -1;
  }
  const json_t *names = json_object_get(key, "permissions");
  int64_t permissions = 0;
  for (size_t i = 0; i < json_array_size(names); i++) {
    int bit = permission_bit(json_string_value(json_array_get(names, i)));
    if (!bit) {
      return mv_shape_fault(at, "permissions", err, "takes R, W, X, CR and CW");
    }
    permissions |= bit;
  }
  mv_db_run(work->db, "INSERT INTO keys (key, project, permissions) VALUES (?, ?, ?)", "tii",
            mv_seed_text(key, "key"), work->project, permissions);
  return mv_seed_stored(work, at, err);
}

static int load_keys(struct mv_work *work, const json_t *seed, struct mv_error *err) {
  if (!json_array_size(json_object_get(seed, "keys"))) {
    mv_db_run(work->db, "INSERT INTO keys (key, project, permissions) VALUES ('sandbox', ?, 31)",
              "i", work->project);
    return 0;
  }
  return mv_seed_each(work, 0, NULL, seed, "keys", load_key, err);
}

/* ---- channels, funnels, blocks ---- */

static int load_channel(struct mv_work *work, int64_t owner, const struct mv_place *at,
                        const json_t *channel, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {
      {"id", MV_SHAPE_INTEGER, false},      {"client_type", MV_SHAPE_INTEGER, true},
      {"group_id", MV_SHAPE_SCALAR, true},  {"name", MV_SHAPE_TEXT, true},
      {"enabled", MV_SHAPE_BOOLEAN, false}, {"status", MV_SHAPE_INTEGER, false}};
  if (mv_shape_check(at, channel, shapes, COUNT(shapes), err)) {
    return -1;
  }
  mv_db_run(work->db,
            "INSERT INTO channels (id, project, client_type, group_id, name, enabled, status) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            "viivtii", json_object_get(channel, "id"), work->project,
            mv_seed_integer(channel, "client_type", 0), json_object_get(channel, "group_id"),
            mv_seed_text(channel, "name"),
            (int64_t)!json_is_false(json_object_get(channel, "enabled")),
            mv_seed_integer(channel, "status", 1));
  return mv_seed_stored(work, at, err);
}

static int load_state(struct mv_work *work, int64_t owner, const struct mv_place *at,
                      const json_t *state, struct mv_error *err) {
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_INTEGER, false},
                                           {"name", MV_SHAPE_TEXT, true},
                                           {"outcome", MV_SHAPE_TEXT, false}};
  static const char *const outcomes[] = {"active", "won", "lost", NULL};
  int outcome = 0;
  if (mv_shape_check(at, state, shapes, COUNT(shapes), err) ||
      mv_seed_choice(at, state, "outcome", outcomes, &outcome, err)) {
    return -1;
  }
  mv_db_run(work->db,
            "INSERT INTO states (id, funnel, name, position, outcome) VALUES (?, ?, ?, ?, ?)",
            "vitii", json_object_get(state, "id"), owner, mv_seed_text(state, "name"),
            (int64_t)at->index, (int64_t)outcome);
  return mv_seed_stored(work, at, err);
}

static int load_funnel(struct mv_work *work, int64_t owner, const struct mv_place *at,
                       const json_t *funnel, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_INTEGER, false},
                                           {"name", MV_SHAPE_TEXT, true},
                                           {"states", MV_SHAPE_OBJECTS, true}};
  if (mv_shape_check(at, funnel, shapes, COUNT(shapes), err)) {
    return -1;
  }
  mv_db_run(work->db, "INSERT INTO funnels (id, project, name, position) VALUES (?, ?, ?, ?)",
            "viti", json_object_get(funnel, "id"), work->project, mv_seed_text(funnel, "name"),
            (int64_t)at->index);
  if (mv_seed_stored(work, at, err)) {
    return -1;
  }
  return mv_seed_each(work, mv_db_last_id(work->db), at, funnel, "states", load_state, err);
}

static int store_block(struct mv_work *work, const struct mv_place *at, const json_t *block,
                       int match, int64_t state, struct mv_error *err) {
  char *folded = mv_fold(mv_seed_text(block, "condition"));
  mv_db_run(work->db,
            "INSERT INTO blocks (id, project, position, condition, folded, match, message_type, "
            "description, answer, buttons, attachments, variables, state, pause) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?)",
            "viittiittjjjii", json_object_get(block, "id"), work->project, (int64_t)at->index,
            mv_seed_text(block, "condition"), folded, (int64_t)match,
            mv_seed_integer(block, "message_type", 0), mv_seed_text(block, "description"),
            mv_seed_text(block, "answer"), json_object_get(block, "buttons"),
            json_object_get(block, "attachments"), json_object_get(block, "variables"), state,
            (int64_t)json_is_true(json_object_get(block, "pause")));
  free(folded);
  return mv_seed_stored(work, at, err);
}

static int load_block(struct mv_work *work, int64_t owner, const struct mv_place *at,
                      const json_t *block, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {
      {"id", MV_SHAPE_INTEGER, false},           {"condition", MV_SHAPE_TEXT, true},
      {"match", MV_SHAPE_TEXT, false},           {"answer", MV_SHAPE_TEXT, false},
      {"buttons", MV_SHAPE_ANY, false},          {"attachments", MV_SHAPE_LIST, false},
      {"variables", MV_SHAPE_OBJECT, false},     {"state", MV_SHAPE_KEY, false},
      {"message_type", MV_SHAPE_INTEGER, false}, {"description", MV_SHAPE_TEXT, false},
      {"pause", MV_SHAPE_BOOLEAN, false}};
  static const char *const matches[] = {"exact", "contains", "first_word", NULL};
  int match = MV_MATCH_EXACT;
  int64_t state = 0;
  if (mv_shape_check(at, block, shapes, COUNT(shapes), err) ||
      mv_seed_choice(at, block, "match", matches, &match, err) ||
      mv_seed_state(work, at, block, &state, err)) {
    return -1;
  }
  return store_block(work, at, block, match, state, err);
}

/* ---- managers, lists ---- */

static int load_manager(struct mv_work *work, int64_t owner, const struct mv_place *at,
                        const json_t *manager, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_INTEGER, false},
                                           {"email", MV_SHAPE_TEXT, true},
                                           {"name", MV_SHAPE_TEXT, false}};
  if (mv_shape_check(at, manager, shapes, COUNT(shapes), err)) {
    return -1;
  }
  mv_db_run(work->db, "INSERT INTO managers (id, project, email, name) VALUES (?, ?, ?, ?)", "vitt",
            json_object_get(manager, "id"), work->project, mv_seed_text(manager, "email"),
            mv_seed_text(manager, "name"));
  return mv_seed_stored(work, at, err);
}

static int load_list(struct mv_work *work, int64_t owner, const struct mv_place *at,
                     const json_t *list, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_INTEGER, false},
                                           {"name", MV_SHAPE_TEXT, false},
                                           {"clients", MV_SHAPE_LIST, false}};
  if (mv_shape_check(at, list, shapes, COUNT(shapes), err)) {
    return -1;
  }
  mv_db_run(work->db, "INSERT INTO lists (id, project, name) VALUES (?, ?, ?)", "vit",
            json_object_get(list, "id"), work->project, mv_seed_text(list, "name"));
  int64_t id = mv_db_last_id(work->db);
  const json_t *clients = json_object_get(list, "clients");
  for (size_t i = 0; i < json_array_size(clients); i++) {
    int64_t client = json_integer_value(json_array_get(clients, i));
    struct mv_place member = {at, "clients", (long)i};
    if (!mv_clients_exists(work, client)) {
      return mv_shape_fault(&member, NULL, err, "there is no client with this id");
    }
    mv_lists_add_member(work, id, client);
  }
  return mv_seed_stored(work, at, err);
}

/* ---- all of it ---- */

static void forget_all(struct mv_work *work) {
  /* what there is most of goes first and at once, not row by row */
  mv_db_script(work->db, "DELETE FROM order_variables; DELETE FROM variables;"
                         "DELETE FROM messages; DELETE FROM orders; DELETE FROM projects;"
                         "DELETE FROM sqlite_sequence WHERE name IN ('clients', 'orders')");
  mv_db_run(work->db,
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('clients', ?), ('orders', ?)", "ii",
            FIRST_CLIENT - 1, FIRST_ORDER - 1);
}

static int load_parts(struct mv_work *work, const json_t *seed, json_t *webhook_url,
                      struct mv_error *err) {
  if (load_project(work, seed, err) || load_settings(work, seed, webhook_url, err) ||
      load_keys(work, seed, err) ||
      mv_seed_each(work, 0, NULL, seed, "channels", load_channel, err) ||
      mv_seed_each(work, 0, NULL, seed, "funnels", load_funnel, err) ||
      mv_seed_each(work, 0, NULL, seed, "blocks", load_block, err) ||
      mv_seed_each(work, 0, NULL, seed, "managers", load_manager, err) ||
      mv_seed_each(work, 0, NULL, seed, "clients", mv_seed_client, err) ||
      mv_seed_each(work, 0, NULL, seed, "lists", load_list, err)) {
    return -1;
  }
  return work->db->failed ? mv_error_set(err, MV_ERROR_SYSTEM, "%s", work->db->error.text) : 0;
}

int mv_seed_load(struct mv_work *work, const json_t *seed, struct mv_error *err) {
  static const struct mv_shape shapes[] = {
      {"project", MV_SHAPE_OBJECT, false},  {"settings", MV_SHAPE_OBJECT, false},
      {"keys", MV_SHAPE_OBJECTS, false},    {"channels", MV_SHAPE_OBJECTS, false},
      {"funnels", MV_SHAPE_OBJECTS, false}, {"blocks", MV_SHAPE_OBJECTS, false},
      {"clients", MV_SHAPE_OBJECTS, false}, {"managers", MV_SHAPE_OBJECTS, false},
      {"lists", MV_SHAPE_OBJECTS, false}};
  if (!json_is_object(seed)) {
    return mv_error_set(err, MV_ERROR_USAGE, "takes an object");
  }
  if (mv_shape_check(NULL, seed, shapes, COUNT(shapes), err)) {
    return -1;
  }
  json_t *webhook_url = work->project ? mv_settings_get(work, "webhook_url") : NULL;
  forget_all(work);
  mv_messages_continue_ids(work);
  int result = load_parts(work, seed, webhook_url, err);
  json_decref(webhook_url);
  return result;
}

static int load_text(struct mv_work *work, const char *text, size_t length, struct mv_error *err) {
  json_t *seed = mv_json_parse(text, length, err);
  if (!seed) {
    err->kind = MV_ERROR_USAGE;
    return -1;
  }
  int result = mv_seed_load(work, seed, err);
  json_decref(seed);
  return result;
}

static int load_built_in(struct mv_work *work, struct mv_error *err) {
  return load_text(work, mv_sandbox_seed, strlen(mv_sandbox_seed), err);
}

int mv_seed_first(struct mv_work *work, const char *text, size_t length, struct mv_error *err) {
  if (!text) {
    return load_built_in(work, err);
  }
  mv_db_run(work->db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('seed', ?)", "s", text,
            length);
  return load_text(work, text, length, err);
}

int mv_seed_reset(struct mv_work *work, struct mv_error *err) {
  struct mv_stmt *row = mv_db_query(work->db, "SELECT value FROM meta WHERE name = 'seed'", "");
  if (!mv_db_step(work->db, row)) {
    return load_built_in(work, err);
  }
  char *text = mv_sql_text_dup(row, 0);
  mv_db_reset(row);
  int result = text ? load_text(work, text, strlen(text), err)
                    : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  free(text);
  return result;
}
