#include "cli/talk.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/transport.h"
#include "base/bytes.h"
#include "base/json.h"

#define PAGE 500 /* clients asked for at a time */
#define PAGES 20 /* looked through for a name */

struct mv_talk {
  struct mv_transport *transport;
  char *url;
  char *host;   /* NULL: none to ask */
  const char *ca_file; /* the caller's; NULL: none */
  char *name;
  char *platform_id; /* of a client that is still to be made */
  int64_t client;    /* 0: not known yet */
  int64_t seen;      /* the last message that was told */
  int64_t accepted;  /* events the host had when both were idle; -1: they were not */
};

static void nothing(struct mv_exchange *exchange) {
  *(bool *)exchange->owner = true;
}

static json_t *read_answer(const struct mv_exchange *exchange, const char *path,
                           struct mv_error *err) {
  struct mv_error reason = {0};
  if (exchange->failure == MV_ERROR_CERTIFICATE) {
    mv_error_set(err, exchange->failure, "%s; --ca-file names a PEM file of whom to trust besides",
                 mv_exchange_problem(exchange));
    return NULL;
  }
  if (exchange->failure != MV_ERROR_NONE) {
    mv_error_set(err, exchange->failure, "%s; is a sandbox running there? (mavilua serve --sandbox)",
                 mv_exchange_problem(exchange));
    return NULL;
  }
  json_t *answer =
      mv_json_parse(exchange->reply.data ? exchange->reply.data : "", exchange->reply.length, &reason);
  const char *message = json_string_value(json_object_get(answer, "message"));
  if (exchange->status < 400 && answer)
    return answer;
  if (exchange->status >= 400)
    mv_error_set(err, MV_ERROR_HTTP, "%s answered %ld%s%s", path, exchange->status, message ? ": " : "",
                 message ? message : "");
  else
    mv_error_set(err, MV_ERROR_DECODE, "%s: %s", path, reason.text);
  json_decref(answer);
  return NULL;
}

/* One exchange, waited for. The answer's JSON, or NULL and `err`. Takes `body` (may be NULL) over. */
static json_t *ask_at(struct mv_talk *talk, const char *base, const char *path, json_t *body,
                      struct mv_error *err) {
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  bool over = false;
  struct mv_bytes url = {0};
  char *text = body ? mv_json_text(body) : NULL;
  mv_bytes_printf(&url, "%s%s", base, path);
  struct mv_exchange exchange = {.method = body ? "POST" : "GET",
                                 .url = url.data,
                                 .headers = headers,
                                 .body = text,
                                 .body_length = text ? strlen(text) : 0,
                                 .ca_file = talk->ca_file,
                                 .done = nothing,
                                 .owner = &over};
  json_t *answer = NULL;
  if (url.failed || (body && !text))
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else if (mv_transport_start(talk->transport, &exchange, err) == 0) {
    while (!over)
      mv_transport_poll(talk->transport, 1000);
    answer = read_answer(&exchange, path, err);
  }
  mv_exchange_free(&exchange);
  mv_bytes_free(&url);
  free(text);
  json_decref(body);
  return answer;
}

static json_t *ask(struct mv_talk *talk, const char *path, json_t *body, struct mv_error *err) {
  return ask_at(talk, talk->url, path, body, err);
}

/* The id of the client called `name` in one page of clients; 0 when there is none. */
static int64_t find_in(const json_t *clients, const char *name) {
  size_t i;
  json_t *client;
  json_array_foreach(clients, i, client) {
    const char *called = json_string_value(json_object_get(client, "name"));
    if (called && strcmp(called, name) == 0)
      return json_integer_value(json_object_get(client, "id"));
  }
  return 0;
}

static int find_client(struct mv_talk *talk, struct mv_error *err) {
  for (int page = 0; page < PAGES && !talk->client; page++) {
    char path[96];
    snprintf(path, sizeof path, "/api/sandbox/get_clients?limit=%d&offset=%d", PAGE, page * PAGE);
    json_t *answer = ask(talk, path, NULL, err);
    if (!answer)
      return -1;
    const json_t *clients = json_object_get(answer, "clients");
    bool last = json_array_size(clients) < PAGE;
    talk->client = find_in(clients, talk->name);
    json_decref(answer);
    if (last)
      return 0;
  }
  return 0;
}

/* "Ada Byron" -> "chat-ada-byron": the same person next time. */
static char *platform_id_of(const char *name) {
  struct mv_bytes out = {0};
  mv_bytes_puts(&out, "chat-");
  for (const char *p = name; *p; p++)
    mv_bytes_putc(&out, (char)(isspace((unsigned char)*p) ? '-' : tolower((unsigned char)*p)));
  return mv_bytes_steal(&out, NULL);
}

/* The conversation after the last message seen, oldest first. */
static json_t *conversation(struct mv_talk *talk, struct mv_error *err) {
  char path[96];
  snprintf(path, sizeof path, "/_sandbox/messages?client_id=%lld&since=%lld", (long long)talk->client,
           (long long)talk->seen);
  return ask(talk, path, NULL, err);
}

/* The list may stand alone or under "messages". */
static const json_t *messages_of(const json_t *answer) {
  return json_is_array(answer) ? answer : json_object_get(answer, "messages");
}

static json_t *take_news(struct mv_talk *talk, const json_t *answer) {
  json_t *news = json_array(), *message;
  size_t i;
  json_array_foreach(messages_of(answer), i, message) {
    int64_t id = json_integer_value(json_object_get(message, "id"));
    if (id <= talk->seen)
      continue;
    talk->seen = id;
    if (!json_is_true(json_object_get(message, "client_replica")))
      json_array_append(news, message);
  }
  return news;
}

json_t *mv_talk_hear(struct mv_talk *talk, struct mv_error *err) {
  if (!talk->client)
    return json_array();
  json_t *answer = conversation(talk, err);
  if (!answer)
    return NULL;
  json_t *news = take_news(talk, answer);
  json_decref(answer);
  return news;
}

int mv_talk_say(struct mv_talk *talk, const char *text, struct mv_error *err) {
  json_t *body = json_pack("{s:s%}", "message", text, strlen(text));
  if (!body)
    return mv_error_set(err, MV_ERROR_USAGE, "a message has to be UTF-8");
  if (talk->client) {
    json_object_set_new(body, "client_id", json_integer(talk->client));
  } else {
    json_object_set_new(body, "platform_id", json_string(talk->platform_id));
    json_object_set_new(body, "name", json_string(talk->name));
  }
  json_t *answer = ask(talk, "/_sandbox/messages", body, err);
  if (!answer)
    return -1;
  talk->client = json_integer_value(json_object_get(answer, "client_id"));
  talk->accepted = -1;
  json_decref(answer);
  return 0;
}

/* Whether the answer (dropped) says that it is idle; *accepted: what it says of that. 1, 0, -1. */
static int says_idle(json_t *answer, int64_t *accepted) {
  if (!answer)
    return -1;
  bool idle = json_is_true(json_object_get(answer, "idle"));
  *accepted = json_integer_value(json_object_get(answer, "accepted"));
  json_decref(answer);
  return idle;
}

/* Two looks at each: what a run has sent before the host's first look has been delivered by the
 * sandbox's second, and counts as accepted at the host's second. */
int mv_talk_settled(struct mv_talk *talk, struct mv_error *err) {
  int64_t before = talk->accepted, accepted = 0, ignored;
  if (!talk->host)
    return 0;
  talk->accepted = -1;
  int idle = says_idle(ask(talk, "/_sandbox/idle", NULL, err), &ignored);
  if (idle > 0)
    idle = says_idle(ask_at(talk, talk->host, "/api/summary", NULL, err), &accepted);
  if (idle > 0)
    talk->accepted = accepted;
  return idle > 0 ? accepted == before : idle;
}

/* A copy without slashes at its end; NULL stays NULL. */
static char *base_of(const char *url) {
  char *copy = mv_strdup(url);
  for (size_t end = strlen(copy ? copy : ""); end > 0 && copy[end - 1] == '/'; end--)
    copy[end - 1] = '\0';
  return copy;
}

struct mv_talk *mv_talk_open(const char *url, const char *host, const char *ca_file,
                             const char *name, struct mv_error *err) {
  struct mv_talk *talk = calloc(1, sizeof *talk);
  if (!talk) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  talk->url = base_of(url);
  talk->host = base_of(host);
  talk->ca_file = ca_file;
  talk->accepted = -1;
  talk->name = mv_strdup(name);
  talk->platform_id = platform_id_of(name);
  talk->transport = mv_transport_new(err);
  json_t *old = NULL;
  if (!talk->transport || find_client(talk, err) || !(old = mv_talk_hear(talk, err))) {
    mv_talk_close(talk);
    return NULL;
  }
  json_decref(old); /* what was said before is known to both */
  return talk;
}

void mv_talk_close(struct mv_talk *talk) {
  if (!talk)
    return;
  mv_transport_free(talk->transport);
  free(talk->url);
  free(talk->host);
  free(talk->name);
  free(talk->platform_id);
  free(talk);
}
