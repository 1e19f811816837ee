/* The library as a program calls it; it is linked as libmavilua.a, so nothing of the inside is used. */
#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mavilua.h"
#include "test/check.h"

#define POSTERS 4
#define POSTS 40

/* A folder with a script and a database, and what the host that runs there has told. */
struct fixture {
  char dir[64], script[96], db[96];
  mavilua_host *host;
  pthread_mutex_t lock;
  pthread_cond_t told;
  char *log; /* lines */
  size_t length;
};

/* ---- fixture ------------------------------------------------------------------------------------ */

static void on_log(void *user, enum mavilua_level level, const char *line) {
  struct fixture *f = user;
  size_t more = strlen(line);
  (void)level;
  pthread_mutex_lock(&f->lock);
  f->log = realloc(f->log, f->length + more + 2);
  memcpy(f->log + f->length, line, more);
  f->length += more;
  memcpy(f->log + f->length++, "\n", 2);
  pthread_cond_broadcast(&f->told);
  pthread_mutex_unlock(&f->lock);
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (; text && (text = strstr(text, part)); text += strlen(part))
    count++;
  return count;
}

static int logged(struct fixture *f, const char *text) {
  pthread_mutex_lock(&f->lock);
  int count = count_of(f->log, text);
  pthread_mutex_unlock(&f->lock);
  return count;
}

/* Waits until the log has the text `count` times. */
static bool await(struct fixture *f, const char *text, int count) {
  struct timespec end;
  int status = 0;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  pthread_mutex_lock(&f->lock);
  while (count_of(f->log, text) < count && status == 0)
    status = pthread_cond_timedwait(&f->told, &f->lock, &end);
  bool found = count_of(f->log, text) >= count;
  if (!found)
    fprintf(stderr, "not logged: %s; but:\n%s", text, f->log ? f->log : "");
  pthread_mutex_unlock(&f->lock);
  return found;
}

static void write_script(struct fixture *f, const char *source) {
  FILE *file = fopen(f->script, "we");
  fprintf(file, "local host = require 'mavilua.host'\n%s", source);
  fclose(file);
}

static void choose(struct fixture *f, const char *name, const char *value) {
  char *err = NULL;
  CHECK(mavilua_host_set(f->host, name, value, &err) == MAVILUA_OK && err == NULL);
  mavilua_free(err);
}

static void setup(struct fixture *f, const char *source) {
  *f = (struct fixture){.dir = "/tmp/mavilua-embed-XXXXXX"};
  pthread_mutex_init(&f->lock, NULL);
  pthread_cond_init(&f->told, NULL);
  CHECK(mkdtemp(f->dir) != NULL);
  snprintf(f->script, sizeof f->script, "%s/bot.lua", f->dir);
  snprintf(f->db, sizeof f->db, "%s/bot.db", f->dir);
  write_script(f, source);
  f->host = mavilua_host_new();
  mavilua_host_set_logger(f->host, on_log, f);
  choose(f, "listen", "127.0.0.1:0");
  choose(f, "db", f->db);
  choose(f, "workers", "2");
  CHECK(mavilua_host_add_script(f->host, f->script, NULL) == MAVILUA_OK);
}

static void teardown(struct fixture *f) {
  char command[96];
  mavilua_host_free(f->host);
  free(f->log);
  snprintf(command, sizeof command, "rm -r %s", f->dir);
  CHECK(system(command) == 0);
  pthread_cond_destroy(&f->told);
  pthread_mutex_destroy(&f->lock);
}

static void start(struct fixture *f) {
  char *err = NULL;
  CHECK(mavilua_host_start(f->host, &err) == MAVILUA_OK);
  if (err)
    fprintf(stderr, "start: %s\n", err);
  mavilua_free(err);
}

/* Whether a call failed with this status and with a text that has `part`; takes the text. */
static bool fails(int status, int wanted, char *err, const char *part) {
  bool as_wanted = status == wanted && err && strstr(err, part);
  if (!as_wanted)
    fprintf(stderr, "status %d instead of %d: %s\n", status, wanted, err ? err : "(no text)");
  mavilua_free(err);
  return as_wanted;
}

#define FAILS(call, wanted, part)                                                                  \
  do {                                                                                             \
    char *err = NULL;                                                                              \
    int status = (call);                                                                           \
    CHECK(fails(status, wanted, err, part));                                                       \
  } while (0)

static int64_t post(struct fixture *f, const char *hook, const char *body) {
  int64_t id = -1;
  char *err = NULL;
  CHECK(mavilua_host_post(f->host, hook, body, strlen(body), &id, &err) == MAVILUA_OK);
  if (err)
    fprintf(stderr, "post: %s\n", err);
  mavilua_free(err);
  return id;
}

/* ---- settings and states ------------------------------------------------------------------------ */

static void settings_are_checked(void) {
  struct fixture f;
  setup(&f, "host.hook('order', function() end)");
  FAILS(mavilua_host_set(f.host, "wrokers", "2", &err), MAVILUA_NOT_FOUND, "did you mean \"workers\"?");
  FAILS(mavilua_host_set(f.host, "print_config", "true", &err), MAVILUA_NOT_FOUND, "unknown setting");
  FAILS(mavilua_host_set(f.host, "scripts", "x.lua", &err), MAVILUA_NOT_FOUND, "mavilua_host_add_script");
  FAILS(mavilua_host_set(f.host, NULL, "x", &err), MAVILUA_NOT_FOUND, "unknown setting");
  FAILS(mavilua_host_set(f.host, "workers", "many", &err), MAVILUA_USAGE, "workers takes a whole number");
  FAILS(mavilua_host_set(f.host, "listen", "nowhere", &err), MAVILUA_USAGE, "listen takes an address");
  FAILS(mavilua_host_add_script(f.host, "", &err), MAVILUA_USAGE, "name of a script");
  choose(&f, "webhook_secret", "short");
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_CONFIG, "has 5 characters");
  choose(&f, "webhook_secret", NULL);
  choose(&f, "tls_cert", "/nowhere.pem");
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_USAGE, "go together");
  choose(&f, "tls_cert", NULL);
  write_script(&f, "host.hook('order', )");
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_USAGE, "bot.lua:2:");
  unlink(f.script);
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_NOT_FOUND, "bot.lua: No such file");
  write_script(&f, "host.hook('order', function() end)");
  start(&f);
  FAILS(mavilua_host_set(f.host, "workers", "1", &err), MAVILUA_USAGE, "the host runs");
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_USAGE, "started already");
  CHECK(mavilua_host_set_logger(f.host, NULL, NULL) == MAVILUA_USAGE);
  CHECK(mavilua_host_port(f.host) > 0);
  mavilua_host *second = mavilua_host_new();
  CHECK(mavilua_host_set(second, "db", f.db, NULL) == 0 && mavilua_host_set(second, "listen", "127.0.0.1:0", NULL) == 0);
  FAILS(mavilua_host_start(second, &err), MAVILUA_CONFIG, "mavilua_host_add_script");
  CHECK(mavilua_host_add_script(second, f.script, NULL) == MAVILUA_OK);
  CHECK(mavilua_host_set_logger(second, on_log, &f) == MAVILUA_OK);
  FAILS(mavilua_host_start(second, &err), MAVILUA_BUSY, "in use by another mavilua");
  mavilua_host_free(second);
  CHECK(mavilua_host_admin_url(f.host) == NULL && mavilua_host_sandbox_url(f.host) == NULL);
  teardown(&f);
  mavilua_host_free(NULL);
  mavilua_free(NULL);
}

static void states_are_told(void) {
  struct fixture f;
  setup(&f, "host.hook('order', function(r) print('first ' .. r.body) end)");
  FAILS(mavilua_host_post(f.host, "order", "1", 1, NULL, &err), MAVILUA_USAGE, "does not run");
  CHECK(mavilua_host_url(f.host) == NULL && mavilua_host_port(f.host) == 0);
  mavilua_host_stop(f.host, 0);
  start(&f);
  post(&f, "order", "1");
  CHECK(await(&f, "first 1", 1));
  write_script(&f, "host.hook('order', function(r) print('second ' .. r.body) end)");
  CHECK(mavilua_host_reload(f.host, NULL) == MAVILUA_OK);
  post(&f, "order", "2");
  CHECK(await(&f, "second 2", 1));
  write_script(&f, "host.hook(");
  FAILS(mavilua_host_reload(f.host, &err), MAVILUA_USAGE, "bot.lua:2:");
  post(&f, "order", "3");
  CHECK(await(&f, "second 3", 1));
  mavilua_host_stop(f.host, 0);
  write_script(&f, "host.hook('order', function(r) print('third ' .. r.body) end)");
  start(&f);
  post(&f, "order", "4");
  CHECK(await(&f, "third 4", 1));
  teardown(&f);
}

/* ---- events ------------------------------------------------------------------------------------- */

static size_t drop(char *data, size_t size, size_t count, void *user) {
  (void)data, (void)user;
  return size * count;
}

static long request(const char *url, const char *path, const char *body) {
  char whole[256];
  long status = 0;
  CURL *curl = curl_easy_init();
  snprintf(whole, sizeof whole, "%s%s", url, path);
  curl_easy_setopt(curl, CURLOPT_URL, whole);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (curl_easy_perform(curl) == CURLE_OK)
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup(curl);
  return status;
}

static void events_come_through_the_door_of_requests(void) {
  struct fixture f;
  setup(&f, "host.hook('order', { secret = 'hush-hush-hush', key = 'client', dedupe = 'number' }, function(r)\n"
            "  if r.json.number == 1 then host.sleep(0.3) end\n"
            "  print(('ran %s of %s by %s'):format(r.json.number, r.key, r.method))\n"
            "end)\n"
            "host.on('message', function(event) print('heard ' .. event.text) end)\n");
  choose(&f, "max_body", "2KiB");
  start(&f);
  int64_t first = post(&f, "order", "{\"number\":1,\"client\":\"ada\"}");
  int64_t second = post(&f, "order", "{\"number\":2,\"client\":\"ada\"}");
  CHECK(first > 0 && second > first);
  CHECK(post(&f, "order", "{\"number\":1,\"client\":\"ada\"}") == first);
  CHECK(request(mavilua_host_url(f.host), "/hook/order/hush-hush-hush", "{\"number\":2,\"client\":\"ada\"}") == 200);
  CHECK(await(&f, "ran 2 of ada by POST", 1));
  CHECK(logged(&f, "ran 1 of ada by POST") == 1); /* in order: it was there before */
  post(&f, NULL, "{\"id\":7,\"is_input\":1,\"message\":\"hello\",\"client\":{\"id\":5}}");
  post(&f, NULL, "{\"id\":7,\"is_input\":1,\"message\":\"hello\",\"client\":{\"id\":5}}");
  CHECK(await(&f, "heard hello", 1));
  FAILS(mavilua_host_post(f.host, "ordre", "", 0, NULL, &err), MAVILUA_NOT_FOUND, "no hook \"ordre\"");
  FAILS(mavilua_host_post(f.host, NULL, "{", 1, NULL, &err), MAVILUA_USAGE, "the body is not a webhook");
  FAILS(mavilua_host_post(f.host, "order", NULL, 1, NULL, &err), MAVILUA_USAGE, "the body is NULL");
  char *large = calloc(1, 4096);
  FAILS(mavilua_host_post(f.host, "order", large, 4096, NULL, &err), MAVILUA_USAGE, "max_body allows 2048");
  free(large);
  mavilua_host_stop(f.host, 0);
  CHECK(logged(&f, "ran 1 ") == 1 && logged(&f, "ran 2 ") == 1 && logged(&f, "heard hello") == 1);
  teardown(&f);
}

static void a_sandbox_is_a_setting(void) {
  struct fixture f;
  setup(&f, "local bot = require('mavilua').client {}\n"
            "host.hook('count', function() print('clients: ' .. #assert(bot:get_clients {}).clients) end)\n");
  choose(&f, "sandbox", "true");
  choose(&f, "sandbox_listen", "127.0.0.1:0");
  choose(&f, "log_json", "true");
  start(&f);
  const char *url = mavilua_host_sandbox_url(f.host);
  CHECK(url && request(url, "/api/sandbox/get_clients", "{}") == 200);
  post(&f, "count", "");
  CHECK(await(&f, "\"message\":\"clients: 50\"", 1));
  teardown(&f);
}

/* In a process that dies as soon as the event is taken; before this one has any threads. */
static void what_was_taken_survives_the_process(void) {
  struct fixture f;
  int status;
  setup(&f, "host.hook('order', function() host.sleep(600) end)");
  pid_t child = fork();
  if (child == 0) {
    if (mavilua_host_start(f.host, NULL) == MAVILUA_OK &&
        mavilua_host_post(f.host, "order", "tea\0!", 5, NULL, NULL) == MAVILUA_OK)
      kill(getpid(), SIGKILL);
    _exit(1);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  write_script(&f, "host.hook('order', function(r) print('after all ' .. #r.body) end)");
  start(&f);
  CHECK(await(&f, "after all 5", 1));
  teardown(&f);
}

struct poster {
  struct fixture *f;
  pthread_t thread;
  int taken, odd;
};

static void *post_many(void *user) {
  struct poster *poster = user;
  for (int i = 0; i < POSTS; i++) {
    char *err = NULL;
    int status = mavilua_host_post(poster->f->host, "order", "{}", 2, NULL, &err);
    if (status == MAVILUA_OK)
      poster->taken++;
    else if (status != MAVILUA_BUSY && status != MAVILUA_USAGE) /* stopping, stopped */
      poster->odd++;
    mavilua_free(err);
  }
  return NULL;
}

static void posts_beside_a_stop_are_taken_or_refused(void) {
  struct fixture f;
  struct poster posters[POSTERS];
  int taken = 0;
  setup(&f, "host.hook('order', function() print 'ran' end)");
  start(&f);
  for (int i = 0; i < POSTERS; i++) {
    posters[i] = (struct poster){.f = &f};
    pthread_create(&posters[i].thread, NULL, post_many, &posters[i]);
  }
  CHECK(await(&f, "ran", 1));
  mavilua_host_stop(f.host, 0);
  for (int i = 0; i < POSTERS; i++) {
    pthread_join(posters[i].thread, NULL);
    taken += posters[i].taken;
    CHECK(posters[i].odd == 0);
  }
  start(&f);
  CHECK(await(&f, "ran", taken));
  mavilua_host_stop(f.host, 0);
  CHECK(logged(&f, "ran") == taken);
  teardown(&f);
}

/* ---- hooks -------------------------------------------------------------------------------------- */

static int64_t leapt(void *user) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return atomic_load((atomic_long *)user) + now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void the_clock_is_the_program_s(void) {
  struct fixture f;
  atomic_long ahead = 1000000000000; /* in 2001 */
  setup(&f, "local from = os.date('!%Y', math.floor(require('mavilua').time()))\n"
            "host.every('1h', {name = 'hourly'}, function() print('an hour in ' .. from) end)\n");
  CHECK(mavilua_host_set_clock(f.host, leapt, leapt, &ahead) == MAVILUA_OK);
  start(&f);
  mavilua_host_tick(f.host);
  CHECK(logged(&f, "an hour") == 0);
  atomic_fetch_add(&ahead, 3600000);
  mavilua_host_tick(f.host);
  CHECK(await(&f, "an hour in 2001", 1));
  mavilua_host_stop(f.host, 0);
  choose(&f, "sandbox", "true");
  FAILS(mavilua_host_start(f.host, &err), MAVILUA_CONFIG, "a clock of its own");
  teardown(&f);
}

/* Gives so many blocks and no more. */
struct purse {
  long left, out;
};

static void *purse_allocate(void *user, size_t size) {
  struct purse *purse = user;
  if (purse->left <= 0)
    return NULL;
  purse->left--;
  void *block = malloc(size);
  purse->out += block != NULL;
  return block;
}

static void *purse_resize(void *user, void *block, size_t size) {
  struct purse *purse = user;
  return purse->left-- > 0 ? realloc(block, size) : NULL;
}

static void purse_release(void *user, void *block) {
  ((struct purse *)user)->out--;
  free(block);
}

static void keep_line(void *user, const char *line, size_t length) {
  snprintf(user, 64, "%.*s", (int)length, line);
}

/* Memory that is out at any moment is an error, and nothing is left behind. */
static void scripts_survive_any_lack_of_memory(void) {
  static const char source[] = "local m = require 'mavilua'\nprint(m.encode { a = ('x'):rep(3) })";
  char line[64] = "";
  int status = MAVILUA_SYSTEM, failures = 0;
  mavilua_script *script = mavilua_script_new();
  mavilua_script_set_print(script, keep_line, line);
  for (long most = 0; status != MAVILUA_OK && most < 1000000; most += 61) {
    struct purse purse = {most, 0};
    char *err = NULL;
    mavilua_script_set_allocator(script, purse_allocate, purse_resize, purse_release, &purse);
    status = mavilua_script_run_buffer(script, "small.lua", source, sizeof source - 1, NULL, NULL, &err);
    failures += status != MAVILUA_OK;
    CHECK(purse.out == 0 && (status == MAVILUA_OK) == (err == NULL));
    mavilua_free(err);
  }
  CHECK(failures > 10 && strcmp(line, "{\"a\":\"xxx\"}") == 0);
  mavilua_script_free(script);
}

static void scripts_tell_what_became_of_them(void) {
  const char *arguments[] = {"a", NULL};
  char line[64] = "";
  int exit_status = 9;
  mavilua_script *script = mavilua_script_new();
  mavilua_script_set_print(script, keep_line, line);
  CHECK(mavilua_script_run_buffer(script, "x", "print(...)", 10, arguments, &exit_status, NULL) == MAVILUA_OK);
  CHECK(strcmp(line, "a") == 0 && exit_status == 0);
  CHECK(mavilua_script_run_buffer(script, "x", "os.exit(4)", 10, NULL, &exit_status, NULL) == MAVILUA_OK);
  CHECK(mavilua_script_run_buffer(script, "x", NULL, 10, NULL, NULL, NULL) == MAVILUA_OK);
  CHECK(exit_status == 4);
  FAILS(mavilua_script_run_buffer(script, "x.lua", "error 'no'", 10, NULL, NULL, &err), MAVILUA_SCRIPT, "x.lua:1: no");
  FAILS(mavilua_script_run_buffer(script, "x.lua", "\033Lua", 4, NULL, NULL, &err), MAVILUA_SCRIPT, "binary chunk");
  FAILS(mavilua_script_run_buffer(script, NULL, "require 'mavilua.host'", 22, NULL, NULL, &err), MAVILUA_SCRIPT,
        "mavilua_host_start");
  FAILS(mavilua_script_run_file(script, "/absent.lua", NULL, NULL, &err), MAVILUA_NOT_FOUND, "/absent.lua");
  FAILS(mavilua_script_run_file(script, NULL, NULL, NULL, &err), MAVILUA_USAGE, "name of a script");
  FAILS(mavilua_script_set(script, "workers", "1", &err), MAVILUA_NOT_FOUND, "unknown setting");
  FAILS(mavilua_script_set(script, "api_kye", "1", &err), MAVILUA_NOT_FOUND, "did you mean \"api_key\"?");
  CHECK(mavilua_script_set(script, "api_key", "key-0123456789", NULL) == MAVILUA_OK);
  char *err = NULL;
  static const char tells[] = "error(require('mavilua.client').new {}.api_key or 'key-0123456789')";
  CHECK(mavilua_script_run_buffer(script, "x", tells, sizeof tells - 1, NULL, NULL, &err) == MAVILUA_SCRIPT);
  CHECK(err && !strstr(err, "key-0123456789"));
  mavilua_free(err);
  mavilua_script_free(script);
}

/* ---- the process -------------------------------------------------------------------------------- */

/* Whether the thread has the signal blocked, as the kernel sees it. */
static bool is_blocked(const char *thread, int number) {
  char path[320], line[256];
  unsigned long long mask = 0;
  snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file)) {
    if (sscanf(line, "SigBlk: %llx", &mask) == 1)
      break;
  }
  if (file)
    fclose(file);
  return !file || (mask >> (number - 1)) & 1; /* one that has ended meanwhile takes none either */
}

static int threads_that_take(int number) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *entry; tasks && (entry = readdir(tasks));)
    count += entry->d_name[0] != '.' && !is_blocked(entry->d_name, number);
  closedir(tasks);
  return count;
}

static void the_process_stays_the_program_s(void) {
  struct sigaction before[NSIG], after;
  sigset_t mask, mask_after;
  struct fixture f;
  setup(&f, "host.hook('order', function() print 'ran' end)");
  for (int i = 1; i < NSIG; i++)
    sigaction(i, NULL, &before[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  int takers = threads_that_take(SIGUSR1);
  start(&f);
  post(&f, "order", "{}");
  CHECK(await(&f, "ran", 1));
  CHECK(threads_that_take(SIGUSR1) == takers);
  for (int i = 1; i < NSIG; i++)
    CHECK(sigaction(i, NULL, &after) != 0 || after.sa_handler == before[i].sa_handler);
  pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
  for (int i = 1; i < NSIG; i++)
    CHECK(sigismember(&mask, i) == sigismember(&mask_after, i));
  teardown(&f);
}

int main(void) {
  what_was_taken_survives_the_process(); /* first: it forks */
  CHECK(strcmp(mavilua_version(), MAVILUA_VERSION) == 0);
  settings_are_checked();
  states_are_told();
  events_come_through_the_door_of_requests();
  a_sandbox_is_a_setting();
  posts_beside_a_stop_are_taken_or_refused();
  the_clock_is_the_program_s();
  scripts_tell_what_became_of_them();
  scripts_survive_any_lack_of_memory();
  the_process_stays_the_program_s();
  return check_end("embed");
}
