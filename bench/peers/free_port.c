/* free_port: prints a TCP port of loopback that is free, for servers that cannot choose one
 * themselves. It is below those that the kernel gives to connections, so that none of them takes it
 * meanwhile. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 100, PORTS = 16384 };

int main(void) {
  unsigned first = 32768;
  FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
  if (range) {
    if (fscanf(range, "%u", &first) != 1 || first <= PORTS + 1024)
      first = 32768;
    fclose(range);
  }
  for (int i = 0; i < TRIES; i++) {
    unsigned short chance = 0;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
      break;
    unsigned port = first - PORTS + chance % PORTS;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((unsigned short)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int taken = bind(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    if (taken)
      continue;
    printf("%u\n", port);
    return 0;
  }
  perror("free_port");
  return 1;
}
