/* TZif files (RFC 9636, versions 1 to 4). Every number of the file is checked before it is used. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "time/zone_parts.h"

#define LARGEST_FILE 262144 /* the real ones are below 5 KiB */
#define HEADER 44

/* One data block: the counts of its header and where its parts are. */
struct block {
  size_t isut, isstd, leap, times, types, chars;
  size_t time_size; /* 4 or 8 */
  const unsigned char *data;
  size_t size;
};

static uint32_t big32(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const unsigned char *p) {
  return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

static int64_t time_at(const struct block *block, size_t index) {
  const unsigned char *p = block->data + index * block->time_size;
  return block->time_size == 8 ? big64(p) : (int64_t)(int32_t)big32(p);
}

/* The block whose header stands at `data`; 0, or -1 when there is none or it is cut off. */
static int read_block(const unsigned char *data, size_t size, size_t time_size,
                      struct block *block) {
  if (size < HEADER || memcmp(data, "TZif", 4) != 0)
    return -1;
  size_t *counts[] = {&block->isut,  &block->isstd, &block->leap,
                      &block->times, &block->types, &block->chars};
  for (size_t i = 0; i < 6; i++) {
    *counts[i] = big32(data + 20 + 4 * i);
    if (*counts[i] > LARGEST_FILE)
      return -1;
  }
  block->time_size = time_size;
  block->data = data + HEADER;
  block->size = block->times * (time_size + 1) + block->types * 6 + block->chars +
                block->leap * (time_size + 4) + block->isstd + block->isut;
  return block->size <= size - HEADER ? 0 : -1;
}

static int bad(struct mv_error *err, const char *what) {
  return mv_error_set(err, MV_ERROR_DECODE, "the zone file is damaged: %s", what);
}

static int check_counts(const struct block *block, struct mv_error *err) {
  if (block->types == 0 || block->types > 256)
    return bad(err, "it has no types of local time, or more than 256");
  if (block->chars == 0)
    return bad(err, "it has no abbreviations");
  if (block->leap > 0)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "this zone file counts leap seconds (\"right/…\"), the system clock does not; "
                        "take the zone without \"right/\"");
  return 0;
}

static int allocate(struct mv_zone *zone, const struct block *block, struct mv_error *err) {
  zone->moments = calloc(block->times + 1, sizeof *zone->moments);
  zone->indexes = calloc(block->times + 1, 1);
  zone->types = calloc(block->types, sizeof *zone->types);
  zone->names = calloc(block->chars + 1, 1);
  if (!zone->moments || !zone->indexes || !zone->types || !zone->names)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  zone->count = block->times;
  zone->type_count = block->types;
  return 0;
}

static int read_types(struct mv_zone *zone, const unsigned char *p, size_t chars,
                      struct mv_error *err) {
  for (size_t i = 0; i < zone->type_count; i++, p += 6) {
    int32_t offset = (int32_t)big32(p);
    if (offset <= -MV_ZONE_FARTHEST || offset >= MV_ZONE_FARTHEST)
      return bad(err, "an offset is not within 26 hours of UTC");
    if (p[5] >= chars)
      return bad(err, "an abbreviation is not there");
    zone->types[i].offset = offset;
    zone->types[i].name = zone->names + p[5];
  }
  return 0;
}

static int read_changes(struct mv_zone *zone, const struct block *block, struct mv_error *err) {
  const unsigned char *indexes = block->data + block->times * block->time_size;
  for (size_t i = 0; i < block->times; i++) {
    zone->moments[i] = time_at(block, i);
    zone->indexes[i] = indexes[i];
    if (i > 0 && zone->moments[i] <= zone->moments[i - 1])
      return bad(err, "its changes are not in order");
    if (indexes[i] >= block->types)
      return bad(err, "a change leads to a type that is not there");
  }
  return 0;
}

static int read_data(struct mv_zone *zone, const struct block *block, struct mv_error *err) {
  if (check_counts(block, err) || allocate(zone, block, err))
    return -1;
  const unsigned char *types = block->data + block->times * (block->time_size + 1);
  memcpy(zone->names, types + block->types * 6, block->chars);
  return read_types(zone, types, block->chars, err) || read_changes(zone, block, err) ? -1 : 0;
}

/* "\n<POSIX TZ string>\n" behind the second block; empty: no rule. */
static int read_footer(struct mv_zone *zone, const unsigned char *data, size_t size,
                       struct mv_error *err) {
  const unsigned char *end = size > 1 && data[0] == '\n' ? memchr(data + 1, '\n', size - 1) : NULL;
  if (!end)
    return bad(err, "its footer is cut off");
  size_t length = (size_t)(end - data) - 1;
  if (length > 0 && mv_zone_rule_parse((const char *)data + 1, length, &zone->rule))
    return bad(err, "the rule in its footer is not understood");
  return 0;
}

int mv_zone_read_data(const unsigned char *data, size_t size, struct mv_zone *zone,
                      struct mv_error *err) {
  struct block block;
  if (read_block(data, size, 4, &block))
    return bad(err, "no TZif header, or it is cut off");
  if (data[4] < '2')
    return read_data(zone, &block, err);
  const unsigned char *second = block.data + block.size;
  size_t left = size - (size_t)(second - data);
  if (read_block(second, left, 8, &block))
    return bad(err, "its second half is cut off");
  if (read_data(zone, &block, err))
    return -1;
  return read_footer(zone, block.data + block.size, left - HEADER - block.size, err);
}

static int read_all(int fd, struct mv_bytes *bytes, struct mv_error *err) {
  struct stat info;
  if (fstat(fd, &info) || !S_ISREG(info.st_mode))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "it is not a file");
  char chunk[4096];
  ssize_t got;
  while ((got = read(fd, chunk, sizeof chunk)) > 0) {
    if (mv_bytes_append(bytes, chunk, (size_t)got))
      return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    if (bytes->length > LARGEST_FILE)
      return bad(err, "it is longer than 256 KiB");
  }
  return got < 0 ? mv_error_set(err, MV_ERROR_SYSTEM, "%s", strerror(errno)) : 0;
}

int mv_zone_read(const char *path, struct mv_zone *zone, struct mv_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return mv_error_set(err, errno == ENOENT || errno == ENOTDIR ? MV_ERROR_NOT_FOUND : MV_ERROR_SYSTEM,
                        "%s", strerror(errno));
  struct mv_bytes bytes = {0};
  int failed = read_all(fd, &bytes, err);
  close(fd);
  if (!failed)
    failed = mv_zone_read_data((const unsigned char *)(bytes.data ? bytes.data : ""), bytes.length,
                               zone, err);
  mv_bytes_free(&bytes);
  return failed;
}
