/* A listening TCP socket from "host:port", with errors that say what to do. */
#ifndef MV_NET_LISTEN_H
#define MV_NET_LISTEN_H

#include <stddef.h>

#include "base/error.h"

/* `address`: "127.0.0.1:0", "[::1]:80", "localhost:8080", ":8080" (all interfaces). A listening
 * socket, the caller's to close, and its "127.0.0.1:43211" with the real port in `actual`
 * ("0.0.0.0:…" for all interfaces). -1 and `err`, which names the address and the reason. */
int mv_listen_open(const char *address, char *actual, size_t size, struct mv_error *err);

#endif
