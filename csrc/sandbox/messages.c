#include "sandbox/messages.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/blocks.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"

/* Ids as the platform has them today, and one for each millisecond since 2026 began. */
#define FIRST_ID INT64_C(22563045582)
#define FIRST_MS INT64_C(1767225600000)

enum { RESERVED = 1000 }; /* ids at a time */

void mv_messages_continue_ids(struct mv_work *work) {
  work->sandbox->ids = (struct mv_message_ids){0, 0};
  int64_t by_time = FIRST_ID + (work->now > FIRST_MS ? work->now - FIRST_MS : 0);
  mv_db_run(work->db,
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'messages', 0 "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'messages')",
            "");
  mv_db_run(work->db, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'messages'", "i",
            by_time);
}

int64_t mv_messages_last_id(struct mv_work *work) {
  const struct mv_message_ids *ids = &work->sandbox->ids;
  return ids->end ? ids->next - 1
                  : mv_db_integer(work->db, 0,
                                  "SELECT seq FROM sqlite_sequence WHERE name = 'messages'", "");
}

int64_t mv_messages_next_id(struct mv_work *work) {
  struct mv_message_ids *ids = &work->sandbox->ids;
  if (ids->next == ids->end) {
    ids->next = mv_messages_last_id(work) + 1;
    ids->end = ids->next + RESERVED;
    mv_db_run(work->db, "UPDATE sqlite_sequence SET seq = ? WHERE name = 'messages'", "i",
              ids->end - 1);
  }
  return ids->next++;
}

/* ---- webhooks ---- */

/* `obstacle`: why it did not arrive; NULL: it did. */
static json_t *told(struct mv_work *work, int64_t id, const struct mv_message *message,
                    const char *obstacle) {
  json_t *attachments =
      message->attachments ? json_incref((json_t *)message->attachments) : json_array();
  return json_pack("{s:I, s:o, s:s?, s:o, s:o, s:I, s:i, s:i, s:s}", "id", (json_int_t)id, "client",
                   mv_clients_told(work, message->client), "message", message->text, "attachments",
                   attachments, "message_id",
                   message->block ? json_integer(message->block) : json_null(), "project_id",
                   (json_int_t)work->project, "is_input", message->input ? 1 : 0, "delivered",
                   obstacle ? 0 : 1, "error_message", obstacle ? obstacle : "");
}

static void write_letter(struct mv_work *work, int64_t id, const struct mv_message *message,
                         const char *obstacle, const char *url) {
  struct mv_letter *letter = mv_letter_new(url, told(work, id, message, obstacle));
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

static void tell(struct mv_work *work, int64_t id, const struct mv_message *message,
                 const char *obstacle) {
  json_t *url = mv_settings_get(work, "webhook_url");
  if (json_is_string(url)) {
    write_letter(work, id, message, obstacle, json_string_value(url));
  }
  json_decref(url);
}

/* ---- storing ---- */

#define UNANSWERED "EXISTS (SELECT 1 FROM messages WHERE client = ?1 AND answered = 0) "

bool mv_messages_recipient(struct mv_work *work, int64_t client, bool *ready) {
  if (mv_touches_is_ready(work->sandbox->touches, client, work->project)) {
    *ready = mv_channels_all_open(work);
    return true;
  }
  int64_t found = mv_db_integer(work->db, -1,
                                "SELECT undeliverable IS NULL AND NOT " UNANSWERED
                                "FROM clients WHERE id = ?1 AND project = ?2",
                                "ii", client, work->project);
  *ready = found == 1 && mv_channels_all_open(work);
  return found >= 0;
}

/* Why what is sent to this client does not arrive: a text, or null when it does; and whether
 * something of the client's is not answered yet. Asked in one, and before that is changed: the
 * change costs far more than the question. */
static json_t *find_obstacle(struct mv_work *work, int64_t client, bool *unanswered) {
  struct mv_stmt *row = mv_db_query(
      work->db,
      mv_channels_all_open(work)
          ? "SELECT c.undeliverable, " UNANSWERED "FROM clients c WHERE c.id = ?1"
          : "SELECT coalesce(c.undeliverable, (SELECT CASE WHEN h.enabled = 0 "
            "THEN 'Channel is disabled' WHEN h.client_type = 6 AND h.status <> 1 "
            "THEN 'WhatsApp is not started' END FROM channels h WHERE h.project = c.project "
            "AND h.client_type = c.client_type AND CAST(h.group_id AS TEXT) = c.group_id "
            "ORDER BY h.id LIMIT 1)), " UNANSWERED "FROM clients c WHERE c.id = ?1",
      "i", client);
  *unanswered = false;
  if (!mv_db_step(work->db, row)) {
    return json_null();
  }
  json_t *obstacle = mv_db_text(row, 0);
  *unanswered = mv_sql_int(row, 1);
  mv_db_reset(row);
  return obstacle;
}

int64_t mv_messages_add(struct mv_work *work, const struct mv_message *message) {
  bool unanswered = false;
  json_t *obstacle = message->input || message->ready
                         ? json_null()
                         : find_obstacle(work, message->client, &unanswered);
  const char *error = json_string_value(obstacle);
  if (unanswered) {
    mv_db_run(work->db, "UPDATE messages SET answered = 1 WHERE client = ? AND answered = 0", "i",
              message->client);
  }
  int64_t id = mv_messages_next_id(work);
  tell(work, id, message, error); /* goes when all is stored */
  mv_db_run(work->db,
            "INSERT INTO messages (id, client, client_replica, from_outside, block, created_at, "
            "text, attachments, buttons, answered, delivered, error_message, manager) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "iiiioitjjiito", id, message->client, (int64_t)message->input, (int64_t)message->from,
            message->block, work->now, message->text, message->attachments, message->buttons,
            (int64_t)!message->input, (int64_t)!error, error ? error : "", message->manager);
  mv_work_touch(work, message->client);
  json_decref(obstacle);
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

void mv_messages_clear(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 404, &client)) {
    return;
  }
  mv_db_run(ask->db, "DELETE FROM messages WHERE client = ?", "i", client);
  mv_answer_success(ask);
}
