/* Whole seeds: one project or several, replacing everything or coming in addition. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/data.h"
#include "sandbox/messages.h"
#include "sandbox/projects.h"
#include "sandbox/seed.h"
#include "sandbox/seed_parts.h"
#include "sandbox/settings.h"

#define FIRST_CLIENT INT64_C(836058500)
#define FIRST_ORDER INT64_C(40600)

static void forget_all(struct mv_work *work) {
  /* what there is most of goes first and at once, not row by row */
  mv_db_script(work->db, "DELETE FROM order_variables; DELETE FROM variables;"
                         "DELETE FROM messages; DELETE FROM timeline; DELETE FROM orders;"
                         "DELETE FROM projects;"
                         "DELETE FROM sqlite_sequence WHERE name IN ('clients', 'orders')");
  mv_db_run(work->db,
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('clients', ?), ('orders', ?)", "ii",
            FIRST_CLIENT - 1, FIRST_ORDER - 1);
}

/* Where messages are told is not the seed's to decide, but that of whoever runs the test: project
 * by project, and the first one's at least. {id: url}. */
static json_t *webhook_urls(struct mv_work *work) {
  json_t *urls = json_object();
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT project, value FROM settings WHERE name = "
                                    "'webhook_url' ORDER BY project <> ?, project",
                                    "i", mv_projects_first(work->db));
  while (mv_db_step(work->db, row)) {
    json_object_set_new(urls, mv_sql_text(row, 0), mv_db_json(row, 1));
  }
  return urls;
}

static json_t *url_of(const json_t *urls, const json_t *seed, bool first) {
  const json_t *id = json_object_get(json_object_get(seed, "project"), "id");
  char *name = id ? mv_json_scalar_text(id) : NULL;
  json_t *url = name ? json_object_get(urls, name) : NULL;
  free(name);
  return url || !first ? url : json_object_iter_value(json_object_iter((json_t *)urls));
}

static int load_several(struct mv_work *work, const json_t *seed, const json_t *urls,
                        struct mv_error *err) {
  static const struct mv_shape shapes[] = {{"projects", MV_SHAPE_OBJECTS, true}};
  if (mv_shape_check(NULL, seed, shapes, 1, err)) {
    return -1;
  }
  const json_t *projects = json_object_get(seed, "projects");
  if (!json_array_size(projects)) {
    return mv_error_set(err, MV_ERROR_USAGE, "projects: takes at least one");
  }
  for (size_t i = 0; i < json_array_size(projects); i++) {
    struct mv_place at = {NULL, "projects", (long)i};
    const json_t *one = json_array_get(projects, i);
    if (mv_seed_project(work, &at, one, url_of(urls, one, i == 0), err)) {
      return -1;
    }
  }
  return 0;
}

int mv_seed_load(struct mv_work *work, const json_t *seed, struct mv_error *err) {
  if (!json_is_object(seed)) {
    return mv_error_set(err, MV_ERROR_USAGE, "takes an object");
  }
  json_t *urls = webhook_urls(work);
  forget_all(work);
  mv_messages_continue_ids(work);
  int result = json_object_get(seed, "projects")
                   ? load_several(work, seed, urls, err)
                   : mv_seed_project(work, NULL, seed, url_of(urls, seed, true), err);
  json_decref(urls);
  return result;
}

int mv_seed_add(struct mv_work *work, const json_t *seed, struct mv_error *err) {
  return mv_seed_project(work, NULL, seed, NULL, err);
}

/* ---- the first one ---- */

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
