#include "cli/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void mv_notify(const char *lines) {
  const char *name = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = name ? strlen(name) : 0;
  if (length < 2 || length >= sizeof address.sun_path || (*name != '/' && *name != '@'))
    return;
  memcpy(address.sun_path, name, length);
  if (*name == '@')
    address.sun_path[0] = '\0';
  int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (to < 0)
    return;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  (void)!sendto(to, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  close(to);
}

void mv_notify_reloading(void) {
  char lines[80];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%lld",
           (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
  mv_notify(lines);
}
