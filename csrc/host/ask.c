#include "host/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

struct mv_ask *mv_ask_new(json_t *question) {
  struct mv_ask *ask = calloc(1, sizeof *ask);
  if (ask)
    ask->question = json_incref(question);
  return ask;
}

void mv_ask_free(struct mv_ask *ask) {
  if (!ask)
    return;
  json_decref(ask->question);
  json_decref(ask->answer);
  free(ask);
}

static int once_begin(struct mv_store *store, struct mv_ask *ask, int64_t now,
                      struct mv_error *err) {
  static const char *const states[] = {
      [MV_ONCE_BEGUN] = "begun",         [MV_ONCE_KNOWN] = "known", [MV_ONCE_BUSY] = "busy",
      [MV_ONCE_AMBIGUOUS] = "ambiguous", [MV_ONCE_LOST] = "lost",
  };
  const char *key = json_string_value(json_object_get(ask->question, "key"));
  bool again = json_is_true(json_object_get(ask->question, "again"));
  struct mv_once once;
  if (mv_store_once_begin(store, key ? key : "", ask->event, ask->token, again, now, &once, err))
    return -1;
  ask->answer = json_pack("{s:s, s:I, s:I}", "state", states[once.state], "event",
                          (json_int_t)once.event, "at", (json_int_t)(once.at / 1000));
  return ask->answer ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

/* {"op":"dedupe","value":…} -> {} or {"original":id,"open":bool,"reply":…} */
static int dedupe(struct mv_store *store, struct mv_ask *ask, int64_t now, struct mv_error *err) {
  const char *value = json_string_value(json_object_get(ask->question, "value"));
  int64_t original = 0;
  bool open = false;
  char *reply = NULL;
  if (mv_store_dedupe(store, ask->event, ask->token, value ? value : "", now, &original, err) ||
      (original && mv_store_answer(store, original, &reply, &open, err)))
    return -1;
  ask->answer = json_object();
  if (original) {
    json_object_set_new(ask->answer, "original", json_integer(original));
    json_object_set_new(ask->answer, "open", json_boolean(open));
  }
  if (reply)
    json_object_set_new(ask->answer, "reply", mv_json_parse(reply, strlen(reply), NULL));
  free(reply);
  return ask->answer ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static const struct {
  const char *op;
  int (*apply)(struct mv_store *store, struct mv_ask *ask, int64_t now, struct mv_error *err);
} kinds[] = {
    {"once_begin", once_begin},
    {"dedupe", dedupe},
};

static int apply(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                 struct mv_error *err) {
  struct mv_ask *ask = context;
  (void)wake_at;
  const char *op = json_string_value(json_object_get(ask->question, "op"));
  for (size_t i = 0; op && i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].op, op) == 0)
      return kinds[i].apply(store, ask, now, err);
  return mv_error_set(err, MV_ERROR_USAGE, "nothing is asked like that: %s", op ? op : "(no op)");
}

static void done(struct mv_op *op) {
  struct mv_ask *ask = (struct mv_ask *)(void *)op;
  if (op->error)
    ask->error = *op->error;
  ask->answered(ask);
}

void mv_ask_send(struct mv_ask *ask, struct mv_journal *journal) {
  ask->op.call = apply;
  ask->op.context = ask;
  ask->op.op.done = done;
  mv_journal_call(journal, &ask->op);
}
