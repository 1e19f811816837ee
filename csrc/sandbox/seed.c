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
 * Several projects: {"projects": [ … ]}, each as above.
 *
 * from: "client", "bot", "api", "callback", "manager"; undeliverable: why nothing that is sent to
 * the client arrives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/json.h"
#include "sandbox/blocks.h"
#include "sandbox/clients.h"
#include "sandbox/fold.h"
#include "sandbox/keys.h"
#include "sandbox/lists.h"
#include "sandbox/messages.h"
#include "sandbox/projects.h"
#include "sandbox/seed_parts.h"
#include "sandbox/settings.h"
#include "sandbox/shape.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIRST_PROJECT 424757

/* ---- project, settings, keys ---- */

static int load_project(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                        struct mv_error *err) {
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_ID, false},
                                           {"name", MV_SHAPE_TEXT, false}};
  const struct mv_place at = {up, "project", -1};
  const json_t *project = json_object_get(seed, "project");
  if (project && mv_shape_check(&at, project, shapes, COUNT(shapes), err)) {
    return -1;
  }
  const char *name = json_string_value(json_object_get(project, "name"));
  int64_t next = mv_db_integer(work->db, FIRST_PROJECT, "SELECT max(id) + 1 FROM projects", "");
  work->project = mv_seed_integer(project, "id", next);
  mv_projects_add(work->db, work->project, name ? name : "Sandbox");
  return mv_seed_stored(work, &at, err);
}

static int set_settings(struct mv_work *work, const struct mv_place *up, const json_t *settings,
                        struct mv_error *err) {
  const struct mv_place at = {up, "settings", -1};
  struct mv_error why;
  if (mv_settings_set(work, settings, &why)) {
    char *colon = strstr(why.text, ": "); /* "ok_body: takes …" */
    if (colon) {
      *colon = '\0';
    }
    return mv_shape_fault(&at, colon ? why.text : NULL, err, "%s", colon ? colon + 2 : why.text);
  }
  return 0;
}

static int load_settings(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                         json_t *webhook_url, struct mv_error *err) {
  const json_t *settings = json_object_get(seed, "settings");
  json_t *kept = json_pack("{s:O?}", "webhook_url", webhook_url);
  int bad = webhook_url && set_settings(work, up, kept, err);
  json_decref(kept);
  return bad || (settings && set_settings(work, up, settings, err)) ? -1 : 0;
}

static int load_key(struct mv_work *work, int64_t owner, const struct mv_place *at,
                    const json_t *key, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {{"key", MV_SHAPE_TEXT, true},
                                           {"permissions", MV_SHAPE_LIST, true}};
  const char *name = mv_seed_text(key, "key");
  int64_t permissions;
  if (mv_shape_check(at, key, shapes, COUNT(shapes), err)) {
    return -1;
  }
  if (!mv_keys_are_well_formed(name)) {
    return mv_shape_fault(at, "key", err, "takes " MV_KEYS_TAKE);
  }
  if (mv_keys_permissions(json_object_get(key, "permissions"), &permissions)) {
    return mv_shape_fault(at, "permissions", err, "takes R, W, X, CR and CW");
  }
  mv_keys_add(work, name, permissions);
  return mv_seed_stored(work, at, err);
}

/* Without any: "sandbox", and for further projects "sandbox-<id>", which may do everything. */
static int load_keys(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                     struct mv_error *err) {
  if (json_array_size(json_object_get(seed, "keys"))) {
    return mv_seed_each(work, 0, up, seed, "keys", load_key, err);
  }
  char name[64] = "sandbox";
  if (mv_keys_exists(work, name)) {
    snprintf(name, sizeof name, "sandbox-%lld", (long long)work->project);
  }
  const struct mv_place at = {up, "keys", -1};
  mv_keys_add(work, name, MV_KEYS_ALL);
  return mv_seed_stored(work, &at, err);
}

/* ---- channels, funnels, blocks ---- */

static int load_channel(struct mv_work *work, int64_t owner, const struct mv_place *at,
                        const json_t *channel, struct mv_error *err) {
  (void)owner;
  static const struct mv_shape shapes[] = {
      {"id", MV_SHAPE_ID, false},      {"client_type", MV_SHAPE_SMALL, true},
      {"group_id", MV_SHAPE_SCALAR, true},  {"name", MV_SHAPE_TEXT, true},
      {"enabled", MV_SHAPE_BOOLEAN, false}, {"status", MV_SHAPE_SMALL, false}};
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
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_ID, false},
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
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_ID, false},
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
      {"id", MV_SHAPE_ID, false},           {"condition", MV_SHAPE_TEXT, true},
      {"match", MV_SHAPE_TEXT, false},           {"answer", MV_SHAPE_TEXT, false},
      {"buttons", MV_SHAPE_BUTTONS, false},          {"attachments", MV_SHAPE_FILES, false},
      {"variables", MV_SHAPE_OBJECT, false},     {"state", MV_SHAPE_KEY, false},
      {"message_type", MV_SHAPE_SMALL, false}, {"description", MV_SHAPE_TEXT, false},
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
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_ID, false},
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
  static const struct mv_shape shapes[] = {{"id", MV_SHAPE_ID, false},
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

/* ---- all of a project ---- */

static int load_parts(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                      struct mv_error *err) {
  static const struct {
    const char *name;
    mv_seed_loader load;
  } parts[] = {{"channels", load_channel}, {"funnels", load_funnel},    {"blocks", load_block},
               {"managers", load_manager}, {"clients", mv_seed_client}, {"lists", load_list}};
  for (size_t i = 0; i < COUNT(parts); i++) {
    if (mv_seed_each(work, 0, up, seed, parts[i].name, parts[i].load, err)) {
      return -1;
    }
  }
  return 0;
}

int mv_seed_project(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                    json_t *webhook_url, struct mv_error *err) {
  static const struct mv_shape shapes[] = {
      {"project", MV_SHAPE_OBJECT, false},  {"settings", MV_SHAPE_OBJECT, false},
      {"keys", MV_SHAPE_OBJECTS, false},    {"channels", MV_SHAPE_OBJECTS, false},
      {"funnels", MV_SHAPE_OBJECTS, false}, {"blocks", MV_SHAPE_OBJECTS, false},
      {"clients", MV_SHAPE_OBJECTS, false}, {"managers", MV_SHAPE_OBJECTS, false},
      {"lists", MV_SHAPE_OBJECTS, false}};
  if (mv_shape_check(up, seed, shapes, COUNT(shapes), err) || load_project(work, up, seed, err) ||
      load_settings(work, up, seed, webhook_url, err) || load_keys(work, up, seed, err) ||
      load_parts(work, up, seed, err)) {
    return -1;
  }
  return work->db->failed ? mv_error_set(err, MV_ERROR_SYSTEM, "%s", work->db->error.text) : 0;
}
