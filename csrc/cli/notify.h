/* What systemd is told of a service (Type=notify): sd_notify's datagram, without its library. */
#ifndef MV_CLI_NOTIFY_H
#define MV_CLI_NOTIFY_H

/* Sends the lines ("READY=1") to $NOTIFY_SOCKET, a path or "@" and an abstract name; nothing happens
 * when there is none, or when nobody listens. */
void mv_notify(const char *lines);

/* It loads anew: to be followed by READY=1. */
void mv_notify_reloading(void);

#endif
