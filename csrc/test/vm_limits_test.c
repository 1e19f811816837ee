/* The script VM: waiting, limits, and its end with runs under way. */
#include <pthread.h>
#include <time.h>

#include "net/server.h"
#include "test/vm_support.h"

#define MIB ((size_t)1024 * 1024)
#define CALLS 200
#ifdef __SANITIZE_THREAD__
#define SLEEPERS                                                                                   \
  200 /* each yield leaves a frame on the sanitizer's own stack: it gets slower and slower */
#define PATIENCE 20
#else
#define SLEEPERS 10000
#define PATIENCE 2 /* seconds for calls that would take a minute one after another */
#endif

/* Waiting */

static void nested_coroutines(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\n"
                "host.on('message', function()\n"
                "  local items = coroutine.wrap(function()\n"
                "    for i = 1, 3 do host.sleep(0.005) coroutine.yield(i) end\n"
                "  end)\n"
                "  local sum = 0\n"
                "  for i in items do sum = sum + i end\n"
                "  local ok, problem = pcall(function() host.sleep(0.005) error('x', 0) end)\n"
                "  host.kv.set('sum', sum) host.kv.set('problem', problem)\n"
                "end)\n"
                "host.hook('sort', function()\n"
                "  table.sort({2, 1}, function(a, b) host.sleep(0.001) return a < b end) end)");
  const struct seen *s = run(&f, "webhook", "", input);
  CHECK(s->verdict == MV_VM_DONE && has(s->effects, "\"value\":6") &&
        has(s->effects, "\"value\":\"x\""));
  s = run(&f, "hook", "sort", "");
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, ".lua:12:"));
  close_host(&f);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t read_clock(void *self) {
  return *(int64_t *)self;
}

static void many_sleep(void) {
  struct fixture f = {0};
  struct mv_error err = {0};
  int64_t now = 1700000000000;
  struct mv_clock clock = {read_clock, read_clock, &now};
  struct mv_vm_options options = host_options(&f);
  options.clock = &clock;
  CHECK(open_with(&f, &options,
                  "local host = require 'mavilua.host'\n"
                  "host.on('message', function() host.sleep(3600) end)",
                  &err) == 0);
  size_t before = mv_vm_memory(f.vm);
  for (int i = 0; i < SLEEPERS; i++) {
    start(&f, "webhook", "", input);
  }
  mv_vm_step(f.vm, 0);
  CHECK(mv_vm_running(f.vm) == SLEEPERS);
  size_t each = (mv_vm_memory(f.vm) - before) / SLEEPERS;
  printf("vm: %zu bytes of Lua memory for a sleeping event\n", each);
  CHECK(each < 8192);
  now += 3600 * 1000;
  mv_vm_wakeup(f.vm);
  settle(&f);
  CHECK(f.count == SLEEPERS);
  close_host(&f);
}

static void *wake_later(void *vm) {
  struct timespec pause = {0, 20 * 1000 * 1000};
  nanosleep(&pause, NULL);
  mv_vm_wakeup(vm);
  return NULL;
}

static void wakeup(void) {
  struct fixture f;
  open_host(&f, "");
  pthread_t thread;
  pthread_create(&thread, NULL, wake_later, f.vm);
  double begun = seconds();
  mv_vm_step(f.vm, 10000);
  CHECK(seconds() - begun < 5);
  pthread_join(thread, NULL);
  close_host(&f);
}

/* A platform that needs its time: every call is answered 300 ms after it came. */
struct slow {
  pthread_mutex_t lock;
  struct mv_call *calls[CALLS];
  double due[CALLS];
  size_t first, count;
  bool stop;
};

static void keep_call(struct mv_call *call, void *owner) {
  struct slow *slow = owner;
  mv_call_defer(call);
  pthread_mutex_lock(&slow->lock);
  slow->calls[slow->count % CALLS] = call;
  slow->due[slow->count++ % CALLS] = seconds() + 0.3;
  pthread_mutex_unlock(&slow->lock);
}

static void *answer_calls(void *owner) {
  static const char body[] = "{\"status\":\"success\",\"clients\":[]}";
  struct slow *slow = owner;
  for (bool stop = false; !stop;) {
    struct timespec pause = {0, 2 * 1000 * 1000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&slow->lock);
    while (slow->first < slow->count && slow->due[slow->first % CALLS] <= seconds()) {
      mv_call_reply(slow->calls[slow->first++ % CALLS], 200, NULL, body, sizeof body - 1, NULL);
    }
    stop = slow->stop && slow->first == slow->count;
    pthread_mutex_unlock(&slow->lock);
  }
  return NULL;
}

static void wait_for_calls(const char *url) {
  struct fixture f = {0};
  struct mv_error err = {0};
  struct mv_vm_options options = host_options(&f);
  options.api_key = "0123456789abcdef0123456789abcdef";
  options.base_url = url;
  CHECK(open_with(&f, &options,
                  "local host = require 'mavilua.host'\n"
                  "local bot = require 'mavilua'.client {}\n"
                  "host.on('message', function()\n"
                  "  host.kv.set('n', #assert(bot:get_clients {}).clients) end)",
                  &err) == 0);
  double begun = seconds();
  for (int i = 0; i < CALLS; i++) {
    start(&f, "webhook", "", input);
  }
  settle(&f);
  CHECK(seconds() - begun < PATIENCE);
  printf("vm: %d calls of 300 ms took %.0f ms\n", CALLS, (seconds() - begun) * 1000);
  CHECK(f.count == CALLS && f.seen[0].verdict == MV_VM_DONE && has(f.seen[0].effects, "kv_set"));
  close_host(&f);
}

static void calls_overlap(void) {
  struct slow *slow = calloc(1, sizeof *slow);
  pthread_mutex_init(&slow->lock, NULL);
  struct mv_error err = {0};
  struct mv_server_options options = {.listen = "127.0.0.1:0", .handler = keep_call, .owner = slow};
  struct mv_server *server = mv_server_start(&options, &err);
  CHECK(server != NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, answer_calls, slow);
  wait_for_calls(mv_server_url(server));
  pthread_mutex_lock(&slow->lock);
  slow->stop = true;
  pthread_mutex_unlock(&slow->lock);
  pthread_join(thread, NULL);
  mv_server_stop(server);
  pthread_mutex_destroy(&slow->lock);
  free(slow);
}

/* Limits */

static void cpu_limit(void) {
  struct fixture f;
  open_host(&f,
            "local host = require 'mavilua.host'\n"
            "host.hook('loop', function()\n while true do end\nend)\n"
            "host.hook('pcall', function() while true do\n"
            "  pcall(function() while true do end end) end end)\n"
            "host.hook('nested', function()\n"
            "  while true do local ok = pcall(coroutine.wrap(function()\n"
            "    while true do pcall(function() while true do end end) end end)) end end)\n"
            "host.hook('caught', function()\n"
            "  local ok = pcall(function() while true do end end)\n"
            "  host.kv.set('survived', true) end)\n"
            "host.hook('handler', function()\n"
            "  xpcall(function() while true do end end, function() while true do end end) end)\n"
            "host.hook('text', function()\n"
            "  error(setmetatable({}, {__tostring = function() while true do end end})) end)\n"
            "host.hook('fine', function() host.kv.set('a', 1) end)");
  static const char *const names[] = {"loop", "pcall", "nested", "caught", "handler", "text"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    double begun = seconds();
    const struct seen *s = run(&f, "hook", names[i], "");
    CHECK(seconds() - begun < 10);
    CHECK(s->verdict == MV_VM_FAILED && has(s->reason, "ran for more than 0.2 s without waiting"));
    CHECK(has(s->reason, ".lua:") && strcmp(s->effects, "[]") == 0);
  }
  const struct seen *s = run(&f, "hook", "fine", "");
  CHECK(s->verdict == MV_VM_DONE);
  close_host(&f);
}

static void memory_limit(void) {
  struct fixture f = {0};
  struct mv_error err = {0};
  struct mv_vm_options options = host_options(&f);
  options.memory_limit = 8 * MIB;
  CHECK(open_with(&f, &options,
                  "local host = require 'mavilua.host'\n"
                  "host.hook('greedy', function()\n"
                  "  local t = {}\n  while true do t[#t + 1] = ('x'):rep(1000) .. #t end\nend)\n"
                  "host.hook('caught', function()\n"
                  "  pcall(function() local t = {} while true do t = {t, {}, {}} end end)\n"
                  "  host.kv.set('survived', 1) end)\n"
                  "host.hook('garbage', function()\n"
                  "  for i = 1, 100000 do local s = ('y'):rep(1000) .. i end end)\n"
                  "host.on('message', function() host.sleep(0.2) host.kv.set('a', 1) end)",
                  &err) == 0);
  start(&f, "webhook", "", input);
  mv_vm_step(f.vm, 0);
  start(&f, "hook", "greedy", "");
  start(&f, "hook", "caught", "");
  start(&f, "hook", "garbage", "");
  settle(&f);
  CHECK(f.count == 4);
  CHECK(f.seen[0].verdict == MV_VM_FAILED && has(f.seen[0].reason, "not enough memory"));
  CHECK(has(f.seen[0].reason, ".lua:4:") && has(f.seen[0].handler, "hook:greedy"));
  CHECK(f.seen[1].verdict == MV_VM_FAILED && has(f.seen[1].reason, "not enough memory"));
  CHECK(f.seen[2].verdict == MV_VM_DONE);
  CHECK(f.seen[3].verdict == MV_VM_DONE && has(f.seen[3].effects, "kv_set"));
  CHECK(mv_vm_memory(f.vm) < 4 * MIB);
  close_host(&f);
}

/* Bytes when all is collected that can be: what has a __gc takes a round more. */
static size_t collected(struct fixture *f) {
  for (int i = 0; i < 3; i++) {
    run(f, "hook", "collect", "");
  }
  return mv_vm_memory(f->vm);
}

/* An error's own words are script too: they may fail, and may not eat the worker's memory. */
static void error_texts(void) {
  struct fixture f = {0};
  struct mv_error err = {0};
  struct mv_vm_options options = host_options(&f);
  options.memory_limit = 8 * MIB;
  CHECK(open_with(&f, &options,
                  "local host = require 'mavilua.host'\n"
                  "local function say(words) error(setmetatable({}, {__tostring = words})) end\n"
                  "host.hook('throws', function() say(function() error({}) end) end)\n"
                  "host.hook('collect', function() collectgarbage() end)\n"
                  "host.hook('greedy', function() say(function()\n"
                  "  local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end) end)",
                  &err) == 0);
  const struct seen *s = run(&f, "hook", "greedy", "");
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, "not enough memory"));
  s = run(&f, "hook", "throws", "");
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, "an error without a text"));
  size_t before = collected(&f);
  for (int i = 0; i < 500; i++) {
    run(&f, "hook", "throws", "");
  }
  CHECK(collected(&f) < before + MIB / 64);
  close_host(&f);
}

static void wall_limit(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\n"
                "host.hook('wait', {timeout = 0.05}, function()\n"
                "  while true do\n    pcall(host.sleep, 30)\n  end\nend)\n"
                "host.hook('fine', function() host.sleep(0.1) end)");
  start(&f, "hook", "fine", "");
  start(&f, "hook", "wait", "");
  settle(&f);
  CHECK(f.count == 2);
  CHECK(f.seen[0].verdict == MV_VM_FAILED &&
        has(f.seen[0].reason, ".lua:4: the run took more than 0.05 s"));
  CHECK(f.seen[1].verdict == MV_VM_DONE);
  close_host(&f);
}

static void cancellation(void) {
  struct fixture f;
  open_host(&f,
            "local host = require 'mavilua.host'\n"
            "host.on('message', function()\n"
            "  local ok = pcall(function() coroutine.wrap(function() host.sleep(30) end)() end)\n"
            "  host.kv.set('survived', 1)\nend)");
  start(&f, "webhook", "", input);
  start(&f, "webhook", "", input);
  CHECK(mv_vm_cancel(f.vm, 2, "cancelled before it ran"));
  mv_vm_step(f.vm, 0);
  CHECK(mv_vm_cancel(f.vm, 1, "cancelled by an operator"));
  CHECK(!mv_vm_cancel(f.vm, 99, "x"));
  settle(&f);
  CHECK(f.count == 2 && f.seen[0].verdict == MV_VM_FAILED && f.seen[1].verdict == MV_VM_FAILED);
  CHECK(has(f.seen[0].reason, "cancelled before it ran"));
  CHECK(has(f.seen[1].reason, "cancelled by an operator") && strcmp(f.seen[1].effects, "[]") == 0);
  close_host(&f);
}

/* Collections while tasks wait must not take anything from them. */
static void collection(void) {
  struct fixture f;
  open_host(
      &f,
      "local host = require 'mavilua.host'\n"
      "collectgarbage('setpause', 0) collectgarbage('setstepmul', 1000)\n"
      "host.on('message', function(e)\n"
      "  for i = 1, 3 do host.sleep(0.002) collectgarbage()\n"
      "    host.kv.set('x' .. i, {e.text:rep(10), host.once('o' .. i, function() return i end)})\n"
      "  end\nend)");
  for (int i = 0; i < 50; i++) {
    start(&f, "webhook", "", input);
  }
  settle(&f);
  CHECK(f.count == 50 && f.seen[0].verdict == MV_VM_DONE && f.seen[49].verdict == MV_VM_DONE);
  close_host(&f);
}

static void free_under_way(void) {
  struct fixture f;
  open_host(
      &f,
      "local host = require 'mavilua.host'\n"
      "host.on('message', function()\n"
      "  host.kv.set('a', 1)\n"
      "  local guard <close> = setmetatable({}, {__close = function() host.kv.set('b', 1) end})\n"
      "  coroutine.wrap(function() host.sleep(30) end)()\nend)");
  for (int i = 0; i < 20; i++) {
    start(&f, "webhook", "", input);
  }
  mv_vm_step(f.vm, 0);
  start(&f, "webhook", "", input); /* never resumed */
  close_host(&f);
  CHECK(f.count == 0);
}

int main(void) {
  nested_coroutines();
  many_sleep();
  wakeup();
  calls_overlap();
  cpu_limit();
  memory_limit();
  error_texts();
  wall_limit();
  cancellation();
  collection();
  free_under_way();
  return check_end("vm_limits");
}
