/* The script VM: loading, events, effects, limits, and its end with runs under way. */
#include "lua/vm.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "net/server.h"
#include "test/check.h"

#define MIB ((size_t)1024 * 1024)
#define RESULTS 64
#define CALLS 200
#ifdef __SANITIZE_THREAD__
#define SLEEPERS                                                                                   \
  200 /* each yield leaves a frame on the sanitizer's own stack: it gets slower and slower */
#define PATIENCE 20
#else
#define SLEEPERS 10000
#define PATIENCE 2 /* seconds for calls that would take a minute one after another */
#endif

/* What came of the events of one VM. */
struct seen {
  enum mv_vm_verdict verdict;
  int64_t id;
  double delay;
  char *reason, *handler, *reply, *effects, *policy;
};

struct fixture {
  struct mv_vm *vm;
  struct mv_log *log;
  FILE *log_file;
  json_t *store; /* keys and values */
  json_t *once;
  size_t count; /* results, all of them */
  struct seen seen[RESULTS];
  int64_t next_id;
};

static char *text_of(const json_t *value) {
  return value ? mv_json_text(value) : NULL;
}

static void finished(void *owner, const struct mv_vm_event *event,
                     const struct mv_vm_result *result) {
  struct fixture *f = owner;
  if (f->count < RESULTS) {
    f->seen[f->count] = (struct seen){result->verdict,
                                      event->id,
                                      result->delay,
                                      mv_strdup(result->reason),
                                      mv_strdup(result->handler),
                                      text_of(result->reply),
                                      text_of(result->effects),
                                      text_of(result->policy)};
  }
  f->count++;
}

static json_t *kv_get(void *owner, const char *key, struct mv_error *err) {
  (void)err;
  struct fixture *f = owner;
  return json_incref(json_object_get(f->store, key));
}

static int once_get(void *owner, const char *key, json_t **value, struct mv_error *err) {
  (void)err;
  struct fixture *f = owner;
  *value = json_incref(json_object_get(f->once, key));
  return *value != NULL;
}

static void write_script(char *path, const char *source) {
  strcpy(path, "/tmp/mavilua_vm_XXXXXX.lua");
  int fd = mkstemps(path, 4);
  ssize_t written = write(fd, source, strlen(source));
  CHECK(written == (ssize_t)strlen(source));
  close(fd);
}

static struct mv_vm_options host_options(struct fixture *f) {
  f->log_file = tmpfile();
  struct mv_log_options log = {.fd = fileno(f->log_file), .level = MV_LOG_DEBUG, .json = 1};
  f->log = mv_log_new(&log);
  f->store = json_object();
  f->once = json_object();
  return (struct mv_vm_options){.log = f->log,
                                .host = true,
                                .owner = f,
                                .finished = finished,
                                .kv_get = kv_get,
                                .once_get = once_get};
}

static int open_with(struct fixture *f, const struct mv_vm_options *options, const char *source,
                     struct mv_error *err) {
  char path[64];
  write_script(path, source);
  f->vm = mv_vm_new(options, err);
  int status = f->vm ? mv_vm_load(f->vm, path, err) : -1;
  unlink(path);
  return status;
}

static void open_host(struct fixture *f, const char *source) {
  struct mv_error err = {0};
  memset(f, 0, sizeof *f);
  struct mv_vm_options options = host_options(f);
  options.cpu_limit = 0.2;
  options.wall_limit = 20;
  if (open_with(f, &options, source, &err)) {
    fprintf(stderr, "load: %s\n", err.text);
  }
  CHECK(f->vm && err.kind == MV_ERROR_NONE);
}

static void forget_results(struct fixture *f) {
  for (size_t i = 0; i < f->count && i < RESULTS; i++) {
    struct seen *s = &f->seen[i];
    free(s->reason);
    free(s->handler);
    free(s->reply);
    free(s->effects);
    free(s->policy);
  }
  f->count = 0;
}

static void close_host(struct fixture *f) {
  mv_vm_free(f->vm);
  forget_results(f);
  json_decref(f->store);
  json_decref(f->once);
  mv_log_free(f->log);
  fclose(f->log_file);
}

static void start(struct fixture *f, const char *source, const char *name, const char *body) {
  struct mv_vm_event event = {.id = ++f->next_id,
                              .attempt = 1,
                              .source = source,
                              .name = name,
                              .key = "7",
                              .accepted_at = 1700000000123,
                              .due_at = 1700000060000,
                              .body = body,
                              .body_length = strlen(body)};
  CHECK(mv_vm_start(f->vm, &event, NULL) == 0);
}

/* Steps until nothing runs any more; at most 20 s. */
static void settle(struct fixture *f) {
  time_t end = time(NULL) + 20;
  while (mv_vm_running(f->vm) && time(NULL) < end) {
    mv_vm_step(f->vm, 100);
  }
  CHECK(mv_vm_running(f->vm) == 0);
}

static const struct seen *run(struct fixture *f, const char *source, const char *name,
                              const char *body) {
  forget_results(f);
  memset(f->seen, 0, sizeof f->seen);
  start(f, source, name, body);
  settle(f);
  CHECK(f->count == 1);
  return &f->seen[0];
}

static bool has(const char *text, const char *part) {
  bool found = text && strstr(text, part);
  if (!found) {
    fprintf(stderr, "no \"%s\" in: %s\n", part, text ? text : "(null)");
  }
  return found;
}

static const char input[] = "{\"id\":1,\"is_input\":1,\"message\":\"Hi\",\"client\":{\"id\":7}}";

/* Plain scripts */

static int load_plain(const char *source, struct mv_error *err, struct mv_vm **vm) {
  static const char *const args[] = {"one", "two", NULL};
  struct mv_vm_options options = {.args = args};
  struct fixture f = {0};
  int status = open_with(&f, &options, source, err);
  *vm = f.vm;
  return status;
}

static void plain_runs(void) {
  struct mv_error err = {0};
  struct mv_vm *vm;
  CHECK(
      load_plain("local a, b = ...\n"
                 "assert(a == 'one' and b == 'two' and arg[2] == 'two' and arg[0]:find('%.lua$'))\n"
                 "assert(package.path:find('^/tmp/%?%.lua;'))\n"
                 "assert(require 'mavilua.host.text'.fold ' ПРИВЕТ Ёж ' == 'привет ёж')\n"
                 "local ok, problem = pcall(require, 'mavilua.host')\n"
                 "assert(not ok and problem:find('mavilua serve', 1, true))",
                 &err, &vm) == 0);
  CHECK(err.kind == MV_ERROR_NONE);
  CHECK(mv_vm_exit_status(vm) == 0);
  mv_vm_free(vm);
}

static void plain_exit(void) {
  struct mv_error err = {0};
  struct mv_vm *vm;
  CHECK(load_plain("pcall(pcall, os.exit, 3) while true do pcall(error) end", &err, &vm) == 0);
  CHECK(mv_vm_exit_status(vm) == 3);
  mv_vm_free(vm);
  CHECK(load_plain("os.exit(false)", &err, &vm) == 0);
  CHECK(mv_vm_exit_status(vm) == 1);
  mv_vm_free(vm);
}

static void plain_errors(void) {
  struct mv_error err = {0};
  struct mv_vm *vm;
  CHECK(load_plain("local x =\n= 1", &err, &vm) == -1);
  CHECK(has(err.text, ".lua:2: unexpected symbol"));
  mv_vm_free(vm);
  CHECK(load_plain("local function f()\n error 'broken'\nend\nlocal x = f()", &err, &vm) == -1);
  CHECK(has(err.text, ".lua:2: broken") && !strchr(err.text, '\n'));
  CHECK(has(mv_vm_trace(vm), "stack traceback:") && has(mv_vm_trace(vm), ".lua:4: in main chunk"));
  CHECK(!strstr(mv_vm_trace(vm), "[C]"));
  CHECK(mv_vm_load(vm, "/nonexistent/x.lua", &err) == -1);
  CHECK(has(err.text, "/nonexistent/x.lua: No such file"));
  mv_vm_free(vm);
  CHECK(load_plain("error(setmetatable({}, {__tostring = function() return 'told' end}))", &err,
                   &vm) == -1);
  CHECK(has(err.text, "told"));
  mv_vm_free(vm);
}

/* Events */

static void webhook(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\n"
                "host.on('message', {text = '/start'}, function(e) error(e.text) end)\n"
                "host.on('message', {contains = 'ПРИВ'}, function(e)\n"
                "  host.kv.set('id', e.client.id) host.kv.set('at', e.accepted_at)\n"
                "end, {attempts = 3, max_age = '2m', on_fail = 'park'})\n"
                "host.on('sent', function() return host.cancel('echo') end)\n"
                "host.on('any', function(e) return host.retry('1m', e.kind) end)\n"
                "host.on('message', {pattern = '^(%d+)$'}, function(e)\n"
                "  return host.dead(e.captures[1]) end)");
  const struct seen *s =
      run(&f, "webhook", "",
          "{\"message\":\" Привет \",\"is_input\":\"1\",\"client\":{\"id\":22563045582}}");
  CHECK(s->verdict == MV_VM_DONE && has(s->handler, "message:*ПРИВ*@mavilua_vm_") &&
        has(s->handler, ".lua:3"));
  CHECK(has(s->effects, "\"key\":\"id\",\"value\":22563045582}") &&
        has(s->effects, "\"value\":1700000000}"));
  CHECK(has(s->policy, "\"attempts\":3") && has(s->policy, "\"max_age\":120") &&
        has(s->policy, "\"on_fail\":\"park\""));
  s = run(&f, "webhook", "", "{\"message\":\" /START\",\"is_input\":1,\"client\":{\"id\":7}}");
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, ".lua:2:  /START\nstack traceback:\n\t"));
  CHECK(s->effects && strcmp(s->effects, "[]") == 0);
  s = run(&f, "webhook", "", "{\"message\":\"Привет\",\"is_input\":0,\"client\":{\"id\":7}}");
  CHECK(s->verdict == MV_VM_CANCELLED && has(s->reason, "echo"));
  s = run(&f, "webhook", "",
          "{\"message\":\"crm_state_changed Shop:Paid\",\"is_input\":1,\"client\":{}}");
  CHECK(s->verdict == MV_VM_RETRY && s->delay == 60 && has(s->reason, "order_state"));
  s = run(&f, "webhook", "", "{\"message\":\"15\",\"is_input\":1,\"client\":{}}");
  CHECK(s->verdict == MV_VM_DEAD && has(s->reason, "15"));
  close_host(&f);
}

static void no_handler(void) {
  struct fixture f;
  open_host(&f, "require 'mavilua.host'.on('sent', print)");
  const struct seen *s = run(&f, "webhook", "", input);
  CHECK(s->verdict == MV_VM_DONE && !s->handler && !s->reason);
  s = run(&f, "job", "gone", "{}");
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, "no script registers the job 'gone'"));
  close_host(&f);
}

static void effects(void) {
  struct fixture f;
  open_host(&f,
            "local host = require 'mavilua.host'\n"
            "host.job('later', function(args, e) assert(args.n == 1 and e.name == 'later') end)\n"
            "host.on('message', function(e)\n"
            "  assert(host.kv.get 'stored' == 5 and host.kv.get 'none' == nil)\n"
            "  assert(host.kv.incr('stored', 2) == 7 and host.kv.get 'stored' == 7)\n"
            "  host.kv.set('list', {1, {2}}, '1d') assert(host.kv.get('list')[2][1] == 2)\n"
            "  host.kv.delete 'list' assert(host.kv.get 'list' == nil)\n"
            "  host.after('2h', 'later', {n = 1}, {key = e.client_id, id = 'x'})\n"
            "  host.at(1700000000, 'later')\n"
            "  local a, b, c = host.once('k', function() return 1, nil, {x = 'y'} end)\n"
            "  assert(a == 1 and b == nil and c.x == 'y')\n"
            "  local d, e2, g = host.once('k', error)\n"
            "  assert(d == 1 and e2 == nil and g.x == 'y')\n"
            "  assert(host.once('known', error) == 'before')\n"
            "  assert(host.event() == e)\n"
            "end)\n"
            "assert(host.event() == nil)");
  json_object_set_new(f.store, "stored", json_integer(5));
  json_object_set_new(f.once, "known", json_pack("[s]", "before"));
  const struct seen *s = run(&f, "webhook", "", input);
  CHECK(s->verdict == MV_VM_DONE);
  if (s->reason) {
    fprintf(stderr, "%s\n", s->reason);
  }
  static const char *const parts[] = {
      "{\"op\":\"kv_add\",\"key\":\"stored\",\"by\":2}",
      "{\"op\":\"kv_set\",\"key\":\"list\",\"value\":[1,[2]],\"ttl\":86400.0}",
      "{\"op\":\"kv_delete\",\"key\":\"list\"}",
      "{\"op\":\"job\",\"name\":\"later\",\"args\":{\"n\":1},\"due\":",
      "\"key\":\"7\",\"id\":\"x\",\"elapsed\":true}",
      "{\"op\":\"job\",\"name\":\"later\",\"args\":null,\"due\":1700000000000}",
      "{\"op\":\"once\",\"key\":\"k\",\"value\":[1,null,{\"x\":\"y\"}]}"};
  const char *at = s->effects ? s->effects : "";
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *found = strstr(at, parts[i]);
    CHECK(found != NULL);
    at = found ? found : at;
  }
  s = run(&f, "job", "later", "{\"n\":1}");
  CHECK(s->verdict == MV_VM_DONE && has(s->handler, "job:later"));
  close_host(&f);
}

static void key_is_hidden(void) {
  struct fixture f = {0};
  struct mv_error err = {0};
  struct mv_vm_options options = host_options(&f);
  options.api_key = "0123456789abcdef0123456789abcdef";
  CHECK(open_with(&f, &options,
                  "local host = require 'mavilua.host'\n"
                  "local key = ('0123456789abcdef'):rep(2)\n"
                  "host.on('message', function() error('a/' .. key .. '/b ' .. key) end)",
                  &err) == 0);
  const struct seen *s = run(&f, "webhook", "", input);
  CHECK(has(s->reason, ".lua:3: a/[redacted]/b [redacted]\nstack"));
  close_host(&f);
}

static void failure_keeps_once(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\n"
                "host.on('message', function()\n"
                "  host.kv.set('a', 1) host.once('o', function() return true end)\n"
                "  host.kv.set('b', 1) error{code = 1}\nend)");
  const struct seen *s = run(&f, "webhook", "", input);
  CHECK(s->verdict == MV_VM_FAILED && has(s->reason, "the error is a table"));
  CHECK(s->effects &&
        strcmp(s->effects, "[{\"op\":\"once\",\"key\":\"o\",\"value\":[true]}]") == 0);
  close_host(&f);
}

static void hooks(void) {
  struct fixture f;
  open_host(&f,
            "local host = require 'mavilua.host'\n"
            "host.hook('payment', {secret = 's3', key = 'customer.id'}, function(r)\n"
            "  assert(r.method == 'PUT' and r.query.a == '1' and r.headers['x-sum'] == '2')\n"
            "  return {status = 201, json = {got = r.json.customer.id}, headers = {['X-Y'] = 1}}\n"
            "end)\n"
            "host.hook('form', function(r) return r.form['a b'] end)\n"
            "host.hook('bad', function() return {status = 700} end)");
  struct mv_vm_event event = {
      .id = 1,
      .attempt = 1,
      .source = "hook",
      .name = "payment",
      .body = "{\"customer\":{\"id\":9007199254740993}}",
      .body_length = 36,
      .meta = "{\"method\":\"PUT\",\"query\":{\"a\":\"1\"},\"headers\":{\"X-Sum\":\"2\"}}"};
  CHECK(mv_vm_start(f.vm, &event, NULL) == 0);
  event.name = "form";
  event.body = "a+b=%D1%8F&c";
  event.body_length = 12;
  event.meta =
      "{\"headers\":{\"Content-Type\":\"application/x-www-form-urlencoded; charset=utf-8\"}}";
  CHECK(mv_vm_start(f.vm, &event, NULL) == 0);
  event.name = "bad";
  CHECK(mv_vm_start(f.vm, &event, NULL) == 0);
  settle(&f);
  CHECK(f.count == 3);
  CHECK(has(f.seen[0].reply, "\"status\":201") && has(f.seen[0].reply, "9007199254740993") &&
        has(f.seen[0].reply, "\"X-Y\":\"1\""));
  CHECK(has(f.seen[1].reply, "{\"body\":\"я\"}"));
  CHECK(f.seen[2].verdict == MV_VM_FAILED &&
        has(f.seen[2].reason, "status must be a whole number"));
  close_host(&f);
}

static void schedules(void) {
  struct fixture f;
  open_host(&f,
            "local host = require 'mavilua.host'\n"
            "host.cron('0 9 * * *', {name = 'm', timezone = 'Europe/Oslo', overlap = 'queue'},\n"
            "  function(t) host.kv.set('planned', t.planned) end)\n"
            "host.every(90, function() end)\n"
            "host.every('15m', {jitter = '10s'}, function() end)");
  const struct seen *s = run(&f, "schedule", "m", "");
  CHECK(s->verdict == MV_VM_DONE && has(s->effects, "1700000060") && has(s->handler, "schedule:m"));
  json_t *all = mv_vm_definitions(f.vm);
  json_t *list = json_object_get(all, "schedules");
  CHECK(json_array_size(list) == 3);
  CHECK(strcmp(json_string_value(mv_json_at(all, "schedules.1.expression")), "90") == 0);
  CHECK(strcmp(json_string_value(mv_json_at(all, "schedules.0.timezone")), "Europe/Oslo") == 0);
  CHECK(json_integer_value(mv_json_at(all, "schedules.2.line")) == 5);
  CHECK(strstr(json_string_value(mv_json_at(all, "schedules.2.name")), ".lua 15m") != NULL);
  CHECK(json_is_array(json_object_get(all, "jobs")));
  json_decref(all);
  close_host(&f);
}

static void misuse(const char *line, const char *expected) {
  struct fixture f = {0};
  struct mv_error err = {0};
  struct mv_vm_options options = host_options(&f);
  struct mv_bytes source = {0};
  options.cpu_limit = 0.2;
  mv_bytes_printf(&source, "local host = require 'mavilua.host'\nlocal fn = function() end\n%s",
                  line);
  CHECK(open_with(&f, &options, source.data, &err) == -1);
  CHECK(has(err.text, ".lua:3: ") && has(err.text, expected));
  mv_bytes_free(&source);
  close_host(&f);
}

static void misuses(void) {
  misuse("host.on('mesage', fn)", "unknown kind \"mesage\"; did you mean \"message\"?");
  misuse("host.on('message', {txt = 'a'}, fn)", "did you mean \"text\"?");
  misuse("host.on('message', {pattern = '('}, fn)", "match.pattern: ");
  misuse("host.on('message')", "the handler must be a function");
  misuse("host.on('message', fn, {attempt = 2})", "did you mean \"attempts\"?");
  misuse("host.on('message', fn, {on_fail = 'x'})", "'block', 'park', 'skip'");
  misuse("host.hook('a/b', fn)", "letters, digits");
  misuse("host.hook('a', {dedupe = 1}, fn)", "option 'dedupe' must be a path such as");
  misuse("host.every('often', fn)", "\"15m\"");
  misuse("host.job('a', fn) host.job('a', fn)", "there is a job named 'a' already");
  misuse("host.after(1, 'x')", "works inside a handler only");
  misuse("host.kv.get('x')", "works inside a handler only");
  misuse("host.sleep(1)", "works inside a handler only");
  misuse("while true do end", "is there a loop that does not end?");
}

static void misuse_in_handler(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\n"
                "host.job('follow_up', print)\n"
                "host.hook('late', function() host.job('x', print) end)\n"
                "host.hook('job', function() host.after(1, 'folow_up') end)\n"
                "host.hook('args', function() host.after(1, 'follow_up', {f = print}) end)\n"
                "host.hook('exit', function() os.exit() end)\n"
                "host.hook('kv', function() host.kv.set('k', 0/0) end)\n"
                "host.hook('incr', function() host.kv.set('k', 'a') host.kv.incr('k') end)");
  static const char *const cases[][2] = {
      {"late", ".lua:3: host.job belongs to the top"},
      {"job",
       ".lua:4: host.after: there is no job named \"folow_up\"; did you mean \"follow_up\"?"},
      {"args", ".lua:5: host.after: f: "},
      {"exit", ".lua:6: exit is not available under the host"},
      {"kv", ".lua:7: host.kv.set: "},
      {"incr", ".lua:8: host.kv.incr: 'k' holds \"a\", not a number"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct seen *s = run(&f, "hook", cases[i][0], "");
    CHECK(s->verdict == MV_VM_FAILED && has(s->reason, cases[i][1]));
  }
  close_host(&f);
}

static char *log_text(struct fixture *f) {
  struct mv_bytes out = {0};
  char buffer[4096];
  rewind(f->log_file);
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, f->log_file)) > 0;) {
    mv_bytes_append(&out, buffer, n);
  }
  return mv_bytes_steal(&out, NULL);
}

static void logging(void) {
  struct fixture f;
  open_host(&f, "local host = require 'mavilua.host'\nprint('loaded', 1)\n"
                "host.on('message', function() print('a', nil, 2)\n"
                "  host.log.warn('careful', {n = 5, f = print, event = 'mine', inf = 1/0}) end)");
  run(&f, "webhook", "", input);
  char *text = log_text(&f);
  CHECK(has(text, "loaded\\t1") && has(text, "a\\tnil\\t2") && has(text, "\"handler\":\"message@"));
  CHECK(has(text, "\"event\":1") && has(text, "\"attempt\":1") && has(text, "\"key\":\"7\""));
  CHECK(has(text, "careful") && has(text, "\"n\":5") && has(text, "\"inf\":\"inf\""));
  free(text);
  close_host(&f);
}

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
  plain_runs();
  plain_exit();
  plain_errors();
  webhook();
  no_handler();
  effects();
  key_is_hidden();
  failure_keeps_once();
  hooks();
  schedules();
  misuses();
  misuse_in_handler();
  logging();
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
  return check_end("vm");
}
