/* `mavilua new`: a small project that runs at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/new_files.h"

/* 0 when `path` is an empty folder, made if it was not there. */
static int prepare_folder(const struct mv_command *command, const char *path) {
  if (mkdir(path, 0777) && errno != EEXIST)
    return mv_cli_fail(command, EX_CANTCREAT, "%s: %s", path, strerror(errno));
  DIR *folder = opendir(path);
  if (!folder)
    return mv_cli_fail(command, EX_CANTCREAT, "%s: %s", path, strerror(errno));
  const struct dirent *entry;
  bool empty = true;
  while ((entry = readdir(folder)))
    empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
  closedir(folder);
  return empty ? 0
               : mv_cli_fail(command, EX_CANTCREAT,
                             "%s is not empty; name a folder that is not there yet", path);
}

static int write_all(int fd, const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t done = write(fd, text, left);
    if (done < 0 && errno != EINTR)
      return -1;
    if (done > 0) {
      text += done;
      left -= (size_t)done;
    }
  }
  return 0;
}

static int write_file(const struct mv_command *command, const char *folder,
                      const struct mv_new_file *file) {
  struct mv_bytes path = {0};
  mv_bytes_printf(&path, "%s/%s", folder, file->name);
  int fd = path.failed ? -1 : open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  int failed = fd < 0 || write_all(fd, file->text);
  if (fd >= 0 && close(fd))
    failed = 1;
  int status = failed ? mv_cli_fail(command, EX_CANTCREAT, "%s/%s: %s", folder, file->name, strerror(errno))
                      : EX_OK;
  mv_bytes_free(&path);
  return status;
}

/* ---- the editor's stubs ----------------------------------------------------------------------- */

#define OWN "/bin/mavilua"
#define STUBS "/share/mavilua/library"

/* The folder of the stubs that were installed with this program; false when there is none. */
static bool find_stubs(char *path, size_t size) {
  ssize_t length = readlink("/proc/self/exe", path, size - sizeof STUBS);
  size_t own = sizeof OWN - 1;
  if (length < (ssize_t)own || memcmp(path + length - own, OWN, own) != 0)
    return false;
  memcpy(path + length - own, STUBS, sizeof STUBS);
  return access(path, R_OK | X_OK) == 0;
}

/* Tells lua-language-server where they are. */
static int write_editor(const struct mv_command *command, const char *folder) {
  char path[PATH_MAX];
  if (!find_stubs(path, sizeof path))
    return EX_OK;
  json_t *settings =
      json_pack("{s:s, s:[s]}", "runtime.version", "Lua 5.4", "workspace.library", path);
  char *text = settings ? mv_json_pretty(settings) : NULL; /* NULL, too, when the path is no UTF-8 */
  struct mv_new_file file = {".luarc.json", text};
  int status = text ? write_file(command, folder, &file) : EX_OK;
  free(text);
  json_decref(settings);
  return status;
}

/* ---- the command ------------------------------------------------------------------------------ */

static int run(const struct mv_command *command, const void *given, char **operands) {
  const char *folder = operands[0];
  (void)given;
  int status = prepare_folder(command, folder);
  for (const struct mv_new_file *file = mv_new_files; !status && file->name; file++)
    status = write_file(command, folder, file);
  if (!status)
    status = write_editor(command, folder);
  if (!status)
    printf("%s is ready:\n\n  cd %s\n  mavilua serve --sandbox --watch bot.lua\n"
           "  mavilua chat                 # in another terminal\n",
           folder, folder);
  return status;
}

const struct mv_command mv_command_new = {
    .name = "new",
    .operands = "DIRECTORY",
    .least = 1,
    .most = 1,
    .doc = "make a small project that runs at once",
    .run = run,
};
