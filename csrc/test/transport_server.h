/* A small server that misbehaves on request: what it does is the path asked for.
 *
 *   /ok         200 and "fine", the connection stays open
 *   /echo       200 and the request itself
 *   /status     404 with a Retry-After
 *   /slow       no answer until the client goes away
 *   /die        reads all of the request, counts it, closes without an answer
 *   /die-alone  the same, and takes no further connections
 *   /truncated  closes in the middle of the body; /chunked-cut in the middle of a chunk
 *   /chunked    "first second", in chunks
 *   /huge       1 MiB with its length; /endless without an end
 *   /headers    headers without an end
 *   /garbage    no HTTP
 *   /redirect   302 to /ok
 *   /together   answers when `together` requests wait
 */
#ifndef MV_TEST_TRANSPORT_SERVER_H
#define MV_TEST_TRANSPORT_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVER_MAX = 1024 };

struct server {
  int listener, port;
  pthread_t acceptor, threads[SERVER_MAX];
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t accepted; /* connections */
  size_t requests; /* read in full */
  size_t died;     /* requests of /die */
  size_t together, waiting;
  bool drop;         /* closes connections before reading */
  char asked[16384]; /* the last CONNECT, which is refused */
};

struct connection {
  struct server *server;
  int fd;
};

static inline size_t server_read(struct server *server, const size_t *counter) {
  pthread_mutex_lock(&server->lock);
  size_t value = *counter;
  pthread_mutex_unlock(&server->lock);
  return value;
}

static inline void server_count(struct server *server, size_t *counter) {
  pthread_mutex_lock(&server->lock);
  ++*counter;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
}

static inline bool server_put(int fd, const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    text += sent;
    length -= (size_t)sent;
  }
  return true;
}

static inline bool server_puts(int fd, const char *text) {
  return server_put(fd, text, strlen(text));
}

static inline bool server_answer(int fd, const char *body) {
  char answer[17000]; /* in one piece: two would wait for each other's acknowledgement */
  int length = snprintf(answer, sizeof answer,
                        "HTTP/1.1 200 OK\r\nX-Test: Yes\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(body), body);
  return server_put(fd, answer, (size_t)length);
}

/* Reads one request into `buffer`; false when the connection ends before, or speaks TLS. */
static inline bool server_request(int fd, char *buffer, size_t size) {
  size_t used = 0, wanted = 0;
  char *head_end, *length;
  while (used + 1 < size && (wanted == 0 || used < wanted)) {
    ssize_t got = recv(fd, buffer + used, size - 1 - used, 0);
    if (got <= 0 || buffer[0] == 0x16) {
      return false;
    }
    used += (size_t)got;
    buffer[used] = '\0';
    if (wanted == 0 && (head_end = strstr(buffer, "\r\n\r\n"))) {
      length = strcasestr(buffer, "content-length:");
      wanted = (size_t)(head_end + 4 - buffer);
      wanted += length && length < head_end ? strtoul(length + 15, NULL, 10) : 0;
    }
  }
  return true;
}

static inline bool server_wait_together(struct server *server, int fd) {
  pthread_mutex_lock(&server->lock);
  server->waiting++;
  pthread_cond_broadcast(&server->changed);
  while (server->waiting < server->together) {
    pthread_cond_wait(&server->changed, &server->lock);
  }
  pthread_mutex_unlock(&server->lock);
  return server_answer(fd, "together");
}

static inline bool server_huge(int fd, bool length) {
  char block[16384];
  memset(block, 'x', sizeof block);
  bool open = server_puts(fd, length ? "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"
                                     : "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  for (int i = 0; open && (!length || i < 64); i++) {
    open = server_put(fd, block, sizeof block);
  }
  return open;
}

static inline bool server_endless_headers(int fd) {
  bool open = server_puts(fd, "HTTP/1.1 200 OK\r\n");
  while (open) {
    open = server_puts(fd, "X-More: 0123456789012345678901234567890123456789\r\n");
  }
  return false;
}

static inline bool server_die(struct connection *connection, bool alone) {
  if (alone) {
    shutdown(connection->server->listener, SHUT_RDWR);
  }
  server_count(connection->server, &connection->server->died);
  return false;
}

static inline bool server_refuse(struct server *server, const char *request) {
  pthread_mutex_lock(&server->lock);
  snprintf(server->asked, sizeof server->asked, "%s", request);
  pthread_mutex_unlock(&server->lock);
  return false;
}

/* Does what `path` says; false to close. */
static inline bool server_behave(struct connection *connection, const char *path,
                                 const char *request) {
  int fd = connection->fd;
  char byte;
  if (strncmp(request, "CONNECT ", 8) == 0) {
    return server_refuse(connection->server, request);
  }
  if (strcmp(path, "/ok") == 0) {
    return server_answer(fd, "fine");
  }
  if (strcmp(path, "/echo") == 0) {
    return server_answer(fd, request);
  }
  if (strcmp(path, "/status") == 0) {
    return server_puts(fd,
                       "HTTP/1.1 404 Not Found\r\nretry-after:  7\r\nContent-Length: 2\r\n\r\nno");
  }
  if (strcmp(path, "/slow") == 0) {
    return recv(fd, &byte, 1, 0) > 0;
  }
  if (strncmp(path, "/die", 4) == 0) {
    return server_die(connection, strcmp(path, "/die-alone") == 0);
  }
  if (strcmp(path, "/truncated") == 0) {
    server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":");
    return false;
  }
  if (strncmp(path, "/chunked", 8) == 0) {
    server_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
    return server_puts(fd, path[8] ? "6\r\nse" : "6\r\nsecond\r\n0\r\n\r\n") && !path[8];
  }
  if (strcmp(path, "/huge") == 0 || strcmp(path, "/endless") == 0) {
    return server_huge(fd, path[1] == 'h');
  }
  if (strcmp(path, "/headers") == 0) {
    return server_endless_headers(fd);
  }
  if (strcmp(path, "/garbage") == 0) {
    server_puts(fd, "what do you want\r\n\r\n");
    return false;
  }
  if (strcmp(path, "/redirect") == 0) {
    return server_puts(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
  }
  return strcmp(path, "/together") == 0 && server_wait_together(connection->server, fd);
}

static inline void *server_connection(void *argument) {
  struct connection *connection = argument;
  char request[16384], path[64];
  bool open = true;
  while (open && server_request(connection->fd, request, sizeof request)) {
    server_count(connection->server, &connection->server->requests);
    bool known = sscanf(request, "%*s http://%*[^/]%63[^ ?]", path) == 1 || /* as to a proxy */
                 sscanf(request, "%*s %63[^ ?]", path) == 1;
    open = known && server_behave(connection, path, request);
  }
  close(connection->fd);
  free(connection);
  return NULL;
}

static inline void *server_accept(void *argument) {
  struct server *server = argument;
  int fd;
  while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
    pthread_mutex_lock(&server->lock);
    size_t index = server->accepted;
    bool drop = server->drop || index >= SERVER_MAX;
    server->accepted += !drop;
    pthread_mutex_unlock(&server->lock);
    struct connection *connection = drop ? NULL : malloc(sizeof *connection);
    if (!connection) {
      close(fd);
      continue;
    }
    *connection = (struct connection){server, fd};
    pthread_create(&server->threads[index], NULL, server_connection, connection);
  }
  return NULL;
}

static inline void server_start(struct server *server) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  memset(server, 0, sizeof *server);
  pthread_mutex_init(&server->lock, NULL);
  pthread_cond_init(&server->changed, NULL);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server->listener, (struct sockaddr *)&address, size) || listen(server->listener, 1024) ||
      getsockname(server->listener, (struct sockaddr *)&address, &size)) {
    perror("test server");
    abort();
  }
  server->port = ntohs(address.sin_port);
  pthread_create(&server->acceptor, NULL, server_accept, server);
}

/* The clients' connections must be closed before. */
static inline void server_stop(struct server *server) {
  shutdown(server->listener, SHUT_RDWR);
  pthread_join(server->acceptor, NULL);
  for (size_t i = 0; i < server->accepted; i++) {
    pthread_join(server->threads[i], NULL);
  }
  close(server->listener);
  pthread_mutex_destroy(&server->lock);
  pthread_cond_destroy(&server->changed);
}

#endif
