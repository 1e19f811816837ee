#include "cli/plain.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/plain.h"

static void print(FILE *stream, struct mv_bytes *text) {
  fputs(text->data ? text->data : "", stream);
  mv_bytes_free(text);
}

void mv_plain_print(FILE *stream, const char *text, size_t columns, bool lines) {
  struct mv_bytes out = {0};
  mv_plain_put(&out, text, columns, lines);
  print(stream, &out);
}

void mv_plain_print_json(FILE *stream, const json_t *value) {
  struct mv_bytes out = {0};
  mv_plain_put_json(&out, value);
  mv_bytes_putc(&out, '\n');
  print(stream, &out);
}

size_t mv_plain_columns(FILE *stream) {
  struct winsize size;
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
    return size.ws_col;
  return 100;
}
