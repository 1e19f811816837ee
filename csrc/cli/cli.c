#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

int mv_cli_fail(const struct mv_command *command, int status, const char *format, ...) {
  va_list args;
  fflush(stdout);
  fprintf(stderr, "mavilua %s: ", command->name);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return status;
}

int mv_cli_fail_with(const struct mv_command *command, const struct mv_error *err) {
  static const struct {
    enum mv_error_kind kind;
    int status;
  } statuses[] = {{MV_ERROR_USAGE, EX_DATAERR},       {MV_ERROR_SYSTEM, EX_IOERR},
                  {MV_ERROR_NETWORK, EX_UNAVAILABLE}, {MV_ERROR_TIMEOUT, EX_UNAVAILABLE},
                  {MV_ERROR_CERTIFICATE, EX_UNAVAILABLE},
                  {MV_ERROR_QUOTA, EX_TEMPFAIL},      {MV_ERROR_BUSY, EX_TEMPFAIL},
                  {MV_ERROR_NOT_FOUND, EX_NOINPUT},   {MV_ERROR_CONFIG, EX_CONFIG}};
  int status = EX_SOFTWARE;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (statuses[i].kind == err->kind)
      status = statuses[i].status;
  return mv_cli_fail(command, status, "%s", err->text);
}

void mv_cli_warn(const struct mv_command *command, const char *lines) {
  for (; lines && *lines; lines += strcspn(lines, "\n") + 1)
    fprintf(stderr, "mavilua %s: warning: %.*s\n", command->name, (int)strcspn(lines, "\n"), lines);
}

int mv_cli_check_file(const struct mv_command *command, const char *path, const char *what) {
  struct mv_error err = {0};
  return mv_config_check_file(path, what, &err) ? mv_cli_fail_with(command, &err) : 0;
}

int mv_cli_check_config(const struct mv_command *command, const struct mv_config *config,
                        bool serving) {
  struct mv_error err = {0};
  if (mv_config_check(config, serving, &err) == 0)
    return 0;
  return err.kind == MV_ERROR_USAGE ? mv_cli_fail(command, EX_USAGE, "%s", err.text)
                                    : mv_cli_fail_with(command, &err);
}

bool mv_cli_on_terminal(FILE *stream) {
  return isatty(fileno(stream));
}

struct mv_log *mv_cli_log(const char *level, bool json) {
  struct mv_log_options options = {.fd = 2, .level = MV_LOG_INFO, .json = json ? 1 : -1};
  int known = mv_log_level_of(level);
  if (known >= 0)
    options.level = (enum mv_log_level)known;
  return mv_log_new(&options);
}

void mv_cli_more_files(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files))
    return;
  files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : files.rlim_cur < 65536 ? 65536 : files.rlim_cur;
  setrlimit(RLIMIT_NOFILE, &files);
}

int mv_cli_signals(struct mv_error *err) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit is an error like a full disk */
  sigprocmask(SIG_BLOCK, &set, NULL);
  int descriptor = signalfd(-1, &set, SFD_CLOEXEC);
  if (descriptor < 0)
    mv_error_set(err, MV_ERROR_SYSTEM, "signals cannot be received: %s", strerror(errno));
  return descriptor;
}

int mv_cli_wait_signal(int descriptor) {
  struct signalfd_siginfo info;
  ssize_t got;
  do
    got = read(descriptor, &info, sizeof info);
  while (got < 0 && errno == EINTR);
  return got == (ssize_t)sizeof info ? (int)info.ssi_signo : SIGTERM;
}

void mv_cli_ready(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
}
