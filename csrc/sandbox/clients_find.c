/* Clients by what their messengers call them: platform ids, phones, e-mails. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"
#include "sandbox/variables.h"

enum { PAGE = 500 }; /* subscribers a page */

/* ---- many at once ---- */

/* Ids in the order in which they came first. */
struct ids {
  json_t *list; /* array of integers */
  json_t *seen; /* object: the id as text */
};

static void add_id(struct ids *ids, int64_t id) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)id);
  if (!json_object_get(ids->seen, text)) {
    json_object_set_new(ids->seen, text, json_true());
    json_array_append_new(ids->list, json_integer(id));
  }
}

static json_t *end_ids(struct ids *ids) {
  json_decref(ids->seen);
  return ids->list;
}

json_t *mv_clients_given(struct mv_ask *ask, const char *name) {
  const json_t *given = mv_param(ask, name);
  struct ids ids = {json_array(), json_object()};
  int64_t id;
  for (size_t i = 0; i < json_array_size(given); i++) {
    if (!mv_params_id_of(json_array_get(given, i), &id)) {
      mv_answer_fail(ask, 400, "Parameter \"%s[%zu]\" takes an integer or a text of one", name, i);
      json_decref(end_ids(&ids));
      return NULL;
    }
    if (mv_clients_exists(ask->work, id)) {
      add_id(&ids, id);
    }
  }
  return end_ids(&ids);
}

static void add_platform_id(struct mv_work *work, struct ids *ids, const char *given,
                            const char *group) {
  char *number = mv_clients_platform_id(MV_WHATSAPP, given);
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT id FROM clients WHERE project = ? "
                                    "AND platform_id IN (?, ?) "
                                    "AND (platform_id = ? OR client_type = ?) "
                                    "AND (? IS NULL OR group_id = ?) ORDER BY id",
                                    "itttitt", work->project, given, number, given,
                                    (int64_t)MV_WHATSAPP, group, group);
  while (mv_db_step(work->db, row)) {
    add_id(ids, mv_sql_int(row, 0));
  }
  free(number);
}

json_t *mv_clients_of_platform_ids(struct mv_work *work, const json_t *platform_ids,
                                   const char *group) {
  struct ids ids = {json_array(), json_object()};
  for (size_t i = 0; i < json_array_size(platform_ids); i++) {
    char *given = mv_json_scalar_text(json_array_get(platform_ids, i));
    if (given) {
      add_platform_id(work, &ids, given, group);
    }
    free(given);
  }
  return end_ids(&ids);
}

/* ---- one ---- */

int64_t mv_clients_find(struct mv_work *work, int client_type, const char *group,
                        const char *platform_id) {
  return mv_db_integer(
      work->db, 0,
      "SELECT min(id) FROM clients INDEXED BY clients_by_platform WHERE project = ? "
      "AND platform_id = ? AND client_type = ? AND (? IS NULL OR group_id = ?)",
      "ititt", work->project, platform_id, (int64_t)client_type, group, group);
}

int64_t mv_clients_contact(struct mv_work *work, int client_type, const char *group,
                           const char *variable, const char *platform_id) {
  int64_t id = mv_clients_at(work, client_type, group, platform_id);
  if (!id) {
    id = mv_clients_add(work, client_type, group, platform_id, NULL);
  }
  json_t *value = json_string(platform_id);
  mv_variables_set_client(work, id, variable, value);
  json_decref(value);
  return id;
}

/* The digits of the parameter phone, to be freed; NULL when it has none (answered). */
static char *asked_number(struct mv_ask *ask) {
  char *given = mv_param_id_text(ask, "phone");
  char *number = given ? mv_clients_platform_id(MV_WHATSAPP, given) : NULL;
  free(given);
  if (number && !*number) {
    free(number);
    mv_answer_fail(ask, 400, "Parameter \"phone\" takes a phone number");
    return NULL;
  }
  return number;
}

int64_t mv_clients_whatsapp(struct mv_ask *ask, const char *bot) {
  char *number = asked_number(ask);
  if (!number) {
    return 0;
  }
  char *named = mv_param_id_text(ask, bot);
  char *group = mv_channels_group(ask->work, MV_WHATSAPP, named);
  int64_t client = 0;
  if (group) {
    client = mv_clients_find(ask->work, MV_WHATSAPP, named ? group : NULL, number);
    client = client ? client : mv_clients_add(ask->work, MV_WHATSAPP, group, number, NULL);
  } else if (named) {
    mv_answer_fail(ask, 404, "WhatsApp bot %.100s not found", named);
  } else {
    mv_answer_fail(ask, 404, "WhatsApp is not connected");
  }
  free(named);
  free(group);
  free(number);
  return client;
}

/* ---- the actions ---- */

void mv_clients_whatsapp_id(struct mv_ask *ask) {
  char *number = asked_number(ask);
  if (!number) {
    return;
  }
  char *named = mv_param_id_text(ask, "group_id");
  char *group = named ? mv_channels_group(ask->work, MV_WHATSAPP, named) : NULL;
  int64_t client = mv_clients_find(ask->work, MV_WHATSAPP, group ? group : named, number);
  if (client) {
    mv_answer_json(ask, json_pack("{s:I}", "client_id", (json_int_t)client));
  } else {
    mv_answer_word(ask, 404, "client_not_found");
  }
  free(named);
  free(group);
  free(number);
}

void mv_clients_online_chat(struct mv_ask *ask) {
  char *recipient = mv_param_id_text(ask, "recipient");
  int64_t client = mv_clients_find(ask->work, MV_ONLINE_CHAT, NULL, recipient);
  if (!client) {
    char *group = mv_channels_group(ask->work, MV_ONLINE_CHAT, NULL);
    client = mv_clients_add(ask->work, MV_ONLINE_CHAT, group ? group : "", recipient, NULL);
    free(group);
  }
  free(recipient);
  mv_clients_name(ask->work, client, mv_param_text(ask, "name"));
  mv_db_run(ask->db, "UPDATE clients SET tag = ? WHERE id = ? AND tag IS NULL", "ti",
            mv_param_text(ask, "tag"), client);
  mv_answer_json(ask, json_pack("{s:I}", "client_id", (json_int_t)client));
}

/* The client's variables, or null without any, as documented. */
static json_t *variables_of(struct mv_work *work, int64_t client) {
  json_t *variables = mv_variables_of_client(work, client);
  if (json_object_size(variables)) {
    return variables;
  }
  json_decref(variables);
  return json_null();
}

#define FOUND "SELECT id, tag, created_at, name, platform_id, group_id, avatar FROM clients "

void mv_clients_by_platform_id(struct mv_ask *ask) {
  bool as_text = mv_settings_is(ask->work, "date_style", "text");
  char *group = mv_param_id_text(ask, "group_id");
  json_t *ids = mv_clients_of_platform_ids(ask->work, mv_param(ask, "platform_ids"), group);
  json_t *found = json_array();
  for (size_t i = 0; i < json_array_size(ids); i++) {
    int64_t id = json_integer_value(json_array_get(ids, i));
    struct mv_stmt *row = mv_db_query(ask->db, FOUND "WHERE id = ?", "i", id);
    while (mv_db_step(ask->db, row)) {
      json_array_append_new(
          found, json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)id, "tag",
                           mv_db_text(row, 1), "created_at",
                           mv_clients_date(mv_sql_int(row, 2), as_text), "name", mv_db_text(row, 3),
                           "avatar", mv_db_text(row, 6), "platform_id", mv_db_text(row, 4), "group",
                           mv_db_text(row, 5), "variables", variables_of(ask->work, id)));
    }
  }
  json_decref(ids);
  free(group);
  mv_answer_json(ask, found);
}

/* Unix seconds as ms, without leaving 64 bits. */
static int64_t in_ms(int64_t seconds) {
  return seconds >= INT64_MAX / 1000 ? INT64_MAX - 1000 : seconds * 1000;
}

static struct mv_stmt *subscribers(struct mv_ask *ask, const char *group) {
  int64_t page = mv_param_integer(ask, "page", 1);
  const char *tag = mv_param_text(ask, "tag");
  tag = tag && *tag ? tag : NULL;
  page = page < 1 ? 1 : page > INT64_MAX / PAGE ? INT64_MAX / PAGE : page;
  return mv_db_query(
      ask->db,
      FOUND "WHERE project = ? AND (? IS NULL OR tag = ?) "
            "AND (? IS NULL OR group_id = ?) AND (? < 0 OR client_type = ?) "
            "AND created_at >= ? AND created_at < ? ORDER BY id LIMIT ? OFFSET ?",
      "ittttiiiiii", ask->work->project, tag, tag, group, group,
      mv_param_integer(ask, "client_type", -1), mv_param_integer(ask, "client_type", -1),
      in_ms(mv_param_integer(ask, "date_from", 0)),
      in_ms(mv_param_integer(ask, "date_to", INT64_MAX)) + 1000, (int64_t)PAGE, (page - 1) * PAGE);
}

void mv_clients_subscribers(struct mv_ask *ask) {
  bool as_text = mv_settings_is(ask->work, "date_style", "text");
  char *group = mv_param_id_text(ask, "group");
  json_t *found = json_array();
  struct mv_stmt *row = subscribers(ask, group);
  while (mv_db_step(ask->db, row)) {
    int64_t id = mv_sql_int(row, 0);
    json_array_append_new(found,
                          json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)id,
                                    "tag", mv_db_text(row, 1), "created_at",
                                    mv_clients_date(mv_sql_int(row, 2), as_text), "name",
                                    mv_db_text(row, 3), "tg_id", mv_db_text(row, 4), "group",
                                    mv_db_text(row, 5), "variables", variables_of(ask->work, id)));
  }
  free(group);
  mv_answer_json(ask, found);
}
