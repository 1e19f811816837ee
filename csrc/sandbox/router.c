#include "sandbox/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/actions.h"
#include "sandbox/ask.h"
#include "sandbox/control.h"
#include "sandbox/input.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"
#include "sandbox/spoil.h"

static json_t *read_input(const struct mv_action *action, const struct mv_call *call,
                          struct mv_error *err) {
  struct mv_input input = {.query = call->query,
                           .body = call->body,
                           .length = call->body_length,
                           .type = mv_call_header(call, "Content-Type")};
  return mv_input_read(action, &input, err);
}

/* ---- who asks, for what ---- */

struct route {
  char key[128];
  char action[96];
};

/* Cut to the size; longer than that is no key and no action. */
static void copy(char *out, size_t size, const char *text, size_t length) {
  length = length < size ? length : size - 1;
  memcpy(out, text, length);
  out[length] = '\0';
}

/* "/api/{key}/{action}"; false for any other path. */
static bool read_path(const char *path, struct route *route) {
  if (strncmp(path, "/api/", 5) != 0) {
    return false;
  }
  const char *key = path + 5;
  size_t length = strcspn(key, "/");
  copy(route->key, sizeof route->key, key, length);
  key += length + (key[length] == '/');
  copy(route->action, sizeof route->action, key, strlen(key));
  return true;
}

/* Sets the project and the rights of a key; false (answered) when there is no such key. */
static bool let_in(struct mv_ask *ask, const char *key, int64_t *permissions) {
  struct mv_work *work = ask->work;
  if (mv_facts_key(work->facts, key, &work->project, permissions)) {
    return true;
  }
  struct mv_stmt *row =
      mv_db_query(ask->db, "SELECT project, permissions FROM keys WHERE key = ?", "t", key);
  if (!mv_db_step(ask->db, row)) {
    mv_answer_fail(ask, 401, "Wrong API key");
    return false;
  }
  work->project = mv_sql_int(row, 0);
  *permissions = mv_sql_int(row, 1);
  mv_db_reset(row);
  mv_facts_keep_key(work->facts, key, work->project, *permissions);
  return true;
}

static void answer_unknown(struct mv_ask *ask, const char *name) {
  const char *near = mv_action_nearest(name);
  mv_answer_fail(ask, 404, "Unknown action \"%.90s\"%s%s%s", name, near ? "; did you mean \"" : "",
                 near ? near : "", near ? "\"?" : "");
}

/* Documented for find_clients: what is wrong is told with 200, in these words. */
static void soften(struct mv_ask *ask, const json_t *raw) {
  const struct mv_param *first = &ask->action->params[0];
  json_t *given = json_object_get(raw, first->name);
  bool empty = json_is_string(given) && !json_string_length(given);
  if (!given || json_is_null(given) || empty) {
    mv_answer_fail(ask, 200, "Parameter \"%s\" required", first->name);
  } else {
    mv_answer_fail(ask, 200, "Error in parameter format");
  }
}

static void play(struct mv_ask *ask, const json_t *raw) {
  if (!mv_params_check(ask, raw)) {
    ask->played->run(ask);
  } else if (ask->played->soft) {
    soften(ask, raw);
  }
}

/* ---- what is asked for to go wrong ---- */

/* Nothing is done. */
static void answer_fault(struct mv_ask *ask, const struct mv_spoiling *spoiling) {
  unsigned status = spoiling->status ? spoiling->status : 503;
  mv_answer_fail(ask, status, "A fault that was asked for");
  if (spoiling->retry_after) {
    snprintf(ask->headers, sizeof ask->headers, "Retry-After: %lld",
             (long long)spoiling->retry_after);
  }
}

/* By the setting rate_limit; then it was answered. */
static bool is_limited(struct mv_ask *ask) {
  if (ask->action && strcmp(ask->action->name, "save_variables") == 0) {
    return false; /* has no limit, as documented */
  }
  json_t *rate = mv_settings_get(ask->work, "rate_limit");
  int64_t wait = !json_is_number(rate)
                     ? 0
                     : mv_limits_take(ask->work->sandbox->limits, ask->work->project,
                                      ask->work->now, json_number_value(rate));
  json_decref(rate);
  if (wait) {
    mv_answer_fail(ask, 429, "Too many requests");
    snprintf(ask->headers, sizeof ask->headers, "Retry-After: %lld", (long long)wait);
  }
  return wait != 0;
}

/* ---- one call ---- */

static void decide(struct mv_ask *ask, const struct mv_call *call, const struct route *route,
                   const json_t *raw, const struct mv_error *unreadable,
                   struct mv_spoiling *spoiling) {
  int64_t permissions;
  if (!let_in(ask, route->key, &permissions)) {
    return;
  }
  mv_faults_call(ask->work->sandbox->faults, ask->work->project,
                 ask->action ? ask->action->name : NULL, spoiling);
  if (spoiling->status || spoiling->drop_before) {
    answer_fault(ask, spoiling);
  } else if (is_limited(ask)) {
    return;
  } else if (!ask->action) {
    answer_unknown(ask, route->action);
  } else if (!(permissions >> ask->action->permission & 1)) {
    mv_answer_fail(ask, 403, "The API key lacks the permission %s",
                   mv_permission_name(ask->action->permission));
  } else if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "POST") != 0) {
    mv_answer_fail(ask, 405, "Method %.16s is not allowed: GET or POST", call->method);
  } else if (!raw) {
    mv_answer_fail(ask, 400, "%.400s", unreadable->text);
  } else {
    play(ask, raw);
  }
}

enum { LONGEST_RECORDED = 64 << 10 }; /* bytes of parameters, of an answer in the journal */

/* The answer as text, once: for the caller and for the journal. */
static void write_answer(struct mv_ask *ask) {
  if (ask->answer && !ask->written.length) {
    mv_bytes_reserve(&ask->written, 500);
    mv_json_write(&ask->written, ask->answer);
  }
}

static void put_member_name(struct mv_bytes *out, const char *name) {
  mv_bytes_puts(out, ",\"");
  mv_bytes_puts(out, name);
  mv_bytes_puts(out, "\":");
}

/* What is too long is null; false tells so. */
static bool put_member(struct mv_bytes *out, const char *name, const struct mv_bytes *text) {
  bool whole = text->length > 0 && text->length <= LONGEST_RECORDED;
  put_member_name(out, name);
  mv_bytes_append(out, whole ? text->data : "null", whole ? text->length : 4);
  return whole;
}

static bool is_plain(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  while (*p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\') {
    p++;
  }
  return !*p;
}

/* What is not UTF-8 is null. */
static void put_name(struct mv_bytes *out, const char *member, const char *name) {
  put_member_name(out, member);
  if (is_plain(name)) {
    mv_bytes_putc(out, '"');
    mv_bytes_puts(out, name);
    mv_bytes_putc(out, '"');
    return;
  }
  json_t *text = json_string(name);
  mv_json_write(out, text ? text : json_null());
  json_decref(text);
}

/* Unix seconds with three decimals. */
static void put_time(struct mv_bytes *out, int64_t ms) {
  int64_t rest = llabs(ms % 1000);
  mv_bytes_puts(out, ms < 0 ? "-" : "");
  mv_bytes_put_int(out, llabs(ms / 1000));
  mv_bytes_puts(out, rest < 10 ? ".00" : rest < 100 ? ".0" : ".");
  mv_bytes_put_int(out, rest);
}

static bool put_params(struct mv_bytes *out, const json_t *raw) {
  struct mv_bytes text = {0};
  bool whole = !raw || mv_json_write(&text, raw) || put_member(out, "params", &text);
  mv_bytes_free(&text);
  return whole;
}

/* The answer's text; "ok" as JSON. */
static bool put_answer(struct mv_bytes *out, const struct mv_ask *ask) {
  if (ask->written.length) {
    return put_member(out, "answer", &ask->written);
  }
  put_name(out, "answer", ask->text);
  return true;
}

static int64_t client_of(const json_t *raw) {
  int64_t client = 0;
  mv_params_id_of(json_object_get(raw, "client_id"), &client);
  return client;
}

static void record(struct mv_sandbox *sandbox, const struct mv_ask *ask, const struct mv_call *call,
                   const char *action, json_t *raw, const struct mv_spoiling *spoiling) {
  struct mv_bytes entry = {0};
  struct mv_record_head head = {
      .kind = "api", .action = action, .client = client_of(raw), .project = ask->work->project};
  mv_bytes_reserve(&entry, 256 + ask->written.length % LONGEST_RECORDED);
  mv_bytes_puts(&entry, "\"kind\":\"api\",\"at\":");
  put_time(&entry, mv_clock_wall(sandbox->clock));
  put_member_name(&entry, "project_id");
  mv_bytes_put_int(&entry, head.project);
  put_name(&entry, "method", call->method);
  put_name(&entry, "action", action);
  bool whole = put_params(&entry, raw);
  put_member_name(&entry, "status");
  mv_bytes_put_int(&entry, spoiling->drop_before ? 0 : ask->status);
  whole = put_answer(&entry, ask) && whole;
  if (spoiling->kind) {
    put_name(&entry, "fault", spoiling->kind);
  }
  mv_bytes_puts(&entry, whole ? "" : ",\"cut\":true");
  mv_record_put(sandbox->record, &head, &entry);
}

/* For tests: whether the answer is one that the action table promises. */
static void witness(struct mv_sandbox *sandbox, const struct mv_ask *ask, const char *action) {
  if (sandbox->witness) {
    const struct mv_bytes *written = &ask->written;
    json_t *answer = written->length ? mv_json_parse(written->data, written->length, NULL)
                                     : json_string(ask->text);
    mv_witness_see(sandbox->witness, ask->action, action, ask->status, answer);
    json_decref(answer);
  }
}

static void reply_spoiled(struct mv_sandbox *sandbox, struct mv_call *call, struct mv_ask *ask,
                          const struct mv_spoiling *spoiling) {
  struct mv_outgoing out = {.status = ask->status};
  struct mv_bytes *body = &ask->written;
  if (spoiling->body) {
    mv_bytes_clear(body);
    mv_bytes_puts(body, spoiling->body);
    out.type = "text/html; charset=utf-8";
  } else if (!body->length) {
    mv_bytes_puts(body, ask->text);
    out.type = "text/plain; charset=utf-8";
  }
  snprintf(out.headers, sizeof out.headers, "%s", ask->headers);
  out.body = mv_bytes_steal(body, &out.length);
  mv_spoil_reply(sandbox->later, call, spoiling, &out);
}

static void reply(struct mv_sandbox *sandbox, struct mv_call *call, struct mv_ask *ask,
                  const struct mv_spoiling *spoiling) {
  const char *headers = *ask->headers ? ask->headers : NULL;
  if (spoiling->kind) {
    reply_spoiled(sandbox, call, ask, spoiling);
  } else if (ask->written.length) {
    mv_call_reply(call, ask->status, NULL, ask->written.data, ask->written.length, headers);
  } else {
    mv_call_reply(call, ask->status, "text/plain; charset=utf-8", ask->text, strlen(ask->text),
                  headers);
  }
}

static enum mv_work_kind kind_of(const struct mv_ask *ask) {
  if (!ask->action || ask->action->retry == MV_SAFE) {
    return MV_WORK_READ;
  }
  return ask->played->late ? MV_WORK_LATE : MV_WORK_DATA;
}

static void handle_api(struct mv_sandbox *sandbox, struct mv_call *call,
                       const struct route *route) {
  struct mv_error err = {0};
  struct mv_work work;
  struct mv_ask ask = {.work = &work,
                       .action = mv_action_find(route->action, strlen(route->action))};
  struct mv_spoiling spoiling = {0};
  json_t *raw = ask.action ? read_input(ask.action, call, &err) : NULL;
  ask.played = ask.action ? mv_actions_find(ask.action->name) : NULL;
  assert(!ask.action || ask.played);
  mv_work_begin_as(&work, sandbox, kind_of(&ask));
  ask.db = work.db;
  work.cause = ask.action ? ask.action->name : NULL;
  decide(&ask, call, route, raw, &err, &spoiling);
  if (mv_work_end(&work, !ask.failed, &err)) {
    mv_answer_fail(&ask, err.kind == MV_ERROR_BUSY ? 503 : 500, "The sandbox failed: %.300s",
                   err.text);
  }
  const char *name = ask.action ? ask.action->name : route->action;
  write_answer(&ask);
  if (!spoiling.status && !spoiling.drop_before) {
    witness(sandbox, &ask, name);
  }
  record(sandbox, &ask, call, name, raw, &spoiling);
  reply(sandbox, call, &ask, &spoiling);
  free(spoiling.body);
  json_decref(raw);
  mv_params_free(&ask);
  json_decref(ask.answer);
  mv_bytes_free(&ask.written);
}

static void answer_nothing_here(struct mv_call *call) {
  static const char body[] =
      "{\"status\":\"fail\",\"message\":\"Nothing here: the API is at /api/{key}/{action}, "
      "the control API at /_sandbox/\"}";
  mv_call_reply(call, 404, NULL, body, sizeof body - 1, NULL);
}

enum { MOST_BODY = 8 << 20 }; /* bytes of a call of the API; the server takes longer snapshots */

static void answer_too_long(struct mv_call *call) {
  static const char body[] = "{\"status\":\"fail\",\"message\":\"The body is longer than 8 MiB\"}";
  mv_call_reply(call, 413, NULL, body, sizeof body - 1, NULL);
}

void mv_router_handle(struct mv_call *call, void *owner) {
  struct route route;
  if (strncmp(call->path, "/_sandbox", 9) == 0 && (call->path[9] == '/' || !call->path[9])) {
    mv_control_handle(owner, call);
  } else if (call->body_length > MOST_BODY) {
    answer_too_long(call);
  } else if (read_path(call->path, &route)) {
    handle_api(owner, call, &route);
  } else {
    answer_nothing_here(call);
  }
}
