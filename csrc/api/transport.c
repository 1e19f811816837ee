#include "api/transport.h"

#include <curl/curl.h>
#include <limits.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api/easy.h"
#include "api/sockets.h"
#include "base/clock.h"

enum {
  MAX_IDLE_HANDLES = 64,     /* kept for the next exchanges; more are given back */
  MAX_IDLE_CONNECTIONS = 64, /* kept open */
  EVENTS = 64,               /* taken from the system at a time */
  SOON = 100 * 1000,         /* ns: sleeping and being woken takes about as long */
};

/* libcurl tells which sockets to watch and when it wants to be asked: a step does not go through
 * all exchanges that wait. */
struct mv_transport {
  CURLM *multi; /* made for the first exchange, for libcurl is large; NULL before */
  int epoll;    /* the sockets of libcurl, and `wake` */
  struct mv_sockets sockets;
  int wake;          /* an eventfd */
  atomic_bool woken; /* it was written and not read since: once more would tell nothing new */
  int64_t due; /* ms, monotonic: when libcurl is to be asked; -1: only when a socket is ready */
  bool soon;   /* what was awaited last was there within SOON */
  struct mv_easy_shared shared;
  struct mv_easy *active;        /* under way; linked both ways */
  struct mv_easy *ended, **last; /* over, `done` still to be called; the oldest first */
  struct mv_easy *idle;          /* handles without an exchange */
  size_t active_count, idle_count;
};

static void link_active(struct mv_transport *transport, struct mv_easy *call) {
  call->previous = NULL;
  call->next = transport->active;
  if (call->next) {
    call->next->previous = call;
  }
  transport->active = call;
  transport->active_count++;
}

static void unlink_active(struct mv_transport *transport, struct mv_easy *call) {
  *(call->previous ? &call->previous->next : &transport->active) = call->next;
  if (call->next) {
    call->next->previous = call->previous;
  }
  transport->active_count--;
}

static void append_ended(struct mv_transport *transport, struct mv_easy *call) {
  call->next = NULL;
  *transport->last = call;
  transport->last = &call->next;
}

/* The oldest that ended, or NULL. */
static struct mv_easy *take_ended(struct mv_transport *transport) {
  struct mv_easy *call = transport->ended;
  if (call) {
    transport->ended = call->next;
    transport->last = call->next ? transport->last : &transport->ended;
  }
  return call;
}

/* ---- what libcurl waits for ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known) {
  struct mv_transport *transport = user;
  unsigned events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    mv_sockets_leave(&transport->sockets, fd);
    return 0;
  }
  if (!known) {
    curl_multi_assign(transport->multi, fd, transport);
  }
  return mv_sockets_want(&transport->sockets, fd, events, known != NULL);
}

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  return mv_sockets_open(user, address->family, address->socktype, address->protocol);
}

static int on_close(void *user, curl_socket_t fd) {
  return mv_sockets_close(user, fd);
}

static int on_timer(CURLM *multi, long milliseconds, void *user) {
  struct mv_transport *transport = user;
  (void)multi;
  transport->due = milliseconds <= 0 ? milliseconds : mv_clock_monotonic(NULL) + milliseconds;
  return 0;
}

static bool watch(struct mv_transport *transport) {
  CURLM *multi = transport->multi;
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
         curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport) == CURLM_OK &&
         curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
         curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport) == CURLM_OK;
}

/* Asks libcurl if it wanted to be asked by now. */
static void run_due(struct mv_transport *transport) {
  int running;
  if (transport->due == 0 || (transport->due > 0 && transport->due <= mv_clock_monotonic(NULL))) {
    transport->due = -1;
    curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

/* How long to wait at most, so that libcurl is asked in time; as epoll has it. */
static int patience(const struct mv_transport *transport, int timeout_ms) {
  if (transport->due < 0) {
    return timeout_ms;
  }
  int64_t left = transport->due - mv_clock_monotonic(NULL);
  left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
  return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

static void hear(struct mv_transport *transport, const struct epoll_event *event) {
  int running, what = 0;
  if (event->data.fd == transport->wake) {
    eventfd_t count;
    eventfd_read(transport->wake, &count);
    atomic_exchange(&transport->woken, false); /* after the read, or a write could be lost */
    return;
  }
  if (!mv_sockets_wanted(&transport->sockets, event->data.fd)) {
    return;
  }
  what |= event->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0;
  what |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
  what |= event->events & EPOLLERR ? CURL_CSELECT_ERR : 0;
  curl_multi_socket_action(transport->multi, event->data.fd, what, &running);
}

static int64_t nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* As epoll_wait, for who has nothing else to do. Where the last answer was there so soon, the next
 * likely is: to look for it keeps the processor awake, which else has to be woken for it. Others
 * that want to run go first. */
static int await_events(struct mv_transport *transport, struct epoll_event *events,
                        int timeout_ms) {
  int64_t begun = nanoseconds();
  int count = 0;
  while (transport->soon && count == 0 && nanoseconds() - begun < SOON) {
    sched_yield();
    count = epoll_wait(transport->epoll, events, EVENTS, 0);
  }
  if (count == 0) {
    count = epoll_wait(transport->epoll, events, EVENTS, timeout_ms);
  }
  transport->soon = count > 0 && nanoseconds() - begun < SOON;
  return count;
}

/* Waits for something to happen and lets libcurl act on it. */
static void wait_for(struct mv_transport *transport, int timeout_ms, bool idle) {
  struct epoll_event events[EVENTS];
  if (timeout_ms == 0 && transport->active_count == 0) {
    run_due(transport); /* there is nothing to look for; who was woken looks for himself */
    return;
  }
  int wait = patience(transport, timeout_ms);
  int count = idle && wait != 0 && transport->active_count == 1
                  ? await_events(transport, events, wait)
                  : epoll_wait(transport->epoll, events, EVENTS, wait);
  for (int i = 0; i < count; i++) {
    hear(transport, &events[i]);
  }
  run_due(transport);
}

/* ---- life ---- */

/* The one thing that belongs to the process, because libcurl has it so; never undone, for others in
 * the process may use libcurl, too. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_result;

static void init_curl(void) {
  curl_result = curl_global_init(CURL_GLOBAL_ALL);
}

static int refuse(struct mv_error *err, CURLcode code) {
  return mv_error_set(err, MV_ERROR_SYSTEM, "libcurl does not start: %s",
                      code ? curl_easy_strerror(code) : "memory is out");
}

static bool create(struct mv_transport *transport) {
  struct mv_easy_shared *shared = &transport->shared;
  shared->open_socket = on_open;
  shared->close_socket = on_close;
  shared->sockets = &transport->sockets;
  shared->to_proxy = mv_easy_proxy_headers();
  shared->sessions = curl_share_init();
  transport->multi = curl_multi_init();
  return transport->multi && shared->to_proxy && shared->sessions && watch(transport) &&
         curl_share_setopt(shared->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
             CURLSHE_OK &&
         curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS) ==
             CURLM_OK;
}

static void drop_curl(struct mv_transport *transport) {
  if (transport->multi) {
    curl_multi_cleanup(transport->multi);
  }
  if (transport->shared.sessions) {
    curl_share_cleanup(transport->shared.sessions);
  }
  if (transport->shared.to_proxy) {
    curl_slist_free_all(transport->shared.to_proxy);
  }
  transport->multi = NULL;
  mv_easy_forget(&transport->shared);
  transport->shared = (struct mv_easy_shared){.sessions = NULL};
}

/* libcurl is there from the first exchange on. */
static int need_curl(struct mv_transport *transport, struct mv_error *err) {
  if (transport->multi) {
    return 0;
  }
  pthread_once(&curl_once, init_curl);
  if (curl_result != CURLE_OK) {
    return refuse(err, curl_result);
  }
  if (create(transport)) {
    return 0;
  }
  drop_curl(transport);
  return refuse(err, CURLE_OK);
}

/* What wakes a poll, and what it waits on. */
static bool open_fds(struct mv_transport *transport) {
  struct epoll_event event = {.events = EPOLLIN};
  transport->epoll = transport->sockets.epoll = epoll_create1(EPOLL_CLOEXEC);
  transport->wake = event.data.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return transport->epoll >= 0 && transport->wake >= 0 &&
         epoll_ctl(transport->epoll, EPOLL_CTL_ADD, transport->wake, &event) == 0;
}

struct mv_transport *mv_transport_new(struct mv_error *err) {
  struct mv_transport *transport = calloc(1, sizeof *transport);
  if (!transport) {
    mv_error_set(err, MV_ERROR_SYSTEM, "memory is out");
    return NULL;
  }
  transport->last = &transport->ended;
  transport->epoll = transport->wake = -1;
  transport->due = -1;
  if (!open_fds(transport)) {
    mv_error_set(err, MV_ERROR_SYSTEM, "no descriptor to wait with: %s", strerror(errno));
    mv_transport_free(transport);
    return NULL;
  }
  return transport;
}

/* An idle handle, or a new one; in no list. */
static struct mv_easy *take_call(struct mv_transport *transport) {
  struct mv_easy *call = transport->idle;
  if (call) {
    transport->idle = call->next;
    transport->idle_count--;
    return call;
  }
  call = calloc(1, sizeof *call);
  if (call && !(call->easy = curl_easy_init())) {
    free(call);
    call = NULL;
  }
  return call;
}

/* Takes a call that is in no list. */
static void give_back(struct mv_transport *transport, struct mv_easy *call) {
  if (transport->idle_count >= MAX_IDLE_HANDLES) {
    mv_easy_free(call);
    return;
  }
  mv_easy_release(call);
  call->next = transport->idle;
  transport->idle = call;
  transport->idle_count++;
}

static void stop(struct mv_transport *transport, struct mv_easy *call) {
  curl_multi_remove_handle(transport->multi, call->easy);
  unlink_active(transport, call);
}

static void destroy_list(struct mv_easy *call) {
  while (call) {
    struct mv_easy *next = call->next;
    mv_easy_free(call);
    call = next;
  }
}

static void close_fd(int fd) {
  if (fd >= 0) {
    close(fd);
  }
}

void mv_transport_free(struct mv_transport *transport) {
  if (!transport) {
    return;
  }
  for (struct mv_easy *call = transport->active; call; call = call->next) {
    curl_multi_remove_handle(transport->multi, call->easy);
  }
  destroy_list(transport->active);
  destroy_list(transport->ended);
  destroy_list(transport->idle);
  drop_curl(transport);
  mv_sockets_free(&transport->sockets);
  close_fd(transport->epoll);
  close_fd(transport->wake);
  free(transport);
}

/* ---- exchanges ---- */

static void clear_outcome(struct mv_exchange *exchange) {
  exchange->failure = MV_ERROR_NONE;
  free(exchange->problem);
  exchange->problem = NULL;
  exchange->sent = false;
  exchange->status = 0;
  exchange->seconds = 0;
  mv_bytes_clear(&exchange->reply_headers);
  mv_bytes_clear(&exchange->reply);
}

int mv_transport_start(struct mv_transport *transport, struct mv_exchange *exchange,
                       struct mv_error *err) {
  struct mv_easy *call;
  if (exchange->internal) {
    return mv_error_set(err, MV_ERROR_USAGE, "this exchange is under way already");
  }
  clear_outcome(exchange);
  if (need_curl(transport, err)) {
    return -1;
  }
  call = take_call(transport);
  if (!call) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "memory is out");
  }
  call->exchange = exchange;
  if (mv_easy_setup(call, &transport->shared, err)) {
    give_back(transport, call);
    return -1;
  }
  CURLMcode code = curl_multi_add_handle(transport->multi, call->easy);
  if (code != CURLM_OK) {
    give_back(transport, call);
    return mv_error_set(err, MV_ERROR_SYSTEM, "libcurl refuses: %s", curl_multi_strerror(code));
  }
  exchange->internal = call;
  call->ended = false;
  link_active(transport, call);
  return 0;
}

void mv_transport_cancel(struct mv_transport *transport, struct mv_exchange *exchange) {
  struct mv_easy *call = exchange->internal;
  if (!call) {
    return;
  }
  if (call->ended) {
    mv_easy_release(call); /* `deliver` finds it without an exchange */
    return;
  }
  stop(transport, call);
  give_back(transport, call);
}

/* Moves what libcurl has finished to `ended`. */
static void collect(struct mv_transport *transport) {
  CURLMsg *message;
  int left;
  while (transport->multi && (message = curl_multi_info_read(transport->multi, &left))) {
    struct mv_easy *call = NULL;
    CURLcode code = message->data.result;
    if (message->msg != CURLMSG_DONE) {
      continue;
    }
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
    mv_easy_conclude(call, code);
    stop(transport, call); /* `message` is gone from here on */
    call->ended = true;
    append_ended(transport, call);
  }
}

/* A callback may start, cancel and free exchanges, also those that wait here: hence one at a time.
 */
static int deliver(struct mv_transport *transport) {
  struct mv_easy *call;
  int count = 0;
  while ((call = take_ended(transport))) {
    struct mv_exchange *exchange = call->exchange; /* NULL: cancelled */
    give_back(transport, call);
    count += exchange != NULL;
    if (exchange && exchange->done) {
      exchange->done(exchange);
    }
  }
  return count;
}

static int move_on(struct mv_transport *transport, int timeout_ms, bool idle) {
  run_due(transport);
  collect(transport);
  int count = deliver(transport);
  wait_for(transport, count > 0 ? 0 : timeout_ms, idle);
  collect(transport);
  return count + deliver(transport);
}

int mv_transport_poll(struct mv_transport *transport, int timeout_ms) {
  return move_on(transport, timeout_ms, false);
}

int mv_transport_await(struct mv_transport *transport, int timeout_ms) {
  return move_on(transport, timeout_ms, true);
}

void mv_transport_wakeup(struct mv_transport *transport) {
  if (!atomic_exchange(&transport->woken, true)) {
    eventfd_write(transport->wake, 1);
  }
}

size_t mv_transport_active(const struct mv_transport *transport) {
  return transport->active_count;
}

/* ---- outcomes ---- */

bool mv_exchange_header(const struct mv_exchange *exchange, const char *name, char *out,
                        size_t size) {
  const char *line = exchange->reply_headers.length ? exchange->reply_headers.data : "";
  size_t length = strlen(name);
  while (*line) {
    size_t end = strcspn(line, "\n");
    if (end > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
      const char *value = line + length + 1;
      size_t blanks = strspn(value, " \t");
      size_t used = end - length - 1 - blanks;
      used = used < size ? used : size - 1;
      memcpy(out, value + blanks, used);
      out[used] = '\0';
      return true;
    }
    line += end + (line[end] == '\n');
  }
  return false;
}

const char *mv_exchange_problem(const struct mv_exchange *exchange) {
  return exchange->problem                    ? exchange->problem
         : exchange->failure != MV_ERROR_NONE ? "not enough memory"
                                              : "";
}

void mv_exchange_fail(struct mv_exchange *exchange, const struct mv_error *err) {
  free(exchange->problem);
  exchange->failure = err->kind;
  exchange->problem = mv_strdup(err->text);
}

void mv_exchange_free(struct mv_exchange *exchange) {
  free(exchange->problem);
  exchange->problem = NULL;
  mv_bytes_free(&exchange->reply_headers);
  mv_bytes_free(&exchange->reply);
}
