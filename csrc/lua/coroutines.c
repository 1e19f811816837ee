/* coroutine.resume and coroutine.wrap through which a wait passes: the sign that a waiting call
 * yields is handed up to the task's own coroutine, and what the loop resumes that with is handed
 * down. */
#include "lua/loop_internal.h"

static const char chunk[] =
    "local sign, stuck = ...\n"
    "local resume, create, yield = coroutine.resume, coroutine.create, coroutine.yield\n"
    "local isyieldable, close = coroutine.isyieldable, coroutine.close\n"
    "local function pass(co, ok, ...)\n"
    "  if not ok or (...) ~= sign then return ok, ... end\n"
    "  if isyieldable() then return pass(co, resume(co, yield(sign))) end\n"
    "  return pass(co, resume(co, stuck()))\n"
    "end\n"
    "local function unwrap(co, ok, ...)\n"
    "  if ok then return ... end\n"
    "  if close then close(co) end\n"
    "  error((...), 0)\n"
    "end\n"
    "function coroutine.resume(co, ...) return pass(co, resume(co, ...)) end\n"
    "function coroutine.wrap(f)\n"
    "  local co = create(f)\n"
    "  return function(...) return unwrap(co, pass(co, resume(co, ...))) end\n"
    "end\n";

/* A wait came up to where no yield is possible: it blocks here, or fails when the loop is strict.
 */
static int stuck(lua_State *L) {
  struct mv_loop *loop = mv_loop_of(L);
  struct mv_task *task = loop->current;
  if (!task || !task->wait) {
    return luaL_error(L, "a waiting coroutine was resumed by the script");
  }
  struct mv_wait *wait = mv_task_take_wait(L, task);
  if (loop->strict) {
    mv_wait_stop(wait);
    wait->refused = !wait->done;
  } else {
    mv_wait_block(L, loop, wait);
  }
  return 1;
}

void mv_loop_wrap_coroutines(lua_State *L) {
  struct mv_loop *loop = mv_loop_of(L);
  if (luaL_loadbuffer(L, chunk, sizeof chunk - 1, "=mavilua")) {
    lua_error(L);
  }
  lua_pushlightuserdata(L, loop);
  lua_pushcfunction(L, stuck);
  lua_call(L, 2, 0);
  loop->wrapped = true;
}
