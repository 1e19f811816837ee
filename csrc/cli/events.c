/* `mavilua events`: what became of what was accepted, and doing it again or not at all. */
#include "cli/events.h"

#include <stddef.h>
#include <string.h>

#include "api/action.h"
#include "base/clock.h"
#include "host/filter.h"

#define TO(member) .offset = offsetof(struct mv_events_options, member)

static const struct mv_flag flags[] = {
    {"state", .letter = 's', .type = MV_FLAG_TEXT, .value = "STATE", TO(state),
     .doc = "available, running, retryable, done, dead, skipped or cancelled; several with commas"},
    {"handler", .type = MV_FLAG_TEXT, .value = "HANDLER", TO(handler), .doc = "the handler that ran last"},
    {"key", .letter = 'k', .type = MV_FLAG_TEXT, .value = "KEY", TO(key),
     .doc = "the ordering key: of a webhook the client's id"},
    {"name", .type = MV_FLAG_TEXT, .value = "NAME", TO(name), .doc = "of the hook, schedule or job"},
    {"since", .type = MV_FLAG_TEXT, .value = "TIME", TO(since),
     .doc = "accepted then or later: 2h (ago), \"2026-03-29 02:30\", 2026-03-29T02:30Z, seconds since 1970"},
    {"until", .type = MV_FLAG_TEXT, .value = "TIME", TO(until), .doc = "accepted before then"},
    {"limit", .letter = 'n', .type = MV_FLAG_NUMBER, .value = "N", .preset = "-1", .low = -1, .high = 1000000000,
     TO(limit), .doc = "most events; -1: 50 of a list, all to be changed; 0: all"},
    {"after", .type = MV_FLAG_TEXT, .value = "ID", TO(after),
     .doc = "replay, cancel: only events after this one, as to go on after a break"},
    {"dry-run", .type = MV_FLAG_SWITCH, TO(dry_run), .doc = "replay, cancel: tell what would be done"},
    {"rate", .type = MV_FLAG_NUMBER, .value = "N", .preset = "0", .high = 1000000, TO(rate),
     .doc = "replay, cancel: most events a second; 0: as fast as it goes"},
    {"yes", .letter = 'y', .type = MV_FLAG_SWITCH, TO(yes),
     .doc = "replay, cancel: do not ask before many are changed"},
    {"json", .type = MV_FLAG_SWITCH, TO(json),
     .doc = "one JSON object a line, as also when standard output is no terminal"},
    MV_DOOR_FLAGS(struct mv_events_options),
    {0}};

static const struct verb {
  const char *name;
  bool writes, needs_ids, takes_ids;
  int (*run)(struct mv_events *events, char **ids);
} verbs[] = {{"list", false, false, false, mv_events_list},
             {"show", false, true, true, mv_events_show},
             {"replay", true, false, true, mv_events_replay},
             {"cancel", true, false, true, mv_events_cancel}};
#define VERBS (sizeof verbs / sizeof *verbs)

/* ---- the filter ----------------------------------------------------------------------------- */

/* People mean their own zone, and "2h ago" is to stay the same while a long work goes on. */
static int put_time(json_t *filter, const char *name, const char *text, struct mv_error *err) {
  int64_t ms;
  if (!text)
    return 0;
  struct mv_zone *zone = mv_zone_load(NULL, err);
  int failed = zone ? mv_filter_time(text, zone, mv_clock_wall(NULL), &ms, err) : -1;
  mv_zone_free(zone);
  if (failed)
    return mv_error_prefix(err, "--%s", name);
  return json_object_set_new(filter, name, json_integer(ms / 1000));
}

static int put_texts(const struct mv_events_options *options, json_t *filter, struct mv_error *err) {
  const struct {
    const char *name, *text;
  } texts[] = {{"state", options->state}, {"handler", options->handler}, {"key", options->key},
               {"name", options->name},   {"after", options->after}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (texts[i].text && json_object_set_new(filter, texts[i].name, json_string(texts[i].text)))
      return mv_error_set(err, MV_ERROR_USAGE, "--%s: the text is not UTF-8", texts[i].name);
  }
  return 0;
}

/* Wrong words are found before anything is asked. */
static int check_filter(const json_t *filter, struct mv_error *err) {
  struct mv_filter ignored;
  int failed = mv_filter_read(&ignored, json_deep_copy(filter), mv_filter_bulk, 0, err);
  mv_filter_free(&ignored);
  return failed;
}

static int read_filter(struct mv_events *events, struct mv_error *err) {
  const struct mv_events_options *options = events->options;
  events->filter = json_object();
  if (put_texts(options, events->filter, err) ||
      put_time(events->filter, "since", options->since, err) ||
      put_time(events->filter, "until", options->until, err))
    return -1;
  return check_filter(events->filter, err);
}

/* ---- the command ---------------------------------------------------------------------------- */

static const struct verb *find_verb(const struct mv_command *command, const char *name) {
  const char *names[VERBS];
  for (size_t i = 0; i < VERBS; i++) {
    names[i] = verbs[i].name;
    if (strcmp(name, verbs[i].name) == 0)
      return &verbs[i];
  }
  const char *nearest = mv_nearest(name, names, VERBS);
  mv_cli_fail(command, EX_USAGE, "\"%.40s\" is none of list, show, replay and cancel%s%s%s", name,
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
  return NULL;
}

static int check_ids(const struct mv_command *command, char **ids) {
  for (; *ids; ids++) {
    size_t length = strlen(*ids);
    if (strspn(*ids, "0123456789") != length || length > 18)
      return mv_cli_fail(command, EX_USAGE, "\"%.40s\" is not an event's id, which is a whole number", *ids);
  }
  return 0;
}

/* Options that have no meaning for a command would be taken for a filter that was obeyed. */
static const char *unfit(const struct verb *verb, const struct mv_events_options *o) {
  bool bulk = verb->writes, choosing = !verb->needs_ids;
  const struct {
    const char *name;
    bool given, fits;
  } given[] = {{"rate", o->rate > 0, bulk},        {"dry-run", o->dry_run, bulk},
               {"yes", o->yes, bulk},              {"after", o->after != NULL, bulk},
               {"state", o->state != NULL, choosing}, {"handler", o->handler != NULL, choosing},
               {"key", o->key != NULL, choosing},  {"name", o->name != NULL, choosing},
               {"since", o->since != NULL, choosing}, {"until", o->until != NULL, choosing},
               {"limit", o->limit != -1, choosing}};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    if (given[i].given && !given[i].fits)
      return given[i].name;
  return NULL;
}

static int check(const struct mv_command *command, const struct verb *verb,
                 const struct mv_events_options *options, char **ids) {
  const char *wrong = unfit(verb, options);
  if (wrong)
    return mv_cli_fail(command, EX_USAGE, "--%s does not go with %s", wrong, verb->name);
  if (verb->needs_ids && !*ids)
    return mv_cli_fail(command, EX_USAGE, "the event's id is missing; usage: mavilua events %s ID…", verb->name);
  if (!verb->takes_ids && *ids)
    return mv_cli_fail(command, EX_USAGE, "%s takes options only; mavilua events show %.40s shows one event",
                       verb->name, *ids);
  return check_ids(command, ids);
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  struct mv_events events = {.command = command, .options = given};
  struct mv_error err = {0};
  const struct verb *verb = find_verb(command, operands[0]);
  int status = verb ? check(command, verb, given, operands + 1) : EX_USAGE;
  if (status)
    return status;
  events.json = events.options->json || !mv_cli_on_terminal(stdout);
  if (read_filter(&events, &err))
    status = mv_cli_fail(command, EX_USAGE, "%s", err.text);
  else if (!(events.door = mv_door_open(command, &events.options->door,
                                        verb->writes && !events.options->dry_run, &err)))
    status = mv_cli_fail_with(command, &err);
  else
    status = verb->run(&events, operands + 1);
  mv_door_close(events.door);
  json_decref(events.filter);
  return status;
}

const struct mv_command mv_command_events = {
    .name = "events",
    .operands = "list|show|replay|cancel [ID…]",
    .least = 1,
    .most = -1,
    .doc = "see what became of events; run them again or cancel them",
    .more = "Over the admin listener of the host that runs on the database, or over its file when none\n"
            "does. `replay` and `cancel` take ids, or options that choose: `replay` the dead unless\n"
            "--state says otherwise, `cancel` all that have not ended; oldest first. Before many are\n"
            "changed it asks. INT ends it (exit status 130) and tells how to go on.\n\n"
            "  mavilua events list --state dead --since 2h\n"
            "  mavilua events show 17\n"
            "  mavilua events replay 17 18\n"
            "  mavilua events replay --handler order@shop.lua:12 --since 2026-03-29 --rate 20\n"
            "  mavilua events cancel --key 25554 --dry-run\n",
    .flags = flags,
    .size = sizeof(struct mv_events_options),
    .run = run,
};
