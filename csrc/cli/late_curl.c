/* libcurl, loaded when it is first used: with what it brings along (OpenSSL, Kerberos, LDAP, SSH) it
 * is a third of the memory of a host that serves and calls nobody, and most of the time that the
 * program needs to start.
 *
 * These are libcurl's own names: the rest of the program is written, and its tests are linked, as
 * with any library. Only the program has this file. A function that is used and not here is
 * reported by the linker. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#ifndef MV_LATE_CURL /* the library's name, as the linker would have noted it */
#define MV_LATE_CURL "libcurl.so.4"
#endif

/* These are also macros that count their arguments. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt

#define FUNCTIONS(X)                                                                               \
  X(curl_easy_cleanup)                                                                             \
  X(curl_easy_getinfo)                                                                             \
  X(curl_easy_init)                                                                                \
  X(curl_easy_reset)                                                                               \
  X(curl_easy_setopt)                                                                              \
  X(curl_easy_strerror)                                                                            \
  X(curl_getdate)                                                                                  \
  X(curl_global_init)                                                                              \
  X(curl_multi_add_handle)                                                                         \
  X(curl_multi_assign)                                                                             \
  X(curl_multi_cleanup)                                                                            \
  X(curl_multi_info_read)                                                                          \
  X(curl_multi_init)                                                                               \
  X(curl_multi_remove_handle)                                                                      \
  X(curl_multi_setopt)                                                                             \
  X(curl_multi_socket_action)                                                                      \
  X(curl_multi_strerror)                                                                           \
  X(curl_share_cleanup)                                                                            \
  X(curl_share_init)                                                                               \
  X(curl_share_setopt)                                                                             \
  X(curl_slist_append)                                                                             \
  X(curl_slist_free_all)                                                                           \
  X(curl_url)                                                                                      \
  X(curl_url_cleanup)                                                                              \
  X(curl_url_set)

/* Belongs to the process, as a library does. All of it is filled once, or `problem` is. */
#define POINTER(name) __typeof__(name)(*(name));
static struct {
  FUNCTIONS(POINTER)
} real;
static char problem[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
  void *function = library && !problem[0] ? dlsym(library, name) : NULL;
  if (!function && !problem[0])
    snprintf(problem, sizeof problem, "%s", dlerror());
  return function;
}

static void load(void) {
  void *library = dlopen(MV_LATE_CURL, RTLD_NOW | RTLD_LOCAL);
#define FIND(name) *(void **)&real.name = find(library, #name);
  FUNCTIONS(FIND)
}

/* Whether libcurl is there. */
static bool loaded(void) {
  pthread_once(&once, load);
  return !problem[0];
}

/* What can be the first of all; the others take what these gave. */

CURLcode curl_global_init(long flags) {
  return loaded() ? real.curl_global_init(flags) : CURLE_FAILED_INIT;
}

time_t curl_getdate(const char *text, const time_t *unused) {
  return loaded() ? real.curl_getdate(text, unused) : -1;
}

const char *curl_easy_strerror(CURLcode code) {
  return loaded() ? real.curl_easy_strerror(code) : problem;
}

/* The others. */

CURL *curl_easy_init(void) {
  return real.curl_easy_init();
}

void curl_easy_cleanup(CURL *easy) {
  real.curl_easy_cleanup(easy);
}

void curl_easy_reset(CURL *easy) {
  real.curl_easy_reset(easy);
}

/* The type of an option's value is told by its number. */
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
  CURLcode code;
  va_list value;
  va_start(value, option);
  if (option < CURLOPTTYPE_OBJECTPOINT)
    code = real.curl_easy_setopt(easy, option, va_arg(value, long));
  else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
    code = real.curl_easy_setopt(easy, option, va_arg(value, curl_off_t));
  else
    code = real.curl_easy_setopt(easy, option, va_arg(value, void *));
  va_end(value);
  return code;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...) {
  va_list value;
  va_start(value, info);
  CURLcode code = real.curl_easy_getinfo(easy, info, va_arg(value, void *));
  va_end(value);
  return code;
}

CURLSH *curl_share_init(void) {
  return real.curl_share_init();
}

CURLSHcode curl_share_cleanup(CURLSH *share) {
  return real.curl_share_cleanup(share);
}

/* What is shared is told by its number; the callbacks for locking are not wanted. */
CURLSHcode curl_share_setopt(CURLSH *share, CURLSHoption option, ...) {
  va_list value;
  va_start(value, option);
  CURLSHcode code = option == CURLSHOPT_SHARE
                        ? real.curl_share_setopt(share, option, va_arg(value, int))
                        : CURLSHE_BAD_OPTION;
  va_end(value);
  return code;
}

CURLU *curl_url(void) {
  return real.curl_url();
}

void curl_url_cleanup(CURLU *url) {
  real.curl_url_cleanup(url);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart what, const char *text, unsigned flags) {
  return real.curl_url_set(url, what, text, flags);
}

CURLM *curl_multi_init(void) {
  return real.curl_multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *multi) {
  return real.curl_multi_cleanup(multi);
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...) {
  CURLMcode code;
  va_list value;
  va_start(value, option);
  if ((int)option < CURLOPTTYPE_OBJECTPOINT)
    code = real.curl_multi_setopt(multi, option, va_arg(value, long));
  else if ((int)option >= CURLOPTTYPE_OFF_T)
    code = real.curl_multi_setopt(multi, option, va_arg(value, curl_off_t));
  else
    code = real.curl_multi_setopt(multi, option, va_arg(value, void *));
  va_end(value);
  return code;
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
  return real.curl_multi_add_handle(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy) {
  return real.curl_multi_remove_handle(multi, easy);
}

CURLMcode curl_multi_assign(CURLM *multi, curl_socket_t fd, void *user) {
  return real.curl_multi_assign(multi, fd, user);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int what, int *running) {
  return real.curl_multi_socket_action(multi, fd, what, running);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left) {
  return real.curl_multi_info_read(multi, left);
}

const char *curl_multi_strerror(CURLMcode code) {
  return real.curl_multi_strerror(code);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text) {
  return real.curl_slist_append(list, text);
}

void curl_slist_free_all(struct curl_slist *list) {
  real.curl_slist_free_all(list);
}
