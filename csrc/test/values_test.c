/* Lua side under a failing allocator (nothing leaks, nothing crashes, whichever allocation fails),
 * and what only C sees of the loop: hooks, ends, strict mode, cancelling from outside. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/timers.h"
#include "check.h"
#include "lua/core.h"
#include "lua/loop.h"
#include "lua/values.h"

/* the failing allocator */

struct budget {
  long left; /* allocations allowed; below 0: any number */
  size_t used;
};

static void *allocate(void *ud, void *block, size_t old, size_t size) {
  struct budget *budget = ud;
  old = block ? old : 0;
  if (size > old) {
    if (budget->left == 0) {
      return NULL;
    }
    budget->left -= budget->left > 0;
  }
  budget->used += size - old;
  if (size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, size);
}

static int run_text(lua_State *L) {
  const char *text = lua_touserdata(L, 1);
  luaL_requiref(L, "_G", luaopen_base, 1);
  luaL_requiref(L, "coroutine", luaopen_coroutine, 1);
  luaL_requiref(L, "table", luaopen_table, 1);
  luaL_requiref(L, "string", luaopen_string, 1);
  luaL_requiref(L, "core", luaopen_mavilua_core, 1);
  lua_settop(L, 0);
  if (luaL_loadstring(L, text)) {
    return lua_error(L);
  }
  lua_call(L, 0, 0);
  return 0;
}

/* Runs `text` in a fresh state with so many allocations allowed; its status. */
static int run_with(const char *text, long allowed, size_t *left_over, char *message, size_t size) {
  struct budget budget = {allowed, 0};
  lua_State *L = lua_newstate(allocate, &budget);
  if (!L) {
    return LUA_ERRMEM;
  }
  lua_pushcfunction(L, run_text);
  lua_pushlightuserdata(L, (void *)(uintptr_t)text);
  int status = lua_pcall(L, 1, 0, 0);
  const char *error = status ? lua_tostring(L, -1) : "";
  snprintf(message, size, "%s", error ? error : "?");
  budget.left = -1;
  lua_close(L);
  *left_over = budget.used;
  return status;
}

/* Allows 0, 1, 2 … allocations until the text succeeds. */
static void sweep(const char *text) {
  char message[256] = "";
  size_t left_over = 0, leaked = 0;
  long allowed = 0;
  int status = LUA_ERRMEM, other = 0;
  for (; status != LUA_OK && allowed < 20000; allowed++) {
    status = run_with(text, allowed, &left_over, message, sizeof message);
    leaked += left_over;
    if (status != LUA_OK && !strstr(message, "memory") && *message) {
      fprintf(stderr, "after %ld allocations: %s\n", allowed, message);
      other++;
    }
  }
  CHECK(status == LUA_OK);
  CHECK(other == 0);
  CHECK(leaked == 0);
}

static void test_failing_allocator(void) {
  sweep("local t = {id = 9007199254740993, list = core.array{1, 2.5, 'x'}, nest = {a = {b = "
        "{true}}}}\n"
        "local text, message = core.encode(t)\n"
        "if not text then error(message) end\n"
        "local back = core.decode(text)\n"
        "if back.id ~= t.id or back.list[3] ~= 'x' or not back.nest.a.b[1] then error('different') "
        "end\n"
        "core.redact('a secret text', 'secret') core.nearest('mesage', {'message', 'x'})\n");
  /* what goes the long way: an integer of 19 digits, a list that was filled from its end */
  sweep("local t = {id = 9223372036854775807, list = {[3] = 'c', [2] = 'b', [1] = 'a'}}\n"
        "local text, message = core.encode(t)\n"
        "if not text then error(message) end\n"
        "local back = core.decode(text)\n"
        "if back.id ~= t.id or back.list[3] ~= 'c' then error('different') end\n");
  sweep("local request, message = core.prepare('find_clients', {q = {city = 'Oslo'}})\n"
        "if not request then error(message) end\n"
        "local result, failure = core.interpret('find_clients', 200,\n"
        "  '{\"status\":\"success\",\"client_ids\":[1,2]}')\n"
        "if not result then error(failure.message) end\n"
        "core.interpret(nil, 500, 'broken', '5')\n");
}

/* Memory runs out inside tasks: each fails for itself, and the loop goes on. Lua's own error values
 * may be lost then, so only success, leaks and crashes count. */
static void test_failing_tasks(void) {
  const char *text = "local function work(n) core.sleep(0) return {n, ('x'):rep(n)} end\n"
                     "local a, b = core.spawn(work, 10), core.spawn(function()\n"
                     "  local inner = core.spawn(work, 5) core.join(inner) error('planned') end)\n"
                     "local ok, result = core.join(a)\n"
                     "if not ok then error(result, 0) end\n"
                     "local bad, message = core.join(b)\n"
                     "if bad or not message:find('planned') then error(message, 0) end\n";
  char message[256] = "";
  size_t left_over = 0, leaked = 0;
  int status = LUA_ERRMEM;
  for (long allowed = 0; status != LUA_OK && allowed < 20000; allowed += 1) {
    status = run_with(text, allowed, &left_over, message, sizeof message);
    leaked += left_over;
  }
  CHECK(status == LUA_OK);
  CHECK(leaked == 0);
}

/* the loop from C */

struct seen {
  int before, after, ended, status, count;
  char text[512];
};

static void before(struct mv_task *task, lua_State *co, void *owner) {
  (void)task, (void)co;
  ((struct seen *)owner)->before++;
}

static void after(struct mv_task *task, lua_State *co, void *owner) {
  (void)task, (void)co;
  ((struct seen *)owner)->after++;
}

static void ended(struct mv_task *task, lua_State *co, int status, int count, void *owner) {
  struct seen *seen = owner;
  CHECK(mv_task_owner(task) == owner);
  seen->ended++;
  seen->status = status;
  seen->count = count;
  const char *text = count ? lua_tostring(co, -1) : NULL;
  snprintf(seen->text, sizeof seen->text, "%s", text ? text : "");
}

static lua_State *state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "core", luaopen_mavilua_core, 1);
  lua_settop(L, 0);
  return L;
}

static struct mv_task *spawn(lua_State *L, struct seen *seen, const char *text) {
  memset(seen, 0, sizeof *seen);
  CHECK(luaL_loadstring(L, text) == LUA_OK);
  return mv_loop_spawn(L, 0, ended, seen);
}

static void run(lua_State *L, const struct seen *seen) {
  for (int i = 0; !seen->ended && i < 2000; i++) {
    mv_loop_step(L, mv_loop_of(L), 50);
  }
  CHECK(seen->ended == 1);
}

static void test_ends_and_hooks(void) {
  lua_State *L = state();
  struct mv_loop *loop = mv_loop_of(L);
  struct seen seen, hooked = {0};
  struct mv_loop_hooks hooks = {.before = before, .after = after, .owner = &hooked};
  mv_loop_set_hooks(loop, &hooks);
  spawn(L, &seen, "core.sleep(0.001) return 1, 'two'");
  CHECK(mv_loop_task_count(loop) == 1);
  run(L, &seen);
  CHECK(seen.status == LUA_OK && seen.count == 2 && !strcmp(seen.text, "two"));
  CHECK(hooked.before == 2 && hooked.after == 2);
  spawn(L, &seen, "error('bad', 0)");
  run(L, &seen);
  CHECK(seen.status == LUA_ERRRUN && !strcmp(seen.text, "bad"));
  CHECK(mv_loop_task_count(loop) == 0);
  CHECK(lua_gettop(L) == 0);
  lua_close(L);
}

static void test_cancel(void) {
  lua_State *L = state();
  struct seen seen;
  struct mv_task *task = spawn(L, &seen, "while true do pcall(core.sleep, 100) end");
  mv_loop_step(L, mv_loop_of(L), 0);
  mv_task_cancel(L, task, "too long");
  mv_task_cancel(L, task, "again");
  run(L, &seen);
  CHECK(seen.status != LUA_OK && !strcmp(seen.text, "too long"));
  task = spawn(L, &seen, "local s = core.spawn(core.sleep, 100) core.join(s)");
  mv_loop_step(L, mv_loop_of(L), 0);
  mv_task_cancel(L, task, "too long");
  run(L, &seen);
  CHECK(mv_loop_task_count(mv_loop_of(L)) == 0);
  CHECK(lua_gettop(L) == 0);
  lua_close(L);
}

static void test_strict(void) {
  lua_State *L = state();
  struct seen seen;
  mv_loop_wrap_coroutines(L);
  mv_loop_set_strict(mv_loop_of(L), true);
  spawn(L, &seen, "table.sort({1, 2}, function() core.sleep(0) end)");
  run(L, &seen);
  CHECK(seen.status == LUA_ERRRUN && strstr(seen.text, "table.sort, string.gsub"));
  spawn(L, &seen,
        "local t = coroutine.wrap(function(a) core.sleep(0.001)\n"
        "  local b = coroutine.yield(a + 1) core.sleep(0.001) return b .. '!' end)\n"
        "local n = t(1) return t('n' .. n)");
  run(L, &seen);
  CHECK(seen.status == LUA_OK && !strcmp(seen.text, "n2!"));
  spawn(L, &seen,
        "local co = coroutine.create(function() core.sleep(0) error('deep', 0) end)\n"
        "local ok, e = coroutine.resume(co) local none = select('#', coroutine.resume(\n"
        "  coroutine.create(function() end))) return tostring(ok) .. e .. none");
  run(L, &seen);
  CHECK(!strcmp(seen.text, "falsedeep1"));
  spawn(L, &seen, "string.gsub('a', 'a', coroutine.wrap(function() core.sleep(0) end))");
  run(L, &seen);
  CHECK(seen.status == LUA_ERRRUN && strstr(seen.text, "cannot wait here"));
  mv_loop_set_strict(mv_loop_of(L), false);
  spawn(L, &seen,
        "return (string.gsub('a', 'a', coroutine.wrap(function() core.sleep(0) return 'b' end)))");
  run(L, &seen);
  CHECK(!strcmp(seen.text, "b"));
  lua_close(L);
}

static void test_close_under_way(void) {
  lua_State *L = state();
  struct seen seen;
  spawn(L, &seen, "core.join(core.spawn(core.sleep, 100))");
  mv_loop_step(L, mv_loop_of(L), 0);
  mv_loop_step(L, mv_loop_of(L), 0);
  CHECK(!luaL_dostring(L, "late = setmetatable({}, {__gc = function() pcall(core.sleep, 1) end})"));
  lua_close(L);
  CHECK(seen.ended == 0);
}

/* The host's VM caps memory in the allocator and steps the loop unprotected: nothing may throw
 * there. */
static void test_step_without_memory(void) {
  struct budget budget = {-1, 0};
  lua_State *L = lua_newstate(allocate, &budget);
  luaL_requiref(L, "_G", luaopen_base, 1);
  luaL_requiref(L, "core", luaopen_mavilua_core, 1);
  lua_settop(L, 0);
  long allowed = 0, failures = 1;
  for (; failures && allowed < 1000; allowed++) {
    struct seen seen, kept;
    spawn(L, &kept, "error('planned ' .. core.now())");
    spawn(L, &seen,
          "local t = {} child = core.spawn(function() core.sleep(0) error({}) end)\n"
          "core.sleep(0) core.join(child) for i = 1, 20 do t[i] = {i} end\n"
          "core.cancel(core.spawn(core.sleep, 9)) core.sleep(0) return #t .. 'x'");
    budget.left = allowed;
    for (int i = 0; i < 12; i++) {
      mv_loop_step(L, mv_loop_of(L), i > 8 ? 1 : 0);
    }
    budget.left = -1;
    run(L, &seen);
    run(L, &kept);
    failures = seen.status != LUA_OK;
    CHECK(mv_loop_task_count(mv_loop_of(L)) == 0);
    CHECK(lua_gettop(L) == 0);
  }
  CHECK(!failures);
  lua_close(L);
  CHECK(budget.used == 0);
}

/* a clock of our own, and many timers */

static int64_t virtual_now;

static int64_t virtual_time(void *self) {
  (void)self;
  return virtual_now;
}

static void test_clock(void) {
  lua_State *L = state();
  struct seen seen;
  const struct mv_clock clock = {virtual_time, virtual_time, NULL};
  mv_loop_set_clock(mv_loop_of(L), &clock);
  virtual_now = 1000;
  spawn(L, &seen, "core.sleep(3600) return core.now()");
  mv_loop_step(L, mv_loop_of(L), 0);
  mv_loop_step(L, mv_loop_of(L), 0);
  CHECK(!seen.ended);
  virtual_now += 3600000;
  run(L, &seen);
  CHECK(!strcmp(seen.text, "3601.0"));
  lua_close(L);
}

static void test_timers(void) {
  enum { count = 2000 };
  struct mv_timers timers = {0};
  static struct mv_timer all[count];
  unsigned seed = 7;
  for (int i = 0; i < count; i++) {
    seed = seed * 1103515245U + 12345U;
    CHECK(!mv_timers_add(&timers, &all[i], (int64_t)(seed >> 8) % 500));
  }
  for (int i = 0; i < count; i += 3) {
    mv_timers_remove(&timers, &all[i]);
    mv_timers_remove(&timers, &all[i]);
  }
  int64_t last = -1;
  uint64_t order = 0;
  size_t taken = 0;
  int bad = 0;
  for (struct mv_timer *t; (t = mv_timers_take(&timers, 499)); taken++) {
    bad += t->due < last || (t->due == last && t->order < order);
    last = t->due;
    order = t->order;
  }
  CHECK(bad == 0);
  CHECK(taken == count - (count + 2) / 3);
  CHECK(mv_timers_wait(&timers, 0) == -1);
  mv_timers_free(&timers);
}

int main(void) {
  test_timers();
  test_ends_and_hooks();
  test_cancel();
  test_strict();
  test_clock();
  test_close_under_way();
  test_step_without_memory();
  test_failing_allocator();
  test_failing_tasks();
  return check_end("values");
}
