/* Scripts, run to their end: a file with arguments, and source in memory under limits. Errors come
 * back as text, os.exit ends the script only.
 *
 *   MAVILUA_API_KEY=sandbox MAVILUA_BASE_URL=http://127.0.0.1:8082 ./script ../report.lua --list 5 */
#include <mavilua.h>
#include <stdio.h>
#include <string.h>

/* What the script prints is ours. */
static void print(void *user, const char *line, size_t length) {
  printf("%s%.*s\n", (const char *)user, (int)length, line);
}

static void run_buffer(mavilua_script *script, const char *name, const char *source) {
  char *err = NULL;
  int exit_status = 0;
  if (mavilua_script_run_buffer(script, name, source, strlen(source), NULL, &exit_status, &err))
    printf("%s failed: %.*s\n", name, (int)strcspn(err, "\n"), err);
  else
    printf("%s ended with %d\n", name, exit_status);
  mavilua_free(err);
}

int main(int argc, char **argv) {
  char *err = NULL;
  int exit_status = 0, failed = 0;
  mavilua_script *script = mavilua_script_new();
  if (!script || argc < 2) {
    fprintf(stderr, "usage: script FILE [ARGUMENT…]\n");
    mavilua_script_free(script);
    return 64;
  }
  mavilua_script_set_print(script, print, "| ");
  if (mavilua_script_run_file(script, argv[1], (const char *const *)argv + 2, &exit_status, &err)) {
    printf("%s\n", err);
    failed = 1;
  }
  mavilua_free(err);

  run_buffer(script, "exit.lua", "print('one', 2) os.exit(3)");
  run_buffer(script, "broken.lua", "local x = nil\nprint(x.y)");
  failed |= mavilua_script_set(script, "memory_limit", "4MiB", NULL);
  run_buffer(script, "greedy.lua", "local t = {} while true do t[#t + 1] = ('x'):rep(65536) .. #t end");
  failed |= mavilua_script_set(script, "cpu_limit", "0.2", NULL);
  run_buffer(script, "endless.lua", "while true do end");
  mavilua_script_free(script);
  return failed ? 1 : exit_status;
}
