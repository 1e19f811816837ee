/* How far a long work has come, on standard error: a bar on a terminal, a line now and then
 * otherwise. */
#ifndef MV_CLI_PROGRESS_H
#define MV_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct mv_progress {
  const char *what; /* "replayed" */
  int64_t total, start, told; /* ms, monotonic */
  bool terminal;
};

void mv_progress_begin(struct mv_progress *progress, const char *what, int64_t total);
void mv_progress_tell(struct mv_progress *progress, int64_t done); /* often; not all is written */
void mv_progress_end(struct mv_progress *progress); /* takes the bar away */

#endif
