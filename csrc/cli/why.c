/* `mavilua why`: what became of a planned moment of a schedule. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/door.h"
#include "cli/plain.h"

struct options {
  struct mv_door_options door;
  bool json;
};

static const struct mv_flag flags[] = {
    {"json", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, json),
     .doc = "JSON, as also when standard output is no terminal"},
    MV_DOOR_FLAGS(struct options),
    {0}};

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static void print(const json_t *answer) {
  struct mv_bytes text = {0};
  mv_bytes_printf(&text, "%s (%s)\n%s", text_of(answer, "schedule"), text_of(answer, "definition"),
                  text_of(answer, "local"));
  if (json_is_true(json_object_get(answer, "moved")))
    mv_bytes_puts(&text, "  (moved here by daylight saving, which skips the time that it names)");
  else if (json_is_true(json_object_get(answer, "twice")))
    mv_bytes_puts(&text, "  (this time comes twice)");
  mv_bytes_printf(&text, "\n%s\n", text_of(answer, "text"));
  mv_plain_print(stdout, text.data, 0, true);
  mv_bytes_free(&text);
}

static json_t *ask(struct mv_door *door, const char *schedule, const char *time,
                   struct mv_error *err) {
  struct mv_bytes path = {0};
  mv_bytes_puts(&path, "/api/why?schedule=");
  mv_bytes_put_url(&path, schedule, strlen(schedule));
  mv_bytes_puts(&path, "&time=");
  mv_bytes_put_url(&path, time, strlen(time));
  json_t *answer = NULL;
  if (path.failed)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else
    answer = mv_door_ask(door, path.data, NULL, err);
  mv_bytes_free(&path);
  return answer;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  const struct options *options = given;
  struct mv_error err = {0};
  struct mv_door *door = mv_door_open(command, &options->door, false, &err);
  json_t *answer = door ? ask(door, operands[0], operands[1], &err) : NULL;
  int status = EX_OK;
  if (!door)
    status = mv_cli_fail_with(command, &err);
  else if (!answer)
    status = mv_door_fail(command, &err);
  else if (options->json || !mv_cli_on_terminal(stdout))
    mv_plain_print_json(stdout, answer);
  else
    print(answer);
  json_decref(answer);
  mv_door_close(door);
  return status;
}

const struct mv_command mv_command_why = {
    .name = "why",
    .operands = "SCHEDULE TIME",
    .least = 2,
    .most = 2,
    .doc = "tell what became of a planned moment of a schedule, or why there is none",
    .more = "TIME is in the schedule's zone unless Z or +02:00 stands behind it, or seconds since 1970.\n\n"
            "  mavilua why morning '2026-03-30 09:00'\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
