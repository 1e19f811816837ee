#include "host/definitions.h"

#include "host/planner.h"
#include "host/routes.h"
#include "host/schedules.h"

static size_t count_all(const json_t *definitions) {
  static const char *const sections[] = {"handlers", "hooks", "schedules", "jobs", "reports"};
  size_t count = 0;
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    count += json_array_size(json_object_get(definitions, sections[i]));
  return count;
}

static void check_hooks(json_t *definitions, void (*fault)(void *owner, const char *text),
                        void *owner) {
  json_t *hook;
  size_t i;
  json_array_foreach(json_object_get(definitions, "hooks"), i, hook) {
    struct mv_error err = {0};
    json_t *alone = json_pack("{s:[O]}", "hooks", hook);
    if (mv_routes_check(alone, &err))
      fault(owner, err.text);
    json_decref(alone);
  }
}

void mv_definitions_faults(json_t *definitions, void (*fault)(void *owner, const char *text),
                           void *owner) {
  check_hooks(definitions, fault, owner);
  mv_schedules_check(definitions, fault, owner);
}

static int nothing(struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_CONFIG,
                      "nothing is registered: the scripts call none of host.on, hook, cron, every "
                      "and job");
}

int mv_definitions_check(json_t *definitions, struct mv_error *err) {
  if (count_all(definitions) == 0)
    return nothing(err);
  return mv_routes_check(definitions, err) || mv_planner_check(definitions, err) ? -1 : 0;
}
