/* Which zones there are, for the message about one that there is not. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "api/action.h"
#include "base/bytes.h"
#include "time/zone_parts.h"

#define MOST_NAMES 4096 /* there are about 600 */

struct names {
  char **list;
  size_t count;
};

const char *mv_zone_directory(void) {
  const char *directory = getenv("TZDIR");
  return directory && *directory ? directory : "/usr/share/zoneinfo";
}

static void add(struct names *names, const char *name) {
  if (names->count < MOST_NAMES && (names->list[names->count] = mv_strdup(name)))
    names->count++;
}

/* Zones begin with a capital; the rest in the folder are tables and the posix/ and right/ copies. */
static bool wanted(const char *name) {
  return *name >= 'A' && *name <= 'Z' && !strchr(name, '.');
}

static void scan(struct names *names, const char *prefix, int depth) {
  char path[512], name[256];
  snprintf(path, sizeof path, "%s/%s", mv_zone_directory(), prefix);
  DIR *folder = opendir(path);
  if (!folder)
    return;
  struct dirent *entry;
  while ((entry = readdir(folder))) {
    struct stat info;
    if (!wanted(entry->d_name))
      continue;
    snprintf(name, sizeof name, "%.120s%s%.120s", prefix, *prefix ? "/" : "", entry->d_name);
    snprintf(path, sizeof path, "%.250s/%s", mv_zone_directory(), name);
    if (stat(path, &info))
      continue;
    if (S_ISREG(info.st_mode))
      add(names, name);
    else if (S_ISDIR(info.st_mode) && depth < 3)
      scan(names, name, depth + 1);
  }
  closedir(folder);
}

/* "oslo" and "europe/OSLO" both mean "Europe/Oslo". */
static const char *same_ending(const struct names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++) {
    const char *slash = strrchr(names->list[i], '/');
    if (strcasecmp(names->list[i], name) == 0 || (slash && strcasecmp(slash + 1, name) == 0))
      return names->list[i];
  }
  return NULL;
}

char *mv_zone_nearest(const char *name, bool *any) {
  struct names names = {calloc(MOST_NAMES, sizeof(char *)), 0};
  if (!names.list)
    return NULL;
  scan(&names, "", 0);
  *any = names.count > 0;
  const char *found = same_ending(&names, name);
  if (!found)
    found = mv_nearest(name, (const char *const *)names.list, names.count);
  char *copy = mv_strdup(found);
  for (size_t i = 0; i < names.count; i++)
    free(names.list[i]);
  free(names.list);
  return copy;
}
