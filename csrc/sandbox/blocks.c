#include "sandbox/blocks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/clients.h"
#include "sandbox/fold.h"
#include "sandbox/orders.h"
#include "sandbox/variables.h"

/* A block that moves an order causes an event that may match another block: it must end somewhere.
 */
enum { MOST_NESTED = 8 };

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without blanks around it, and without case. To be freed; NULL when memory is out. */
static char *normal(const char *text) {
  while (is_space(*text)) {
    text++;
  }
  char *folded = mv_fold(text);
  size_t length = folded ? strlen(folded) : 0;
  while (length && is_space(folded[length - 1])) {
    folded[--length] = '\0';
  }
  return folded;
}

static bool matches(const char *text, const char *condition, int match) {
  size_t word = strcspn(text, " \t\r\n");
  switch (match) {
  case MV_MATCH_CONTAINS:
    return strstr(text, condition) != NULL;
  case MV_MATCH_FIRST_WORD:
    return strlen(condition) == word && strncmp(text, condition, word) == 0;
  default:
    return strcmp(text, condition) == 0;
  }
}

static int64_t find(struct mv_work *work, const char *text) {
  int64_t block = 0;
  struct mv_stmt *row = mv_db_query(
      work->db, "SELECT id, folded, match FROM blocks WHERE project = ? ORDER BY position", "i",
      work->project);
  while (!block && mv_db_step(work->db, row)) {
    const char *condition = mv_sql_text(row, 1);
    if (condition && *condition && matches(text, condition, (int)mv_sql_int(row, 2))) {
      block = mv_sql_int(row, 0);
      mv_db_reset(row);
    }
  }
  return block;
}

void mv_blocks_match(struct mv_work *work, int64_t client, const char *text) {
  char *folded = normal(text);
  if (!folded) {
    mv_db_fail(work->db, "out of memory");
    return;
  }
  int64_t block = find(work, folded);
  free(folded);
  if (block && work->nested < MOST_NESTED) {
    work->nested++;
    mv_blocks_run(work, client, block, MV_FROM_NORMAL);
    work->nested--;
  }
}

/* What a block holds, copied out of the row: running it may read the same table again. */
struct block {
  json_t *answer, *buttons, *attachments, *variables;
  int64_t state;
  bool pause;
};

static bool read_block(struct mv_work *work, int64_t id, struct block *block) {
  struct mv_stmt *row = mv_db_query(work->db,
                                    "SELECT answer, buttons, attachments, variables, state, pause "
                                    "FROM blocks WHERE id = ? AND project = ?",
                                    "ii", id, work->project);
  if (!mv_db_step(work->db, row)) {
    return false;
  }
  *block = (struct block){mv_db_text(row, 0), mv_db_json(row, 1), mv_db_json(row, 2),
                          mv_db_json(row, 3), mv_sql_int(row, 4), mv_sql_int(row, 5) != 0};
  mv_db_reset(row);
  return true;
}

static void answer(struct mv_work *work, int64_t client, int64_t id, const struct block *block,
                   enum mv_from from) {
  struct mv_message message = {.client = client, .from = from, .block = id};
  message.text = json_string_value(block->answer);
  message.attachments = json_is_array(block->attachments) ? block->attachments : NULL;
  message.buttons = json_is_null(block->buttons) ? NULL : block->buttons;
  if (message.text || message.attachments) {
    mv_messages_add(work, &message);
  }
}

int mv_blocks_run(struct mv_work *work, int64_t client, int64_t id, enum mv_from from) {
  struct block block;
  if (!read_block(work, id, &block)) {
    return -1;
  }
  mv_db_run(work->db, "UPDATE clients SET block = ? WHERE id = ?", "ii", id, client);
  if (json_is_object(block.variables)) {
    mv_variables_save_all(work, client, block.variables);
  }
  answer(work, client, id, &block, from);
  if (block.state) {
    mv_orders_move(work, client, mv_orders_needed(work, client), block.state);
  }
  if (block.pause) {
    mv_clients_pause(work, client, true);
  }
  json_decref(block.answer);
  json_decref(block.buttons);
  json_decref(block.attachments);
  json_decref(block.variables);
  return 0;
}

void mv_blocks_list(struct mv_ask *ask) {
  struct mv_stmt *row = mv_db_query(ask->db,
                                    "SELECT id, condition, answer, message_type, description "
                                    "FROM blocks WHERE project = ? ORDER BY position",
                                    "i", ask->work->project);
  json_t *blocks = json_array();
  while (mv_db_step(ask->db, row)) {
    json_array_append_new(
        blocks, json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", mv_db_number(row, 0), "condition",
                          mv_db_text(row, 1), "answer", mv_db_text(row, 2), "message_type",
                          mv_db_number(row, 3), "description", mv_db_text(row, 4)));
  }
  mv_answer_result(ask, "messages", blocks);
}
