/* One of the server's threads with its daemon. libmicrohttpd could run threads of its own, but one of
 * those sleeps over its work when exactly 128 sockets become ready at once (MHD_epoll of 0.9.75 asks
 * for more events before it looks at these, and waits for them). So the thread waits here, and
 * MHD_run never does. That also lets all answers of a commit wake it once. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/server_internal.h"

#define THREAD_STACK ((size_t)1 << 20) /* reserved, not used, memory */
#define ACCEPTS 16   /* at once; then those who are here have their turn */
#define SCARCE_MS 100 /* how long to accept nobody when descriptors or memory are out */
#define TOLD_MS 60000    /* how long it is not told again */
#define STILL_ROUNDS 32  /* as many in which nothing moves are nothing to worry about */
#define SENDING_ROUNDS 8 /* as many between two naps while answers are on their way out */
#define LONGEST_NAP 10   /* ms */

/* ---- answers -------------------------------------------------------------------------------- */

void mv_lane_wake(struct mv_lane *lane) {
  eventfd_write(lane->wake_fd, 1); /* a counter that is full wakes, too */
}

void mv_lane_give(struct mv_lane *lane, struct exchange *ex) {
  ex->next = NULL;
  pthread_mutex_lock(&lane->lock);
  *lane->last = ex;
  lane->last = &ex->next;
  bool wake = lane->asleep;
  lane->asleep = false;
  pthread_mutex_unlock(&lane->lock);
  if (wake)
    mv_lane_wake(lane);
}

static void resume_answered(struct mv_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  struct exchange *ex = lane->first;
  lane->first = NULL;
  lane->last = &lane->first;
  lane->asleep = false;
  pthread_mutex_unlock(&lane->lock);
  while (ex) {
    struct exchange *next = ex->next;
    MHD_resume_connection(ex->connection);
    ex = next;
  }
}

/* Whether the thread may sleep: from now on who gives an answer wakes it. */
static bool fall_asleep(struct mv_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->asleep = lane->first == NULL;
  bool asleep = lane->asleep;
  pthread_mutex_unlock(&lane->lock);
  return asleep;
}

/* ---- connections ---------------------------------------------------------------------------- */

void mv_lane_joined(struct mv_lane *lane) {
  lane->joined = true;
}

void mv_lane_moved(struct mv_lane *lane) {
  lane->still = 0;
}

/* The daemon closes the descriptor, now if it does not take it. */
static void hand_to_daemon(struct mv_lane *lane, int fd, const struct sockaddr *address,
                           socklen_t length) {
  lane->joined = false;
  MHD_add_connection(lane->daemon, fd, address, length);
  if (!lane->joined)
    mv_server_leave(lane->server, address);
}

/* Why nobody came: nobody is there, or there is nothing left to take them with. */
static void no_connection(struct mv_lane *lane, int error) {
  mv_server_return(lane->server);
  bool scarce = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  int64_t now = scarce ? mv_clock_monotonic(NULL) : 0;
  lane->scarce_until = scarce ? now + SCARCE_MS : 0;
  if (scarce && now >= lane->told_until) {
    lane->told_until = now + TOLD_MS;
    mv_log(lane->server->log, MV_LOG_WARN, NULL,
           "cannot accept connections: %s; trying again every %d ms (raise `ulimit -n`, or lower "
           "the number of connections)",
           strerror(error), SCARCE_MS);
  }
}

/* Takes one in. False when nobody waits, or nobody can be taken. */
static bool accept_one(struct mv_lane *lane) {
  struct mv_server *server = lane->server;
  struct sockaddr_storage from = {0};
  struct sockaddr *address = (struct sockaddr *)&from;
  socklen_t length = sizeof from;
  lane->full = !mv_places_take(server->places);
  if (lane->full)
    return false;
  int fd = accept4(server->listen_fd, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    int error = errno;
    no_connection(lane, error);
    return error == ECONNABORTED || error == EINTR;
  }
  if (mv_places_name(server->places, address)) {
    hand_to_daemon(lane, fd, address, length);
    return true;
  }
  mv_server_return(server);
  mv_server_refused(server, 0);
  close(fd);
  return true;
}

static void accept_some(struct mv_lane *lane) {
  for (int i = 0; i < ACCEPTS && accept_one(lane); i++)
    continue;
}

/* ---- the thread ----------------------------------------------------------------------------- */

enum { DAEMON, WAKE, LISTENER, WATCHED };

static bool accepts(struct mv_lane *lane) {
  if (lane->scarce_until && mv_clock_monotonic(NULL) >= lane->scarce_until)
    lane->scarce_until = 0;
  return !lane->full && !lane->scarce_until && !atomic_load(&lane->server->quiesced);
}

/* The daemon wants to go on at once. For a TLS handshake that is half sent, and for a chunk whose first
 * line is longer than its memory, it does so until their time is over, and nothing moves. A long answer
 * over TLS, of which each round sends 16 KiB, looks alike from here, so it is not held up for long. */
static int nap_of(const struct mv_lane *lane) {
  unsigned ms = lane->still / STILL_ROUNDS;
  if (ms > 0 && atomic_load(&lane->server->sending) > 0)
    return lane->still % SENDING_ROUNDS == 0;
  return ms > LONGEST_NAP ? LONGEST_NAP : (int)ms;
}

/* How long the daemon lets the thread sleep, ms; -1: for ever. */
static int longest_sleep(const struct mv_lane *lane) {
  MHD_UNSIGNED_LONG_LONG ms;
  if (MHD_get_timeout(lane->daemon, &ms) == MHD_NO)
    return lane->scarce_until ? SCARCE_MS : -1;
  if (ms == 0)
    return nap_of(lane);
  if (lane->scarce_until && ms > SCARCE_MS)
    return SCARCE_MS;
  return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void wait_for_work(struct mv_lane *lane, struct pollfd *watched) {
  watched[LISTENER].fd = accepts(lane) ? lane->server->listen_fd : -1;
  int ms = longest_sleep(lane);
  if (ms != 0 && !fall_asleep(lane))
    ms = 0;
  if (poll(watched, WATCHED, ms) <= 0)
    watched[WAKE].revents = watched[LISTENER].revents = 0;
  if (watched[WAKE].revents) {
    eventfd_t count;
    eventfd_read(lane->wake_fd, &count);
    lane->full = false; /* perhaps */
  }
}

static void *run(void *owner) {
  struct mv_lane *lane = owner;
  struct pollfd watched[WATCHED] = {
      [DAEMON] = {.fd = MHD_get_daemon_info(lane->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                  .events = POLLIN},
      [WAKE] = {.fd = lane->wake_fd, .events = POLLIN},
      [LISTENER] = {.events = POLLIN},
  };
  pthread_setname_np(pthread_self(), "mavilua-http");
  while (!atomic_load(&lane->server->closing)) {
    wait_for_work(lane, watched);
    if (watched[LISTENER].revents && accepts(lane))
      accept_some(lane);
    resume_answered(lane);
    MHD_run(lane->daemon);
    lane->still++;
  }
  resume_answered(lane); /* a daemon that is stopped may hold nothing back */
  MHD_run(lane->daemon);
  return NULL;
}

int mv_lane_open(struct mv_lane *lane, struct mv_server *server) {
  lane->server = server;
  lane->last = &lane->first;
  pthread_mutex_init(&lane->lock, NULL);
  lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return lane->wake_fd < 0 ? -1 : 0;
}

int mv_lane_start(struct mv_lane *lane) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, THREAD_STACK);
  int error = pthread_create(&lane->thread, &attributes, run, lane);
  pthread_attr_destroy(&attributes);
  lane->runs = error == 0;
  return error;
}

void mv_lane_join(struct mv_lane *lane) {
  if (lane->runs)
    pthread_join(lane->thread, NULL);
  lane->runs = false;
}

void mv_lane_close(struct mv_lane *lane) {
  if (lane->wake_fd >= 0)
    close(lane->wake_fd);
  pthread_mutex_destroy(&lane->lock);
}
