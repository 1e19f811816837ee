/* HTTP exchanges as a waiting call. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "lua/loop_internal.h"

/* An exchange with copies of all its texts: the script may change its table meanwhile. */
struct send {
  struct mv_wait wait;
  struct mv_exchange exchange;
  char *method, *url, *body, *ca_file;
  char **headers; /* NULL-terminated */
  size_t header_count;
};

static void send_free(struct mv_wait *wait) {
  struct send *send = (struct send *)wait;
  mv_exchange_free(&send->exchange);
  for (size_t i = 0; i < send->header_count; i++) {
    free(send->headers[i]);
  }
  free(send->headers);
  free(send->method);
  free(send->url);
  free(send->body);
  free(send->ca_file);
  send->headers = NULL;
  send->header_count = 0;
  send->method = send->url = send->body = send->ca_file = NULL;
}

static void send_stop(struct mv_wait *wait) {
  mv_transport_cancel(wait->loop->transport, &((struct send *)wait)->exchange);
}

static void exchange_done(struct mv_exchange *exchange) {
  mv_wait_done(exchange->owner);
}

/* results */

/* Adds "Name: value" to the table on top under its name in small letters; repeated ones are joined.
 */
static void push_header(lua_State *L, const char *line, size_t length) {
  const char *colon = memchr(line, ':', length);
  if (!colon) {
    return;
  }
  luaL_Buffer name;
  luaL_buffinit(L, &name);
  for (const char *p = line; p < colon; p++) {
    luaL_addchar(&name, (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
  }
  luaL_pushresult(&name);
  const char *value = colon + 1, *end = line + length;
  for (; value < end && (*value == ' ' || *value == '\t'); value++) {
  }
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlstring(L, value, (size_t)(end - value));
  } else {
    lua_pushliteral(L, ", ");
    lua_pushlstring(L, value, (size_t)(end - value));
    lua_concat(L, 3);
  }
  lua_rawset(L, -3);
}

static void push_headers(lua_State *L, const struct mv_bytes *lines) {
  const char *p = lines->data, *end = p ? p + lines->length : NULL;
  lua_newtable(L);
  while (p && p < end) {
    const char *next = memchr(p, '\n', (size_t)(end - p));
    const char *line_end = next ? next : end;
    push_header(L, p, (size_t)(line_end - p));
    p = next ? next + 1 : end;
  }
}

/* What helps against a certificate is the same whatever is wrong with it. */
#define CERTIFICATE_HINT                                                                           \
  " (ca_file names a PEM file of whom to trust besides; verify = false checks nothing: for tests "  \
  "alone)"

int mv_send_push_failure(lua_State *L, const struct mv_exchange *exchange) {
  lua_pushnil(L);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, mv_error_name(exchange->failure));
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, mv_exchange_problem(exchange));
  if (exchange->failure == MV_ERROR_CERTIFICATE) {
    lua_pushliteral(L, CERTIFICATE_HINT);
    lua_concat(L, 2);
  }
  lua_setfield(L, -2, "message");
  lua_pushboolean(L, exchange->sent);
  lua_setfield(L, -2, "sent");
  return 2;
}

static int push_reply(lua_State *L, const struct mv_exchange *exchange) {
  lua_createtable(L, 0, 4);
  mv_compat_pushinteger(L, exchange->status);
  lua_setfield(L, -2, "status");
  push_headers(L, &exchange->reply_headers);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, exchange->reply.length ? exchange->reply.data : "", exchange->reply.length);
  lua_setfield(L, -2, "body");
  lua_pushnumber(L, (lua_Number)exchange->seconds);
  lua_setfield(L, -2, "seconds");
  return 1;
}

static int send_results(lua_State *L, struct mv_wait *wait) {
  struct send *send = (struct send *)wait;
  int count = send->exchange.failure == MV_ERROR_NONE ? push_reply(L, &send->exchange)
                                                      : mv_send_push_failure(L, &send->exchange);
  send_free(wait);
  return count;
}

static const struct mv_wait_type send_type = {send_stop, send_results, send_free, false};

/* options */

/* Raises a misuse of an option at the caller's line. */
__attribute__((noreturn)) static void bad_option(lua_State *L, const char *name,
                                                 const char *expected) {
  mv_wait_misuse(L, "send: %s must be %s", name, expected);
}

/* A copy of the text option `name`, or NULL when absent. */
static char *text_option(lua_State *L, const char *name, size_t *length) {
  lua_getfield(L, 1, name);
  char *copy = NULL;
  if (!lua_isnil(L, -1)) {
    size_t size = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
    if (!text) {
      bad_option(L, name, "a string");
    }
    if (!length && strlen(text) != size) {
      bad_option(L, name, "without NUL bytes");
    }
    copy = mv_memdup(text, size);
    if (!copy) {
      mv_wait_misuse(L, "not enough memory");
    }
    if (length) {
      *length = size;
    }
  }
  lua_pop(L, 1);
  return copy;
}

static double number_option(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  double number = 0;
  if (!lua_isnil(L, -1)) {
    number = lua_type(L, -1) == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : -1;
    if (!(number > 0 && number <= 1e15)) {
      bad_option(L, name, "a number above 0");
    }
  }
  lua_pop(L, 1);
  return number;
}

static bool flag_option(lua_State *L, const char *name, bool unset) {
  lua_getfield(L, 1, name);
  bool flag = lua_isnil(L, -1) ? unset : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

static bool has_control(const char *text) {
  for (; *text; text++) {
    if ((unsigned char)*text < 0x20 || *text == 0x7f) {
      return true;
    }
  }
  return false;
}

static bool is_token(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f ||
        strchr("()<>@,;:\\\"/[]?={}", text[i])) {
      return false;
    }
  }
  return length > 0;
}

/* headers */

/* Takes the "Name: value" on top as the next header. */
static void add_header(lua_State *L, struct send *send) {
  size_t length;
  const char *line = lua_tolstring(L, -1, &length);
  const char *colon = strchr(line, ':');
  if (!colon || !is_token(line, (size_t)(colon - line))) {
    mv_wait_misuse(L, "send: a header must be \"Name: value\"");
  }
  for (size_t i = 0; i < length; i++) {
    if (line[i] == '\r' || line[i] == '\n' || line[i] == '\0') {
      mv_wait_misuse(L, "send: the header %.*s has a line break or NUL in its value",
                     (int)(colon - line > 60 ? 60 : colon - line), line);
    }
  }
  char *copy = mv_memdup(line, length);
  if (!copy) {
    mv_wait_misuse(L, "not enough memory");
  }
  send->headers[send->header_count++] = copy;
}

static size_t count_headers(lua_State *L, int table) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int key = lua_type(L, -2), value = lua_type(L, -1);
    if ((key != LUA_TSTRING && key != LUA_TNUMBER) ||
        (value != LUA_TSTRING && (value != LUA_TNUMBER || key == LUA_TNUMBER))) {
      bad_option(L, "headers", "{[\"Name\"] = \"value\"} or {\"Name: value\"}");
    }
    count++;
  }
  return count;
}

static void read_headers(lua_State *L, struct send *send) {
  lua_getfield(L, 1, "headers");
  int table = lua_gettop(L);
  if (!lua_isnil(L, table)) {
    if (!lua_istable(L, table)) {
      bad_option(L, "headers", "a table");
    }
    send->headers = calloc(count_headers(L, table) + 1, sizeof *send->headers);
    if (!send->headers) {
      mv_wait_misuse(L, "not enough memory");
    }
    for (lua_pushnil(L); lua_next(L, table); lua_settop(L, table + 1)) {
      if (lua_type(L, -2) == LUA_TSTRING) {
        lua_pushvalue(L, -2);
        lua_pushliteral(L, ": ");
        lua_pushvalue(L, -3);
        lua_concat(L, 3);
      }
      add_header(L, send);
    }
  }
  lua_settop(L, table - 1);
}

/* The send's userdata is on top: whatever throws, all copies are freed with it. */
static void read_options(lua_State *L, struct send *send) {
  struct mv_exchange *exchange = &send->exchange;
  send->url = text_option(L, "url", NULL);
  send->method = text_option(L, "method", NULL);
  send->body = text_option(L, "body", &exchange->body_length);
  send->ca_file = text_option(L, "ca_file", NULL);
  if (!send->url || has_control(send->url)) {
    bad_option(L, "url", "a URL without control characters");
  }
  if (send->method && !is_token(send->method, strlen(send->method))) {
    bad_option(L, "method", "a word like GET or POST");
  }
  read_headers(L, send);
  exchange->method = send->method ? send->method : "GET";
  exchange->url = send->url;
  exchange->headers = (const char *const *)send->headers;
  exchange->body = send->body;
  exchange->ca_file = send->ca_file;
  exchange->timeout = number_option(L, "timeout");
  exchange->connect_timeout = number_option(L, "connect_timeout");
  exchange->max_reply = (size_t)number_option(L, "max_reply");
  exchange->insecure = !flag_option(L, "verify", true);
  exchange->once = flag_option(L, "once", false);
  exchange->done = exchange_done;
  exchange->owner = &send->wait;
}

/* send{method, url, headers, body, timeout, connect_timeout, max_reply, verify, ca_file, once}
 * -> {status, headers, body, seconds} | nil, {kind, message, sent} */
int mv_send_start(lua_State *L) {
  if (!lua_istable(L, 1)) {
    return mv_wait_misuse(L, "send takes a table, not %s", luaL_typename(L, 1));
  }
  lua_settop(L, 1);
  struct mv_loop *loop = mv_loop_of(L);
  if (!mv_wait_enter(L, loop)) {
    return mv_wait_drop(L, loop);
  }
  struct send *send = (struct send *)mv_wait_new(L, &send_type, sizeof *send);
  struct mv_exchange *exchange = &send->exchange;
  read_options(L, send);
  struct mv_error err;
  if (mv_transport_start(loop->transport, exchange, &err)) {
    mv_exchange_fail(exchange, &err);
    send->wait.done = true;
    return 1;
  }
  mv_wait_begin(loop, &send->wait);
  return mv_wait_here(L, loop, &send->wait);
}
