/* The reader of zone files against `zdump -v`: every zone of the machine, every change from 1970
 * to 2037. zdump is part of the C library (package libc-bin) and shares no code with the reader.
 * A file with several names is compared under one; with MAVILUA_LONG=1 under each. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "test/check.h"
#include "time/calendar.h"
#include "time/zone.h"
#include "time/zone_parts.h"

#define BATCH 100 /* zones of one zdump: keeps its command line short */

static int64_t first, last; /* the moments compared: [first, last) */

struct names {
  char **list;
  struct stat *files; /* of each */
  size_t count;
  bool aliases; /* also further names of one file */
};

/* ---- which zones there are ------------------------------------------------------------------- */

static bool is_zone_file(const char *path) {
  char magic[4] = "";
  FILE *file = fopen(path, "rb");
  bool zone = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "TZif", 4) == 0;
  if (file)
    fclose(file);
  return zone;
}

/* "right/" counts leap seconds: those are refused, see test_leap_seconds. */
static bool skipped(const char *name) {
  return *name == '.' || strcmp(name, "right") == 0;
}

static bool is_alias(const struct names *names, const struct stat *info) {
  for (size_t i = 0; i < names->count; i++)
    if (names->files[i].st_ino == info->st_ino && names->files[i].st_dev == info->st_dev)
      return true;
  return false;
}

static void add(struct names *names, const char *name, const struct stat *info) {
  if (!names->aliases && is_alias(names, info))
    return;
  names->list = realloc(names->list, (names->count + 1) * sizeof *names->list);
  names->files = realloc(names->files, (names->count + 1) * sizeof *names->files);
  names->files[names->count] = *info;
  names->list[names->count++] = mv_strdup(name);
}

static void collect(struct names *names, const char *folder);

static void look_at(struct names *names, const char *name) {
  struct mv_bytes path = {0};
  struct stat info;
  mv_bytes_printf(&path, "%s/%s", mv_zone_directory(), name);
  if (stat(path.data, &info) == 0) {
    if (S_ISDIR(info.st_mode))
      collect(names, name);
    else if (is_zone_file(path.data))
      add(names, name, &info);
  }
  mv_bytes_free(&path);
}

/* All below a folder of the zone files; "" is their own. */
static void collect(struct names *names, const char *folder) {
  struct mv_bytes path = {0};
  mv_bytes_printf(&path, "%s/%s", mv_zone_directory(), folder);
  DIR *dir = opendir(path.data);
  struct dirent *entry;
  while (dir && (entry = readdir(dir))) {
    struct mv_bytes name = {0};
    mv_bytes_printf(&name, "%s%s%s", folder, *folder ? "/" : "", entry->d_name);
    if (!skipped(entry->d_name))
      look_at(names, name.data);
    mv_bytes_free(&name);
  }
  if (dir)
    closedir(dir);
  mv_bytes_free(&path);
}

/* ---- a line of zdump ------------------------------------------------------------------------- */

/* "Europe/Oslo  Sun Mar 29 01:00:00 2026 UT = Sun Mar 29 03:00:00 2026 CEST isdst=1 gmtoff=7200" */
struct line {
  char name[128], abbreviation[16];
  int64_t moment;
  int offset;
};

static int month_of(const char *text) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const char *found = strstr(names, text);
  return found ? (int)(found - names) / 3 + 1 : 0;
}

/* False for the lines about the ends of time ("= NULL", years beyond reason). */
static bool parse(const char *text, struct line *line) {
  char month[4];
  int day, hour, minute, second, year, dst;
  if (sscanf(text, "%127s %*3s %3s %d %d:%d:%d %d UT = %*3s %*3s %*d %*s %*d %15s isdst=%d gmtoff=%d",
             line->name, month, &day, &hour, &minute, &second, &year, line->abbreviation, &dst,
             &line->offset) != 10)
    return false;
  line->moment = mv_calendar_days(year, month_of(month), day) * MV_DAY + hour * 3600 + minute * 60 + second;
  return line->moment >= first && line->moment < last;
}

/* ---- comparing ------------------------------------------------------------------------------- */

struct comparison {
  struct mv_zone *zone;
  int32_t offset;   /* before the line that is read */
  int64_t expected; /* our next change of offset */
  int changes, wrong;
  bool begun;
};

static void differ(struct comparison *c, const char *what, int64_t moment) {
  if (c->wrong++ < 3)
    fprintf(stderr, "%s: %s differs at %lld\n", mv_zone_name(c->zone), what, (long long)moment);
}

/* zdump prints the second before each change, then the change. */
static void compare_line(struct comparison *c, const struct line *line) {
  const char *name = "";
  if (mv_zone_offset(c->zone, line->moment, &name) != line->offset)
    differ(c, "the offset", line->moment);
  if (strcmp(name, line->abbreviation) != 0)
    differ(c, "the abbreviation", line->moment);
  if (c->begun && line->offset != c->offset) {
    if (c->expected != line->moment)
      differ(c, "the next change", line->moment);
    c->expected = mv_zone_next_change(c->zone, line->moment);
    c->changes++;
  }
  c->begun = true;
  c->offset = line->offset;
}

static void begin(struct comparison *c, const char *name) {
  struct mv_error err = {0};
  memset(c, 0, sizeof *c);
  c->zone = mv_zone_load(name, &err);
  if (!c->zone)
    fprintf(stderr, "%s\n", err.text);
  CHECK(c->zone != NULL);
  if (c->zone)
    c->expected = mv_zone_next_change(c->zone, first - 1);
}

/* No change of ours may be left that zdump does not know. Returns the number of changes. */
static int end(struct comparison *c) {
  if (!c->zone)
    return 0;
  if (c->expected < last)
    differ(c, "a change that zdump does not have", c->expected);
  CHECK(c->wrong == 0);
  mv_zone_free(c->zone);
  c->zone = NULL;
  return c->changes;
}

/* Reads what zdump says of `count` zones, in their order. Returns the number of changes. */
static int compare_output(FILE *zdump, char *const *names, size_t count) {
  struct comparison c = {0};
  size_t at = 0;
  int changes = 0;
  char text[512];
  begin(&c, names[0]);
  while (fgets(text, sizeof text, zdump)) {
    struct line line;
    size_t length = strcspn(text, " ");
    while (at + 1 < count && (strlen(names[at]) != length || strncmp(names[at], text, length) != 0)) {
      changes += end(&c);
      begin(&c, names[++at]);
    }
    if (c.zone && parse(text, &line))
      compare_line(&c, &line);
  }
  changes += end(&c);
  CHECK(at == count - 1);
  return changes;
}

static int compare_batch(char *const *names, size_t count) {
  struct mv_bytes command = {0};
  mv_bytes_printf(&command, "zdump -v -c 1970,2038");
  for (size_t i = 0; i < count; i++)
    mv_bytes_printf(&command, " '%s'", names[i]);
  FILE *zdump = command.failed ? NULL : popen(command.data, "r");
  mv_bytes_free(&command);
  CHECK(zdump != NULL);
  int changes = zdump ? compare_output(zdump, names, count) : 0;
  CHECK(zdump && pclose(zdump) == 0);
  return changes;
}

static void test_all(void) {
  struct names names = {.aliases = getenv("MAVILUA_LONG") != NULL};
  int changes = 0;
  collect(&names, "");
  for (size_t i = 0; i < names.count; i += BATCH)
    changes += compare_batch(names.list + i, names.count - i < BATCH ? names.count - i : BATCH);
  printf("zone_zdump: %zu zones, %d changes of offset from 1970 to 2037\n", names.count, changes);
  CHECK(names.count > 300);
  CHECK(changes > 10000); /* fewer: no zdump (package libc-bin) or no zone files (tzdata) */
  for (size_t i = 0; i < names.count; i++)
    free(names.list[i]);
  free(names.list);
  free(names.files);
}

static void test_leap_seconds(void) {
  struct mv_error err = {0};
  if (access("/usr/share/zoneinfo/right/Europe/Oslo", R_OK))
    return;
  struct mv_zone *zone = mv_zone_load("right/Europe/Oslo", &err);
  CHECK(zone == NULL);
  CHECK(strstr(err.text, "without \"right/\""));
  mv_zone_free(zone);
}

int main(void) {
  unsetenv("TZ");
  first = 0;
  last = mv_calendar_days(2038, 1, 1) * MV_DAY;
  test_all();
  test_leap_seconds();
  return check_end("zone_zdump");
}
