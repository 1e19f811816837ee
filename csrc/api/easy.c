#include "api/easy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/text.h"

enum { DEFAULT_MAX_REPLY = 64 << 20 };

/* ---- the address in messages ---- */

const char *mv_easy_host(const char *url, size_t *length) {
  const char *host = strstr(url, "://"), *at;
  host = host ? host + 3 : url;
  *length = strcspn(host, "/?#\\");
  while ((at = memchr(host, '@', *length))) {
    *length -= (size_t)(at + 1 - host);
    host = at + 1;
  }
  return host;
}

/* "host:port" of a URL, without user, password, path and query. */
static void name_host(const char *url, char *out, size_t size) {
  size_t length;
  char text[256];
  const char *host = mv_easy_host(url, &length);
  mv_text_line(text, sizeof text, host, length);
  const char *port = strrchr(text, ':');
  bool has_port = port && strspn(port + 1, "0123456789") == strlen(port + 1);
  snprintf(out, size, "%s%s", text,
           has_port                               ? ""
           : strncasecmp(url, "https://", 8) == 0 ? ":443"
                                                  : ":80");
}

size_t mv_easy_max_reply(const struct mv_exchange *exchange) {
  return exchange->max_reply ? exchange->max_reply : DEFAULT_MAX_REPLY;
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
  } else if (detail == TLS && call->error && call->error[0]) {
    char line[160];
    snprintf(out, size, ": %s", mv_text_line(line, sizeof line, call->error, strlen(call->error)));
  } else if (detail == ELAPSED) {
    snprintf(out, size, " within %.3g s%s", exchange->seconds,
             exchange->sent ? "" : " (not even a connection)");
  } else if (detail == RECEIVED) {
    snprintf(out, size, " after %zu bytes", exchange->reply.length);
  } else if (detail == LIMIT) {
    snprintf(out, size, ": more than %zu bytes", mv_easy_max_reply(exchange));
  }
}

static void fail(struct mv_easy *call, CURLcode code) {
  struct mv_exchange *exchange = call->exchange;
  const struct end *end = find_end(call, code);
  char host[300], detail[200];
  struct mv_error err;
  name_host(exchange->url, host, sizeof host);
  describe(call, end ? end->detail : PLAIN, detail, sizeof detail);
  mv_error_set(&err, end ? end->kind : MV_ERROR_NETWORK, "%s: %s%s", host,
               end ? end->words : curl_easy_strerror(code), detail);
  mv_exchange_fail(exchange, &err);
}

void mv_easy_conclude(struct mv_easy *call, CURLcode code) {
  struct mv_exchange *exchange = call->exchange;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
  curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  exchange->seconds = (double)microseconds / 1e6;
  exchange->sent = code == CURLE_OK || was_sent(call, code);
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
}

void mv_easy_free(struct mv_easy *call) {
  mv_easy_release(call);
  curl_easy_cleanup(call->easy);
  mv_easy_release_headers(call->headers);
  free(call->error);
  free(call->ca_file);
  mv_easy_release_address(call->address);
  free(call);
}
