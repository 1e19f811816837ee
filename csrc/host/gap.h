/* Gaps: times in which webhooks may have been lost, because the host was down or refused them. When
 * one is over, the scripts' jobs that fill gaps (host.reconcile) are started. */
#ifndef MV_HOST_GAP_H
#define MV_HOST_GAP_H

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/journal.h"

struct mv_gap;

/* Of one host; `clock` NULL: the machine's. NULL when memory is out. */
struct mv_gap *mv_gap_new(struct mv_log *log, const struct mv_clock *clock);
void mv_gap_free(struct mv_gap *gap); /* after the journal; NULL is fine */

/* The jobs to start are those of `definitions` (see mv_vm_definitions) that are "automatic". */
void mv_gap_load(struct mv_gap *gap, const json_t *definitions);

/* Since `since` (ms since 1970) webhooks may have been lost; `why` is constant: "down", "refused". Of
 * several such moments the earliest counts. Any thread. */
void mv_gap_open(struct mv_gap *gap, int64_t since, const char *why);

/* Hands the jobs in if there is a gap; a try that fails is made again at a later beat. Any thread. */
void mv_gap_beat(struct mv_gap *gap, struct mv_journal *journal);

#endif
