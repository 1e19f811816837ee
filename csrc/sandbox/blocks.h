/* The blocks of the bot's schema: conditions that incoming texts are matched with, and what is then
 * answered and done. */
#ifndef MV_SANDBOX_BLOCKS_H
#define MV_SANDBOX_BLOCKS_H

#include <stdint.h>

#include "sandbox/ask.h"
#include "sandbox/messages.h"

enum mv_block_match { MV_MATCH_EXACT, MV_MATCH_CONTAINS, MV_MATCH_FIRST_WORD };

/* Runs the first block (in the schema's order) that the text matches, if one does. */
void mv_blocks_match(struct mv_work *work, int64_t client, const char *text);

/* Sends a block's answer and does what it says. -1 when the project has no such block. */
int mv_blocks_run(struct mv_work *work, int64_t client, int64_t block, enum mv_from from);

void mv_blocks_list(struct mv_ask *ask);

#endif
