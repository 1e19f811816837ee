/* One request on its way through the server. Until it is handed to the handler, and again when its
 * answer is queued, only the connection's thread touches it. In between it belongs to whoever is to
 * answer: that one sets the response and, if the connection was suspended, gives it back, once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "net/server_internal.h"

#define KEEP_BODY ((size_t)16 << 10)      /* memory a connection keeps between requests */

#define DRAIN_LIMIT ((size_t)8 << 20)     /* read and dropped so that the 413 arrives */
#define SLOWEST_BODY 4                    /* a whole body may take so many idle timeouts */

/* ---- connections ---------------------------------------------------------------------------- */

static void name_peer(struct exchange *ex, const struct sockaddr *address) {
  const void *bytes = NULL;
  if (!address)
    return;
  if (address->sa_family == AF_INET)
    bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
  else if (address->sa_family == AF_INET6)
    bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
  if (!bytes || !inet_ntop(address->sa_family, bytes, ex->peer, sizeof ex->peer))
    ex->peer[0] = 0;
  if (strncmp(ex->peer, "::ffff:", 7) == 0 && strchr(ex->peer, '.'))
    memmove(ex->peer, ex->peer + 7, strlen(ex->peer + 7) + 1);
}

static const struct sockaddr *address_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

static struct exchange *exchange_new(struct mv_lane *lane, struct MHD_Connection *connection) {
  struct {
    struct exchange exchange;
    struct mv_seat seat;
  } *both = calloc(1, sizeof *both);
  if (!both)
    return NULL;
  struct exchange *ex = &both->exchange;
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  ex->server = lane->server;
  ex->lane = lane;
  ex->connection = connection;
  ex->seat = &both->seat;
  name_peer(ex, address_of(connection));
  mv_patience_enter(ex->server->patience, ex->seat, info ? info->connect_fd : -1);
  return ex;
}

static void drop_response(struct exchange *ex) {
  if (ex->response && !ex->shared)
    MHD_destroy_response(ex->response);
}

static void exchange_free(struct exchange *ex) {
  if (!ex)
    return;
  mv_patience_leave(ex->server->patience, ex->seat);
  drop_response(ex);
  mv_bytes_free(&ex->body);
  mv_bytes_free(&ex->target);
  free(ex);
}

void mv_call_on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code) {
  struct mv_lane *lane = cls;
  mv_lane_moved(lane);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    mv_lane_joined(lane);
    *slot = exchange_new(lane, connection);
  } else {
    exchange_free(*slot);
    *slot = NULL;
    mv_server_leave(lane->server, address_of(connection));
  }
}

/* Makes the exchange ready for the connection's next request. */
static void reset(struct exchange *ex) {
  struct exchange kept = {.server = ex->server, .connection = ex->connection, .seat = ex->seat,
                          .lane = ex->lane, .body = ex->body, .target = ex->target};
  drop_response(ex);
  if (kept.body.capacity > KEEP_BODY)
    mv_bytes_free(&kept.body);
  mv_bytes_clear(&kept.body);
  mv_bytes_clear(&kept.target);
  kept.body.failed = kept.target.failed = false;
  memcpy(kept.peer, ex->peer, sizeof kept.peer);
  *ex = kept;
}

/* ---- the target ----------------------------------------------------------------------------- */

static int hex_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* The byte that "%41" stands for; -1 for an escape that is none, and for NUL. */
static int read_escape(const char *text, size_t length) {
  int high = length > 2 ? hex_of(text[1]) : -1;
  int low = length > 2 ? hex_of(text[2]) : -1;
  return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* Appends the decoded path; -1 where it cannot be decoded. */
static int put_path(struct mv_bytes *out, const char *path, size_t length) {
  for (size_t i = 0; i < length;) {
    const char *escape = memchr(path + i, '%', length - i);
    size_t plain = escape ? (size_t)(escape - path) - i : length - i;
    mv_bytes_append(out, path + i, plain);
    i += plain;
    int byte = escape ? read_escape(escape, length - i) : 0;
    if (byte < 0 || (escape && mv_bytes_putc(out, (char)byte)))
      return -1;
    i += escape ? 3 : 0;
  }
  return out->failed ? -1 : 0;
}

/* "http://host/path" (a request through a proxy) to "/path". */
static const char *without_authority(const char *uri) {
  const char *rest = strstr(uri, "://");
  if (uri[0] == '/' || !rest)
    return uri;
  rest += 3;
  rest += strcspn(rest, "/?");
  return rest;
}

void *mv_call_on_target(void *cls, const char *uri, struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  struct exchange *ex = info ? info->socket_context : NULL;
  (void)cls;
  if (!ex)
    return NULL;
  if (ex->used)
    reset(ex);
  ex->used = true;
  ex->begun_at = mv_clock_monotonic(NULL);
  uri = without_authority(uri);
  size_t path = strcspn(uri, "?");
  ex->bad_target = (uri[0] != '/' && strcmp(uri, "*") != 0) || put_path(&ex->target, uri, path);
  size_t query = ex->target.length + 1;
  mv_bytes_putc(&ex->target, 0);
  mv_bytes_puts(&ex->target, uri[path] == '?' ? uri + path + 1 : "");
  ex->call.internal = ex;
  ex->call.peer = ex->peer;
  ex->call.path = ex->target.failed ? "" : ex->target.data;
  ex->call.query = ex->target.failed ? "" : ex->target.data + query;
  return ex;
}

/* ---- answers -------------------------------------------------------------------------------- */

static bool add_header(struct MHD_Response *response, const char *line, size_t length) {
  char copy[1024];
  if (length == 0)
    return true;
  if (length >= sizeof copy)
    return false;
  memcpy(copy, line, length);
  copy[length] = 0;
  char *colon = strchr(copy, ':');
  if (!colon)
    return false;
  *colon = 0;
  const char *value = colon + 1 + strspn(colon + 1, " \t");
  return MHD_add_response_header(response, copy, value) == MHD_YES;
}

static void add_headers(struct exchange *ex, struct MHD_Response *response, const char *lines) {
  while (lines && *lines) {
    size_t length = strcspn(lines, "\n");
    if (!add_header(response, lines, length))
      mv_log(ex->server->log, MV_LOG_WARN, NULL, "a reply's header cannot be sent and is left out");
    lines += length + (lines[length] == '\n');
  }
}

static struct MHD_Response *make_response(struct exchange *ex, const char *type, const void *body,
                                          size_t length, const char *headers) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  if (!response)
    return NULL;
  if (!type)
    type = "application/json";
  if (*type)
    MHD_add_response_header(response, "Content-Type", type);
  add_headers(ex, response, headers);
  return response;
}

/* An answer of the server itself, in the platform's shape. */
static void refuse(struct exchange *ex, unsigned status, const char *message, const char *headers) {
  char body[256];
  int length = snprintf(body, sizeof body, "{\"status\":\"fail\",\"message\":\"%s\"}", message);
  ex->response = make_response(ex, NULL, body, (size_t)length, headers);
  ex->status = status;
  ex->answered = true;
  mv_server_refused(ex->server, status);
}

/* Queues the answer; without one the connection is broken off. */
static enum MHD_Result queue(struct exchange *ex) {
  enum MHD_Result result = MHD_NO;
  if (ex->response)
    result = MHD_queue_response(ex->connection, ex->status, ex->response);
  return result;
}

static void count_answer(struct exchange *ex) {
  ex->counted = true;
  atomic_fetch_add(&ex->server->sending, 1);
}

/* The last thing done for an open call: the server may be gone right after. */
static void close_call(struct mv_server *server) {
  atomic_fetch_sub(&server->open, 1);
}

static void finish(struct exchange *ex, unsigned status, struct MHD_Response *response) {
  struct mv_server *server = ex->server;
  ex->status = status;
  ex->response = response;
  ex->answered = true;
  count_answer(ex);
  if (ex->deferred)
    mv_lane_give(ex->lane, ex);
  close_call(server);
}

void mv_call_reply(struct mv_call *call, unsigned status, const char *type, const void *body,
                   size_t length, const char *headers) {
  struct exchange *ex = call->internal;
  finish(ex, status, make_response(ex, type, body, length, headers));
}

struct mv_reply {
  unsigned status;
  struct MHD_Response *response;
};

struct mv_reply *mv_reply_new(unsigned status, const char *type, const void *body, size_t length) {
  struct mv_reply *reply = calloc(1, sizeof *reply);
  if (!reply)
    return NULL;
  reply->status = status;
  reply->response = make_response(NULL, type, body, length, NULL);
  if (reply->response)
    return reply;
  free(reply);
  return NULL;
}

void mv_reply_free(struct mv_reply *reply) {
  if (!reply)
    return;
  MHD_destroy_response(reply->response);
  free(reply);
}

void mv_call_reply_with(struct mv_call *call, const struct mv_reply *reply) {
  struct exchange *ex = call->internal;
  ex->shared = true;
  finish(ex, reply->status, reply->response);
}

/* What is left of a body that is to be cut off. */
struct fragment {
  size_t allowed;
  char data[];
};

static ssize_t read_fragment(void *cls, uint64_t position, char *out, size_t most) {
  const struct fragment *fragment = cls;
  if (position >= fragment->allowed)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t left = fragment->allowed - (size_t)position;
  size_t take = left < most ? left : most;
  memcpy(out, fragment->data + position, take);
  return (ssize_t)take;
}

static struct MHD_Response *make_fragment(const void *body, size_t length, double fraction) {
  struct fragment *fragment = malloc(sizeof *fragment + length + 1);
  if (!fragment)
    return NULL;
  fragment->allowed = (size_t)((double)length * (fraction > 1 ? 1 : fraction));
  memcpy(fragment->data, body, length);
  struct MHD_Response *response =
      MHD_create_response_from_callback(length, 4096, read_fragment, fragment, free);
  if (!response) {
    free(fragment);
    return NULL;
  }
  MHD_add_response_header(response, "Content-Type", "application/json");
  return response;
}

void mv_call_break(struct mv_call *call, unsigned status, const void *body, size_t length,
                   double fraction) {
  bool some = fraction > 0 && length > 0;
  finish(call->internal, status, some ? make_fragment(body, length, fraction) : NULL);
}

void mv_call_defer(struct mv_call *call) {
  struct exchange *ex = call->internal;
  ex->deferred = true;
  MHD_suspend_connection(ex->connection);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* What the headers say of the body. */
struct lengths {
  unsigned given;
  bool chunked;
  bool waits; /* to be told to send it */
  unsigned long long announced; /* anything odd, which the daemon refuses anyway, as 0 */
};

static enum MHD_Result read_length(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
  struct lengths *lengths = cls;
  (void)kind;
  if (strcasecmp(name, "content-length") == 0) {
    lengths->given++;
    lengths->announced = value ? strtoull(value, NULL, 10) : 0;
  }
  lengths->chunked |= strcasecmp(name, "transfer-encoding") == 0;
  lengths->waits |= strcasecmp(name, "expect") == 0;
  return MHD_YES;
}

/* The headers are there. A body that is too long is refused before it is sent if the sender waits,
 * or if draining it would cost too much; else it is drained so that the sender sees the answer. */
static enum MHD_Result begin(struct exchange *ex, const char *method) {
  struct lengths lengths = {.given = 0};
  MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, read_length, &lengths);
  ex->begun = true;
  mv_seat_got(ex->seat);
  ex->call.method = method;
  if (ex->bad_target) {
    refuse(ex, 400, "the path is not a valid URL path", "Connection: close");
    return queue(ex);
  }
  /* A proxy in front may see another end than we do: what it takes for body could come as a request. */
  if (lengths.given + lengths.chunked > 1) {
    refuse(ex, 400, "the request says twice how long it is", "Connection: close");
    return queue(ex);
  }
  if (lengths.announced <= ex->server->max_body)
    return MHD_YES;
  ex->too_long = true;
  if (!lengths.waits && lengths.announced <= DRAIN_LIMIT)
    return MHD_YES;
  refuse(ex, 413, "the body is too long", "Connection: close");
  return queue(ex);
}

static bool too_slow(const struct exchange *ex) {
  int64_t limit = (int64_t)ex->server->idle_timeout * 1000 * SLOWEST_BODY;
  return mv_clock_monotonic(NULL) - ex->begun_at > limit;
}

static enum MHD_Result take(struct exchange *ex, const char *data, size_t length) {
  if (too_slow(ex)) {
    mv_server_refused(ex->server, MHD_HTTP_REQUEST_TIMEOUT);
    return MHD_NO;
  }
  if (ex->body.length + length > ex->server->max_body)
    ex->too_long = true;
  if (!ex->too_long)
    return mv_bytes_append(&ex->body, data, length) ? MHD_NO : MHD_YES;
  mv_bytes_free(&ex->body);
  ex->drained += length;
  return ex->drained > DRAIN_LIMIT ? MHD_NO : MHD_YES;
}

static bool open_call(struct mv_server *server) {
  atomic_fetch_add(&server->open, 1); /* first, so that who stops sees it, or it sees who stops */
  bool ok = !atomic_load(&server->stopping);
  if (!ok)
    close_call(server);
  return ok;
}

static enum MHD_Result hand_over(struct exchange *ex) {
  struct mv_server *server = ex->server;
  if (ex->too_long) {
    refuse(ex, 413, "the body is too long", NULL);
    return queue(ex);
  }
  ex->call.body = ex->body.data ? ex->body.data : "";
  ex->call.body_length = ex->body.length;
  if (!open_call(server)) {
    refuse(ex, 503, "the server is stopping", "Retry-After: 5\nConnection: close");
    return queue(ex);
  }
  server->handler(&ex->call, server->owner);
  if (ex->deferred)
    return MHD_YES; /* suspended; called again when the answer is there */
  if (ex->answered)
    return queue(ex);
  mv_log(server->log, MV_LOG_ERROR, NULL, "a request was left without an answer");
  refuse(ex, 500, "internal error", NULL);
  close_call(server);
  return queue(ex);
}

enum MHD_Result mv_call_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data,
                                   size_t *size, void **request) {
  struct exchange *ex = *request;
  (void)connection;
  (void)url;
  (void)version;
  mv_lane_moved(cls);
  if (!ex)
    return MHD_NO;
  if (ex->answered)
    return queue(ex);
  if (!ex->begun)
    return begin(ex, method);
  if (*size == 0)
    return hand_over(ex);
  enum MHD_Result result = take(ex, data, *size);
  *size = 0;
  return result;
}

void mv_call_on_end(void *cls, struct MHD_Connection *connection, void **request,
                    enum MHD_RequestTerminationCode code) {
  struct exchange *ex = *request;
  (void)cls;
  (void)connection;
  if (!ex)
    return;
  if (code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED && ex->begun && !ex->answered && !ex->deferred)
    mv_server_refused(ex->server, MHD_HTTP_REQUEST_TIMEOUT);
  if (ex->counted)
    atomic_fetch_sub(&ex->server->sending, 1);
  reset(ex);
  mv_seat_await(ex->seat);
  *request = NULL;
}

/* ---- what a handler may ask ----------------------------------------------------------------- */

const char *mv_call_header(const struct mv_call *call, const char *name) {
  const struct exchange *ex = call->internal;
  if (!ex)
    return NULL;
  return MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, name);
}

struct visitor {
  void (*each)(void *owner, const char *name, const char *value);
  void *owner;
};

static enum MHD_Result visit(void *cls, enum MHD_ValueKind kind, const char *name,
                             const char *value) {
  const struct visitor *visitor = cls;
  (void)kind;
  visitor->each(visitor->owner, name, value ? value : "");
  return MHD_YES;
}

void mv_call_headers(const struct mv_call *call,
                     void (*each)(void *owner, const char *name, const char *value), void *owner) {
  const struct exchange *ex = call->internal;
  if (!ex)
    return;
  struct visitor visitor = {each, owner};
  MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, visit, &visitor);
}
