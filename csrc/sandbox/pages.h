/* Where a page of the list of clients begins. */
#ifndef MV_SANDBOX_PAGES_H
#define MV_SANDBOX_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/work.h"

struct mv_page {
  int64_t first; /* the page begins at this id or behind it */
  int64_t skip;  /* so many clients from there on are before the page: less than 1024 */
};

/* The page that begins behind the first `offset` of the project's clients, newest first or, in
 * reverse, oldest first. It costs the same for every offset. False when there are not so many. */
bool mv_pages_find(struct mv_work *work, int64_t offset, bool reverse, struct mv_page *page);

#endif
