/* free_port [COUNT]: prints so many TCP ports of loopback that nobody listens on, for servers that
 * cannot choose one themselves. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < count; i++) { /* all kept open, so that none comes twice */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, size) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
      perror("free_port");
      return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
  }
  return 0;
}
