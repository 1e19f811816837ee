#include "host/definitions.h"

#include "host/planner.h"
#include "host/routes.h"

static size_t count_all(const json_t *definitions) {
  static const char *const sections[] = {"handlers", "hooks", "schedules", "jobs", "reports"};
  size_t count = 0;
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    count += json_array_size(json_object_get(definitions, sections[i]));
  return count;
}

int mv_definitions_check(json_t *definitions, struct mv_error *err) {
  if (count_all(definitions) == 0)
    return mv_error_set(err, MV_ERROR_CONFIG,
                        "nothing is registered: the scripts call none of host.on, hook, cron, every "
                        "and job");
  return mv_routes_check(definitions, err) || mv_planner_check(definitions, err) ? -1 : 0;
}
