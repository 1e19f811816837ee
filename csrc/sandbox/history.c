/* Reading messages: get_history, and the whole conversation for the control API. */
#include "sandbox/clients.h"
#include "sandbox/messages.h"
#include "sandbox/params.h"

#define DAY_MS INT64_C(86400000)

#define COLUMNS                                                                                    \
  "SELECT id, answered, client_replica, block, from_outside, created_at / 1000, text, "            \
  "attachments, delivered, error_message, buttons, manager, "                                      \
  "(SELECT email FROM managers WHERE id = manager) FROM messages "

/* Days since 1970 of a Gregorian date (Hinnant's algorithm, years from March). */
static int64_t day_number(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap);
}

static int digits(const char *text, int count) {
  int number = 0;
  for (int i = 0; i < count; i++) {
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

/* The parameter's day (dd.mm.yyyy, UTC) as ms, or `absent`. -1 when there is no such day
 * (answered). */
static int asked_day(struct mv_ask *ask, const char *name, int64_t absent, int64_t *ms) {
  const char *text = mv_param_text(ask, name);
  *ms = absent;
  if (!text) {
    return 0;
  }
  int day = digits(text, 2), month = digits(text + 3, 2), year = digits(text + 6, 4);
  if (month < 1 || month > 12 || day < 1 || day > month_days(year, month)) {
    mv_answer_fail(ask, 400, "Parameter \"%s\" takes a day that exists: dd.mm.yyyy", name);
    return -1;
  }
  *ms = day_number(year, month, day) * DAY_MS;
  return 0;
}

static json_t *replica(struct mv_stmt *row) {
  json_t *attachments = mv_db_json(row, 7);
  if (json_is_null(attachments)) { /* the documented empty one */
    attachments = json_object();
  }
  return json_pack("{s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", //
                   "id", mv_db_number(row, 0), "answered", (int)mv_sql_int(row, 1),
                   "client_replica", (int)mv_sql_int(row, 2), "message_id", mv_db_number(row, 3),
                   "message_from_outside", mv_db_number(row, 4), "created_at", mv_db_number(row, 5),
                   "text", mv_db_text(row, 6), "attachments", attachments, "delivered",
                   (int)mv_sql_int(row, 8), "error_message", mv_db_text(row, 9), "manager_id",
                   mv_db_number(row, 11), "manager_email", mv_db_text(row, 12));
}

void mv_messages_history(struct mv_ask *ask) {
  int64_t client, from, until;
  if (mv_clients_asked(ask, 404, &client) || asked_day(ask, "start_date", INT64_MIN, &from) ||
      asked_day(ask, "stop_date", INT64_MAX - DAY_MS, &until)) {
    return;
  }
  struct mv_stmt *row =
      mv_db_query(ask->db,
                  COLUMNS "WHERE client = ? AND created_at >= ? "
                          "AND created_at < ? ORDER BY id DESC LIMIT ?",
                  "iiii", client, from, until + DAY_MS, mv_param_integer(ask, "limit", 2000));
  json_t *result = json_array();
  while (mv_db_step(ask->db, row)) {
    json_array_append_new(result, replica(row));
  }
  mv_answer_result(ask, "result", result);
}

json_t *mv_messages_conversation(struct mv_work *work, int64_t client, int64_t since) {
  struct mv_stmt *row =
      mv_db_query(work->db, COLUMNS "WHERE client = ? AND id > ? ORDER BY id", "ii", client, since);
  json_t *result = json_array();
  while (mv_db_step(work->db, row)) {
    json_t *message = replica(row);
    json_object_set_new(message, "buttons", mv_db_json(row, 10));
    json_array_append_new(result, message);
  }
  return result;
}
