#include "embed/chosen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"

#define NAME_SIZE 64

/* Takes `text` (malloc'd) into a growing list. False when memory is out; `text` is freed then. */
static bool keep(char ***list, size_t *count, char *text) {
  char **more = text ? realloc(*list, (*count + 2) * sizeof *more) : NULL;
  if (!more) {
    free(text);
    return false;
  }
  *list = more;
  more[(*count)++] = text;
  more[*count] = NULL;
  return true;
}

/* ---- which setting ------------------------------------------------------------------------------ */

static bool is_among(const char *const *only, const char *name) {
  for (; only && *only; only++)
    if (strcmp(*only, name) == 0)
      return true;
  return false;
}

/* Whether a program may set the row; its name as a file has it into `name`. */
static bool is_open(const struct mv_flag *row, const char *const *only, char *name) {
  mv_flag_setting(row, name, NAME_SIZE);
  if (row->traits & MV_FLAG_NO_SETTING || row->type == MV_FLAG_OPERANDS)
    return false;
  return !only || is_among(only, name);
}

static const struct mv_flag *find(const char *const *only, const char *name) {
  char own[NAME_SIZE];
  for (const struct mv_flag *row = mv_config_rows; row->name; row++)
    if (is_open(row, only, own) && strcmp(own, name) == 0)
      return row;
  return NULL;
}

static int unknown(const char *const *only, const char *name, struct mv_error *err) {
  char texts[MV_CHOSEN_MOST][NAME_SIZE];
  const char *names[MV_CHOSEN_MOST];
  size_t count = 0;
  if (strcmp(name, "scripts") == 0 && !only)
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "scripts are added with mavilua_host_add_script");
  for (const struct mv_flag *row = mv_config_rows; row->name; row++) {
    if (is_open(row, only, texts[count])) {
      names[count] = texts[count];
      count++;
    }
  }
  const char *nearest = mv_nearest(name, names, count);
  if (nearest)
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "unknown setting \"%.60s\"; did you mean \"%s\"?", name, nearest);
  return mv_error_set(err, MV_ERROR_NOT_FOUND, "unknown setting \"%.60s\"; mavilua.h tells where they are listed",
                      name);
}

/* ---- its value ---------------------------------------------------------------------------------- */

static void clear(struct mv_chosen *chosen, const struct mv_flag *row) {
  static const size_t sizes[] = {[MV_FLAG_SWITCH] = sizeof(bool),       [MV_FLAG_TEXT] = sizeof(char *),
                                 [MV_FLAG_FILE] = sizeof(char *),       [MV_FLAG_ADDRESS] = sizeof(char *),
                                 [MV_FLAG_URL] = sizeof(char *),        [MV_FLAG_CHOICE] = sizeof(char *),
                                 [MV_FLAG_NUMBER] = sizeof(long),       [MV_FLAG_SIZE] = sizeof(long),
                                 [MV_FLAG_SECONDS] = sizeof(double),    [MV_FLAG_OPERANDS] = sizeof(char **)};
  memset((char *)&chosen->config + row->offset, 0, row->size ? row->size : sizes[row->type]);
  chosen->given[row - mv_config_rows] = false;
}

int mv_chosen_set(struct mv_chosen *chosen, const char *const *only, const char *name,
                  const char *value, struct mv_error *err) {
  const struct mv_flag *row = name ? find(only, name) : NULL;
  if (!row)
    return unknown(only, name ? name : "", err);
  assert(row - mv_config_rows < MV_CHOSEN_MOST);
  if (!value) {
    clear(chosen, row);
    return 0;
  }
  if (!keep(&chosen->texts, &chosen->text_count, mv_strdup(value)))
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  if (mv_flag_read(row, name, chosen->texts[chosen->text_count - 1], &chosen->config, err))
    return -1;
  chosen->given[row - mv_config_rows] = true;
  return 0;
}

int mv_chosen_add_script(struct mv_chosen *chosen, const char *path, struct mv_error *err) {
  if (!path || !*path)
    return mv_error_set(err, MV_ERROR_USAGE, "the name of a script is expected");
  if (!keep(&chosen->scripts, &chosen->script_count, mv_strdup(path)))
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  chosen->config.host.scripts = (const char *const *)chosen->scripts;
  return 0;
}

int mv_chosen_complete(struct mv_chosen *chosen, const char *except, struct mv_error *err) {
  for (const struct mv_flag *row = mv_config_rows; row->name; row++) {
    bool wanted = row->preset && !chosen->given[row - mv_config_rows];
    if (wanted && strcmp(row->name, except) != 0 &&
        mv_flag_read(row, row->name, row->preset, &chosen->config, err))
      return -1;
  }
  return 0;
}

static void free_list(char **list, size_t count) {
  for (size_t i = 0; i < count; i++)
    free(list[i]);
  free(list);
}

void mv_chosen_free(struct mv_chosen *chosen) {
  free_list(chosen->texts, chosen->text_count);
  free_list(chosen->scripts, chosen->script_count);
  *chosen = (struct mv_chosen){.texts = NULL};
}
