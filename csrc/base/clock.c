#include "base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall(void *self) {
  (void)self;
  return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic(void *self) {
  (void)self;
  return read_clock(CLOCK_MONOTONIC);
}

const struct mv_clock mv_clock_system = {system_wall, system_monotonic, NULL};

int64_t mv_clock_wall(const struct mv_clock *clock) {
  return clock ? clock->wall(clock->self) : system_wall(NULL);
}

int64_t mv_clock_monotonic(const struct mv_clock *clock) {
  return clock ? clock->monotonic(clock->self) : system_monotonic(NULL);
}

char *mv_clock_format(int64_t wall_ms, char *out) {
  int64_t seconds = wall_ms / 1000;
  int64_t rest = wall_ms % 1000;
  if (rest < 0) {
    rest += 1000;
    seconds--;
  }
  time_t moment = (time_t)seconds;
  struct tm utc;
  if (!gmtime_r(&moment, &utc)) {
    snprintf(out, 32, "%lldms", (long long)wall_ms);
    return out;
  }
  char date[24];
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(out, 32, "%s.%03dZ", date, (int)rest);
  return out;
}
