/* Pages in a browser on this machine reach what listens on the loopback. Browsers tell: with what
 * changes something they send the page's Origin. */
#ifndef MV_NET_ORIGIN_H
#define MV_NET_ORIGIN_H

#include <stdbool.h>

#include "net/server.h"

/* Whether the host of a "Host" header is an address or "localhost": a name of somebody's may lead
 * here for a page's sake (DNS rebinding). */
bool mv_origin_is_plain(const char *host);

/* Whether the call carries an Origin that is not the listener's own. */
bool mv_origin_is_foreign(const struct mv_call *call);

#endif
