/* Two hosts in one process, each with its own database, log, memory and clock; events go in from C.
 *
 *   ./hosts http://127.0.0.1:8082 CLIENT_ID FOLDER      (a sandbox is there, FOLDER is empty) */
#include <mavilua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOSTS 2
#define ORDERS 3

/* What a host tells us, and what it uses of ours. */
struct station {
  mavilua_host *host;
  int number;
  pthread_mutex_t lock;
  pthread_cond_t told;
  int confirmed;           /* orders, by its log */
  atomic_long blocks;      /* of memory, in use */
  atomic_long allocations; /* so far */
  atomic_long readings;    /* of the clock */
};

/* ---- the hooks: each is called from the host's threads ----------------------------------------- */

static void on_log(void *user, enum mavilua_level level, const char *line) {
  struct station *station = user;
  if (level >= MAVILUA_WARN)
    printf("host %d: %s\n", station->number, line);
  if (!strstr(line, " confirmed"))
    return;
  pthread_mutex_lock(&station->lock);
  station->confirmed++;
  pthread_cond_signal(&station->told);
  pthread_mutex_unlock(&station->lock);
}

static void *allocate(void *user, size_t size) {
  struct station *station = user;
  void *block = malloc(size);
  if (block) {
    atomic_fetch_add(&station->blocks, 1);
    atomic_fetch_add(&station->allocations, 1);
  }
  return block;
}

static void *resize(void *user, void *block, size_t size) {
  (void)user;
  return realloc(block, size);
}

static void release(void *user, void *block) {
  struct station *station = user;
  atomic_fetch_sub(&station->blocks, 1);
  free(block);
}

static int64_t read_clock(struct station *station, clockid_t id) {
  struct timespec now;
  atomic_fetch_add(&station->readings, 1);
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall(void *user) {
  return read_clock(user, CLOCK_REALTIME);
}

static int64_t monotonic(void *user) {
  return read_clock(user, CLOCK_MONOTONIC);
}

/* ---- the hosts ---------------------------------------------------------------------------------- */

static int fail(const char *what, char *err) {
  fprintf(stderr, "%s: %s\n", what, err ? err : "?");
  mavilua_free(err);
  return -1;
}

static int start(struct station *station, int number, const char *sandbox, const char *folder) {
  char db[512], *err = NULL;
  snprintf(db, sizeof db, "%s/host-%d.db", folder, number);
  const char *const settings[][2] = {{"listen", "127.0.0.1:0"}, {"db", db},         {"workers", "2"},
                                     {"api_key", "sandbox"},    {"base_url", sandbox}};
  station->number = number;
  pthread_mutex_init(&station->lock, NULL);
  pthread_cond_init(&station->told, NULL);
  station->host = mavilua_host_new();
  if (!station->host)
    return fail("host", NULL);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (mavilua_host_set(station->host, settings[i][0], settings[i][1], &err))
      return fail("setting", err);
  mavilua_host_set_logger(station->host, on_log, station);
  mavilua_host_set_allocator(station->host, allocate, resize, release, station);
  mavilua_host_set_clock(station->host, wall, monotonic, station);
  if (mavilua_host_add_script(station->host, "bot.lua", &err) || mavilua_host_start(station->host, &err))
    return fail("start", err);
  return 0;
}

/* Each order twice: the second is known by its number. */
static int post_orders(struct station *station, const char *client) {
  char body[128], *err = NULL;
  for (int i = 0; i < 2 * ORDERS; i++) {
    int64_t id;
    int length = snprintf(body, sizeof body, "{\"client_id\":%s,\"number\":%d}", client,
                          100 * station->number + i / 2);
    if (mavilua_host_post(station->host, "order", body, (size_t)length, &id, &err))
      return fail("post", err);
    printf("host %d: %s is event %lld\n", station->number, body, (long long)id);
  }
  return 0;
}

static void wait_for_orders(struct station *station) {
  pthread_mutex_lock(&station->lock);
  while (station->confirmed < ORDERS)
    pthread_cond_wait(&station->told, &station->lock);
  pthread_mutex_unlock(&station->lock);
}

static void tell_of_mistakes(struct station *station) {
  char *err = NULL;
  mavilua_host_post(station->host, "ordre", "{}", 2, NULL, &err);
  printf("host %d: %s\n", station->number, err);
  mavilua_free(err);
  mavilua_host_set(station->host, "workers", "3", &err);
  printf("host %d: %s\n", station->number, err);
  mavilua_free(err);
}

static void stop(struct station *station) {
  mavilua_host_stop(station->host, 0);
  mavilua_host_free(station->host);
  printf("host %d: stopped after %d orders; allocator %s, %ld blocks left, clock %s\n", station->number,
         station->confirmed, station->allocations > 1000 ? "used" : "not used", (long)station->blocks,
         station->readings > 0 ? "used" : "not used");
  pthread_cond_destroy(&station->told);
  pthread_mutex_destroy(&station->lock);
}

int main(int argc, char **argv) {
  static struct station stations[HOSTS];
  if (argc != 4) {
    fprintf(stderr, "usage: hosts SANDBOX_URL CLIENT_ID FOLDER\n");
    return 64;
  }
  for (int i = 0; i < HOSTS; i++)
    if (start(&stations[i], i + 1, argv[1], argv[3]))
      return 1;
  printf("two hosts on two ports: %s\n",
         mavilua_host_port(stations[0].host) != mavilua_host_port(stations[1].host) ? "yes" : "no");
  for (int i = 0; i < HOSTS; i++)
    if (post_orders(&stations[i], argv[2]))
      return 1;
  for (int i = 0; i < HOSTS; i++)
    wait_for_orders(&stations[i]);
  tell_of_mistakes(&stations[0]);
  for (int i = 0; i < HOSTS; i++)
    stop(&stations[i]);
  return 0;
}
