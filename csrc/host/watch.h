/* Tells when one of a few files was changed, replaced, or came back. */
#ifndef MV_HOST_WATCH_H
#define MV_HOST_WATCH_H

#include "base/error.h"

struct mv_watch;

/* `changed` is called on the watch's own thread, once the files have been at rest for a moment.
 * `files` (NULL-terminated) outlive the watch. NULL and `err`. */
struct mv_watch *mv_watch_start(const char *const *files, void (*changed)(void *owner), void *owner,
                                struct mv_error *err);
void mv_watch_stop(struct mv_watch *watch); /* NULL is fine */

#endif
