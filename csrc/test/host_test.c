/* A whole host in this process: requests come in over HTTP, the script writes what it did to a file. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "host/host.h"
#include "test/check.h"

struct fixture {
  char dir[64], script[80], database[80], trace[80];
  struct mv_log *log;
  struct mv_host *host;
};

struct answer {
  long status;
  char body[32768];
};

static const char *const bot =
    "local host = require 'mavilua.host'\n"
    "local function trace(line)\n"
    "  local f = assert(io.open(TRACE, 'a')) f:write(line, '\\n') f:close()\n"
    "end\n"
    "host.on('message', {text = 'slow'}, function(event) trace('slow ' .. event.attempt) host.sleep(30) trace('woke') end)\n"
    "host.on('message', {text = 'again'}, function(event)\n"
    "  trace('again ' .. event.attempt)\n"
    "  if event.attempt < 3 then return host.retry(0.02) end\n"
    "end)\n"
    "host.on('message', {text = 'dies'}, function() error('no good') end, {attempts = 1})\n"
    "host.on('message', {text = 'later'}, function(event)\n"
    "  host.after(0.05, 'follow_up', {client = event.client_id}, {key = event.client_id})\n"
    "end)\n"
    "host.on('message', {text = 'spoil'}, function()\n"
    "  host.sleep(0.2) host.kv.set('sum', 'no number') host.kv.set('spoilt', true)\n"
    "end)\n"
    "host.job('follow_up', function(args) trace('job ' .. args.client) end)\n"
    "host.on('message', function(event)\n"
    "  local n = host.kv.incr('seen:' .. event.client_id)\n"
    "  if event.text == 'wait' then host.sleep(0.005) end\n"
    "  trace(event.client_id .. ' ' .. event.text .. ' ' .. n)\n"
    "end)\n"
    "host.hook('echo', {secret = 's3cret', key = 'customer.id', dedupe = 'id'}, function(request)\n"
    "  trace('hook ' .. tostring(request.key))\n"
    "  local seen = request.path .. '?' .. tostring(request.query.q)\n"
    "  for name, value in pairs(request.headers) do seen = seen .. ' ' .. name .. '=' .. value end\n"
    "  return {status = 201, json = {got = request.json, seen = seen}, headers = {['X-Echo'] = 'yes'}}\n"
    "end)\n"
    "host.hook('open', function() end)\n"
    "host.hook('sum', {attempts = 1}, function()\n"
    "  local sum = host.kv.incr('sum')\n"
    "  while not host.kv.get('spoilt') do host.sleep(0.01) end\n"
    "  return {status = 200, json = {sum = sum}}\n"
    "end)\n"
    "host.hook('broken', function() error('hook failed') end)\n"
    "host.every('1s', {name = 'tick'}, function(moment) trace('tick ' .. moment.planned) end)\n";

static char *read_all(const char *path) {
  struct mv_bytes text = {0};
  char part[4096];
  size_t got;
  FILE *file = fopen(path, "re");
  while (file && (got = fread(part, 1, sizeof part, file)) > 0)
    mv_bytes_append(&text, part, got);
  if (file)
    fclose(file);
  return mv_bytes_steal(&text, NULL);
}

static void write_script(struct fixture *f, const char *source) {
  FILE *file = fopen(f->script, "we");
  fprintf(file, "local TRACE = '%s'\n%s", f->trace, source);
  fclose(file);
}

static bool traced(struct fixture *f, const char *text) {
  char *all = read_all(f->trace);
  bool found = strstr(all, text) != NULL;
  free(all);
  return found;
}

static bool wait_traced(struct fixture *f, const char *text) {
  for (int i = 0; i < 1000; i++) {
    if (traced(f, text))
      return true;
    usleep(10000);
  }
  char *all = read_all(f->trace);
  fprintf(stderr, "never traced: %s; but %s\n", text, all);
  free(all);
  return false;
}

static int start(struct fixture *f, struct mv_error *err) {
  const char *scripts[] = {f->script, NULL};
  struct mv_host_options options = {.listen = "127.0.0.1:0", .admin = "127.0.0.1:0",
                                    .database = f->database, .webhook_secret = "hush-hush",
                                    .scripts = scripts, .workers = 2, .max_body = 4096,
                                    .stop_timeout = 5, .log = f->log};
  f->host = mv_host_start(&options, err);
  return f->host ? 0 : -1;
}

static void setup(struct fixture *f, const char *source) {
  struct mv_log_options log = {.fd = 2, .level = getenv("VERBOSE") ? MV_LOG_DEBUG : MV_LOG_ERROR + 1};
  struct mv_error err = {0};
  strcpy(f->dir, "/tmp/mavilua-host-XXXXXX");
  CHECK(mkdtemp(f->dir) != NULL);
  snprintf(f->script, sizeof f->script, "%s/bot.lua", f->dir);
  snprintf(f->database, sizeof f->database, "%s/bot.db", f->dir);
  snprintf(f->trace, sizeof f->trace, "%s/trace", f->dir);
  f->log = mv_log_new(&log);
  write_script(f, source);
  if (start(f, &err))
    fprintf(stderr, "%s\n", err.text);
  CHECK(f->host != NULL);
}

static void teardown(struct fixture *f) {
  char command[128];
  mv_host_stop(f->host, false);
  mv_log_free(f->log);
  snprintf(command, sizeof command, "rm -r %s", f->dir);
  CHECK(system(command) == 0);
}

static size_t collect(char *data, size_t size, size_t count, void *owner) {
  struct answer *answer = owner;
  size_t length = strlen(answer->body), more = size * count;
  if (length + more < sizeof answer->body) {
    memcpy(answer->body + length, data, more);
    answer->body[length + more] = 0;
  }
  return size * count;
}

/* `body` NULL: GET. */
static struct answer ask(const char *base, const char *path, const char *body, const char *header) {
  struct answer answer = {0};
  char url[256];
  CURL *curl = curl_easy_init();
  struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
  snprintf(url, sizeof url, "%s%s", base, path);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
  if (body)
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return answer;
}

static struct answer post(struct fixture *f, const char *path, const char *body) {
  return ask(mv_host_url(f->host), path, body, NULL);
}

static struct answer message(struct fixture *f, int id, int client, const char *text) {
  char body[256];
  snprintf(body, sizeof body,
           "{\"id\":%d,\"client\":{\"id\":%d,\"name\":\"Ada\"},\"message\":\"%s\",\"is_input\":1}", id,
           client, text);
  return post(f, "/webhook/hush-hush", body);
}

/* A number of /api/summary, once it is `expected`; else what it was at the end. */
static long long wait_summary(struct fixture *f, const char *name, long long expected) {
  long long value = -1;
  for (int i = 0; i < 1000; i++) {
    struct answer answer = ask(mv_host_admin_url(f->host), "/api/summary", NULL, NULL);
    json_t *summary = mv_json_parse(answer.body, strlen(answer.body), NULL);
    value = json_integer_value(json_object_get(summary, name));
    json_decref(summary);
    if (value == expected)
      break;
    usleep(10000);
  }
  return value;
}

static void test_webhooks(struct fixture *f) {
  struct answer good = message(f, 1, 7, "hello");
  CHECK(good.status == 200 && strcmp(good.body, "{\"status\":\"success\"}") == 0);
  CHECK(wait_traced(f, "7 hello 1\n"));
  CHECK(message(f, 1, 7, "hello").status == 200);
  struct answer wrong = post(f, "/webhook/hush-hus", "{}"), unknown = post(f, "/nowhere", "{}");
  CHECK(wrong.status == 404 && unknown.status == 404 && strcmp(wrong.body, unknown.body) == 0);
  struct answer bad = post(f, "/webhook/hush-hush", "{\"id\":1,\n \"client\":}");
  CHECK(bad.status == 400 && strstr(bad.body, "line 2"));
  CHECK(post(f, "/webhook/hush-hush", "[1]").status == 400);
  CHECK(ask(mv_host_url(f->host), "/webhook/hush-hush", NULL, NULL).status == 405);
  char big[5000];
  memset(big, ' ', sizeof big - 1);
  big[sizeof big - 1] = 0;
  CHECK(post(f, "/webhook/hush-hush", big).status == 413);
  CHECK(message(f, 2, 7, "bye").status == 200);
  CHECK(wait_traced(f, "7 bye 2\n"));
}

static void test_order(struct fixture *f) {
  for (int i = 0; i < 60; i++)
    CHECK(message(f, 100 + i, 1000 + i % 3, i % 2 ? "wait" : "now").status == 200);
  CHECK(wait_traced(f, "1000 wait 20\n") && wait_traced(f, "1001 now 20\n") &&
        wait_traced(f, "1002 wait 20\n"));
  char *all = read_all(f->trace);
  for (int client = 1000; client < 1003; client++) {
    const char *at = all;
    for (int n = 1; n <= 20 && at; n++) {
      char line[64];
      snprintf(line, sizeof line, "%d %s %d\n", client, (client - 1000 + 3 * (n - 1)) % 2 ? "wait" : "now", n);
      at = strstr(at, line);
    }
    CHECK(at != NULL);
  }
  free(all);
}

static void test_outcomes(struct fixture *f) {
  message(f, 200, 20, "again");
  CHECK(wait_traced(f, "again 1\n") && wait_traced(f, "again 2\n") && wait_traced(f, "again 3\n"));
  message(f, 201, 21, "later");
  CHECK(wait_traced(f, "job 21\n"));
  message(f, 202, 22, "dies");
  CHECK(wait_summary(f, "dead", 1) == 1);
  struct answer dead = ask(mv_host_admin_url(f->host), "/api/events?state=dead", NULL, NULL);
  CHECK(dead.status == 200 && strstr(dead.body, "no good") && strstr(dead.body, "bot.lua:"));
  CHECK(wait_traced(f, "tick "));
}

static void test_hooks(struct fixture *f) {
  struct answer echo = ask(mv_host_url(f->host), "/hook/echo?q=1&secret=s3cret",
                           "{\"id\":5,\"customer\":{\"id\":99}}", "X-Extra: extra");
  CHECK(echo.status == 201 && strstr(echo.body, "\"customer\":{\"id\":99}"));
  CHECK(strstr(echo.body, "/hook/echo?1") && strstr(echo.body, "x-extra=extra"));
  CHECK(!strstr(echo.body, "s3cret"));
  CHECK(wait_traced(f, "hook 99\n"));
  CHECK(post(f, "/hook/echo/s3cret", "{\"id\":6}").status == 201);
  CHECK(ask(mv_host_url(f->host), "/hook/echo", "{}", "X-Secret: s3cret").status == 201);
  CHECK(ask(mv_host_url(f->host), "/hook/echo", "{}", "Authorization: Bearer s3cret").status == 201);
  CHECK(post(f, "/hook/echo/wrong", "{}").status == 404);
  CHECK(post(f, "/hook/echo", "{}").status == 404);
  struct answer again = post(f, "/hook/echo/s3cret", "{\"id\":6}");
  CHECK(again.status == 201); /* as the first was answered */
  struct answer open = ask(mv_host_url(f->host), "/hook/open", NULL, NULL);
  CHECK(open.status == 200 && strstr(open.body, "{\"accepted\":true,\"event\":"));
  CHECK(post(f, "/hook/broken", "x").status == 202);
  CHECK(ask(mv_host_admin_url(f->host), "/api/handlers", NULL, NULL).status == 200);
  CHECK(!strstr(ask(mv_host_admin_url(f->host), "/api/handlers", NULL, NULL).body, "s3cret"));
}

/* What a handler leaves behind may turn out to be impossible: then its reply is not true either. */
static void test_impossible_effects(struct fixture *f) {
  CHECK(message(f, 250, 25, "spoil").status == 200);
  struct answer sum = post(f, "/hook/sum", "{}");
  CHECK(sum.status == 500 && !strstr(sum.body, "sum"));
  struct answer dead = ask(mv_host_admin_url(f->host), "/api/events?state=dead&limit=1", NULL, NULL);
  CHECK(strstr(dead.body, "hook:sum") && strstr(dead.body, "holds no number"));
}

static void test_admin(struct fixture *f) {
  const char *admin = mv_host_admin_url(f->host);
  CHECK(ask(admin, "/healthz", NULL, NULL).status == 200);
  CHECK(ask(admin, "/readyz", NULL, NULL).status == 200);
  struct answer metrics = ask(admin, "/metrics", NULL, NULL);
  CHECK(strstr(metrics.body, "mavilua_events_accepted_total{source=\"webhook\"} "));
  struct answer events = ask(admin, "/api/events?key=7&limit=1", NULL, NULL);
  CHECK(strstr(events.body, "\"key\":\"7\"") && strstr(events.body, "\"cursor\":"));
  CHECK(ask(admin, "/api/events/1", NULL, NULL).status == 200);
  CHECK(ask(admin, "/api/events/999999", NULL, NULL).status == 404);
  CHECK(ask(admin, "/api/events?state=odd", NULL, NULL).status == 400);
  struct answer schedules = ask(admin, "/api/schedules", NULL, NULL);
  CHECK(strstr(schedules.body, "\"name\":\"tick\"") && strstr(schedules.body, "\"state\":\"done\""));
  CHECK(ask(admin, "/api/keys/blocked", NULL, NULL).status == 200);
  CHECK(ask(admin, "/api/events/1/replay", "", NULL).status == 200);
  CHECK(ask(admin, "/api/events/1/replay", NULL, NULL).status == 405);
  CHECK(ask(admin, "/nowhere", NULL, NULL).status == 404);
  CHECK(wait_summary(f, "lost", 0) == 0);
}

static void test_reload(struct fixture *f) {
  struct mv_error err = {0};
  write_script(f, "this is not Lua\n");
  CHECK(mv_host_reload(f->host, &err) == -1 && strstr(err.text, "bot.lua:2"));
  message(f, 300, 30, "old");
  CHECK(wait_traced(f, "30 old 1\n"));
  message(f, 301, 31, "slow");
  CHECK(wait_traced(f, "slow 1\n"));
  write_script(f, "local host = require 'mavilua.host'\n"
                  "host.on('message', function(event)\n"
                  "  local f = io.open(TRACE, 'a') f:write('new ', event.text, '\\n') f:close()\n"
                  "end)\n");
  CHECK(mv_host_reload(f->host, &err) == 0);
  message(f, 302, 30, "other");
  CHECK(wait_traced(f, "new other\n"));
  CHECK(post(f, "/hook/open", "x").status == 404);
}

/* A run that is broken off by a stop costs no attempt and comes again. */
static void test_restart(struct fixture *f) {
  struct mv_error err = {0};
  int64_t began = mv_clock_monotonic(NULL);
  mv_host_stop(f->host, true);
  CHECK(mv_clock_monotonic(NULL) - began < 4000);
  write_script(f, "local host = require 'mavilua.host'\n"
                  "host.on('message', function(event)\n"
                  "  local f = io.open(TRACE, 'a')\n"
                  "  f:write('after ', event.text, ' ', event.attempt, ' ', host.kv.get('seen:7'), '\\n') f:close()\n"
                  "end)\n");
  CHECK(start(f, &err) == 0);
  /* 3 if event 1 was the message that was replayed, 2 if a tick was quicker than it */
  CHECK(wait_traced(f, "after slow 1 ") && (traced(f, " 1 3\n") || traced(f, " 1 2\n")));
  CHECK(!traced(f, "woke"));
}

static void test_two_hosts(struct fixture *f) {
  struct fixture other;
  setup(&other, bot);
  CHECK(strcmp(mv_host_url(f->host), mv_host_url(other.host)) != 0);
  message(&other, 1, 5, "there");
  CHECK(wait_traced(&other, "5 there 1\n"));
  CHECK(!traced(f, "5 there"));
  teardown(&other);
}

static void test_refused(struct fixture *f) {
  struct mv_error err = {0};
  struct fixture second = *f;
  write_script(f, "local host = require 'mavilua.host'\nhost.cron('61 * * * *', {name = 'x'}, function() end)\n");
  const char *scripts[] = {f->script, NULL};
  json_t *faults = json_array(), *definitions = mv_host_check(scripts, NULL, faults, &err);
  const char *fault = json_string_value(json_array_get(faults, 0));
  CHECK(definitions && fault && strstr(fault, "bot.lua:3") && strstr(fault, "61"));
  json_decref(definitions);
  CHECK(mv_host_reload(f->host, &err) == -1);
  CHECK(start(&second, &err) == -1); /* the database is in use */
  write_script(f, bot);
  json_array_clear(faults);
  definitions = mv_host_check(scripts, NULL, faults, &err);
  CHECK(json_array_size(faults) == 0);
  json_decref(faults);
  CHECK(json_array_size(json_object_get(definitions, "hooks")) == 4);
  json_decref(definitions);
}

int main(void) {
  struct fixture f;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  setup(&f, bot);
  if (f.host) {
    test_webhooks(&f);
    test_order(&f);
    test_outcomes(&f);
    test_hooks(&f);
  test_impossible_effects(&f);
    test_admin(&f);
    test_reload(&f);
    test_restart(&f);
    test_two_hosts(&f);
    test_refused(&f);
  }
  teardown(&f);
  curl_global_cleanup();
  return check_end("host");
}
