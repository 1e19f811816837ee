/* mavilua.h: mavilua inside a C or C++ program. Three ways, from small to large:
 *
 *   (a) the module in the program's own Lua state      mavilua_open
 *   (b) a script, run to its end                       mavilua_script_…
 *   (c) a whole host, as `mavilua serve` runs it       mavilua_host_…
 *
 * Link with `pkg-config --cflags --libs mavilua`. docs/embedding.md tells it as a guide, and
 * examples/embed has a program for each.
 *
 * What holds for all of it:
 * - Functions that can fail return 0, or one of enum mavilua_status, and then put a text into `*err`
 *   that says what was wrong, where, and what to do; free it with mavilua_free. `err` may be NULL.
 *   On success `*err` is NULL.
 * - Strings are UTF-8 and NUL-terminated; what is handed in is copied unless it is said otherwise.
 *   Handles are NULL-safe to free.
 * - The library keeps nothing beside its handles: any number of them live in one process. Two
 *   handles may be used by two threads at once; one handle is used by one thread at a time, except
 *   where a function says "any thread".
 * - It installs no signal handler, changes no mask and no limit of the process, never calls exit(),
 *   and writes nothing to standard output (a script's own print and io.write do, unless they are
 *   taken over). The threads that a host starts have all signals blocked: they come to the program's
 *   own threads. A program that writes to sockets itself decides on SIGPIPE as always.
 * - It does not fork, and a process that forked goes on with exec or without its handles. */
#ifndef MAVILUA_H
#define MAVILUA_H

#include <stddef.h>
#include <stdint.h>

#define MAVILUA_VERSION "0.1.0" /* of this header; mavilua_version() tells the library's */

#if defined(__GNUC__)
#define MAVILUA_API __attribute__((visibility("default")))
#else
#define MAVILUA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct lua_State; /* Lua's own; lua.h is not needed here */

typedef struct mavilua_script mavilua_script;
typedef struct mavilua_host mavilua_host;

/* What went wrong, for a program; the text is for people. Values stay, new ones may be added. */
enum mavilua_status {
  MAVILUA_OK = 0,
  MAVILUA_USAGE = 1,     /* what was given: a setting, a body, a script of a host, a call out of turn */
  MAVILUA_SYSTEM = 2,    /* the machine refuses: memory, files, sockets, a full disk */
  MAVILUA_BUSY = 3,      /* in use, or stopping: later it may do */
  MAVILUA_NOT_FOUND = 4, /* there is no such file, setting or hook */
  MAVILUA_CONFIG = 5,    /* settings that do not go together, or one that is missing */
  MAVILUA_SCRIPT = 6     /* the script raised an error; the text has its traceback */
};

/* The levels of log lines. */
enum mavilua_level {
  MAVILUA_DEBUG = 0,
  MAVILUA_INFO = 1,
  MAVILUA_WARN = 2,
  MAVILUA_ERROR = 3
};

/* The version of the library that is linked, "0.1.0". */
MAVILUA_API const char *mavilua_version(void);

/* Frees a text that the library gave. NULL is fine. */
MAVILUA_API void mavilua_free(void *text);

/* ---- hooks ------------------------------------------------------------------------------------ */

/* Memory, as malloc, realloc and free with `user` in front. `resize` gets a block of `allocate` or
 * `resize` and a size that is not 0; on NULL the old block stays as it was.
 *
 * What goes through them: all memory of the Lua states, which is what scripts hold: their code, their
 * values, and Lua's own bookkeeping. What does not: the bodies, queues and buffers of the host
 * itself, and libcurl, SQLite, jansson and libmicrohttpd, which have one allocator a process.
 * memory_limit counts the same memory. A host calls from several threads at once. */
typedef void *(*mavilua_allocate_fn)(void *user, size_t size);
typedef void *(*mavilua_resize_fn)(void *user, void *block, size_t size);
typedef void (*mavilua_release_fn)(void *user, void *block);

/* A log line: the message and its fields, "name=value", without a line end at its end (a traceback
 * has several lines); with the setting log_json a JSON object with time and level. Secrets are
 * replaced by "[redacted]". One call of a host at a time, from any of its threads; it must return
 * soon, and must not call a function of its host. `line` is valid during the call. */
typedef void (*mavilua_log_fn)(void *user, enum mavilua_level level, const char *line);

/* A clock: milliseconds. The wall clock counts since 1970 (UTC) and may jump, the monotonic one since
 * any start and never goes back. Called often, from several threads at once. */
typedef int64_t (*mavilua_clock_fn)(void *user);

/* A line that a script printed, without its end (it may hold NUL bytes). On the thread that runs the
 * script. */
typedef void (*mavilua_print_fn)(void *user, const char *line, size_t length);

/* ---- (a) the module in a Lua state of the program ----------------------------------------------- */

/* From now on `require "mavilua"` and its parts ("mavilua.testing" …) find what is inside the library:
 * all entries of package.preload, no file is needed. Loads nothing yet, leaves the stack as it was,
 * raises no error. The state is one of the Lua that the library is linked with (5.4; `pkg-config
 * --print-requires-private mavilua`), with its standard libraries open. The module makes no
 * difference between states; each has its own. */
MAVILUA_API int mavilua_open(struct lua_State *L, char **err);

/* The same as a lua_CFunction that returns the module, for luaL_requiref(L, "mavilua",
 * luaopen_mavilua, 0). Raises Lua errors, so call it protected. */
MAVILUA_API int luaopen_mavilua(struct lua_State *L);

/* ---- (b) a script ------------------------------------------------------------------------------- */

/* How scripts are run, for any number of runs; each has a Lua state of its own that ends with it.
 * NULL only when memory is out. */
MAVILUA_API mavilua_script *mavilua_script_new(void);
MAVILUA_API void mavilua_script_free(mavilua_script *script);

/* Sets one of api_key, base_url (defaults of mavilua.client; otherwise MAVILUA_API_KEY and
 * MAVILUA_BASE_URL), memory_limit ("64MiB"; of the Lua state), cpu_limit ("2", seconds without
 * waiting; Lua does not look at it inside a `__gc`). There are no limits unless they are set. `value`
 * NULL: as if it had never been set. */
MAVILUA_API int mavilua_script_set(mavilua_script *script, const char *name, const char *value,
                                   char **err);

/* All three functions, or NULL three times for the C library's. */
MAVILUA_API void mavilua_script_set_allocator(mavilua_script *script, mavilua_allocate_fn allocate,
                                              mavilua_resize_fn resize, mavilua_release_fn release,
                                              void *user);

/* For mavilua.now, mavilua.time and mavilua.sleep. Both functions, or NULL twice for the machine's. */
MAVILUA_API void mavilua_script_set_clock(mavilua_script *script, mavilua_clock_fn wall,
                                          mavilua_clock_fn monotonic, void *user);

/* Where print goes; NULL: standard output, as Lua's own. io.write and io.stdout stay as they are. */
MAVILUA_API void mavilua_script_set_print(mavilua_script *script, mavilua_print_fn print, void *user);

/* Runs a file of Lua source with `arguments` (NULL-terminated, or NULL: none) in `arg` and `...`, on
 * the calling thread, to its end. 0 also when it called os.exit, which ends the script and nothing
 * else; `*exit_status` (may be NULL) is what it gave, or 0. Otherwise MAVILUA_NOT_FOUND (no such
 * file) or MAVILUA_SCRIPT. Modules beside the script are found. */
MAVILUA_API int mavilua_script_run_file(mavilua_script *script, const char *path,
                                        const char *const *arguments, int *exit_status, char **err);

/* The same with source in memory (text only, no compiled code); `name` stands for the file's in
 * messages. */
MAVILUA_API int mavilua_script_run_buffer(mavilua_script *script, const char *name, const char *source,
                                          size_t length, const char *const *arguments,
                                          int *exit_status, char **err);

/* ---- (c) a host --------------------------------------------------------------------------------- */

/* A host that does not run yet. NULL only when memory is out. */
MAVILUA_API mavilua_host *mavilua_host_new(void);

/* Stops it at once if it runs (see mavilua_host_stop), and frees. */
MAVILUA_API void mavilua_host_free(mavilua_host *host);

/* Sets a setting as mavilua.conf.lua has it: docs/configuration.md lists them ("listen", "db",
 * "workers", "api_key", "base_url", "webhook_secret", "stop_timeout", …). The value is text as on the
 * command line: "127.0.0.1:0", "2", "64MiB", "true"; NULL: as if it had never been set. What is not
 * set has the preset of `mavilua serve`, except that there is no admin listener unless "admin" is set,
 * and no webhooks of the platform over HTTP unless "webhook_secret" is. Neither the environment nor a
 * configuration file is read. "sandbox" = "true" starts the platform beside the host.
 * MAVILUA_NOT_FOUND (no such setting, with the nearest), MAVILUA_USAGE (its value; or the host runs). */
MAVILUA_API int mavilua_host_set(mavilua_host *host, const char *name, const char *value, char **err);

/* Adds a script; at least one is needed. */
MAVILUA_API int mavilua_host_add_script(mavilua_host *host, const char *path, char **err);

/* The hooks; before the start. 0, or MAVILUA_USAGE while the host runs. All functions of a hook, or
 * NULL for each: allocator and clock are the machine's then, the log goes to standard error as that
 * of `mavilua serve`. Setting log_level says from which level on.
 *
 * By the clock go: schedules, times at which events are due, retries, sleeps and time limits of runs,
 * what scripts see of the time, and the times of events. Not by it: patience with connections, the
 * time in lines of the log, and how long mavilua_host_stop waits. */
MAVILUA_API int mavilua_host_set_allocator(mavilua_host *host, mavilua_allocate_fn allocate,
                                           mavilua_resize_fn resize, mavilua_release_fn release,
                                           void *user);
MAVILUA_API int mavilua_host_set_logger(mavilua_host *host, mavilua_log_fn log, void *user);
MAVILUA_API int mavilua_host_set_clock(mavilua_host *host, mavilua_clock_fn wall,
                                       mavilua_clock_fn monotonic, void *user);

/* Opens the database, loads the scripts, listens; returns when events are taken. What was left in the
 * database goes on. On failure nothing runs, and it may be set and started again. */
MAVILUA_API int mavilua_host_start(mavilua_host *host, char **err);

/* Of a host that runs: "http://127.0.0.1:43211" and the port in it; the admin listener's and the
 * sandbox's address. Any thread. NULL (port 0) when there is none; the texts live until the stop. */
MAVILUA_API const char *mavilua_host_url(mavilua_host *host);
MAVILUA_API int mavilua_host_port(mavilua_host *host);
MAVILUA_API const char *mavilua_host_admin_url(mavilua_host *host);
MAVILUA_API const char *mavilua_host_sandbox_url(mavilua_host *host);

/* Hands an event in: a body of any bytes for the hook that a script registered with host.hook(name, …),
 * or, with `hook` NULL, a webhook of the platform (a JSON object). It comes through the same door as a
 * request: the hook's `key` orders it, its `dedupe` (or the message's id) lets it in once, max_body
 * bounds it. No secret or signature is asked for, and what a handler returns goes nowhere.
 *
 * 0 when the event is on disk: it will run, also after a crash of the process. `*id` (may be NULL) is
 * its id, or, of a duplicate, that of the event that was there first. Otherwise nothing was taken:
 * MAVILUA_NOT_FOUND (no such hook), MAVILUA_USAGE (the body; the host does not run), MAVILUA_BUSY
 * (it is stopping), MAVILUA_SYSTEM (it cannot be stored). Waits for the commit; calls at the same
 * time share one. Any thread, also while another stops the host; not from the logger. */
MAVILUA_API int mavilua_host_post(mavilua_host *host, const char *hook, const void *body,
                                  size_t length, int64_t *id, char **err);

/* Loads the scripts anew, as SIGHUP does to `mavilua serve`: if they are good, events go to them from
 * now on; if not, the old ones go on and it is told why. Any thread. */
MAVILUA_API int mavilua_host_reload(mavilua_host *host, char **err);

/* The clock of mavilua_host_set_clock has leapt: what is due by now is on its way when this returns.
 * Without it a leap is noticed by itself, a little later. Any thread. */
MAVILUA_API void mavilua_host_tick(mavilua_host *host);

/* Stops: takes no more events, lets running handlers end (at most stop_timeout seconds; not at all with
 * `now` other than 0), leaves the rest in the database for the next start without costing an attempt,
 * and returns when all of the host's threads have ended. A second call with `now` from another thread
 * hurries one that waits. A handler inside a call into C that does not return holds it up: there is no
 * way to end it but with the process. Harmless when it does not run. The host may be started again.
 * Any thread but the host's own (hooks). */
MAVILUA_API void mavilua_host_stop(mavilua_host *host, int now);

#ifdef __cplusplus
}
#endif

#endif
