#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"

#define WIDTH 30
#define BAR_MS 100   /* between two drawings of the bar */
#define LINE_MS 5000 /* between two lines */

void mv_progress_begin(struct mv_progress *progress, const char *what, int64_t total) {
  int64_t now = mv_clock_monotonic(NULL);
  *progress = (struct mv_progress){what, total, now, now, mv_cli_on_terminal(stderr)};
}

static void tell_left(const struct mv_progress *progress, int64_t done, int64_t now) {
  int64_t ms = now - progress->start;
  if (done <= 0 || ms <= 0)
    return;
  int64_t left = (progress->total - done) * ms / done / 1000;
  fprintf(stderr, ", %.0f a second", (double)done * 1000 / (double)ms);
  if (left > 0)
    fprintf(stderr, ", %" PRId64 ":%02d left", left / 60, (int)(left % 60));
}

static void draw(const struct mv_progress *progress, int64_t done) {
  int filled = progress->total > 0 ? (int)(done * WIDTH / progress->total) : WIDTH;
  fputs("\r[", stderr);
  for (int i = 0; i < WIDTH; i++)
    fputc(i < filled ? '=' : i == filled ? '>' : ' ', stderr);
  fputs("] ", stderr);
}

void mv_progress_tell(struct mv_progress *progress, int64_t done) {
  int64_t now = mv_clock_monotonic(NULL);
  if (now - progress->told < (progress->terminal ? BAR_MS : LINE_MS))
    return;
  progress->told = now;
  if (progress->terminal)
    draw(progress, done);
  fprintf(stderr, "%s %" PRId64 " of %" PRId64, progress->what, done, progress->total);
  tell_left(progress, done, now);
  fputs(progress->terminal ? "\033[K" : "\n", stderr);
  fflush(stderr);
}

void mv_progress_end(struct mv_progress *progress) {
  if (progress->terminal && progress->told > progress->start)
    fputs("\r\033[K", stderr);
}
