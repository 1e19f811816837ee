/* Seeds: what is refused is told with its place and has changed nothing; what is taken is sound, and
 * the actions can be played upon it. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/seed.h"
#include "store/sql_image.h"
#include "test/fuzz_mutate.h"
#include "test/fuzz_play.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static struct mv_sandbox *sandbox;
static struct mv_bytes before; /* the whole database */

static void take_image(struct mv_bytes *out) {
  struct mv_error err;
  mv_bytes_clear(out);
  int bad = mv_sql_image(sandbox->db.sql, out, &err);
  assert(!bad);
}

/* A small project: the whole database is compared after each seed. */
static void load_small(void) {
  static const char small[] =
      "{\"clients\":[{\"id\":5,\"client_type\":1,\"group_id\":\"b\",\"platform_id\":\"1\"}]}";
  struct mv_work work;
  struct mv_error err;
  json_t *seed = mv_json_parse(small, sizeof small - 1, &err);
  mv_work_begin(&work, sandbox);
  int bad = mv_seed_load(&work, seed, &err);
  assert(!bad && mv_work_end(&work, true, &err) == 0);
  json_decref(seed);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  sandbox = fuzz_play_start();
  load_small();
  take_image(&before);
  return 0;
}

static void check_refusal(const struct mv_error *err) {
  json_t *text = json_string(err->text);
  assert(err->kind == MV_ERROR_USAGE && text); /* UTF-8 */
  assert(json_string_length(text) && !strchr(err->text, '\n'));
  json_decref(text);
}

/* Some that read most of what a seed can bring, and some that add to it. */
static void play_some(struct mv_work *work) {
  static const char *const calls[][2] = {
      {"get_clients", "{}"}, {"get_messages", "{}"}, {"connected_channels", "{}"},
      {"subscribers", "{}"}, {"get_history", NULL}, {"get_variables", NULL},
      {"get_order_vars", NULL}, {"move_order_to_next_state", NULL}, {"create_order", NULL},
      {"find_clients", "{\"q\":{\"a\":{\"_not\":5}}}"}, {"callback", NULL}, {"assign_to_user", NULL},
      {"online_chat_client_id", "{\"recipient\":\"new\"}"},
      {"check_whatsapp", "{\"phone\":\"4799999999\"}"},
      {"email_callback", "{\"email\":\"new@example.com\",\"message\":\"/start\"}"}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    int64_t client = mv_db_integer(
        work->db, 1, "SELECT min(id) FROM clients WHERE project = ?", "i", work->project);
    json_t *params = calls[i][1] ? mv_json_parse(calls[i][1], strlen(calls[i][1]), NULL)
                                 : json_pack("{s:I, s:s}", "client_id", (json_int_t)client,
                                             "message", "/start");
    fuzz_play_in(work, mv_action_find(calls[i][0], strlen(calls[i][0])), params);
    json_decref(params);
  }
}

static void check_sound(struct mv_work *work) {
  int64_t faults = mv_db_integer(work->db, 0, "SELECT count(*) FROM pragma_foreign_key_check", "");
  int64_t counted = mv_db_integer(work->db, 0, "SELECT sum(count) FROM client_counts WHERE level = 2", "");
  assert(!faults && counted == mv_db_integer(work->db, 0, "SELECT count(*) FROM clients", ""));
}

static void load(const json_t *seed) {
  struct mv_work work;
  struct mv_error err = {0}, other;
  mv_work_begin(&work, sandbox);
  if (mv_seed_load(&work, seed, &err)) {
    check_refusal(&err);
    mv_db_forget(work.db);
  } else {
    check_sound(&work);
    work.project = mv_db_integer(work.db, 0, "SELECT min(id) FROM projects", "");
    play_some(&work);
    check_sound(&work);
  }
  int bad = mv_work_end(&work, false, &other);
  assert(!bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mv_bytes after;
  json_t *seed = mv_json_parse((const char *)data, size, NULL);
  if (!seed)
    return 0;
  load(seed);
  take_image(&after);
  assert(after.length == before.length && !memcmp(after.data, before.data, after.length));
  json_decref(seed);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  return fuzz_mutate_json(data, size, max, seed);
}
