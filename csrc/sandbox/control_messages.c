/* The client's side of the conversation. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/control_parts.h"
#include "sandbox/managers.h"
#include "sandbox/messages.h"
#include "sandbox/shape.h"

/* The client of platform_id and group (or group_id; without one the project's first channel):
 * found, or made, as when somebody writes for the first time. 0 when it was answered. */
static int64_t by_platform(struct mv_control *c, const char *platform_id) {
  json_t *given = json_object_get(c->body, "group");
  given = given ? given : json_object_get(c->body, "group_id");
  char *wanted = given ? mv_json_scalar_text(given) : NULL;
  char *group;
  int type = mv_channels_find(&c->work, wanted, &group);
  char *kept = type >= 0 ? mv_clients_platform_id(type, platform_id) : NULL;
  int64_t client = 0;
  if (kept && !*kept) {
    mv_control_fail(c, 400, "platform_id: takes a phone number");
  } else if (kept && group) {
    client = mv_clients_at(&c->work, type, group, kept);
    if (!client) {
      client = mv_clients_add(&c->work, type, group, kept,
                              json_string_value(json_object_get(c->body, "name")));
    }
  } else {
    mv_control_fail(c, 400, "group: there is no channel with this group; see connected_channels");
  }
  free(wanted);
  free(group);
  free(kept);
  return client;
}

static int64_t writer(struct mv_control *c) {
  int64_t id = mv_control_number(c->body, "client_id", 0);
  json_t *platform_id = json_object_get(c->body, "platform_id");
  char *text = platform_id ? mv_json_scalar_text(platform_id) : NULL;
  if (json_object_get(c->body, "client_id")) {
    if (!mv_clients_exists(&c->work, id)) {
      mv_control_fail(c, 404, "client_id: there is no such client");
      id = 0;
    }
  } else if (text && *text) {
    id = by_platform(c, text);
  } else {
    mv_control_fail(c, 400, "client_id, or platform_id and group, required");
  }
  free(text);
  return id;
}

/* An array of URLs or of {attachment_url, attachment_type}; nothing is NULL. -1: it is neither. */
static int read_attachments(struct mv_control *c, json_t **attachments) {
  *attachments = json_object_get(c->body, "attachments");
  if (!*attachments || json_is_null(*attachments) ||
      (json_is_array(*attachments) && !json_array_size(*attachments))) {
    *attachments = NULL;
    return 0;
  }
  bool good = json_is_array(*attachments);
  for (size_t i = 0; good && i < json_array_size(*attachments); i++) {
    json_t *one = json_array_get(*attachments, i);
    good = json_is_string(one) || json_is_string(json_object_get(one, "attachment_url"));
  }
  if (!good) {
    mv_control_fail(c, 400,
                    "attachments: takes an array of URLs or of {attachment_url, attachment_type}");
  }
  struct mv_error err = {0};
  if (good && mv_shape_check_types(NULL, "attachments", MV_SHAPE_FILES, *attachments, &err)) {
    mv_control_fail(c, 400, "%s", err.text);
    return -1;
  }
  return good ? 0 : -1;
}

/* The text: "message", or the name of a system event. NULL without either. -1: neither is right. */
static int read_text(struct mv_control *c, const char **text) {
  json_t *message = json_object_get(c->body, "message");
  const char *event = json_string_value(json_object_get(c->body, "event"));
  *text = json_string_value(message);
  if (json_object_get(c->body, "event")) {
    if (!event ||
        (strcmp(event, "new_chat_member") != 0 && strcmp(event, "left_chat_member") != 0)) {
      mv_control_fail(c, 400, "event: takes new_chat_member or left_chat_member");
      return -1;
    }
    *text = event;
  } else if (message && !json_is_null(message) &&
             (!*text || strlen(*text) != json_string_length(message))) {
    mv_control_fail(c, 400, "message: takes a text (without NUL)");
    return -1;
  }
  return 0;
}

/* Who writes: 0 the client, 1 an employee (*manager: 0, nobody by name). -1: nobody (answered). */
static int read_sender(struct mv_control *c, int64_t *manager) {
  const json_t *from = json_object_get(c->body, "from");
  const char *email = json_string_value(json_object_get(c->body, "manager"));
  const char *name = from ? json_string_value(from) : "client";
  *manager = email ? mv_managers_find(&c->work, email) : 0;
  if (email && !*manager) {
    mv_control_fail(c, 404, "manager: there is no such employee");
    return -1;
  }
  if (!name || (strcmp(name, "client") != 0 && strcmp(name, "manager") != 0)) {
    mv_control_fail(c, 400, "from: takes client or manager");
    return -1;
  }
  return strcmp(name, "manager") == 0;
}

static int64_t write_message(struct mv_control *c, int64_t client, const char *text,
                             const json_t *attachments) {
  int64_t manager;
  int sender = read_sender(c, &manager);
  if (sender > 0) {
    struct mv_message message = {.client = client,
                                 .from = MV_FROM_CRM,
                                 .text = text,
                                 .attachments = attachments,
                                 .manager = manager};
    return mv_messages_add(&c->work, &message);
  }
  enum mv_from from =
      mv_clients_type(&c->work, client) == MV_TELEPHONY ? MV_FROM_TELEPHONY : MV_FROM_NORMAL;
  return sender ? 0 : mv_messages_receive(&c->work, client, from, text, attachments);
}

void mv_control_post_message(struct mv_control *c) {
  json_t *attachments;
  const char *text;
  if (read_attachments(c, &attachments) || read_text(c, &text)) {
    return;
  }
  if (!text && !attachments) {
    mv_control_fail(c, 400, "message or attachments required");
    return;
  }
  int64_t client = writer(c);
  int64_t id = client ? write_message(c, client, text, attachments) : 0;
  if (id) {
    mv_control_answer(
        c, json_pack("{s:I, s:I}", "message_id", (json_int_t)id, "client_id", (json_int_t)client));
  }
}

void mv_control_get_messages(struct mv_control *c) {
  if (!json_object_get(c->query, "client_id")) {
    mv_control_answer(c, json_pack("{s:I}", "last", (json_int_t)mv_messages_last_id(&c->work)));
    return;
  }
  int64_t client = mv_control_client(c, c->query), since = 0;
  if (!client || mv_control_whole(c, c->query, "since", 0, &since)) {
    return;
  }
  mv_control_answer(
      c, json_pack("{s:o}", "messages", mv_messages_conversation(&c->work, client, since)));
}
