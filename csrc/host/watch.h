/* Tells when one of some files was changed, replaced, or came back. */
#ifndef MV_HOST_WATCH_H
#define MV_HOST_WATCH_H

#include "base/error.h"

struct mv_watch;

/* `changed` is called on the watch's own thread, once the files have been at rest for a moment. NULL
 * and `err`. */
struct mv_watch *mv_watch_start(void (*changed)(void *owner), void *owner, struct mv_error *err);
void mv_watch_stop(struct mv_watch *watch); /* NULL is fine */

/* Watches a file, too, from how it is now. One that is known already is fine. From any thread, also
 * from within `changed`. */
void mv_watch_add(struct mv_watch *watch, const char *path);

#endif
