#include "net/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listen.h"
#include "net/server_internal.h"

#define DEFAULT_THREADS 2
#define DEFAULT_CONNECTIONS 8192
#define DEFAULT_IDLE 30
#define SLOWEST_HEADERS 2 /* headers may take so many idle timeouts */
#define DEFAULT_BODY ((size_t)1 << 20)
#define DEFAULT_HEAD ((size_t)16 << 10)
#define NAP_MS 1
#define FLUSH_MS 1000                        /* how long stopping waits for slow readers */

void mv_server_refused(const struct mv_server *server, unsigned status) {
  if (server->refused)
    server->refused(server->owner, status);
}

static void wake_lanes(struct mv_server *server) {
  for (size_t i = 0; i < server->lane_count; i++)
    mv_lane_wake(&server->lanes[i]);
}

void mv_server_return(struct mv_server *server) {
  if (mv_places_return(server->places))
    wake_lanes(server);
}

void mv_server_leave(struct mv_server *server, const struct sockaddr *address) {
  if (mv_places_leave(server->places, address))
    wake_lanes(server);
}

static void log_line(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_line(void *cls, const char *format, va_list args) {
  struct mv_server *server = cls;
  char line[256];
  if (!mv_log_enabled(server->log, MV_LOG_DEBUG))
    return;
  vsnprintf(line, sizeof line, format, args);
  line[strcspn(line, "\n")] = 0;
  mv_log(server->log, MV_LOG_DEBUG, NULL, "http: %s", line);
}

/* Paths are decoded by ourselves, strictly; the daemon is to leave them as they are. */
static size_t leave_escapes(void *cls, struct MHD_Connection *connection, char *text) {
  (void)cls;
  (void)connection;
  return strlen(text);
}

static char *read_file(const char *path, struct mv_error *err) {
  FILE *file = fopen(path, "re");
  struct mv_bytes text = {0};
  char part[4096];
  size_t got;
  if (!file) {
    mv_error_set(err, MV_ERROR_USAGE, "cannot read %s: %s", path, strerror(errno));
    return NULL;
  }
  while ((got = fread(part, 1, sizeof part, file)) > 0)
    mv_bytes_append(&text, part, got);
  fclose(file);
  mv_bytes_putc(&text, '\n');
  char *stolen = mv_bytes_steal(&text, NULL);
  if (!stolen)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory while reading %s", path);
  return stolen;
}

#define MAX_OPTIONS 20

struct option_list {
  struct MHD_OptionItem items[MAX_OPTIONS];
  size_t count;
};

static void add(struct option_list *list, enum MHD_OPTION option, intptr_t value, void *pointer) {
  list->items[list->count++] = (struct MHD_OptionItem){option, value, pointer};
}

static void add_callbacks(struct option_list *list, struct mv_lane *lane) {
  /* the logger comes first, so that it hears of the others */
  add(list, MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)&log_line, lane->server);
  add(list, MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)&leave_escapes, NULL);
  add(list, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)&mv_call_on_target, lane);
  add(list, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)&mv_call_on_end, lane);
  add(list, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)&mv_call_on_connection, lane);
}

/* Files, the other listeners and the calls out need descriptors, too. */
static unsigned most_connections(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 2 >= DEFAULT_CONNECTIONS)
    return DEFAULT_CONNECTIONS;
  return files.rlim_cur < 4 ? 2 : (unsigned)files.rlim_cur / 2;
}

static void add_limits(struct option_list *list, const struct mv_server_options *options,
                       const struct mv_server *server) {
  add(list, MHD_OPTION_CONNECTION_LIMIT, server->connections, NULL);
  add(list, MHD_OPTION_CONNECTION_TIMEOUT, server->idle_timeout, NULL);
  add(list, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (intptr_t)(options->max_head ? options->max_head : DEFAULT_HEAD), NULL);
}

/* A certificate and its key, in memory. */
struct identity {
  char *cert, *key;
};

static void forget(struct identity *id) {
  free(id->cert);
  if (id->key)
    explicit_bzero(id->key, strlen(id->key));
  free(id->key);
}

static int read_identity(struct identity *id, const struct mv_server_options *options,
                         struct mv_error *err) {
  if (!options->tls_cert)
    return 0;
  if (MHD_is_feature_supported(MHD_FEATURE_SSL) != MHD_YES)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "this build of libmicrohttpd has no TLS; put a proxy such as nginx in "
                        "front, or use a build with GnuTLS");
  id->cert = read_file(options->tls_cert, err);
  id->key = id->cert ? read_file(options->tls_key, err) : NULL;
  return id->key ? 0 : -1;
}

static bool is_scarce(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int start_daemon(struct mv_lane *lane, const struct mv_server_options *options,
                        const struct identity *id, struct mv_error *err) {
  struct option_list list = {.count = 0};
  unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                   MHD_USE_ERROR_LOG | (id->key ? MHD_USE_TLS : 0);
  add_callbacks(&list, lane);
  add_limits(&list, options, lane->server);
  if (id->key) {
    add(&list, MHD_OPTION_HTTPS_MEM_CERT, 0, id->cert);
    add(&list, MHD_OPTION_HTTPS_MEM_KEY, 0, id->key);
  }
  add(&list, MHD_OPTION_END, 0, NULL);
  errno = 0;
  lane->daemon = MHD_start_daemon(flags, 0, NULL, NULL, mv_call_on_request, lane, MHD_OPTION_ARRAY,
                                  list.items, MHD_OPTION_END);
  if (lane->daemon)
    return 0;
  bool identity = id->key && !is_scarce(errno);
  return mv_error_set(err, MV_ERROR_SYSTEM, "cannot serve at %s: %s", lane->server->url,
                      identity ? "is the certificate and its key in PEM form?" : strerror(errno));
}

static int open_lanes(struct mv_server *server, const struct mv_server_options *options,
                      struct mv_error *err) {
  struct identity id = {NULL, NULL};
  int status = read_identity(&id, options, err);
  for (size_t i = 0; i < server->lane_count && status == 0; i++)
    status = start_daemon(&server->lanes[i], options, &id, err);
  forget(&id);
  return status;
}

static int start_lanes(struct mv_server *server, struct mv_error *err) {
  for (size_t i = 0; i < server->lane_count; i++) {
    int error = mv_lane_start(&server->lanes[i]);
    if (error)
      return mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread: %s", strerror(error));
  }
  return 0;
}

static int open_listener(struct mv_server *server, const struct mv_server_options *options,
                         struct mv_error *err) {
  char actual[80];
  if (!options->tls_cert != !options->tls_key)
    return mv_error_set(err, MV_ERROR_USAGE, "TLS needs both a certificate and its key");
  server->listen_fd = mv_listen_open(options->listen, actual, sizeof actual, err);
  snprintf(server->url, sizeof server->url, "%s://%s", options->tls_cert ? "https" : "http",
           server->listen_fd < 0 ? "" : actual);
  return server->listen_fd < 0 ? -1 : 0;
}

/* A daemon that stops frees places, which wakes all lanes: so each step is taken for all of them. */
static void close_lanes(struct mv_server *server) {
  atomic_store(&server->closing, true);
  wake_lanes(server);
  for (size_t i = 0; i < server->lane_count; i++)
    mv_lane_join(&server->lanes[i]);
  for (size_t i = 0; i < server->lane_count; i++)
    MHD_stop_daemon(server->lanes[i].daemon);
  for (size_t i = 0; i < server->lane_count; i++)
    mv_lane_close(&server->lanes[i]);
  free(server->lanes);
}

static void release(struct mv_server *server) {
  close_lanes(server);
  mv_patience_free(server->patience);
  mv_places_free(server->places);
  if (server->listen_fd >= 0)
    close(server->listen_fd);
  free(server);
}

static bool make_lanes(struct mv_server *server, unsigned count) {
  server->lanes = calloc(count, sizeof *server->lanes);
  bool ok = server->lanes != NULL;
  while (ok && server->lane_count < count)
    ok = mv_lane_open(&server->lanes[server->lane_count++], server) == 0;
  return ok;
}

static struct mv_server *make(const struct mv_server_options *options) {
  struct mv_server *server = calloc(1, sizeof *server);
  if (!server)
    return NULL;
  server->handler = options->handler;
  server->refused = options->refused;
  server->owner = options->owner;
  server->log = options->log;
  server->max_body = options->max_body ? options->max_body : DEFAULT_BODY;
  server->idle_timeout = options->idle_timeout ? options->idle_timeout : DEFAULT_IDLE;
  server->connections = options->connections ? options->connections : most_connections();
  server->listen_fd = -1;
  server->places = mv_places_new(server->connections, options->per_address
                                                          ? options->per_address
                                                          : (server->connections + 1) / 2);
  server->patience =
      mv_patience_new((int)server->idle_timeout * 1000 * SLOWEST_HEADERS, server->connections);
  if (server->places && server->patience &&
      make_lanes(server, options->threads ? options->threads : DEFAULT_THREADS))
    return server;
  release(server);
  return NULL;
}

struct mv_server *mv_server_start(const struct mv_server_options *options, struct mv_error *err) {
  struct mv_server *server = make(options);
  if (!server) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory, threads or file descriptors");
    return NULL;
  }
  if (open_listener(server, options, err) || open_lanes(server, options, err) ||
      start_lanes(server, err)) {
    release(server);
    return NULL;
  }
  return server;
}

const char *mv_server_url(const struct mv_server *server) {
  return server->url;
}

void mv_server_quiesce(struct mv_server *server) {
  if (atomic_exchange(&server->quiesced, true))
    return;
  shutdown(server->listen_fd, SHUT_RDWR); /* refuse from now on; closed when the threads are gone */
  wake_lanes(server);
}

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
}

/* Waits until every call is answered, then a moment for the answers to leave. Looks now and then, so
 * that no request has to tell. */
static void drain(struct mv_server *server) {
  atomic_store(&server->stopping, true);
  while (atomic_load(&server->open) > 0)
    nap();
  int64_t until = mv_clock_monotonic(NULL) + FLUSH_MS;
  while (atomic_load(&server->sending) > 0 && mv_clock_monotonic(NULL) < until)
    nap();
}

void mv_server_stop(struct mv_server *server) {
  if (!server)
    return;
  mv_server_quiesce(server);
  drain(server);
  release(server);
}
