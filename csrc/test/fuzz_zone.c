/* Zone files from a disk that nobody vouches for: what is read answers, and within reason. */
#include <assert.h>
#include <stdlib.h>

#include "time/zone.h"
#include "time/zone_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct mv_zone *zone, int64_t utc) {
  const char *name = NULL;
  int64_t moments[2];
  int32_t offset = mv_zone_offset(zone, utc, &name);
  assert(name && abs(offset) <= MV_ZONE_FARTHEST);
  assert(mv_zone_next_change(zone, utc) > utc);
  int count = mv_zone_moments(zone, utc + offset, moments);
  assert(count >= 0 && count <= 2 && (count < 2 || moments[0] <= moments[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t moments[] = {INT64_C(-100000000000), -1, 0, 1700000000, INT64_C(4102444800),
                                    INT64_C(100000000000)};
  struct mv_error err = {0};
  struct mv_zone *zone = calloc(1, sizeof *zone);
  if (mv_zone_read_data(data, size, zone, &err) == 0) {
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
      ask(zone, moments[i]);
    for (size_t i = 0; i < zone->count && i < 50; i++)
      if (llabs(zone->moments[i]) < INT64_C(1) << 40)
        ask(zone, zone->moments[i] - 1);
  } else {
    assert(err.kind != MV_ERROR_NONE);
  }
  mv_zone_free(zone);
  return 0;
}
