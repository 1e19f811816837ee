#include "sandbox/timeline.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/blocks.h"
#include "sandbox/clients.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"
#include "sandbox/variables.h"
#include "time/calendar.h"
#include "time/zone.h"

#define FARTHEST (INT64_C(100) * 366 * MV_DAY) /* seconds that time_shift may reach */

/* ---- when ---- */

/* Seconds since 1970 as the clock on the wall shows them; -1 when there is no such day or time. */
static int read_local(const char *text, int64_t *local) {
  int year, month, day, hour, minute, second;
  if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) != 6 ||
      month < 1 || month > 12 || day < 1 || day > mv_calendar_month_length(year, month) ||
      hour > 23 || minute > 59 || second > 59) {
    return -1;
  }
  *local = mv_calendar_days(year, month, day) * MV_DAY + hour * 3600 + minute * 60 + second;
  return 0;
}

/* The moment of a local time: of two the earlier; one that the clock skips comes with the skip. */
static int to_utc(struct mv_work *work, int64_t local, int64_t *utc) {
  struct mv_error err;
  int64_t moments[2];
  json_t *name = mv_settings_get(work, "timezone");
  struct mv_zone *zone = mv_zone_load(json_string_value(name), &err);
  json_decref(name);
  if (!zone) {
    mv_db_fail(work->db, err.text);
    return -1;
  }
  mv_zone_moments(zone, local, moments);
  *utc = moments[0];
  mv_zone_free(zone);
  return 0;
}

static int by_send_time(struct mv_ask *ask, int64_t *due) {
  int64_t local, utc;
  const char *text = mv_param_text(ask, "send_time");
  if (read_local(text, &local)) {
    mv_answer_fail(ask, 400, "Parameter \"send_time\": there is no such day or time: %s", text);
    return -1;
  }
  if (to_utc(ask->work, local, &utc)) {
    return -1;
  }
  *due = utc * 1000 > *due ? utc * 1000 : *due;
  return 0;
}

int mv_timeline_when(struct mv_ask *ask, int64_t *due) {
  *due = ask->work->now;
  if (!mv_param(ask, "time_shift")) {
    return mv_param(ask, "send_time") ? by_send_time(ask, due) : 0;
  }
  int64_t shift = mv_param_integer(ask, "time_shift", 0);
  if (shift > FARTHEST) {
    mv_answer_fail(ask, 400, "Parameter \"time_shift\" is over a hundred years");
    return -1;
  }
  *due += shift > 0 ? shift * 1000 : 0;
  return 0;
}

/* ---- doing it ---- */

static void set_variables(struct mv_work *work, int64_t client, const json_t *variables) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)variables, name, value) {
    mv_variables_set_client(work, client, name, value);
  }
}

static void perform(struct mv_work *work, const struct mv_sending *sending) {
  const struct mv_message *message = &sending->message;
  set_variables(work, message->client, sending->variables);
  if (sending->resume) {
    mv_clients_pause(work, message->client, false);
  }
  if (!message->input && message->block) {
    mv_blocks_run(work, message->client, message->block, message->from);
  } else if (!message->input) {
    mv_messages_add(work, message);
  } else if (message->text || message->attachments) {
    mv_messages_receive(work, message->client, message->from, message->text, message->attachments);
  }
}

/* ---- putting it off ---- */

static json_t *written(const struct mv_sending *sending) {
  const struct mv_message *m = &sending->message;
  return json_pack("{s:b, s:i, s:I, s:s?, s:O?, s:O?, s:O?, s:b}", "input", (int)m->input, "from",
                   (int)m->from, "block", (json_int_t)m->block, "text", m->text, "attachments",
                   m->attachments, "buttons", m->buttons, "variables", sending->variables, "resume",
                   (int)sending->resume);
}

static json_t *member(const json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  return json_is_null(value) ? NULL : value;
}

/* Borrows from `content`. */
static struct mv_sending read_back(int64_t client, const json_t *content) {
  return (struct mv_sending){
      .message = {.client = client,
                  .input = json_is_true(json_object_get(content, "input")),
                  .from = (enum mv_from)json_integer_value(json_object_get(content, "from")),
                  .block = json_integer_value(json_object_get(content, "block")),
                  .text = json_string_value(json_object_get(content, "text")),
                  .attachments = member(content, "attachments"),
                  .buttons = member(content, "buttons")},
      .variables = member(content, "variables"),
      .resume = json_is_true(json_object_get(content, "resume"))};
}

void mv_timeline_send(struct mv_work *work, int64_t due, const struct mv_sending *sending) {
  if (due <= work->now) {
    perform(work, sending);
    return;
  }
  json_t *content = written(sending);
  if (!content) {
    mv_db_fail(work->db, "out of memory");
    return;
  }
  mv_db_run(work->db, "INSERT INTO timeline (client, due_at, content) VALUES (?, ?, ?)", "iij",
            sending->message.client, due, content);
  json_decref(content);
  work->timed = true;
}

/* ---- its moment ---- */

int64_t mv_timeline_next(struct mv_work *work) {
  return mv_db_integer(work->db, INT64_MAX, "SELECT min(due_at) FROM timeline", "");
}

bool mv_timeline_fire(struct mv_work *work, int64_t until, bool late) {
  struct mv_stmt *row =
      mv_db_query(work->db,
                  "SELECT t.id, t.due_at, t.client, t.content, c.project FROM timeline t "
                  "JOIN clients c ON c.id = t.client WHERE t.due_at <= ? "
                  "ORDER BY t.due_at, t.id LIMIT 1",
                  "i", until);
  if (!mv_db_step(work->db, row)) {
    return false;
  }
  int64_t id = mv_sql_int(row, 0), due = mv_sql_int(row, 1), client = mv_sql_int(row, 2);
  json_t *content = mv_db_json(row, 3);
  work->project = mv_sql_int(row, 4);
  work->now = late && work->now > due ? work->now : due;
  mv_db_reset(row);
  mv_db_run(work->db, "DELETE FROM timeline WHERE id = ?", "i", id);
  struct mv_sending sending = read_back(client, content);
  perform(work, &sending);
  json_decref(content);
  return true;
}

static json_t *listed(struct mv_stmt *row) {
  json_t *content = mv_db_json(row, 3);
  json_t *one =
      json_pack("{s:I, s:f, s:I}", "id", (json_int_t)mv_sql_int(row, 0), "at",
                (double)mv_sql_int(row, 1) / 1000.0, "client_id", (json_int_t)mv_sql_int(row, 2));
  json_object_update(one, content);
  json_decref(content);
  return one;
}

json_t *mv_timeline_list(struct mv_work *work) {
  json_t *list = json_array();
  struct mv_stmt *row =
      mv_db_query(work->db,
                  "SELECT t.id, t.due_at, t.client, t.content FROM timeline t "
                  "JOIN clients c ON c.id = t.client WHERE c.project = ? ORDER BY t.due_at, t.id",
                  "i", work->project);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(list, listed(row));
  }
  return list;
}
