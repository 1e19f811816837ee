#include "api/easy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/text.h"
#include "base/version.h"

enum {
  DEFAULT_TIMEOUT = 30,
  DEFAULT_CONNECT_TIMEOUT = 5,
  DEFAULT_MAX_REPLY = 64 << 20,
  MAX_HEADERS = 256 << 10,
  MAX_IDLE_SECONDS = 30, /* a connection that was idle for longer is likely dead: not reused */
  UPLOAD_BUFFER = 16 << 10,
  PLAIN_BUFFER = 1 << 10,
  TLS_BUFFER = 16 << 10,
};

/* ---- the address in messages ---- */

/* "host:port" of a URL, without user, password, path and query. */
static void name_host(const char *url, char *out, size_t size) {
  const char *host = strstr(url, "://"), *at, *port;
  char text[256];
  host = host ? host + 3 : url;
  size_t length = strcspn(host, "/?#\\");
  while ((at = memchr(host, '@', length))) {
    length -= (size_t)(at + 1 - host);
    host = at + 1;
  }
  mv_text_line(text, sizeof text, host, length);
  port = strrchr(text, ':');
  bool has_port = port && strspn(port + 1, "0123456789") == strlen(port + 1);
  snprintf(out, size, "%s%s", text,
           has_port                               ? ""
           : strncasecmp(url, "https://", 8) == 0 ? ":443"
                                                  : ":80");
}

/* A proxy of the environment is not asked for this machine's own servers. */
static bool is_loopback(const char *url) {
  char host[300];
  name_host(url, host, sizeof host);
  return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]:", 6) == 0 ||
         strncasecmp(host, "localhost:", 10) == 0;
}

/* ---- callbacks: fill the exchange, never do more ---- */

static size_t stop(struct mv_easy *call, enum mv_easy_stop why) {
  call->stop = why;
  return 0;
}

static size_t max_reply(const struct mv_exchange *exchange) {
  return exchange->max_reply ? exchange->max_reply : DEFAULT_MAX_REPLY;
}

static size_t on_body(char *data, size_t size, size_t count, void *user) {
  struct mv_easy *call = user;
  struct mv_bytes *reply = &call->exchange->reply;
  size_t length = size * count;
  if (length > max_reply(call->exchange) - reply->length) {
    return stop(call, MV_STOP_LARGE);
  }
  return mv_bytes_append(reply, data, length) ? stop(call, MV_STOP_MEMORY) : length;
}

static size_t on_header(char *data, size_t size, size_t count, void *user) {
  struct mv_easy *call = user;
  struct mv_bytes *headers = &call->exchange->reply_headers;
  size_t length = size * count, line = length;
  while (line > 0 && (data[line - 1] == '\r' || data[line - 1] == '\n')) {
    line--;
  }
  if (line >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* a new answer begins; only the last counts */
    mv_bytes_clear(headers);
    return length;
  }
  if (line == 0) {
    return length;
  }
  if (headers->length + line > MAX_HEADERS) {
    return stop(call, MV_STOP_HEADERS);
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

static bool setup_limits(CURL *easy, const struct mv_exchange *exchange) {
  return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
#if LIBCURL_VERSION_NUM >= 0x075500
         SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
#else
         SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) &&
#endif
         SET(CURLOPT_PATH_AS_IS, 1L) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
         SET(CURLOPT_MAXAGE_CONN, (long)MAX_IDLE_SECONDS) &&
         SET(CURLOPT_TIMEOUT_MS, milliseconds(exchange->timeout, DEFAULT_TIMEOUT)) &&
         SET(CURLOPT_CONNECTTIMEOUT_MS,
             milliseconds(exchange->connect_timeout, DEFAULT_CONNECT_TIMEOUT)) &&
         SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max_reply(exchange));
}

static bool setup_trust(CURL *easy, const struct mv_exchange *exchange) {
  return SET(CURLOPT_SSL_VERIFYPEER, exchange->insecure ? 0L : 1L) &&
         SET(CURLOPT_SSL_VERIFYHOST, exchange->insecure ? 0L : 2L) &&
         (!exchange->ca_file || SET(CURLOPT_CAINFO, exchange->ca_file)) &&
         (!is_loopback(exchange->url) || SET(CURLOPT_PROXY, ""));
}

/* Room for a part of the answer, held as long as one is awaited. Over TLS a connection holds far
 * more than that, and HTTP/2 goes better with much room. */
static long buffer_size(const struct mv_exchange *exchange) {
  bool plain = strncasecmp(exchange->url, "http://", 7) == 0;
  return plain && LIBCURL_VERSION_NUM < FIRST_SHARED_BUFFER ? PLAIN_BUFFER : TLS_BUFFER;
}

/* A handle whose last transfer did not get as far as a connection still has that one's buffer: it
 * takes no other size, and must not go on with what the reset left. */
static bool setup_buffer(struct mv_easy *call) {
  long size = buffer_size(call->exchange);
  curl_easy_reset(call->easy);
  if (curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, size) == CURLE_OK) {
    return true;
  }
  curl_easy_cleanup(call->easy);
  call->easy = curl_easy_init();
  return call->easy && curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, size) == CURLE_OK;
}

/* libcurl sends a request anew, without a word, when a reused connection turns out dead before any
 * answer came; but the request may have been read and done. What must not be sent twice gets a body
 * that cannot be rewound, which makes libcurl give up instead, or a fresh connection. */
static bool setup_body(CURL *easy, struct mv_easy *call) {
  const struct mv_exchange *exchange = call->exchange;
  bool has_body = exchange->body && exchange->body_length > 0;
  if (exchange->once && !has_body && !SET(CURLOPT_FRESH_CONNECT, 1L)) {
    return false;
  }
  if (!has_body && strcmp(exchange->method, "POST") != 0) {
    return true;
  }
  if (!SET(CURLOPT_POST, 1L) ||
      !SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(has_body ? exchange->body_length : 0))) {
    return false;
  }
  if (exchange->once && has_body) {
    return SET(CURLOPT_READFUNCTION, on_read) && SET(CURLOPT_READDATA, call) &&
           SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
  }
  return SET(CURLOPT_POSTFIELDS, has_body ? exchange->body : "");
}

static bool setup_method(CURL *easy, struct mv_easy *call) {
  const char *method = call->exchange->method;
  if (!setup_body(easy, call)) {
    return false;
  }
  if (strcmp(method, "HEAD") == 0) {
    return SET(CURLOPT_NOBODY, 1L);
  }
  bool plain = strcmp(method, "POST") == 0 || (strcmp(method, "GET") == 0 && !call->exchange->body);
  return plain || SET(CURLOPT_CUSTOMREQUEST, method);
}

static bool append_header(struct curl_slist **list, const char *header) {
  struct curl_slist *longer = curl_slist_append(*list, header);
  *list = longer ? longer : *list;
  return longer != NULL;
}

/* The exchange's own headers, and what keeps libcurl from adding its ideas. */
static bool own_headers(struct mv_easy *call) {
  bool typed = false;
  if (!append_header(&call->headers, "Expect:")) {
    return false;
  }
  for (const char *const *header = call->exchange->headers; *header; header++) {
    typed = typed || strncasecmp(*header, "Content-Type:", 13) == 0;
    if (!append_header(&call->headers, *header)) {
      return false;
    }
  }
  return typed || append_header(&call->headers, "Content-Type: application/json");
}

static bool setup_callbacks(CURL *easy, struct mv_easy *call) {
  return SET(CURLOPT_PRIVATE, call) && SET(CURLOPT_ERRORBUFFER, call->error) &&
         SET(CURLOPT_WRITEFUNCTION, on_body) && SET(CURLOPT_WRITEDATA, call) &&
         SET(CURLOPT_HEADERFUNCTION, on_header) && SET(CURLOPT_HEADERDATA, call);
}

int mv_easy_setup(struct mv_easy *call, const struct mv_easy_shared *shared, struct mv_error *err) {
  struct mv_exchange *exchange = call->exchange;
  call->stop = MV_STOP_NONE;
  call->body_sent = 0;
  call->error[0] = '\0';
  bool buffer = setup_buffer(call);
  CURL *easy = call->easy;
  bool headers = !exchange->headers || !exchange->headers[0] || own_headers(call);
  if (buffer && headers && SET(CURLOPT_SHARE, shared->sessions) &&
      SET(CURLOPT_HTTPHEADER, call->headers ? call->headers : shared->json_headers) &&
      SET(CURLOPT_URL, exchange->url) && SET(CURLOPT_USERAGENT, "mavilua/" MV_VERSION) &&
      SET(CURLOPT_ACCEPT_ENCODING, "") && setup_limits(easy, exchange) &&
      setup_trust(easy, exchange) && setup_method(easy, call) && setup_callbacks(easy, call)) {
    return 0;
  }
  return mv_error_set(err, MV_ERROR_SYSTEM,
                      "libcurl refuses to set a request up: memory is out, or it was built without "
                      "an option that is needed");
}

/* ---- concluding ---- */

/* Ends that cannot follow a request: nothing had been connected yet. */
static bool is_before_request(CURLcode code) {
  switch (code) {
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_URL_MALFORMAT:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_PEER_FAILED_VERIFICATION:
    return true;
  default:
    return false;
  }
}

/* libcurl counts the request's bytes that it handed to the connection, over all its tries. */
static bool was_sent(const struct mv_easy *call, CURLcode code) {
  long bytes = 0;
  bool known = curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK;
  return !known || bytes > 0 || call->body_sent > 0 || !is_before_request(code);
}

enum detail { PLAIN, OS_ERROR, TLS, ELAPSED, RECEIVED, LIMIT };

static const struct end {
  CURLcode code;
  enum mv_error_kind kind;
  const char *words;
  enum detail detail;
} ends[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, MV_ERROR_USAGE, "only http:// and https:// are spoken", PLAIN},
    {CURLE_URL_MALFORMAT, MV_ERROR_USAGE, "the address is malformed", PLAIN},
    {CURLE_COULDNT_RESOLVE_PROXY, MV_ERROR_NETWORK, "the proxy's name cannot be resolved", PLAIN},
    {CURLE_COULDNT_RESOLVE_HOST, MV_ERROR_NETWORK, "the name cannot be resolved", PLAIN},
    {CURLE_COULDNT_CONNECT, MV_ERROR_NETWORK, "cannot connect", OS_ERROR},
    {CURLE_OPERATION_TIMEDOUT, MV_ERROR_TIMEOUT, "no answer", ELAPSED},
    {CURLE_SSL_CONNECT_ERROR, MV_ERROR_NETWORK, "TLS failed", TLS},
    {CURLE_SSL_CERTPROBLEM, MV_ERROR_CERTIFICATE, "TLS failed", TLS},
    {CURLE_SSL_CACERT_BADFILE, MV_ERROR_CERTIFICATE,
     "TLS failed: the file of trusted certificates "
     "cannot be read",
     PLAIN},
    {CURLE_SSL_ISSUER_ERROR, MV_ERROR_CERTIFICATE, "TLS failed", TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, MV_ERROR_CERTIFICATE, "TLS failed", TLS},
    {CURLE_PEER_FAILED_VERIFICATION, MV_ERROR_CERTIFICATE, "TLS failed", TLS},
    {CURLE_GOT_NOTHING, MV_ERROR_NETWORK, "the connection was closed without an answer", PLAIN},
    {CURLE_SEND_ERROR, MV_ERROR_NETWORK, "the connection broke while sending", OS_ERROR},
    {CURLE_RECV_ERROR, MV_ERROR_NETWORK, "the connection broke while receiving", OS_ERROR},
    {CURLE_SEND_FAIL_REWIND, MV_ERROR_NETWORK, "the connection broke after the request was sent",
     PLAIN},
    {CURLE_PARTIAL_FILE, MV_ERROR_DECODE, "the answer was cut off", RECEIVED},
    {CURLE_FILESIZE_EXCEEDED, MV_ERROR_DECODE, "the answer is too long", LIMIT},
    {CURLE_WEIRD_SERVER_REPLY, MV_ERROR_DECODE, "the answer is not HTTP", PLAIN},
    {CURLE_BAD_CONTENT_ENCODING, MV_ERROR_DECODE, "the answer's compression is broken", PLAIN},
    {CURLE_OUT_OF_MEMORY, MV_ERROR_SYSTEM, "memory is out", PLAIN},
};

static const struct end *find_end(const struct mv_easy *call, CURLcode code) {
  static const struct end stops[] = {
      [MV_STOP_LARGE] = {CURLE_WRITE_ERROR, MV_ERROR_DECODE, "the answer is too long", LIMIT},
      [MV_STOP_HEADERS] = {CURLE_WRITE_ERROR, MV_ERROR_DECODE, "the answer's headers are too long",
                           PLAIN},
      [MV_STOP_MEMORY] = {CURLE_WRITE_ERROR, MV_ERROR_SYSTEM, "memory is out", PLAIN},
  };
  if (call->stop != MV_STOP_NONE) {
    return &stops[call->stop];
  }
  /* libcurl calls an answer without a status line "HTTP/0.9", a protocol it does not speak. */
  if (code == CURLE_UNSUPPORTED_PROTOCOL && call->exchange->sent) {
    code = CURLE_WEIRD_SERVER_REPLY;
  }
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    if (ends[i].code == code) {
      return &ends[i];
    }
  }
  return NULL;
}

/* The part of a message that is known at run time only. Nothing of the address goes in: libcurl's
 * own text is used for TLS alone, where it tells of certificates. */
static void describe(const struct mv_easy *call, enum detail detail, char *out, size_t size) {
  const struct mv_exchange *exchange = call->exchange;
  long number = 0;
  out[0] = '\0';
  if (detail == OS_ERROR) {
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    if (number) {
      char buffer[96];
      snprintf(out, size, ": %s", strerror_r((int)number, buffer, sizeof buffer));
    }
  } else if (detail == TLS && call->error[0]) {
    char line[160];
    snprintf(out, size, ": %s", mv_text_line(line, sizeof line, call->error, strlen(call->error)));
  } else if (detail == ELAPSED) {
    snprintf(out, size, " within %.3g s%s", exchange->seconds,
             exchange->sent ? "" : " (not even a connection)");
  } else if (detail == RECEIVED) {
    snprintf(out, size, " after %zu bytes", exchange->reply.length);
  } else if (detail == LIMIT) {
    snprintf(out, size, ": more than %zu bytes", max_reply(exchange));
  }
}

static void fail(struct mv_easy *call, CURLcode code) {
  struct mv_exchange *exchange = call->exchange;
  const struct end *end = find_end(call, code);
  char host[300], detail[200];
  name_host(exchange->url, host, sizeof host);
  describe(call, end ? end->detail : PLAIN, detail, sizeof detail);
  exchange->failure = end ? end->kind : MV_ERROR_NETWORK;
  mv_error_set(&exchange->error, exchange->failure, "%s: %s%s", host,
               end ? end->words : curl_easy_strerror(code), detail);
}

void mv_easy_conclude(struct mv_easy *call, CURLcode code) {
  struct mv_exchange *exchange = call->exchange;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
  curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  exchange->seconds = (double)microseconds / 1e6;
  exchange->sent = was_sent(call, code);
  exchange->failure = MV_ERROR_NONE;
  if (code != CURLE_OK) {
    fail(call, code);
  }
}

void mv_easy_release(struct mv_easy *call) {
  if (call->exchange) {
    call->exchange->internal = NULL;
    call->exchange = NULL;
  }
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
  curl_slist_free_all(call->headers);
  call->headers = NULL;
}
