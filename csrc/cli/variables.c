/* Variables of the environment that look like ours and are not: a setting that was misspelled. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/action.h"
#include "cli/cli.h"

#define PREFIX "MAVILUA_"
#define MOST 256

/* Not of a row: of mavilua.testing, the demonstration, the suite. */
static const char *const others[] = {"MAVILUA_BIN", "MAVILUA_COLOR", "MAVILUA_MODE", NULL};

struct names {
  char texts[MOST][64]; /* without the prefix */
  const char *list[MOST];
  size_t count;
};

static void add(struct names *names, const char *variable, const char *ending) {
  if (names->count == MOST || strncmp(variable, PREFIX, sizeof PREFIX - 1) != 0)
    return;
  char *text = names->texts[names->count];
  snprintf(text, sizeof names->texts[0], "%s%s", variable + sizeof PREFIX - 1, ending);
  names->list[names->count++] = text;
}

static void add_all(struct names *names, const struct mv_command *const *commands, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (const struct mv_flag *flag = commands[i]->flags; flag && flag->name; flag++) {
      add(names, flag->env ? flag->env : "", "");
      if (flag->traits & MV_FLAG_SECRET)
        add(names, flag->env, "_FILE");
    }
  for (const char *const *other = others; *other; other++)
    add(names, *other, "");
}

static bool is_known(const struct names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(names->list[i], name) == 0)
      return true;
  return false;
}

void mv_cli_warn_of_variables(const struct mv_command *command,
                              const struct mv_command *const *commands, size_t count) {
  struct names *names = calloc(1, sizeof *names);
  if (!names)
    return;
  add_all(names, commands, count);
  for (char **entry = environ; entry && *entry; entry++) {
    char name[64];
    size_t length = strcspn(*entry, "=");
    if (strncmp(*entry, PREFIX, sizeof PREFIX - 1) != 0 || length - sizeof PREFIX + 1 >= sizeof name)
      continue;
    snprintf(name, sizeof name, "%.*s", (int)(length - sizeof PREFIX + 1), *entry + sizeof PREFIX - 1);
    const char *nearest = is_known(names, name) ? NULL : mv_nearest(name, names->list, names->count);
    if (nearest)
      fprintf(stderr, "mavilua %s: warning: the variable " PREFIX "%s is not known; did you mean " PREFIX "%s?\n",
              command->name, name, nearest);
  }
  free(names);
}
