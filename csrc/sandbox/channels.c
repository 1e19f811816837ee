#include "sandbox/channels.h"

#include "base/bytes.h"
#include "sandbox/clients.h"
#include "sandbox/facts.h"

/* Where a messenger stands in the answer, and how its bots' names are called there. */
static const struct messenger {
  const char *key;
  const char *name; /* member with the public name of the bot; NULL: has none */
  int client_type;
  bool has_status;
} messengers[] = {
    {"viber", "uri", 2, false},
    {"facebook", NULL, 3, false},
    {"telegram", "short_name", 1, false},
    {"whatsapp", NULL, 6, true},
    {"avito", NULL, 7, false},
    {"ok", NULL, 8, false},
    {"vkontakte", "group", 0, false},
    {"online_chat", NULL, 5, false},
};

int mv_channels_find(struct mv_work *work, const char *group, char **out) {
  int type = -1;
  struct mv_stmt *row =
      mv_db_query(work->db,
                  "SELECT client_type, CAST(group_id AS TEXT) FROM channels "
                  "WHERE project = ? AND (? IS NULL OR CAST(group_id AS TEXT) = ?) "
                  "ORDER BY id LIMIT 1",
                  "itt", work->project, group, group);
  *out = NULL;
  if (mv_db_step(work->db, row)) {
    type = (int)mv_sql_int(row, 0);
    *out = mv_strdup(mv_sql_text(row, 1));
    mv_db_reset(row);
  }
  return type;
}

char *mv_channels_group(struct mv_work *work, int client_type, const char *bot) {
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT CAST(group_id AS TEXT) FROM channels WHERE project = ? "
                                    "AND client_type = ? AND (? IS NULL OR "
                                    "CAST(group_id AS TEXT) = ? OR CAST(id AS TEXT) = ?) "
                                    "ORDER BY id LIMIT 1",
                                    "iittt", work->project, (int64_t)client_type, bot, bot, bot);
  if (!mv_db_step(work->db, row)) {
    return NULL;
  }
  char *group = mv_sql_text_dup(row, 0);
  mv_db_reset(row);
  return group;
}

bool mv_channels_has_whatsapp(struct mv_work *work) {
  return mv_db_integer(work->db, 0,
                       "SELECT 1 FROM channels WHERE project = ? AND client_type = ? "
                       "AND enabled = 1 AND status = 1",
                       "ii", work->project, (int64_t)MV_WHATSAPP) == 1;
}

bool mv_channels_all_open(struct mv_work *work) {
  int known = mv_facts_open(work->facts, work->project);
  if (known < 0) {
    known = !mv_db_integer(work->db, 0,
                           "SELECT 1 FROM channels WHERE project = ? "
                           "AND (enabled = 0 OR (client_type = ? AND status <> 1)) LIMIT 1",
                           "ii", work->project, (int64_t)MV_WHATSAPP);
    mv_facts_keep_open(work->facts, work->project, known);
  }
  return known;
}

/* Columns: id, group_id, name, enabled, status. */
static json_t *channel(struct mv_stmt *row, const struct messenger *messenger) {
  json_t *out = json_pack("{s:o}", "id", mv_db_number(row, 0));
  if (messenger->name) {
    json_object_set_new(out, messenger->name, mv_db_text(row, 2));
  }
  if (messenger->client_type != 0) { /* VK's have but their group, as documented */
    json_object_set_new(out, "name", mv_db_text(row, 2));
    json_object_set_new(out, "enabled", json_boolean((int)mv_sql_int(row, 3)));
  }
  if (messenger->has_status) {
    json_object_set_new(out, "status", mv_db_number(row, 4));
  }
  json_object_set_new(out, "group_id", mv_db_number(row, 1));
  return out;
}

void mv_channels_list(struct mv_ask *ask) {
  json_t *out = json_pack("{s:I}", "project_id", (json_int_t)ask->work->project);
  for (size_t i = 0; i < sizeof messengers / sizeof *messengers; i++) {
    json_t *list = json_array();
    struct mv_stmt *row = mv_db_query(ask->db,
                                      "SELECT id, group_id, name, enabled, status FROM channels "
                                      "WHERE project = ? AND client_type = ? ORDER BY id",
                                      "ii", ask->work->project, (int64_t)messengers[i].client_type);
    while (mv_db_step(ask->db, row)) {
      json_array_append_new(list, channel(row, &messengers[i]));
    }
    json_object_set_new(out, messengers[i].key, list);
  }
  mv_answer_json(ask, out);
}
