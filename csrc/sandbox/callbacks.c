#include "sandbox/callbacks.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/params.h"
#include "sandbox/search.h"
#include "sandbox/timeline.h"

/* What the action does not know becomes variables of the client, with or without "client.". */
static json_t *extra_variables(const struct mv_ask *ask) {
  json_t *variables = json_object();
  const char *name;
  json_t *value;
  json_object_foreach(ask->extras, name, value) {
    const char *bare = strncmp(name, "client.", 7) == 0 ? name + 7 : name;
    if (*bare) {
      json_object_set(variables, bare, value);
    }
  }
  return variables;
}

static void send(struct mv_ask *ask, int64_t client, int64_t due, const json_t *variables,
                 const char *text) {
  struct mv_sending sending = {
      .message = {.client = client, .input = true, .from = MV_FROM_CALLBACK, .text = text},
      .variables = variables,
      .resume = mv_param_true(ask, "resume_bot")};
  mv_timeline_send(ask->work, due, &sending);
}

/* Launches the bot for the client that was found; 0: for nobody. */
static void launch(struct mv_ask *ask, int64_t client) {
  int64_t due;
  if (ask->failed || mv_timeline_when(ask, &due)) {
    return;
  }
  if (!client) {
    mv_answer_word(ask, 404, "client_not_found");
    return;
  }
  mv_clients_name(ask->work, client, mv_param_text(ask, "name"));
  json_t *variables = extra_variables(ask);
  send(ask, client, due, variables, mv_param_text(ask, "message"));
  json_decref(variables);
  mv_answer_ok(ask);
}

/* By client_id, else client_phone, else client_email; 0 when there is none. */
static int64_t called(struct mv_ask *ask) {
  int64_t client = 0;
  if (mv_param_id(ask, "client_id", &client) != 0) {
    return mv_clients_exists(ask->work, client) ? client : 0;
  }
  char *phone = mv_param_id_text(ask, "client_phone");
  if (phone) {
    client = mv_search_phone(ask->work, phone);
    free(phone);
    return client;
  }
  const char *email = mv_param_text(ask, "client_email");
  return email ? mv_search_email(ask->work, email) : 0;
}

void mv_callbacks_any(struct mv_ask *ask) {
  launch(ask, called(ask));
}

/* By user_id and group_id, as they are in the messenger. */
static void launch_user(struct mv_ask *ask, int client_type) {
  char *user = mv_param_id_text(ask, "user_id");
  char *group = mv_param_id_text(ask, "group_id");
  int64_t client = user && group ? mv_clients_at(ask->work, client_type, group, user) : 0;
  free(user);
  free(group);
  launch(ask, client);
}

void mv_callbacks_vk(struct mv_ask *ask) {
  launch_user(ask, MV_VK);
}

void mv_callbacks_ok(struct mv_ask *ask) {
  launch_user(ask, MV_ODNOKLASSNIKI);
}

void mv_callbacks_telegram(struct mv_ask *ask) {
  launch_user(ask, MV_TELEGRAM);
}

void mv_callbacks_whatsapp(struct mv_ask *ask) {
  launch(ask, mv_clients_whatsapp(ask, "bot_id"));
}

/* The e-mail client, made if there is none, with the variable email. */
static int64_t email_client(struct mv_ask *ask) {
  const char *email = mv_param_text(ask, "email");
  const char *bot = mv_param_text(ask, "email_id_bot");
  char *group = mv_channels_group(ask->work, MV_EMAIL, bot);
  if (bot && !group) {
    mv_answer_fail(ask, 404, "E-mail bot %.100s not found", bot);
    return 0;
  }
  int64_t client = mv_clients_find(ask->work, MV_EMAIL, bot ? group : NULL, email);
  if (!client) {
    client = mv_clients_contact(ask->work, MV_EMAIL, group ? group : "", "email", email);
  }
  free(group);
  return client;
}

void mv_callbacks_email(struct mv_ask *ask) {
  launch(ask, email_client(ask));
}

void mv_callbacks_platform(struct mv_ask *ask) {
  int64_t due;
  if (mv_timeline_when(ask, &due)) {
    return;
  }
  char *group = mv_param_id_text(ask, "group_id");
  json_t *clients = mv_clients_of_platform_ids(ask->work, mv_param(ask, "platform_ids"), group);
  for (size_t i = 0; i < json_array_size(clients); i++) {
    send(ask, json_integer_value(json_array_get(clients, i)), due, NULL,
         mv_param_text(ask, "callback_text"));
  }
  mv_answer_result(ask, "callback_sended", json_integer((json_int_t)json_array_size(clients)));
  json_decref(clients);
  free(group);
}
