#include "sandbox/messages.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/blocks.h"
#include "sandbox/clients.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/search.h"
#include "sandbox/settings.h"
#include "sandbox/timeline.h"

/* Ids as the platform has them today, and one for each millisecond since 2026 began. */
#define FIRST_ID INT64_C(22563045582)
#define FIRST_MS INT64_C(1767225600000)

void mv_messages_continue_ids(struct mv_work *work) {
  int64_t by_time = FIRST_ID + (work->now > FIRST_MS ? work->now - FIRST_MS : 0);
  mv_db_run(work->db,
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'messages', 0 "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'messages')",
            "");
  mv_db_run(work->db, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'messages'", "i",
            by_time);
}

/* ---- webhooks ---- */

static json_t *told(struct mv_work *work, int64_t id, const struct mv_message *message) {
  json_t *attachments =
      message->attachments ? json_incref((json_t *)message->attachments) : json_array();
  return json_pack("{s:I, s:o, s:s?, s:o, s:o, s:I, s:i, s:i, s:s}", "id", (json_int_t)id, "client",
                   mv_clients_told(work, message->client), "message", message->text, "attachments",
                   attachments, "message_id",
                   message->block ? json_integer(message->block) : json_null(), "project_id",
                   (json_int_t)work->project, "is_input", message->input ? 1 : 0, "delivered", 1,
                   "error_message", "");
}

static void write_letter(struct mv_work *work, int64_t id, const struct mv_message *message,
                         const char *url) {
  struct mv_letter *letter = mv_letter_new(url, told(work, id, message));
  if (!letter) {
    mv_db_fail(work->db, "webhook cannot be written: out of memory");
    return;
  }
  json_t *timeout = mv_settings_get(work, "webhook_timeout");
  letter->project = work->project;
  letter->client = message->client;
  letter->message = id;
  letter->timeout = json_number_value(timeout);
  json_decref(timeout);
  *work->last = &letter->node;
  work->last = &letter->node.next;
}

static void tell(struct mv_work *work, int64_t id, const struct mv_message *message) {
  json_t *url = mv_settings_get(work, "webhook_url");
  if (json_is_string(url)) {
    write_letter(work, id, message, json_string_value(url));
  }
  json_decref(url);
}

/* ---- storing ---- */

int64_t mv_messages_add(struct mv_work *work, const struct mv_message *message) {
  if (!message->input) {
    mv_db_run(work->db, "UPDATE messages SET answered = 1 WHERE client = ? AND answered = 0", "i",
              message->client);
  }
  mv_db_run(work->db,
            "INSERT INTO messages (client, client_replica, from_outside, block, created_at, text, "
            "attachments, buttons, answered) VALUES (?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?)",
            "iiiiitjji", message->client, (int64_t)message->input, (int64_t)message->from,
            message->block, work->now, message->text, message->attachments, message->buttons,
            (int64_t)!message->input);
  int64_t id = mv_db_last_id(work->db);
  mv_clients_touch(work, message->client);
  tell(work, id, message);
  return id;
}

static bool is_paused(struct mv_work *work, int64_t client) {
  return mv_db_integer(work->db, 0, "SELECT paused FROM clients WHERE id = ?", "i", client) != 0;
}

int64_t mv_messages_receive(struct mv_work *work, int64_t client, enum mv_from from,
                            const char *text, const json_t *attachments) {
  struct mv_message message = {
      .client = client, .input = true, .from = from, .text = text, .attachments = attachments};
  int64_t id = mv_messages_add(work, &message);
  if (text && !is_paused(work, client)) {
    mv_blocks_match(work, client, text);
  }
  return id;
}

/* ---- message and callback ---- */

static bool has_block(struct mv_work *work, int64_t block) {
  return mv_db_integer(work->db, 0, "SELECT 1 FROM blocks WHERE id = ? AND project = ?", "ii",
                       block, work->project) != 0;
}

void mv_messages_send(struct mv_ask *ask) {
  int64_t client, due, block = 0;
  if (mv_clients_asked(ask, 404, &client) || mv_timeline_when(ask, &due) ||
      mv_param_id(ask, "message_id", &block) < 0) {
    return;
  }
  if (block && !has_block(ask->work, block)) {
    mv_answer_fail(ask, 404, "Block %lld not found", (long long)block);
    return;
  }
  const char *url = mv_param_text(ask, "attachment_url");
  json_t *attachments = !url ? NULL
                             : json_pack("[{s:s, s:s?}]", "attachment_url", url, "attachment_type",
                                         mv_param_text(ask, "attachment_type"));
  struct mv_sending sending = {.message = {.client = client,
                                           .from = MV_FROM_API,
                                           .block = block,
                                           .text = mv_param_text(ask, "message"),
                                           .attachments = attachments,
                                           .buttons = mv_param(ask, "buttons")}};
  mv_timeline_send(ask->work, due, &sending);
  json_decref(attachments);
  mv_answer_ok(ask);
}

/* By client_id, else client_phone, else client_email; 0 when there is none. */
static int64_t called(struct mv_ask *ask) {
  int64_t client = 0;
  if (mv_param_id(ask, "client_id", &client) == 1) {
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

/* What the action does not know becomes variables of the client, with or without "client.". */
static json_t *extra_variables(const struct mv_ask *ask) {
  json_t *variables = json_object();
  const char *name;
  json_t *value;
  json_object_foreach(ask->extras, name, value) {
    json_object_set(variables, strncmp(name, "client.", 7) == 0 ? name + 7 : name, value);
  }
  return variables;
}

void mv_messages_callback(struct mv_ask *ask) {
  int64_t due, client = called(ask);
  if (ask->failed || mv_timeline_when(ask, &due)) {
    return;
  }
  if (!client) {
    mv_answer_word(ask, 404, "client_not_found");
    return;
  }
  json_t *variables = extra_variables(ask);
  struct mv_sending sending = {.message = {.client = client,
                                           .input = true,
                                           .from = MV_FROM_CALLBACK,
                                           .text = mv_param_text(ask, "message")},
                               .variables = variables,
                               .resume = mv_param_true(ask, "resume_bot")};
  mv_timeline_send(ask->work, due, &sending);
  json_decref(variables);
  mv_answer_ok(ask);
}

void mv_messages_clear(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 404, &client)) {
    return;
  }
  mv_db_run(ask->db, "DELETE FROM messages WHERE client = ?", "i", client);
  mv_answer_success(ask);
}
