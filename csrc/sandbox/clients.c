#include "sandbox/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/inside.h"
#include "sandbox/lists.h"
#include "sandbox/pages.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"
#include "sandbox/variables.h"

bool mv_clients_exists(struct mv_work *work, int64_t id) {
  return mv_db_integer(work->db, 0, "SELECT 1 FROM clients WHERE id = ? AND project = ?", "ii", id,
                       work->project) == 1;
}

int mv_clients_type(struct mv_work *work, int64_t id) {
  return (int)mv_db_integer(work->db, -1, "SELECT client_type FROM clients WHERE id = ?", "i", id);
}

int mv_clients_asked(struct mv_ask *ask, unsigned status, int64_t *id) {
  if (mv_param_id(ask, "client_id", id) < 0) {
    return -1;
  }
  if (!mv_clients_exists(ask->work, *id)) {
    mv_answer_word(ask, status, "client_not_found");
    return -1;
  }
  return 0;
}

char *mv_clients_platform_id(int client_type, const char *given) {
  char *id = mv_strdup(given);
  if (id && client_type == MV_WHATSAPP) {
    char *to = id;
    for (const char *from = given; *from && *from != '@'; from++) {
      if (*from >= '0' && *from <= '9') {
        *to++ = *from;
      }
    }
    *to = '\0';
  }
  return id;
}

int64_t mv_clients_at(struct mv_work *work, int client_type, const char *group,
                      const char *platform_id) {
  return mv_db_integer(work->db, 0,
                       "SELECT id FROM clients WHERE project = ? AND platform_id = ? "
                       "AND client_type = ? AND group_id = ?",
                       "itit", work->project, platform_id, (int64_t)client_type, group);
}

int64_t mv_clients_add(struct mv_work *work, int client_type, const char *group,
                       const char *platform_id, const char *name) {
  mv_db_run(work->db,
            "INSERT INTO clients (project, client_type, group_id, platform_id, name, created_at, "
            "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            "iitttii", work->project, (int64_t)client_type, group, platform_id, name, work->now,
            work->now);
  return mv_db_last_id(work->db);
}

void mv_clients_name(struct mv_work *work, int64_t id, const char *name) {
  if (name && *name) {
    mv_db_run(work->db, "UPDATE clients SET name = ? WHERE id = ? AND coalesce(name, '') = ''",
              "ti", name, id);
  }
}

void mv_clients_pause(struct mv_work *work, int64_t id, bool paused) {
  mv_db_run(work->db, "UPDATE clients SET paused = ? WHERE id = ?", "ii", (int64_t)paused, id);
}

json_t *mv_clients_told(struct mv_work *work, int64_t id) {
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT id, platform_id, client_type, name, avatar, "
                                    "created_at / 1000, tag, group_id FROM clients WHERE id = ?",
                                    "i", id);
  if (!mv_db_step(work->db, row)) {
    return json_null();
  }
  json_t *client =
      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", mv_db_number(row, 0), "recepient",
                mv_db_text(row, 1), "client_type", mv_db_number(row, 2), "name", mv_db_text(row, 3),
                "avatar", mv_db_text(row, 4), "created_at", mv_db_number(row, 5), "tag",
                mv_db_text(row, 6), "group", mv_db_text(row, 7));
  mv_db_reset(row);
  json_object_set_new(client, "variables", mv_variables_of_client(work, id));
  return client;
}

/* One item of load_clients: the client it names, made if there is none. */
static int64_t load(struct mv_ask *ask, const json_t *item) {
  int64_t type = 0;
  mv_params_id_of(json_object_get(item, "client_type"), &type);
  char *group = mv_json_scalar_text(json_object_get(item, "group_id"));
  char *given = mv_json_scalar_text(json_object_get(item, "platform_id"));
  char *platform_id = given ? mv_clients_platform_id((int)type, given) : NULL;
  int64_t id = 0;
  if (group && platform_id) {
    id = mv_clients_at(ask->work, (int)type, group, platform_id);
    if (!id) {
      id = mv_clients_add(ask->work, (int)type, group, platform_id, NULL);
    }
  } else {
    mv_db_fail(ask->db, "out of memory");
  }
  free(group);
  free(given);
  free(platform_id);
  return id;
}

enum { LAST_TYPE = 32767 }; /* of a messenger, known or not */

static int refuse_item(struct mv_ask *ask, size_t index, const char *name, const char *takes) {
  mv_answer_fail(ask, 400, "Parameter \"items[%zu].%s\" takes %s", index, name, takes);
  return -1;
}

/* That the types are ones, and the numbers of WhatsApp have digits. */
static int check_items(struct mv_ask *ask, const json_t *items) {
  for (size_t i = 0; i < json_array_size(items); i++) {
    const json_t *item = json_array_get(items, i);
    int64_t type = 0;
    mv_params_id_of(json_object_get(item, "client_type"), &type);
    if (type > LAST_TYPE) {
      return refuse_item(ask, i, "client_type", "an integer, 0 to 32767");
    }
    char *given = mv_json_scalar_text(json_object_get(item, "platform_id"));
    char *kept = given ? mv_clients_platform_id((int)type, given) : NULL;
    bool good = kept && *kept;
    free(given);
    free(kept);
    if (!good) {
      return refuse_item(ask, i, "platform_id", "a phone number");
    }
  }
  return 0;
}

void mv_clients_load(struct mv_ask *ask) {
  static const char *const echoed[] = {"platform_id", "group_id", "client_type"};
  json_t *items = mv_param(ask, "items");
  if (check_items(ask, items)) {
    return;
  }
  json_t *loaded = json_array();
  for (size_t i = 0; i < json_array_size(items); i++) {
    json_t *item = json_array_get(items, i);
    json_t *out = json_object();
    for (size_t e = 0; e < 3; e++) {
      json_object_set(out, echoed[e], json_object_get(item, echoed[e]));
    }
    json_object_set_new(out, "status", json_string("success"));
    json_object_set_new(out, "id", json_integer(load(ask, item)));
    json_array_append_new(loaded, out);
  }
  mv_answer_result(ask, "items", loaded);
}

/* Unix seconds, or "2026-09-09 10:25:47.198713" (UTC) by setting date_style. */
json_t *mv_clients_date(int64_t ms, bool as_text) {
  if (!as_text) {
    return json_integer(ms / 1000);
  }
  time_t seconds = (time_t)(ms / 1000);
  struct tm parts;
  char day[40], text[64];
  gmtime_r(&seconds, &parts);
  strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &parts);
  snprintf(text, sizeof text, "%s.%06d", day, (int)(ms % 1000) * 1000);
  return json_string(text);
}

static json_t *listed(struct mv_ask *ask, struct mv_stmt *row, bool as_text) {
  const struct mv_touches *touches = ask->work->sandbox->touches;
  int64_t updated = mv_touches_get(touches, mv_sql_int(row, 0), mv_sql_int(row, 7));
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", //
                   "id", mv_db_number(row, 0), "platform_id", mv_db_text(row, 1),       //
                   "client_type", mv_db_number(row, 2), "name", mv_db_text(row, 3),     //
                   "avatar", mv_db_text(row, 4), "message_id", mv_db_number(row, 5),    //
                   "project_id", (json_int_t)ask->work->project,                        //
                   "created_at", mv_clients_date(mv_sql_int(row, 6), as_text),          //
                   "updated_at", mv_clients_date(updated, as_text),                     //
                   "custom_answer", mv_db_text(row, 8), "tag", mv_db_text(row, 9),      //
                   "group", mv_db_text(row, 10), "operator_start_dialog", mv_db_number(row, 11));
}

#define LISTED                                                                                     \
  "SELECT id, platform_id, client_type, name, avatar, block, created_at, updated_at, "             \
  "custom_answer, tag, group_id, operator_start_dialog FROM clients WHERE project = ? "

/* NULL: there are not that many. */
static struct mv_stmt *all_clients(struct mv_ask *ask, int64_t limit, int64_t offset) {
  struct mv_page page;
  bool reverse = mv_param_true(ask, "reverse");
  if (!mv_pages_find(ask->work, offset, reverse, &page)) {
    return NULL;
  }
  return mv_db_query(ask->db,
                     reverse ? LISTED "AND id >= ? ORDER BY id LIMIT ? OFFSET ?"
                             : LISTED "AND id <= ? ORDER BY id DESC LIMIT ? OFFSET ?",
                     "iiii", ask->work->project, page.first, limit, page.skip);
}

static struct mv_stmt *clients_of_list(struct mv_ask *ask, int64_t list, int64_t limit,
                                       int64_t offset) {
  return mv_db_query(ask->db,
                     LISTED "AND id IN (SELECT client FROM list_members WHERE list = ?) "
                            "ORDER BY id DESC LIMIT ? OFFSET ?",
                     "iiii", ask->work->project, list, limit, offset);
}

void mv_clients_list(struct mv_ask *ask) {
  bool as_text = mv_settings_is(ask->work, "date_style", "text");
  int64_t list, limit = mv_param_integer(ask, "limit", 500);
  int64_t offset = mv_param_integer(ask, "offset", 0);
  bool of_list = mv_param(ask, "list") != NULL;
  if (of_list && mv_lists_asked(ask, "list", &list)) {
    return;
  }
  struct mv_stmt *row =
      of_list ? clients_of_list(ask, list, limit, offset) : all_clients(ask, limit, offset);
  json_t *clients = json_array();
  while (mv_db_step(ask->db, row)) {
    json_array_append_new(clients, listed(ask, row, as_text));
  }
  mv_answer_result(ask, "clients", clients);
}

void mv_clients_delete(struct mv_ask *ask) {
  json_t *ids = mv_clients_given(ask, "client_ids");
  if (!ids) {
    return;
  }
  for (size_t i = 0; i < json_array_size(ids); i++) {
    mv_db_run(ask->db, "DELETE FROM clients WHERE id = ?", "i",
              json_integer_value(json_array_get(ids, i)));
  }
  json_decref(ids);
  mv_answer_success(ask);
}
