/* bare_mhd: answers every request with two bytes, as little as a libmicrohttpd server can do. The
 * sandbox is measured beside it. Two epoll threads (the sandbox has one), loopback, a free port.
 * Prints its URL and serves until it is told to stop. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>

enum { THREADS = 2 };

static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **seen) {
  (void)url;
  (void)method;
  (void)version;
  (void)data;
  if (!*seen) { /* the headers are there; the body, if any, comes next */
    *seen = connection;
    return MHD_YES;
  }
  if (*size) {
    *size = 0;
    return MHD_YES;
  }
  return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(void) {
  sigset_t stop;
  int got;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  static char ok[] = "ok";
  struct MHD_Response *response = MHD_create_response_from_buffer(2, ok, MHD_RESPMEM_PERSISTENT);
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, response, MHD_OPTION_SOCK_ADDR,
      (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_END);
  if (!response || !daemon) {
    fputs("bare_mhd: cannot serve\n", stderr);
    return 1;
  }
  printf("http://127.0.0.1:%d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  fflush(stdout);
  sigwait(&stop, &got);
  MHD_stop_daemon(daemon);
  MHD_destroy_response(response);
  return 0;
}
