/* mavilua.host.native: what mavilua.host asks of the program. Lua checks arguments and words the
 * errors; here they are only carried. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "lua/compat.h"
#include "lua/json_direct.h"
#include "lua/values.h"
#include "lua/vm_state.h"

#define MS 1000

static const char key_policies[] = "mavilua.policies";

/* The run whose coroutine calls, or NULL: at load. */
static struct vm_run *run_of(lua_State *L) {
  return vm_of(L)->current;
}

/* install(dispatch, definitions): called once, when mavilua.host is loaded. */
static int install(lua_State *L) {
  struct mv_vm *vm = vm_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  vm->entries.definitions = luaL_ref(L, LUA_REGISTRYINDEX);
  vm->entries.dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* Event */

static void set_string(lua_State *L, const char *name, const char *value) {
  if (value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
  }
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* Pushes the value of the JSON text, or nil when it is none. */
static void push_json(lua_State *L, const char *text, size_t length) {
  if (mv_json_direct_push(L, text, length, false, &vm_of(L)->hints)) {
    return;
  }
  lua_pushnil(L);
  json_t **box = mv_value_box(L);
  *box = mv_json_parse_lenient(text, length, NULL); /* as it was taken in */
  if (*box) {
    mv_value_push(L, *box, false);
    lua_replace(L, -3);
  }
  lua_pop(L, 1);
}

/* What only a hook's request has. */
static void set_request(lua_State *L, const struct mv_vm_event *event) {
  lua_pushlstring(L, event->body ? event->body : "", event->body_length);
  lua_setfield(L, -2, "body");
  if (event->meta) {
    push_json(L, event->meta, strlen(event->meta));
    lua_setfield(L, -2, "meta");
  }
}

/* That an event's table gets, here and in mavilua.host.event; a webhook's mostly no more than 16, for
 * which Lua takes half the room that it takes for 17. */
enum { EVENT_FIELDS = 20, WEBHOOK_FIELDS = 16 };

static bool has_member(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  bool there = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return there;
}

/* `json`: the index of the decoded body. */
static int fields_of(lua_State *L, int json, const struct mv_vm_event *event) {
  if (strcmp(event->source, "webhook") != 0) {
    return EVENT_FIELDS;
  }
  bool more = lua_istable(L, json) &&
              (has_member(L, json, "message_id") || has_member(L, json, "error_message"));
  return more ? EVENT_FIELDS : WEBHOOK_FIELDS;
}

/* arrived() -> the event as it came, in a new table: id, attempt, source, key, accepted_at and due_at
 * (unix seconds); name, but of a webhook; body (bytes) and meta (table) of a hook; and the body
 * decoded, if it is JSON */
static int arrived(lua_State *L) {
  const struct vm_run *run = run_of(L);
  if (!run) {
    return 0;
  }
  const struct mv_vm_event *event = &run->event;
  push_json(L, event->body ? event->body : "", event->body_length);
  int json = lua_gettop(L);
  lua_createtable(L, 0, fields_of(L, json, event));
  set_integer(L, "id", event->id);
  set_integer(L, "attempt", event->attempt);
  set_string(L, "source", event->source);
  set_string(L, "key", event->key);
  set_integer(L, "accepted_at", event->accepted_at / MS);
  set_integer(L, "due_at", event->due_at / MS);
  if (strcmp(event->source, "webhook") != 0) {
    set_string(L, "name", event->name);
  }
  if (strcmp(event->source, "hook") == 0) {
    set_request(L, event);
  }
  lua_pushvalue(L, json);
  return 2;
}

/* copy(table) -> the same members in a new table, with room for recipient and variables */
static int copy(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_createtable(L, 0, vm_of(L)->hints.members[1] + (has_member(L, 1, "variables") ? 1 : 2));
  for (lua_pushnil(L); lua_next(L, 1);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 2);
  }
  return 1;
}

/* watch(): from here on what runs may be the script's */
static int watch(lua_State *L) {
  vm_watch_script(L);
  return 0;
}

/* check_policy(options) -> nil, or what is wrong with them */
static int check_policy(lua_State *L) {
  const struct mv_vm_options *options = &vm_of(L)->options;
  struct mv_error err = {0};
  if (!options->policy_check || !lua_istable(L, 1)) {
    return 0;
  }
  json_t **box = mv_value_box(L);
  *box = mv_value_read(L, 1, &err);
  if (*box && options->policy_check(options->owner, *box, &err) == 0) {
    return 0;
  }
  lua_pushstring(L, err.text);
  return 1;
}

/* The options at `index` as JSON; made once for each handler, whose options stay as they are. NULL when
 * there are none. */
static const json_t *policy_of(lua_State *L, int index) {
  struct mv_error err = {0};
  if (!lua_istable(L, index)) {
    return NULL;
  }
  mv_registry_get(L, key_policies);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    mv_registry_set(L, key_policies);
  }
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  json_t **box = lua_touserdata(L, -1);
  if (!box) {
    lua_pop(L, 1);
    lua_pushvalue(L, index);
    box = mv_value_box(L);
    if (!(*box = mv_value_read(L, index, &err))) {
      return NULL;
    }
    lua_rawset(L, -3);
  }
  return *box;
}

/* begin(handler, policy or nil, event): a handler was chosen. -> nil, or why it must not run */
static int begin(lua_State *L) {
  struct vm_run *run = run_of(L);
  if (!run) {
    return 0;
  }
  const struct mv_vm_options *options = &run->vm->options;
  vm_watch_script(L);
  vm_name_handler(run, mv_strdup(luaL_checkstring(L, 1)));
  run->policy = policy_of(L, 2);
  luaL_unref(L, LUA_REGISTRYINDEX, run->event_ref);
  lua_settop(L, 3);
  run->event_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushstring(L, options->refuse && run->policy
                        ? options->refuse(options->owner, &run->event, run->policy)
                        : NULL);
  return 1;
}

/* event() -> the table given to begin; nil at load */
static int current_event(lua_State *L) {
  const struct vm_run *run = run_of(L);
  if (!run) {
    return 0;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, run->event_ref);
  return 1;
}

/* timeout(seconds): the run's limit on its time, counted from its start */
static int set_timeout(lua_State *L) {
  struct vm_run *run = run_of(L);
  if (run) {
    vm_set_timeout(run, luaL_checknumber(L, 1));
  }
  return 0;
}

/* clock(on): the run's time does not count while it is off; on, it begins anew */
static int set_clock(lua_State *L) {
  struct vm_run *run = run_of(L);
  if (run && lua_toboolean(L, 1)) {
    run->started = mv_clock_monotonic(run->vm->options.clock);
    vm_set_timeout(run, run->vm->options.wall_limit);
  } else if (run) {
    run->deadline = 0;
  }
  return 0;
}

/* running() -> whether a handler runs */
static int running(lua_State *L) {
  lua_pushboolean(L, run_of(L) != NULL);
  return 1;
}

/* now() -> unix time in milliseconds */
static int now(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mv_clock_wall(vm_of(L)->options.clock));
  return 1;
}

/* Log */

/* What stands on each line of a run. */
static json_t *run_fields(const struct vm_run *run) {
  json_t *fields = json_object();
  if (run) {
    json_object_set_new(fields, "event", json_integer(run->event.id));
    json_object_set_new(fields, "attempt", json_integer(run->event.attempt));
    if (run->handler) {
      json_object_set_new(fields, "handler", json_string(run->handler));
    }
    if (run->event.key) {
      json_object_set_new(fields, "key", json_string(run->event.key));
    }
  }
  return fields;
}

/* log(level, message, fields or nil) -> true, or nil and what is wrong with the fields */
static int write_log(lua_State *L) {
  struct mv_vm *vm = vm_of(L);
  int level = mv_log_level_of(luaL_checkstring(L, 1));
  const char *message = luaL_checkstring(L, 2);
  json_t *own = NULL;
  if (lua_istable(L, 3)) {
    struct mv_error err = {0};
    own = mv_value_read(L, 3, &err);
    if (!own) {
      lua_pushnil(L);
      lua_pushstring(L, err.text);
      return 2;
    }
  }
  json_t *fields = run_fields(vm->current);
  if (own) {
    json_object_update_missing(fields, own);
    json_decref(own);
  }
  mv_log(vm->options.log, (enum mv_log_level)level, fields, "%s", message);
  lua_pushboolean(L, true);
  return 1;
}

int vm_open_log(lua_State *L) {
  lua_pushcfunction(L, write_log);
  return 1;
}

/* Calls of the API */

/* called(action, outcome, counts) */
static int called(lua_State *L) {
  const struct mv_vm_options *options = &vm_of(L)->options;
  const char *action = luaL_checkstring(L, 1), *outcome = luaL_checkstring(L, 2);
  if (options->called) {
    options->called(options->owner, action, outcome, lua_toboolean(L, 3));
  }
  return 0;
}

/* retried(action) */
static int retried(lua_State *L) {
  const struct mv_vm_options *options = &vm_of(L)->options;
  const char *action = luaL_checkstring(L, 1);
  if (options->retried) {
    options->retried(options->owner, action);
  }
  return 0;
}

/* checking() -> whether fault may be called */
static int checking(lua_State *L) {
  lua_pushboolean(L, vm_of(L)->options.fault != NULL);
  return 1;
}

/* fault(text): a registration is wrong */
static int fault(lua_State *L) {
  const struct mv_vm_options *options = &vm_of(L)->options;
  const char *text = luaL_checkstring(L, 1);
  if (options->fault) {
    options->fault(options->owner, text);
  }
  return 0;
}

static const luaL_Reg functions[] = {{"install", install},
                                     {"arrived", arrived},
                                     {"copy", copy},
                                     {"watch", watch},
                                     {"begin", begin},
                                     {"check_policy", check_policy},
                                     {"event", current_event},
                                     {"running", running},
                                     {"timeout", set_timeout},
                                     {"clock", set_clock},
                                     {"now", now},
                                     {"log", write_log},
                                     {"guard", vm_guard_handler},
                                     {"called", called},
                                     {"retried", retried},
                                     {"checking", checking},
                                     {"fault", fault},
                                     {NULL, NULL}};

int vm_open_native(lua_State *L) {
  luaL_newlib(L, functions);
  vm_register_effects(L);
  vm_register_once(L);
  vm_register_ask(L);
  lua_pushglobaltable(L); /* whose print, os.exit, … mavilua.host changes */
  lua_setfield(L, -2, "globals");
  return 1;
}
