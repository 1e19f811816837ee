/* The direct way of writing parameters against the exact one, over all rows of the action table:
 * where the direct way takes a table at all, both make the same request. */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "check.h"
#include "lua/compat.h"
#include "lua/core_internal.h"
#include "lua/params_direct.h"
#include "lua/values.h"

enum { TABLES = 400 }; /* for each action */

struct dice {
  uint32_t state;
};

static unsigned roll(struct dice *dice, unsigned sides) {
  dice->state = dice->state * 1664525u + 1013904223u;
  return (dice->state >> 16) % sides;
}

static void push_table(lua_State *L, struct dice *dice) {
  lua_newtable(L);
  for (unsigned i = roll(dice, 4); i > 0; i--) {
    lua_pushinteger(L, roll(dice, 100));
    if (roll(dice, 4) == 0) {
      lua_newtable(L);
      lua_replace(L, -2);
    }
    if (roll(dice, 3) == 0) {
      lua_rawseti(L, -2, (int)i);
    } else {
      lua_setfield(L, -2, i == 1 ? "city" : i == 2 ? "a \"b\"" : "");
    }
  }
  if (roll(dice, 6) == 0) {
    mv_value_mark_array(L, -1);
  }
}

static void push_value(lua_State *L, struct dice *dice) {
  static const char *const texts[] = {"",       "7",    "hello", "a\"\n\x01 &=%/",
                                      "Привет", "\xff", "a\0b",  "31.12.2026",
                                      "image",  "true", "-3",    "1e3"};
  unsigned kind = roll(dice, 8);
  if (kind < 3) {
    lua_pushinteger(L, (lua_Integer)roll(dice, 1200) - 20);
  } else if (kind < 5) {
    unsigned which = roll(dice, sizeof texts / sizeof texts[0]);
    lua_pushlstring(L, texts[which], which == 6 ? 3 : strlen(texts[which]));
  } else if (kind == 5) {
    lua_pushboolean(L, (int)roll(dice, 2));
  } else if (kind == 6) {
    push_table(L, dice);
  } else if (roll(dice, 3) == 0) {
    lua_pushlightuserdata(L, NULL);
  } else {
    lua_pushnumber(L, roll(dice, 2) ? 2.5 : 38.0);
  }
}

/* Parameters of the row, mostly the required ones, rarely one it does not have. */
static void push_params(lua_State *L, struct dice *dice, const struct mv_action *action) {
  lua_newtable(L);
  for (size_t i = 0; i < action->param_count; i++) {
    if (action->params[i].required ? roll(dice, 20) > 0 : roll(dice, 4) == 0) {
      push_value(L, dice);
      lua_setfield(L, -2, action->params[i].name);
    }
  }
  if (roll(dice, 30) == 0) {
    push_value(L, dice);
    lua_setfield(L, -2, "nothing");
  }
  if (roll(dice, 60) == 0) {
    mv_value_mark_array(L, -1);
  }
}

static int same_bytes(const struct mv_bytes *a, const struct mv_bytes *b) {
  return a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

/* By the tree alone. */
static int prepare_exactly(lua_State *L, const struct mv_action *action, struct mv_request *request,
                           struct mv_error *err) {
  json_t *params = mv_value_read(L, -1, err);
  if (json_is_array(params) && json_array_size(params) == 0 && !action->bare_array) {
    json_decref(params);
    params = json_object();
  }
  int result = params ? mv_request_prepare(action, action->name, params, request, err) : -1;
  json_decref(params);
  return result;
}

static bool compare(lua_State *L, const struct mv_action *action) {
  struct mv_request direct = {0}, exact = {0};
  struct mv_error err = {0};
  int top = lua_gettop(L);
  bool taken = mv_params_direct(L, -1, action, &direct);
  CHECK(lua_gettop(L) == top);
  if (taken) {
    CHECK(prepare_exactly(L, action, &exact, &err) == 0);
    CHECK(same_bytes(&direct.target, &exact.target) && same_bytes(&direct.body, &exact.body));
    CHECK(direct.method == exact.method && direct.retry == exact.retry);
  }
  mv_request_free(&direct);
  mv_request_free(&exact);
  return taken;
}

static void agree_on_everything(void) {
  struct dice dice = {1};
  int taken = 0;
  lua_State *L = luaL_newstate();
  for (size_t i = 0; i < mv_action_count(); i++) {
    for (int k = 0; k < TABLES; k++) {
      push_params(L, &dice, mv_action_at(i));
      taken += compare(L, mv_action_at(i));
      lua_settop(L, 0);
    }
  }
  CHECK(taken > TABLES); /* it is of use */
  lua_close(L);
}

static bool takes(lua_State *L, const char *name, const char *text) {
  struct mv_request request = {0};
  CHECK(luaL_dostring(L, text) == 0);
  bool taken = mv_params_direct(L, -1, mv_action_find(name, strlen(name)), &request);
  mv_request_free(&request);
  lua_settop(L, 0);
  return taken;
}

/* What bots send most goes the direct way. */
static void take_the_common(void) {
  lua_State *L = luaL_newstate();
  CHECK(takes(L, "set_order_state", "return {client_id = 7, state_id = 38}"));
  CHECK(takes(L, "message", "return {client_id = '7', message = 'Hello'}"));
  CHECK(takes(L, "get_variables", "return {client_id = 7}"));
  CHECK(takes(L, "save_variables", "return {client_id = 7, variables = {city = 'Oslo', age = 5}}"));
  CHECK(!takes(L, "message", "return {client_id = 7}"));
  CHECK(!takes(L, "set_order_state", "return {client_id = 7, state = 38}"));
  lua_close(L);
}

int main(void) {
  agree_on_everything();
  take_the_common();
  return check_end("params_direct");
}
