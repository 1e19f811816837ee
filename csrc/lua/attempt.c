/* The first attempt of an API call as one waiting call: from the table of its parameters to the
 * table of its answer, with nothing of Lua's in between. What comes after a failure is the business
 * of call.lua, which gets what it takes to send the same request again. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lua/core_internal.h"
#include "lua/loop_internal.h"

static const char key_caller[] = "mavilua.caller";
static const char key_spare[] = "mavilua.attempts";

enum {
  LONGEST_RETRY_AFTER = 128,
  DAY = 86400 * 1000,
  MOST_SPARE = 64,    /* attempts kept for the next calls */
  SPARE_BUFFER = 4096 /* bytes that each of their buffers may have */
};

/* What all calls of a client have in common. */
struct caller {
  char *prefix;  /* "https://chatter.mavibot.ai/api/KEY/" */
  char *ca_file; /* or NULL */
  double timeout, connect_timeout;
  bool insecure, keep_null;
  int64_t day, calls; /* how many were made on that day, UTC, in days since 1970 */
};

/* A userdata that is used again for other calls. */
struct attempt {
  struct mv_wait wait;
  struct mv_loop *loop;
  struct mv_exchange exchange;
  struct mv_request request;
  const struct mv_action *action; /* NULL: one that the table does not have */
  struct mv_bytes url;
  bool keep_null;
  bool misused; /* nothing was sent: the parameters are wrong, the exchange says how */
};

/* callers */

static int caller_gc(lua_State *L) {
  struct caller *caller = lua_touserdata(L, 1);
  free(caller->prefix);
  free(caller->ca_file);
  caller->prefix = caller->ca_file = NULL;
  return 0;
}

static void push_meta(lua_State *L) {
  mv_registry_get(L, key_caller);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, caller_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  mv_registry_set(L, key_caller);
}

static struct caller *check_caller(lua_State *L) {
  bool same = false;
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1)) {
    mv_registry_get(L, key_caller);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  if (!same) {
    luaL_error(L, "what core.caller returns is expected, not %s", luaL_typename(L, 1));
  }
  return lua_touserdata(L, 1);
}

static char *copy_of(lua_State *L, const char *text) {
  char *copy = mv_strdup(text);
  if (text && !copy) {
    luaL_error(L, "not enough memory");
  }
  return copy;
}

static double seconds_of(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  double seconds = (double)luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return seconds;
}

/* caller{prefix, timeout, connect_timeout, verify, ca_file, keep_null} -> caller */
static int caller_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "prefix");
  lua_getfield(L, 1, "ca_file");
  const char *prefix = luaL_checkstring(L, 2), *ca_file = luaL_optstring(L, 3, NULL);
  struct caller *caller = mv_compat_newuserdata(L, sizeof *caller);
  memset(caller, 0, sizeof *caller);
  push_meta(L);
  lua_setmetatable(L, -2);
  caller->prefix = copy_of(L, prefix);
  caller->ca_file = copy_of(L, ca_file);
  caller->timeout = seconds_of(L, "timeout");
  caller->connect_timeout = seconds_of(L, "connect_timeout");
  lua_getfield(L, 1, "verify");
  caller->insecure = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_getfield(L, 1, "keep_null");
  caller->keep_null = lua_toboolean(L, -1);
  lua_settop(L, 4);
  return 1;
}

static void begin_day(struct caller *caller, int64_t day) {
  if (caller->day != day) {
    caller->day = day;
    caller->calls = 0;
  }
}

/* calls(caller, day, more) -> how many calls were made on that day, with `more` (0) added to them
 * day: since 1970 */
static int calls(lua_State *L) {
  struct caller *caller = check_caller(L);
  begin_day(caller, (int64_t)luaL_checknumber(L, 2));
  caller->calls += (int64_t)luaL_optnumber(L, 3, 0);
  mv_compat_pushinteger(L, caller->calls);
  return 1;
}

/* attempts, used and spare */

static void attempt_free(struct mv_wait *wait) {
  struct attempt *attempt = (struct attempt *)wait;
  mv_exchange_free(&attempt->exchange);
  mv_request_free(&attempt->request);
  mv_bytes_free(&attempt->url);
}

static void attempt_stop(struct mv_wait *wait) {
  mv_transport_cancel(wait->loop->transport, &((struct attempt *)wait)->exchange);
}

static int attempt_results(lua_State *L, struct mv_wait *wait);

static const struct mv_wait_type attempt_type = {attempt_stop, attempt_results, attempt_free,
                                                 false};

/* Pushes the table of spare ones, as large as it will ever be. */
static void push_spare(lua_State *L) {
  mv_registry_get(L, key_spare);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, MOST_SPARE, 0);
  lua_pushvalue(L, -1);
  mv_registry_set(L, key_spare);
}

/* Pushes one that is ready for use. */
static struct attempt *take_attempt(lua_State *L, struct mv_loop *loop) {
  if (loop->spare_attempts == 0) {
    struct attempt *attempt = (struct attempt *)mv_wait_new(L, &attempt_type, sizeof *attempt);
    attempt->loop = loop;
    attempt->exchange.owner = &attempt->wait;
    return attempt;
  }
  push_spare(L);
  lua_rawgeti(L, -1, loop->spare_attempts);
  lua_pushnil(L);
  lua_rawseti(L, -3, loop->spare_attempts--);
  lua_remove(L, -2);
  struct attempt *attempt = lua_touserdata(L, -1);
  attempt->wait = (struct mv_wait){.type = &attempt_type};
  attempt->misused = false;
  return attempt;
}

static void clear(struct mv_bytes *bytes) {
  if (bytes->capacity > SPARE_BUFFER) {
    mv_bytes_free(bytes);
  } else {
    mv_bytes_clear(bytes);
  }
}

/* The attempt, whose userdata is at 1, is over. */
static void spare(lua_State *L, struct attempt *attempt) {
  struct mv_loop *loop = attempt->loop;
  if (loop->spare_attempts >= MOST_SPARE || attempt->exchange.problem) {
    attempt_free(&attempt->wait);
    return;
  }
  clear(&attempt->exchange.reply);
  clear(&attempt->exchange.reply_headers);
  clear(&attempt->request.target);
  clear(&attempt->request.body);
  clear(&attempt->url);
  push_spare(L);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, ++loop->spare_attempts);
  lua_pop(L, 1);
}

/* results */

static void exchange_done(struct mv_exchange *exchange) {
  mv_wait_done(exchange->owner);
}

/* The request, behind nil and the failure. */
static int push_failed(lua_State *L, const struct attempt *attempt) {
  mv_prepare_push(L, &attempt->request);
  return 3;
}

/* What is known of the answers of this action; NULL when memory is out, and for one that the table
 * does not have. */
static struct mv_json_hints *hints_of(struct mv_loop *loop, const struct mv_action *action) {
  if (!loop->hints) {
    loop->hints = calloc(mv_action_count(), sizeof(void *));
  }
  if (!action || !loop->hints) {
    return NULL;
  }
  struct mv_json_hints **hints = &loop->hints[action - mv_action_at(0)];
  *hints = *hints ? *hints : calloc(1, sizeof **hints);
  return *hints;
}

void mv_attempt_forget(struct mv_loop *loop) {
  for (size_t i = 0; loop->hints && i < mv_action_count(); i++) {
    free(loop->hints[i]);
  }
  free(loop->hints);
  loop->hints = NULL;
}

static int push_answer(lua_State *L, const struct attempt *attempt) {
  const struct mv_exchange *exchange = &attempt->exchange;
  const struct mv_bytes *reply = &exchange->reply;
  const char *body = reply->length ? reply->data : "";
  char retry_after[LONGEST_RETRY_AFTER];
  bool asked = exchange->status >= 300 &&
               mv_exchange_header(exchange, "Retry-After", retry_after, sizeof retry_after);
  if (mv_interpret(L, attempt->action, exchange->status, body, reply->length,
                   asked ? retry_after : NULL, attempt->keep_null,
                   hints_of(attempt->loop, attempt->action)) == 1) {
    return 1;
  }
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "sent");
  lua_pushlstring(L, body, reply->length);
  lua_setfield(L, -2, "body");
  return push_failed(L, attempt);
}

/* Whether the quota of a day counts it, see client.lua. */
static bool counts(const struct mv_action *action) {
  return !action || !action->unlimited;
}

static void tell(const struct attempt *attempt, const char *outcome) {
  const struct mv_loop_hooks *hooks = &attempt->loop->hooks;
  const struct mv_action *action = attempt->action;
  if (hooks->called) {
    hooks->called(action ? action->name : "other", outcome, counts(action), hooks->owner);
  }
}

/* The kind in the failure below the request on top. */
static const char *kind_of(lua_State *L) {
  lua_getfield(L, -2, "kind");
  const char *kind = lua_tostring(L, -1);
  lua_pop(L, 1); /* the failure keeps it */
  return kind;
}

static int attempt_results(lua_State *L, struct mv_wait *wait) {
  struct attempt *attempt = (struct attempt *)wait;
  if (attempt->misused) {
    lua_pushnil(L);
    lua_pushstring(L, mv_exchange_problem(&attempt->exchange));
    attempt_free(wait);
    return 2;
  }
  int count = 3;
  if (attempt->exchange.failure != MV_ERROR_NONE) {
    mv_send_push_failure(L, &attempt->exchange);
    push_failed(L, attempt);
  } else {
    count = push_answer(L, attempt);
  }
  tell(attempt, count == 1 ? "ok" : kind_of(L));
  spare(L, attempt);
  return count;
}

/* starting */

static void count_call(struct caller *caller, const struct mv_action *action,
                       const struct mv_loop *loop) {
  begin_day(caller, mv_clock_wall(loop->clock) / DAY);
  caller->calls += counts(action);
}

/* The parameters are at 3. 0, or -1 and `err`. */
static int prepare(lua_State *L, struct attempt *attempt, const struct caller *caller,
                   const char *name, size_t length, struct mv_error *err) {
  struct mv_request *request = &attempt->request;
  attempt->action = mv_action_find(name, length);
  attempt->keep_null = caller->keep_null;
  if (mv_prepare(L, 3, attempt->action, name, request, err)) {
    return -1;
  }
  mv_bytes_puts(&attempt->url, caller->prefix);
  mv_bytes_append(&attempt->url, request->target.data, request->target.length);
  return attempt->url.failed ? mv_error_set(err, MV_ERROR_SYSTEM, "not enough memory") : 0;
}

static void fill(struct mv_exchange *exchange, const struct attempt *attempt,
                 const struct caller *caller, double timeout) {
  static const char *const headers[] = {"Accept: application/json",
                                        "Content-Type: application/json", NULL};
  const struct mv_request *request = &attempt->request;
  exchange->method = mv_method_name(request->method);
  exchange->url = attempt->url.data;
  exchange->headers = headers;
  exchange->body = request->body.length ? request->body.data : NULL;
  exchange->body_length = request->body.length;
  exchange->ca_file = caller->ca_file; /* not looked at any more once the exchange has started */
  exchange->timeout = timeout;
  exchange->connect_timeout = caller->connect_timeout;
  exchange->insecure = caller->insecure;
  exchange->once = request->retry == MV_ONCE;
  exchange->brief = true;
  exchange->done = exchange_done;
}

/* attempt(caller, name, params, timeout) -> result | nil, failure, request | nil, message
 * timeout: seconds, or nil for the caller's. failure: {kind, message, sent, …} as send's or
 * interpret's; request: as of prepare. A message alone: the parameters are wrong. */
static int attempt_start(lua_State *L) {
  size_t length;
  struct caller *caller = check_caller(L);
  const char *name = luaL_checklstring(L, 2, &length);
  luaL_checktype(L, 3, LUA_TTABLE);
  double timeout = (double)luaL_optnumber(L, 4, (lua_Number)caller->timeout);
  struct mv_loop *loop = mv_loop_of(L);
  if (!mv_wait_enter(L, loop)) {
    return mv_wait_drop(L, loop);
  }
  struct attempt *attempt = take_attempt(L, loop);
  struct mv_exchange *exchange = &attempt->exchange;
  struct mv_error err;
  if (prepare(L, attempt, caller, name, length, &err)) {
    mv_exchange_fail(exchange, &err);
    attempt->misused = attempt->wait.done = true;
    return 1;
  }
  count_call(caller, attempt->action, loop);
  fill(exchange, attempt, caller, timeout);
  if (mv_transport_start(loop->transport, exchange, &err)) {
    mv_exchange_fail(exchange, &err);
    attempt->wait.done = true;
    return 1;
  }
  mv_wait_begin(loop, &attempt->wait);
  return mv_wait_here(L, loop, &attempt->wait);
}

/* As other waiting calls; without the arguments behind, which the results do not need. */
static const char waiting_attempt[] = "local start, finish = ...\n"
                                      "return function(caller, name, params, timeout)\n"
                                      "  return finish(start(caller, name, params, timeout))\n"
                                      "end\n";

void mv_attempt_register(lua_State *L, int table) {
  static const luaL_Reg functions[] = {{"caller", caller_new}, {"calls", calls}, {NULL, NULL}};
  table = lua_absindex(L, table);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
  mv_loop_add_call(L, table, "attempt", attempt_start, waiting_attempt);
}
