/* Projects and their keys. */
#include <string.h>

#include "sandbox/control_parts.h"
#include "sandbox/keys.h"
#include "sandbox/seed.h"

/* ---- keys ---- */

void mv_control_get_keys(struct mv_control *c) {
  mv_control_answer(c, json_pack("{s:o}", "keys", mv_keys_list(&c->work, c->work.project)));
}

/* The key that is wanted, or one of our making; NULL when it was answered. */
static const char *wanted_key(struct mv_control *c, char made[33]) {
  json_t *given = json_object_get(c->body, "key");
  const char *key = json_string_value(given);
  if (!given || json_is_null(given)) {
    if (mv_keys_make(made)) {
      mv_control_fail(c, 500, "no randomness to be had");
      return NULL;
    }
    return made;
  }
  if (!key || strlen(key) != json_string_length(given) || !mv_keys_are_well_formed(key)) {
    mv_control_fail(c, 400, "key: takes " MV_KEYS_TAKE);
    return NULL;
  }
  if (mv_keys_exists(&c->work, key)) {
    mv_control_fail(c, 409, "key: there is one of this name already");
    return NULL;
  }
  return key;
}

void mv_control_post_keys(struct mv_control *c) {
  json_t *names = json_object_get(c->body, "permissions");
  int64_t permissions;
  char made[33];
  if (mv_keys_permissions(names, &permissions)) {
    mv_control_fail(c, 400, "permissions: takes a list of R, W, X, CR and CW");
    return;
  }
  const char *key = wanted_key(c, made);
  if (key) {
    mv_keys_add(&c->work, key, permissions);
    mv_control_answer(c, json_pack("{s:s, s:O}", "key", key, "permissions", names));
  }
}

void mv_control_delete_keys(struct mv_control *c) {
  const char *key = json_string_value(json_object_get(c->query, "key"));
  if (!key) {
    mv_control_fail(c, 400, "key required: DELETE /_sandbox/keys?key=");
  } else if (!mv_keys_remove(&c->work, key)) {
    mv_control_fail(c, 404, "key: the project has no such key");
  } else {
    mv_control_answer(c, json_pack("{s:s}", "status", "success"));
  }
}

/* ---- projects ---- */

static json_t *described(struct mv_work *work, int64_t id, json_t *name) {
  return json_pack("{s:I, s:o, s:o}", "id", (json_int_t)id, "name", name, "keys",
                   mv_keys_list(work, id));
}

void mv_control_get_projects(struct mv_control *c) {
  json_t *list = json_array();
  struct mv_stmt *row = mv_db_query(
      c->work.db, "SELECT id, name FROM projects WHERE ? IN (0, id) ORDER BY id", "i", c->project);
  while (mv_db_step(c->work.db, row)) {
    json_array_append_new(list, described(&c->work, mv_sql_int(row, 0), mv_db_text(row, 1)));
  }
  mv_control_answer(c, json_pack("{s:o}", "projects", list));
}

void mv_control_post_projects(struct mv_control *c) {
  struct mv_error err;
  if (mv_seed_add(&c->work, c->body, &err)) {
    mv_control_fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  mv_control_answer(c, json_pack("{s:I, s:o}", "id", (json_int_t)c->work.project, "keys",
                                 mv_keys_list(&c->work, c->work.project)));
}

void mv_control_delete_projects(struct mv_control *c) {
  if (!c->project) {
    mv_control_fail(c, 400, "project required: DELETE /_sandbox/projects?project=");
    return;
  }
  if (mv_db_integer(c->work.db, 0, "SELECT count(*) FROM projects", "") < 2) {
    mv_control_fail(c, 409, "project: the last one stays");
    return;
  }
  mv_db_run(c->work.db, "DELETE FROM projects WHERE id = ?", "i", c->project);
  mv_control_answer(c, json_pack("{s:s}", "status", "success"));
}
