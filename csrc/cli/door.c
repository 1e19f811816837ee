#include "cli/door.h"

#include <stdlib.h>
#include <string.h>

#include "api/transport.h"
#include "base/bytes.h"
#include "base/json.h"
#include "service/config.h"
#include "host/operate.h"

struct mv_door {
  struct mv_transport *transport; /* to the admin listener … */
  char *url, *authorization;
  struct mv_store *store; /* … or the file */
};

/* ---- opening -------------------------------------------------------------------------------- */

static int open_listener(struct mv_door *door, const char *url, const char *token,
                         struct mv_error *err) {
  struct mv_bytes base = {0}, header = {0};
  mv_bytes_append(&base, url, strlen(url) - (url[strlen(url) - 1] == '/'));
  if (token)
    mv_bytes_printf(&header, "Authorization: Bearer %s", token);
  door->url = mv_bytes_steal(&base, NULL);
  door->authorization = token ? mv_bytes_steal(&header, NULL) : NULL;
  if (!door->url || (token && !door->authorization))
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  door->transport = mv_transport_new(err);
  return door->transport ? 0 : -1;
}

static int open_file(struct mv_door *door, const char *path, bool write, struct mv_error *err) {
  struct mv_store_options options = {.path = path, .read_only = !write};
  door->store = mv_store_open(&options, err);
  return door->store ? 0 : -1;
}

static int open_owned(struct mv_door *door, const struct mv_door_options *options, const char *word,
                      struct mv_error *err) {
  if (!*word)
    return mv_error_set(err, MV_ERROR_BUSY,
                        "%s: in use by a host that has no admin listener or is just starting, or by "
                        "another command that changes events; try again, or name the listener with "
                        "--admin URL", options->db);
  return open_listener(door, word, options->token, err);
}

static void tell(const struct mv_command *command, const struct mv_door *door, const char *db) {
  if (door->url)
    fprintf(stderr, "mavilua %s: asking the host at %s\n", command->name, door->url);
  else
    fprintf(stderr, "mavilua %s: no host runs; the file %s is opened\n", command->name, db);
}

/* By the word in the lock, or by the file itself. */
static int open_database(struct mv_door *door, const struct mv_door_options *options, bool write,
                         struct mv_error *err) {
  char word[512];
  int owned = mv_store_owner(options->db, word, sizeof word, err);
  if (owned < 0)
    return mv_error_set(err, MV_ERROR_NOT_FOUND,
                        "%s: there is no such database; name the host's with --db, or its admin "
                        "listener with --admin", options->db);
  return owned ? open_owned(door, options, word, err) : open_file(door, options->db, write, err);
}

/* With the settings that `mavilua serve` would have here. */
static int open_configured(struct mv_door *door, struct mv_door_options *options, bool write,
                           struct mv_error *err) {
  static char name[] = "--config";
  char *words[] = {options->config ? name : NULL, (char *)(uintptr_t)options->config, NULL};
  struct mv_command serve = mv_command_serve;
  struct mv_given given = {.options = NULL};
  serve.least = 0;
  int failed = mv_args_parse(&serve, words, &given, err) == MV_ARGS_BAD ? -1 : 0;
  const struct mv_config *config = given.options;
  if (!failed && config) {
    options->db = config->host.database;
    if (!options->token)
      options->token = config->host.admin_token;
    failed = open_database(door, options, write, err);
  }
  if (options->verbose && !failed)
    tell(options->command, door, options->db);
  mv_args_free(&given);
  return failed;
}

static int open_door(struct mv_door *door, const struct mv_door_options *options, bool write,
                     struct mv_error *err) {
  struct mv_door_options found = *options;
  if (!options->db && !options->admin)
    return open_configured(door, &found, write, err);
  int failed = options->admin ? open_listener(door, options->admin, options->token, err)
                              : open_database(door, options, write, err);
  if (options->verbose && !failed)
    tell(options->command, door, options->db);
  return failed;
}

struct mv_door *mv_door_open(const struct mv_command *command, const struct mv_door_options *options,
                             bool write, struct mv_error *err) {
  struct mv_door *door = calloc(1, sizeof *door);
  struct mv_door_options with = *options;
  with.command = command;
  if (!door)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  if (door && open_door(door, &with, write, err) == 0)
    return door;
  mv_door_close(door);
  return NULL;
}

void mv_door_close(struct mv_door *door) {
  if (!door)
    return;
  mv_transport_free(door->transport);
  mv_store_close(door->store);
  free(door->url);
  free(door->authorization);
  free(door);
}

/* ---- asking --------------------------------------------------------------------------------- */

/* What was answered, or NULL when that was an error. Takes `body`. */
static json_t *judge(json_t *body, unsigned status, const char *path, struct mv_error *err) {
  static const struct {
    unsigned status;
    enum mv_error_kind kind;
  } kinds[] = {{400, MV_ERROR_USAGE}, {401, MV_ERROR_CONFIG}, {404, MV_ERROR_NOT_FOUND},
               {409, MV_ERROR_USAGE}, {503, MV_ERROR_BUSY}};
  enum mv_error_kind kind = MV_ERROR_HTTP;
  const char *text = json_string_value(json_object_get(body, "error"));
  if (status < 400 && body)
    return body;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].status == status)
      kind = kinds[i].kind;
  if (status == 401)
    mv_error_set(err, kind, "the admin listener asks for its token: set MAVILUA_ADMIN_TOKEN");
  else if (text)
    mv_error_set(err, kind, "%s", text);
  else
    mv_error_set(err, kind, "%.80s answered %u; is it a host's admin listener?", path, status);
  json_decref(body);
  return NULL;
}

/* In a transaction of its own. */
static int write_file(void *owner,
                      int (*call)(struct mv_store *store, void *context, int64_t now,
                                  int64_t *wake_at, struct mv_error *err),
                      void *context, struct mv_error *err) {
  struct mv_store *store = owner;
  int64_t wake_at = MV_STORE_NEVER;
  if (mv_store_begin(store, err))
    return -1;
  if (call(store, context, mv_clock_wall(NULL), &wake_at, err)) {
    mv_store_rollback(store);
    return -1;
  }
  return mv_store_commit(store, err);
}

static json_t *ask_file(struct mv_door *door, const char *path, const char *body,
                        struct mv_error *err) {
  struct mv_operate operate = {.reader = door->store, .owner = door->store, .write = write_file};
  const char *mark = strchr(path, '?');
  char *bare = mv_memdup(path, mark ? (size_t)(mark - path) : strlen(path));
  unsigned status = 500;
  struct mv_operate_request request = {.method = body ? "POST" : "GET", .path = bare,
                                       .query = mark ? mark + 1 : "", .body = body ? body : "",
                                       .length = body ? strlen(body) : 0};
  json_t *answer = bare ? mv_operate(&operate, &request, &status) : NULL;
  free(bare);
  return judge(answer, status, path, err);
}

static void over(struct mv_exchange *exchange) {
  *(bool *)exchange->owner = true;
}

static json_t *read_reply(const struct mv_exchange *exchange, const char *path,
                          struct mv_error *err) {
  if (exchange->failure != MV_ERROR_NONE) {
    mv_error_set(err, exchange->failure, "%s; does a host run there?", mv_exchange_problem(exchange));
    return NULL;
  }
  json_t *answer = mv_json_parse(exchange->reply.data ? exchange->reply.data : "",
                                 exchange->reply.length, NULL);
  unsigned status = answer || exchange->status >= 400 ? (unsigned)exchange->status : 502;
  return judge(answer, status, path, err);
}

static json_t *ask_listener(struct mv_door *door, const char *path, const char *body,
                            struct mv_error *err) {
  const char *const headers[] = {door->authorization, NULL};
  bool ended = false;
  struct mv_bytes url = {0};
  json_t *answer = NULL;
  mv_bytes_printf(&url, "%s%s", door->url, path);
  struct mv_exchange exchange = {.method = body ? "POST" : "GET", .url = url.data,
                                 .headers = door->authorization ? headers : NULL, .body = body,
                                 .body_length = body ? strlen(body) : 0, .done = over,
                                 .owner = &ended, .once = body != NULL};
  if (url.failed)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else if (mv_transport_start(door->transport, &exchange, err) == 0) {
    while (!ended)
      mv_transport_poll(door->transport, 1000);
    answer = read_reply(&exchange, path, err);
  }
  mv_exchange_free(&exchange);
  mv_bytes_free(&url);
  return answer;
}

json_t *mv_door_ask(struct mv_door *door, const char *path, json_t *body, struct mv_error *err) {
  char *text = body ? mv_json_text(body) : NULL;
  json_t *answer = NULL;
  if (body && !text)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else if (door->store)
    answer = ask_file(door, path, text, err);
  else
    answer = ask_listener(door, path, text, err);
  free(text);
  json_decref(body);
  return answer;
}

int mv_door_fail(const struct mv_command *command, const struct mv_error *err) {
  if (err->kind == MV_ERROR_USAGE)
    return mv_cli_fail(command, EX_USAGE, "%s", err->text);
  return mv_cli_fail_with(command, err);
}
