#include "sandbox/sends.h"

#include <math.h>
#include <stdlib.h>

#include "sandbox/clients.h"
#include "sandbox/lists.h"
#include "sandbox/params.h"
#include "sandbox/timeline.h"

#define STANDARD_SHIFT 0.2              /* seconds between the sends of a broadcast */
#define LONGEST_SHIFT (366.0 * 86400.0) /* seconds */

/* ---- what is sent ---- */

static bool has_block(struct mv_work *work, int64_t block) {
  return mv_db_integer(work->db, 0, "SELECT 1 FROM blocks WHERE id = ? AND project = ?", "ii",
                       block, work->project) != 0;
}

/* What the parameters want sent; `attachments` is new. -1: answered. */
static int read_content(struct mv_ask *ask, struct mv_message *message, json_t **attachments) {
  int64_t block = 0;
  if (mv_param_id(ask, "message_id", &block) < 0) {
    return -1;
  }
  if (mv_param(ask, "message_id") && !has_block(ask->work, block)) {
    mv_answer_fail(ask, 404, "Block %lld not found", (long long)block);
    return -1;
  }
  const char *url = mv_param_text(ask, "attachment_url");
  *attachments = url && *url ? json_pack("[{s:s, s:s?}]", "attachment_url", url, "attachment_type",
                                         mv_param_text(ask, "attachment_type"))
                             : NULL;
  *message = (struct mv_message){.from = MV_FROM_API,
                                 .block = block,
                                 .text = mv_param_text(ask, "message"),
                                 .attachments = *attachments,
                                 .buttons = mv_param(ask, "buttons")};
  return 0;
}

static void send(struct mv_work *work, int64_t client, int64_t due,
                 const struct mv_message *message) {
  struct mv_sending sending = {.message = *message};
  sending.message.client = client;
  mv_timeline_send(work, due, &sending);
}

/* Sends one client what the parameters say. `ready` as of mv_messages_recipient. */
static void send_one(struct mv_ask *ask, int64_t client, bool ready) {
  struct mv_message message;
  json_t *attachments;
  int64_t due;
  if (mv_timeline_when(ask, &due) || read_content(ask, &message, &attachments)) {
    return;
  }
  message.ready = ready;
  if (ready && due <= ask->work->now && !message.block) {
    mv_work_lone(ask->work); /* the message itself is all that is stored */
  } else {
    mv_work_transact(ask->work);
  }
  mv_answer_ok(ask); /* before: a lone work asks for nothing more */
  send(ask->work, client, due, &message);
  json_decref(attachments);
}

void mv_sends_message(struct mv_ask *ask) {
  int64_t client;
  bool ready;
  if (mv_param_id(ask, "client_id", &client) < 0) {
    return;
  }
  if (mv_messages_recipient(ask->work, client, &ready)) {
    send_one(ask, client, ready);
  } else {
    mv_answer_word(ask, 404, "client_not_found");
  }
}

void mv_sends_whatsapp(struct mv_ask *ask) {
  int64_t client = mv_clients_whatsapp(ask, "whatsapp_bot_id");
  if (client) {
    send_one(ask, client, false);
  }
}

/* ---- broadcast ---- */

/* To whom, in order: ids; NULL when it was answered. Without recipients: nobody. */
static json_t *recipients(struct mv_ask *ask) {
  int64_t list;
  if (mv_param(ask, "list")) {
    return mv_lists_asked(ask, "list", &list) ? NULL : mv_lists_clients(ask->work, list);
  }
  if (mv_param(ask, "clients")) {
    return mv_clients_given(ask, "clients");
  }
  char *group = mv_param_id_text(ask, "group_id");
  json_t *ids = mv_clients_of_platform_ids(ask->work, mv_param(ask, "platform_ids"), group);
  free(group);
  return ids;
}

static int read_shift(struct mv_ask *ask, double *shift) {
  const json_t *given = mv_param(ask, "shift");
  *shift = given ? json_number_value(given) : STANDARD_SHIFT;
  if (*shift > LONGEST_SHIFT) {
    mv_answer_fail(ask, 400, "Parameter \"shift\" is over a year");
    return -1;
  }
  return 0;
}

void mv_sends_broadcast(struct mv_ask *ask) {
  struct mv_message message;
  json_t *attachments, *ids;
  double shift;
  int64_t due;
  if (mv_timeline_when(ask, &due) || read_shift(ask, &shift) || !(ids = recipients(ask))) {
    return;
  }
  if (!read_content(ask, &message, &attachments)) {
    for (size_t i = 0; i < json_array_size(ids); i++) {
      int64_t later = (int64_t)llround((double)i * shift * 1000.0);
      send(ask->work, json_integer_value(json_array_get(ids, i)), due + later, &message);
    }
    json_decref(attachments);
    mv_answer_ok(ask);
  }
  json_decref(ids);
}
