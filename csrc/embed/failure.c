#include "embed/failure.h"

#include "base/bytes.h"

int mv_failure_tell(const struct mv_error *err, char **out) {
  static const struct {
    enum mv_error_kind kind;
    int status;
  } statuses[] = {{MV_ERROR_USAGE, MAVILUA_USAGE},         {MV_ERROR_DECODE, MAVILUA_USAGE},
                  {MV_ERROR_BUSY, MAVILUA_BUSY},           {MV_ERROR_CONFIG, MAVILUA_CONFIG},
                  {MV_ERROR_NOT_FOUND, MAVILUA_NOT_FOUND}};
  int status = MAVILUA_SYSTEM;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].kind == err->kind)
      status = statuses[i].status;
  }
  return mv_failure_text(status, err->text, out);
}

int mv_failure_text(int status, const char *text, char **out) {
  if (out)
    *out = mv_strdup(text);
  return status;
}

void mv_failure_none(char **out) {
  if (out)
    *out = NULL;
}
