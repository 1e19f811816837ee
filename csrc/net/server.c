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
#define THREAD_STACK ((size_t)1 << 20)       /* reserved, not used, memory */
#define NAP_MS 1
#define FLUSH_MS 1000                        /* how long stopping waits for slow readers */

void mv_server_refused(const struct mv_server *server, unsigned status) {
  if (server->refused)
    server->refused(server->owner, status);
}

/* The one sign that the daemon gives of a connection over a limit. */
#define OVER_LIMIT "reached connection limit"

static void log_line(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_line(void *cls, const char *format, va_list args) {
  struct mv_server *server = cls;
  char line[256];
  if (strstr(format, OVER_LIMIT))
    mv_server_refused(server, 0);
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

static void add_callbacks(struct option_list *list, struct mv_server *server) {
  /* the logger comes first, so that it hears of the others */
  add(list, MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)&log_line, server);
  add(list, MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)&leave_escapes, NULL);
  add(list, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)&mv_call_on_target, server);
  add(list, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)&mv_call_on_end, server);
  add(list, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)&mv_call_on_connection, server);
}

/* Files, the other listeners and the calls out need descriptors, too. */
static unsigned most_connections(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 2 >= DEFAULT_CONNECTIONS)
    return DEFAULT_CONNECTIONS;
  return files.rlim_cur < 4 ? 2 : (unsigned)files.rlim_cur / 2;
}

static unsigned threads_of(const struct mv_server_options *options) {
  return options->threads ? options->threads : DEFAULT_THREADS;
}

static void add_limits(struct option_list *list, const struct mv_server_options *options,
                       const struct mv_server *server) {
  unsigned connections = server->connections;
  unsigned per_address = options->per_address ? options->per_address : (connections + 1) / 2;
  unsigned threads = threads_of(options);
  add(list, MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL);
  add(list, MHD_OPTION_CONNECTION_LIMIT, connections, NULL);
  add(list, MHD_OPTION_CONNECTION_TIMEOUT, server->idle_timeout, NULL);
  add(list, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (intptr_t)(options->max_head ? options->max_head : DEFAULT_HEAD), NULL);
  add(list, MHD_OPTION_THREAD_STACK_SIZE, (intptr_t)THREAD_STACK, NULL);
  if (threads > 1)
    add(list, MHD_OPTION_THREAD_POOL_SIZE, threads, NULL);
  add(list, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address, NULL);
}

static int add_tls(struct option_list *list, const struct mv_server_options *options, char *pem[2],
                   struct mv_error *err) {
  if (MHD_is_feature_supported(MHD_FEATURE_SSL) != MHD_YES)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "this build of libmicrohttpd has no TLS; put a proxy such as nginx in "
                        "front, or use a build with GnuTLS");
  pem[0] = read_file(options->tls_cert, err);
  pem[1] = pem[0] ? read_file(options->tls_key, err) : NULL;
  if (!pem[1])
    return -1;
  add(list, MHD_OPTION_HTTPS_MEM_CERT, 0, pem[0]);
  add(list, MHD_OPTION_HTTPS_MEM_KEY, 0, pem[1]);
  return 0;
}

static int start_daemon(struct mv_server *server, const struct mv_server_options *options,
                        struct mv_error *err) {
  struct option_list list = {.count = 0};
  char *pem[2] = {NULL, NULL};
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  bool tls = options->tls_cert && options->tls_key;
  add_callbacks(&list, server);
  add_limits(&list, options, server);
  if (!tls || add_tls(&list, options, pem, err) == 0) {
    add(&list, MHD_OPTION_END, 0, NULL);
    server->daemon =
        MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, mv_call_on_request, server,
                         MHD_OPTION_ARRAY, list.items, MHD_OPTION_END);
    if (!server->daemon)
      mv_error_set(err, MV_ERROR_SYSTEM, "cannot serve at %s: %s", server->url,
                   tls ? "is the certificate and its key in PEM form?" : strerror(errno));
  }
  free(pem[0]);
  if (pem[1])
    explicit_bzero(pem[1], strlen(pem[1]));
  free(pem[1]);
  return server->daemon ? 0 : -1;
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

static void release(struct mv_server *server) {
  mv_patience_free(server->patience);
  if (server->listen_fd >= 0)
    close(server->listen_fd);
  for (size_t i = 0; i < server->lane_count; i++)
    pthread_mutex_destroy(&server->lanes[i].lock);
  free(server->lanes);
  pthread_mutex_destroy(&server->lock);
  free(server);
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
  pthread_mutex_init(&server->lock, NULL);
  server->lanes = calloc(threads_of(options), sizeof *server->lanes);
  if (server->lanes)
    server->patience =
        mv_patience_new((int)server->idle_timeout * 1000 * SLOWEST_HEADERS, server->connections);
  if (server->patience)
    return server;
  release(server);
  return NULL;
}

struct mv_server *mv_server_start(const struct mv_server_options *options, struct mv_error *err) {
  struct mv_server *server = make(options);
  if (!server) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory or threads");
    return NULL;
  }
  if (open_listener(server, options, err) || start_daemon(server, options, err)) {
    release(server);
    return NULL;
  }
  return server;
}

const char *mv_server_url(const struct mv_server *server) {
  return server->url;
}

void mv_server_quiesce(struct mv_server *server) {
  if (server->quiesced)
    return;
  server->quiesced = true;
  MHD_quiesce_daemon(server->daemon);
  shutdown(server->listen_fd, SHUT_RDWR); /* refuse from now on; closed when the threads are gone */
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
  MHD_stop_daemon(server->daemon);
  release(server);
}
