/* How a handle is set up for an exchange. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/easy.h"

enum {
  DEFAULT_TIMEOUT = 30,
  DEFAULT_CONNECT_TIMEOUT = 5,
  MAX_HEADERS = 256 << 10,
  MAX_IDLE_SECONDS = 30, /* a connection that was idle for longer is likely dead: not reused */
  UPLOAD_BUFFER = 16 << 10,
  PLAIN_BUFFER = 1 << 10,
  TLS_BUFFER = 16 << 10,
};

/* ---- callbacks: fill the exchange, never do more ---- */

static size_t stop(struct mv_easy *call, enum mv_easy_stop why) {
  call->stop = why;
  return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user) {
  struct mv_easy *call = user;
  struct mv_bytes *reply = &call->exchange->reply;
  size_t length = size * count;
  if (length > mv_easy_max_reply(call->exchange) - reply->length) {
    return stop(call, MV_STOP_LARGE);
  }
  return mv_bytes_append(reply, data, length) ? stop(call, MV_STOP_MEMORY) : length;
}

/* A new answer begins; only the last one's headers count. */
static void begin_answer(struct mv_easy *call, const char *line, size_t length) {
  const char *blank = memchr(line, ' ', length);
  bool success = blank && blank + 1 < line + length && blank[1] == '2';
  call->skips_headers = call->exchange->brief && success;
  call->header_bytes = 0;
  mv_bytes_clear(&call->exchange->reply_headers);
}

static size_t on_header(char *data, size_t size, size_t count, void *user) {
  struct mv_easy *call = user;
  struct mv_bytes *headers = &call->exchange->reply_headers;
  size_t length = size * count, line = length;
  if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) {
    begin_answer(call, data, length);
    return length;
  }
  call->header_bytes += length;
  if (call->header_bytes > MAX_HEADERS) {
    return stop(call, MV_STOP_HEADERS);
  }
  if (call->skips_headers) {
    return length;
  }
  while (line > 0 && (data[line - 1] == '\r' || data[line - 1] == '\n')) {
    line--;
  }
  if (line == 0) {
    return length;
  }
  mv_bytes_append(headers, data, line);
  return mv_bytes_putc(headers, '\n') ? stop(call, MV_STOP_MEMORY) : length;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *user) {
  struct mv_easy *call = user;
  size_t room = size * count, left = call->exchange->body_length - call->body_sent;
  size_t length = left < room ? left : room;
  memcpy(buffer, call->exchange->body + call->body_sent, length);
  call->body_sent += length;
  return length;
}

/* ---- setting up ---- */

#define FIRST_SHARED_BUFFER 0x080700 /* from this libcurl on all transfers use one buffer */

#define SET(option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static long milliseconds(double seconds, int otherwise) {
  if (!(seconds > 0)) {
    seconds = otherwise;
  }
  return seconds > 1e6 ? 1000000000L : seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

static bool setup_limits(CURL *easy, const struct mv_easy_kind *kind) {
  return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
#if LIBCURL_VERSION_NUM >= 0x075500
         SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
#else
         SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) &&
#endif
         SET(CURLOPT_PATH_AS_IS, 1L) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
         SET(CURLOPT_MAXAGE_CONN, (long)MAX_IDLE_SECONDS) &&
         SET(CURLOPT_TIMEOUT_MS, kind->timeout) &&
         SET(CURLOPT_CONNECTTIMEOUT_MS, kind->connect_timeout) &&
         SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)kind->max_reply);
}

/* Each handle and each connection has copies of the names of the system's certificates. */
static void forget_trust(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
  curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
}

static bool setup_trust(CURL *easy, const struct mv_easy_kind *kind, const char *ca_file) {
  if (!kind->tls) {
    forget_trust(easy);
    return SET(CURLOPT_NOPROXY, "*");
  }
  return SET(CURLOPT_SSL_VERIFYPEER, kind->insecure ? 0L : 1L) &&
         SET(CURLOPT_SSL_VERIFYHOST, kind->insecure ? 0L : 2L) &&
         (!ca_file || SET(CURLOPT_CAINFO, ca_file)) &&
         (!kind->loopback || SET(CURLOPT_NOPROXY, "*"));
}

/* Room for a part of the answer, held as long as one is awaited. Over TLS a connection holds far
 * more than that, and HTTP/2 goes better with much room. */
static long buffer_size(bool plain) {
  return plain && LIBCURL_VERSION_NUM < FIRST_SHARED_BUFFER ? PLAIN_BUFFER : TLS_BUFFER;
}

/* A handle whose last transfer did not get as far as a connection still has that one's buffer: it
 * takes no other size, and must not go on with what the reset left. */
static bool setup_buffer(struct mv_easy *call, long size) {
  if (call->easy) {
    curl_easy_reset(call->easy);
    if (curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, size) == CURLE_OK) {
      return true;
    }
    curl_easy_cleanup(call->easy);
  }
  call->easy = curl_easy_init();
  return call->easy && curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, size) == CURLE_OK;
}

/* libcurl sends a request anew, without a word, when a reused connection turns out dead before any
 * answer came; but the request may have been read and done. What must not be sent twice gets a body
 * that cannot be rewound, which makes libcurl give up instead, or a fresh connection. */
static bool setup_repeats(CURL *easy, struct mv_easy *call) {
  const struct mv_easy_kind *kind = &call->kind;
  if (!kind->once) {
    return true;
  }
  if (!kind->has_body) {
    return SET(CURLOPT_FRESH_CONNECT, 1L);
  }
  return SET(CURLOPT_READFUNCTION, on_read) && SET(CURLOPT_READDATA, call) &&
         SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
}

static bool setup_method(CURL *easy, struct mv_easy *call) {
  const char *method = call->exchange->method;
  bool post = strcmp(method, "POST") == 0;
  if (!setup_repeats(easy, call) || ((post || call->kind.has_body) && !SET(CURLOPT_POST, 1L))) {
    return false;
  }
  if (strcmp(method, "HEAD") == 0) {
    return SET(CURLOPT_NOBODY, 1L);
  }
  bool plain = post || (strcmp(method, "GET") == 0 && !call->exchange->body);
  return plain || SET(CURLOPT_CUSTOMREQUEST, method);
}

/* The body itself, which each exchange has anew. */
static bool setup_body(CURL *easy, const struct mv_easy *call) {
  const struct mv_exchange *exchange = call->exchange;
  bool has_body = call->kind.has_body;
  if (!has_body && strcmp(exchange->method, "POST") != 0) {
    return true;
  }
  return SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(has_body ? exchange->body_length : 0)) &&
         ((has_body && exchange->once) || SET(CURLOPT_POSTFIELDS, has_body ? exchange->body : ""));
}

static bool setup_headers(struct mv_easy *call, struct mv_easy_shared *shared) {
  struct mv_easy_headers *before = call->headers;
  call->headers = mv_easy_use_headers(shared, call->exchange->headers);
  bool set = call->headers &&
             (call->headers == before ||
              curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers->list) == CURLE_OK);
  mv_easy_release_headers(before);
  return set;
}

/* Where libcurl puts words about TLS, which are all that is wanted of it. */
static bool setup_words(CURL *easy, struct mv_easy *call) {
  free(call->error);
  call->error = call->kind.tls ? calloc(1, CURL_ERROR_SIZE) : NULL;
  return !call->kind.tls || (call->error && SET(CURLOPT_ERRORBUFFER, call->error));
}

static bool setup_callbacks(CURL *easy, struct mv_easy *call) {
  return SET(CURLOPT_PRIVATE, call) && setup_words(easy, call) &&
         SET(CURLOPT_WRITEFUNCTION, on_body) && SET(CURLOPT_WRITEDATA, call) &&
         SET(CURLOPT_HEADERFUNCTION, on_header) && SET(CURLOPT_HEADERDATA, call);
}

static bool same_kind(const struct mv_easy_kind *a, const struct mv_easy_kind *b) {
  return a->timeout == b->timeout && a->connect_timeout == b->connect_timeout &&
         a->max_reply == b->max_reply && a->buffer == b->buffer && a->insecure == b->insecure &&
         a->loopback == b->loopback && a->has_body == b->has_body && a->once == b->once &&
         a->tls == b->tls && a->tunnel == b->tunnel && strcmp(a->method, b->method) == 0;
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* False: the method is too long to be noted. */
static bool kind_of(const struct mv_exchange *exchange, const struct mv_easy_address *address,
                    struct mv_easy_kind *kind) {
  size_t length = strlen(exchange->method);
  memset(kind, 0, sizeof *kind);
  kind->timeout = milliseconds(exchange->timeout, DEFAULT_TIMEOUT);
  kind->connect_timeout = milliseconds(exchange->connect_timeout, DEFAULT_CONNECT_TIMEOUT);
  kind->max_reply = mv_easy_max_reply(exchange);
  kind->buffer = buffer_size(address->plain);
  kind->insecure = exchange->insecure;
  kind->loopback = address->loopback;
  kind->tls = !address->loopback || !address->plain;
  kind->tunnel = !address->loopback && !address->plain;
  kind->has_body = exchange->body && exchange->body_length > 0;
  kind->once = exchange->once;
  memcpy(kind->method, exchange->method, length < sizeof kind->method ? length : 0);
  return length < sizeof kind->method;
}

/* What the handle keeps for all exchanges of the kind. */
static bool setup_kind(struct mv_easy *call, const struct mv_easy_kind *kind,
                       const struct mv_easy_shared *shared) {
  const char *ca_file = call->exchange->ca_file;
  bool buffer = setup_buffer(call, kind->buffer);
  CURL *easy = call->easy;
  call->kind = *kind;
  free(call->ca_file);
  mv_easy_release_address(call->address);
  mv_easy_release_headers(call->headers);
  call->ca_file = mv_strdup(ca_file);
  call->address = NULL;
  call->headers = NULL;
  return buffer && (call->ca_file || !ca_file) && SET(CURLOPT_SHARE, shared->sessions) &&
         SET(CURLOPT_CLOSESOCKETFUNCTION, shared->close_socket) &&
         SET(CURLOPT_CLOSESOCKETDATA, shared->sockets) &&
         SET(CURLOPT_PROXYHEADER, kind->tunnel ? shared->to_proxy : NULL) &&
         SET(CURLOPT_OPENSOCKETFUNCTION, shared->open_socket) &&
         SET(CURLOPT_OPENSOCKETDATA, shared->sockets) && SET(CURLOPT_ACCEPT_ENCODING, "gzip") &&
         setup_limits(easy, kind) && setup_trust(easy, kind, ca_file) && setup_method(easy, call) &&
         setup_callbacks(easy, call);
}

/* Takes the use of the address over. */
static bool setup_url(struct mv_easy *call, struct mv_easy_address *address, const char *target) {
  CURL *easy = call->easy;
  struct mv_easy_address *before = call->address;
  const char *text = address->text;
  bool set = address == before || (SET(CURLOPT_URL, text) && SET(CURLOPT_CURLU, address->parts));
  set = set && ((!target && !(before && before->apart)) || SET(CURLOPT_REQUEST_TARGET, target));
  call->address = address;
  mv_easy_release_address(before);
  return set;
}

static bool setup_with(struct mv_easy *call, struct mv_easy_shared *shared,
                       struct mv_easy_address *address, const char *target) {
  const struct mv_exchange *exchange = call->exchange;
  struct mv_easy_kind kind;
  bool noted = kind_of(exchange, address, &kind);
  bool same = call->known && noted && same_kind(&kind, &call->kind) &&
              same_text(exchange->ca_file, call->ca_file);
  call->known = false;
  bool ready = same || setup_kind(call, &kind, shared);
  bool done = setup_url(call, address, target) && ready && setup_headers(call, shared) &&
              setup_body(call->easy, call);
  call->known = done && noted;
  return done;
}

static bool setup(struct mv_easy *call, struct mv_easy_shared *shared) {
  const char *target;
  struct mv_easy_address *address =
      mv_easy_use_address(shared, call->address, call->exchange->url, &target);
  return address && setup_with(call, shared, address, target);
}

int mv_easy_setup(struct mv_easy *call, struct mv_easy_shared *shared, struct mv_error *err) {
  call->stop = MV_STOP_NONE;
  call->body_sent = 0;
  if (call->error) {
    call->error[0] = '\0';
  }
  if (setup(call, shared)) {
    return 0;
  }
  return mv_error_set(err, MV_ERROR_SYSTEM,
                      "libcurl refuses to set a request up: memory is out, or it was built without "
                      "an option that is needed");
}
