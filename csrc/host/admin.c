#include "host/admin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "host/filter.h"
#include "host/operate.h"
#include "net/origin.h"
#include "net/server.h"

struct mv_admin {
  struct mv_admin_options with;
  struct mv_server *server;
  struct mv_store *reader; /* of the server's one thread */
  struct mv_operate operate;
};

/* ---- answers -------------------------------------------------------------------------------- */

/* Sends and drops `body`. */
static void answer(struct mv_call *call, unsigned status, json_t *body) {
  struct mv_bytes text = {0};
  if (!body || mv_json_write(&text, body) || mv_bytes_putc(&text, '\n'))
    mv_call_reply(call, 500, NULL, "{}", 2, NULL);
  else
    mv_call_reply(call, status, NULL, text.data, text.length, NULL);
  mv_bytes_free(&text);
  json_decref(body);
}

static void answer_error(struct mv_call *call, const struct mv_error *err) {
  unsigned status;
  json_t *body = mv_operate_error(err, &status);
  answer(call, status, body);
}

static void put_time(json_t *object, const char *name, int64_t ms) {
  char when[32];
  if (ms > 0 && ms < MV_STORE_NEVER)
    json_object_set_new(object, name, json_string(mv_clock_format(ms, when)));
}

/* ---- what is shown -------------------------------------------------------------------------- */

static void show_health(struct mv_admin *admin, struct mv_call *call) {
  (void)admin;
  answer(call, 200, json_pack("{s:s}", "status", "ok"));
}

static void show_ready(struct mv_admin *admin, struct mv_call *call) {
  bool ready = admin->with.ready(admin->with.owner);
  answer(call, ready ? 200 : 503, json_pack("{s:b}", "ready", ready));
}

static double age_of_oldest(struct mv_admin *admin) {
  struct mv_store_stats stats;
  if (mv_store_stats(admin->reader, &stats, NULL) || stats.oldest_due == MV_STORE_NEVER)
    return 0;
  int64_t age = mv_clock_wall(admin->with.clock) - stats.oldest_due;
  return age > 0 ? (double)age / 1000 : 0;
}

static void show_metrics(struct mv_admin *admin, struct mv_call *call) {
  static const char type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  struct mv_journal_metrics journal;
  struct mv_bytes text = {0};
  mv_journal_metrics(admin->with.journal, &journal);
  for (int i = 0; i < MV_EVENT_STATES; i++)
    mv_metrics_set(admin->with.metrics, MV_METRIC_EVENTS, mv_event_state_name((enum mv_event_state)i),
                   NULL, (double)journal.states[i]);
  mv_metrics_set(admin->with.metrics, MV_METRIC_OLDEST, NULL, NULL, age_of_oldest(admin));
  admin->with.gauges(admin->with.owner);
  mv_metrics_write(admin->with.metrics, &text);
  mv_call_reply(call, text.failed ? 500 : 200, type, text.data ? text.data : "", text.length, NULL);
  mv_bytes_free(&text);
}

/* Running in the store but on no worker: should there ever be one, nobody would finish it. */
static int64_t count_lost(const struct mv_journal_metrics *journal) {
  int64_t lost = journal->states[MV_EVENT_RUNNING] - (int64_t)journal->running;
  return lost > 0 ? lost : 0;
}

/* Nothing runs, and nothing will before the clock goes on or something comes. */
static bool is_idle(const struct mv_admin *admin, const struct mv_journal_metrics *m) {
  return m->running == 0 && m->waiting == 0 && m->next_due > mv_clock_wall(admin->with.clock);
}

static void show_summary(struct mv_admin *admin, struct mv_call *call) {
  struct mv_journal_metrics m;
  json_t *states = json_object();
  mv_journal_metrics(admin->with.journal, &m);
  for (int i = 0; i < MV_EVENT_STATES; i++)
    json_object_set_new(states, mv_event_state_name((enum mv_event_state)i),
                        json_integer(m.states[i]));
  json_t *summary =
         json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                   "accepted", (json_int_t)m.accepted + (json_int_t)m.jobs, "duplicates",
                   (json_int_t)m.duplicates, "refused", (json_int_t)m.refused, "done",
                   (json_int_t)m.done, "retried", (json_int_t)m.retried, "dead",
                   (json_int_t)m.dead, "skipped", (json_int_t)m.skipped, "cancelled",
                   (json_int_t)m.cancelled, "released", (json_int_t)m.released, "recovered",
                   (json_int_t)m.recovered, "waiting",
                   (json_int_t)m.states[MV_EVENT_AVAILABLE] + (json_int_t)m.states[MV_EVENT_RETRYABLE],
                   "running", (json_int_t)m.running, "moments", (json_int_t)m.moments, "lost",
                   (json_int_t)count_lost(&m), "states", states);
  json_object_set_new(summary, "idle", json_boolean(is_idle(admin, &m)));
  put_time(summary, "next_due", m.next_due);
  answer(call, 200, summary);
}

/* ---- definitions, in pages ------------------------------------------------------------------ */

#define PAGE 100

/* Where a page of a list begins and how long it is. 0, or -1 when the answer was given. */
static int read_page(struct mv_admin *admin, struct mv_call *call, size_t *from, size_t *count) {
  struct mv_filter filter = {0};
  struct mv_error err = {0};
  int bad = mv_filter_query(&filter, call->query, mv_filter_page, mv_clock_wall(admin->with.clock), &err);
  *from = (size_t)filter.store.cursor;
  *count = filter.store.limit ? (size_t)filter.store.limit : PAGE;
  mv_filter_free(&filter);
  if (bad)
    answer(call, 400, json_pack("{s:s}", "error", err.text));
  return bad;
}

/* Where the next page begins, or null. */
static json_t *next_page(size_t from, size_t count, size_t all) {
  return from < all && count < all - from ? json_integer((json_int_t)(from + count)) : json_null();
}

static void list_schedules(struct mv_admin *admin, struct mv_call *call) {
  struct mv_error err = {0};
  size_t from, count, all;
  if (read_page(admin, call, &from, &count))
    return;
  json_t *list = mv_planner_list(admin->with.planner, admin->reader, from, count, &all, &err);
  if (list)
    answer(call, 200, json_pack("{s:o, s:o}", "schedules", list, "cursor", next_page(from, count, all)));
  else
    answer_error(call, &err);
}

/* Leaves of the sections, one behind the other, `count` entries from `from`. Returns how many there were. */
static size_t cut_page(json_t *definitions, size_t from, size_t count) {
  size_t all = 0;
  const char *name;
  json_t *section;
  json_object_foreach(definitions, name, section) {
    size_t length = json_array_size(section);
    for (size_t i = length; i > 0; i--) {
      size_t place = all + i - 1;
      if (place < from || place - from >= count)
        json_array_remove(section, i - 1);
    }
    all += length;
  }
  return all;
}

static void list_handlers(struct mv_admin *admin, struct mv_call *call) {
  size_t from, count;
  if (read_page(admin, call, &from, &count))
    return;
  json_t *known = admin->with.definitions(admin->with.owner), *definitions = json_deep_copy(known);
  json_decref(known);
  size_t all = cut_page(definitions, from, count);
  json_object_set_new(definitions, "cursor", next_page(from, count, all));
  answer(call, 200, definitions);
}

/* ---- routes --------------------------------------------------------------------------------- */

struct action {
  const char *path; /* GET */
  bool open;        /* asks for no token */
  void (*run)(struct mv_admin *admin, struct mv_call *call);
};

static const struct action actions[] = {
    {"/healthz", true, show_health},
    {"/readyz", true, show_ready},
    {"/metrics", false, show_metrics},
    {"/api/summary", false, show_summary},
    {"/api/schedules", false, list_schedules},
    {"/api/handlers", false, list_handlers},
};

/* Without a token the loopback is the guard; but pages in a browser of this machine are behind it,
 * too. They send an Origin with what they change, and come under a name of theirs (DNS rebinding)
 * to read. */
static bool from_a_page(const struct mv_admin *admin, const struct mv_call *call) {
  const char *host = mv_call_header(call, "Host");
  return mv_origin_is_foreign(call) || (!admin->with.token && host && !mv_origin_is_plain(host));
}

static bool has_token(const struct mv_admin *admin, const struct mv_call *call) {
  const char *given = mv_call_header(call, "Authorization");
  return !admin->with.token || (given && strncasecmp(given, "Bearer ", 7) == 0 &&
                                mv_secret_equal(given + 7, admin->with.token));
}

/* Whether the caller may go on; otherwise he is answered. */
static bool let_in(const struct mv_admin *admin, struct mv_call *call) {
  unsigned status = from_a_page(admin, call) ? 403 : has_token(admin, call) ? 0 : 401;
  if (status == 403)
    answer(call, status, json_pack("{s:s}", "error", "not for web pages: the request has the Origin "
                                   "of another place, or names this one by a name that is not "
                                   "localhost or an address"));
  else if (status)
    answer(call, status, json_pack("{s:s}", "error", "needs Authorization: Bearer <admin token>"));
  return status == 0;
}

static const struct action *find(const char *path) {
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (strcmp(actions[i].path, path) == 0)
      return &actions[i];
  return NULL;
}

static void operate(struct mv_admin *admin, struct mv_call *call, const char *method) {
  struct mv_operate_request request = {.method = method, .path = call->path, .query = call->query,
                                       .body = call->body, .length = call->body_length};
  unsigned status;
  json_t *body = mv_operate(&admin->operate, &request, &status);
  answer(call, status, body);
}

static void handle(struct mv_call *call, void *owner) {
  struct mv_admin *admin = owner;
  const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;
  const struct action *action = find(call->path);
  if (!action && !mv_operate_knows(call->path))
    answer(call, 404, json_pack("{s:s}", "error", "not found"));
  else if (!(action && action->open) && !let_in(admin, call))
    return;
  else if (!action)
    operate(admin, call, method);
  else if (strcmp(method, "GET") != 0)
    answer(call, 405, json_pack("{s:s}", "error", "not with this method"));
  else
    action->run(admin, call);
}

/* In a transaction of the journal's. */
static int write_through(void *owner,
                         int (*call)(struct mv_store *store, void *context, int64_t now,
                                     int64_t *wake_at, struct mv_error *err),
                         void *context, struct mv_error *err) {
  struct mv_admin *admin = owner;
  return mv_journal_call_wait(admin->with.journal, call, context, err);
}

static bool on_loopback(const char *listen) {
  return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 ||
         strncmp(listen, "localhost:", 10) == 0;
}

static int start(struct mv_admin *admin, struct mv_error *err) {
  const struct mv_admin_options *with = &admin->with;
  struct mv_server_options options = {.listen = with->listen, .handler = handle, .owner = admin,
                                      .log = with->log, .threads = 1, .connections = 64,
                                      .max_body = 65536};
  if (!with->token && !on_loopback(with->listen))
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the admin listener at %s can be reached by others; set an admin token, or "
                        "listen at 127.0.0.1", with->listen);
  admin->reader = mv_journal_reader(with->journal, err);
  admin->operate = (struct mv_operate){.reader = admin->reader, .clock = with->clock, .serving = true,
                                       .owner = admin, .write = write_through};
  if (admin->reader)
    admin->server = mv_server_start(&options, err);
  if (!admin->server)
    return mv_error_prefix(err, "admin");
  mv_journal_tell(with->journal, mv_server_url(admin->server));
  return 0;
}

struct mv_admin *mv_admin_start(const struct mv_admin_options *options, struct mv_error *err) {
  struct mv_admin *admin = calloc(1, sizeof *admin);
  if (!admin) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  admin->with = *options;
  if (start(admin, err) == 0)
    return admin;
  mv_admin_stop(admin);
  return NULL;
}

const char *mv_admin_url(const struct mv_admin *admin) {
  return mv_server_url(admin->server);
}

void mv_admin_stop(struct mv_admin *admin) {
  if (!admin)
    return;
  mv_server_stop(admin->server);
  mv_store_close(admin->reader);
  free(admin);
}
