/* The script VM: loading, events, effects, misuse, logging. */
#include "test/vm_support.h"

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
  return check_end("vm");
}
