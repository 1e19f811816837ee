/* Forms: as the host reads them and as the sandbox does. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/form.h"
#include "test/check.h"

static bool is(char *text, const char *expected) {
  bool same = text && expected ? strcmp(text, expected) == 0 : !text && !expected;
  free(text);
  return same;
}

static void test_flat(void) {
  static const char body[] = "a=1&b=x+y%21&a=2&c&%00=n&bad=%ff&half=%2&&d=";
  json_t *form = mv_form_parse(body, sizeof body - 1);
  CHECK(strcmp(json_string_value(json_object_get(form, "a")), "2") == 0);
  CHECK(strcmp(json_string_value(json_object_get(form, "b")), "x y!") == 0);
  CHECK(strcmp(json_string_value(json_object_get(form, "c")), "") == 0);
  CHECK(strcmp(json_string_value(json_object_get(form, "d")), "") == 0);
  CHECK(strcmp(json_string_value(json_object_get(form, "half")), "%2") == 0);
  CHECK(!json_object_get(form, "bad") && json_object_size(form) == 5);
  json_decref(form);
  CHECK(is(mv_form_value("x=1&secret=a%20b", "secret"), "a b"));
  CHECK(is(mv_form_value("x=1", "secret"), NULL));
  CHECK(is(mv_form_value("secret=a%00b", "secret"), NULL));
  CHECK(is(mv_form_without("x=1&secret=a&y=%20&s%65cret=b", "secret"), "x=1&y=%20"));
  CHECK(is(mv_form_without("", "secret"), ""));
}

/* `expected` "": refused. */
static bool parses(const char *form, const char *expected) {
  struct mv_error err = {0};
  json_t *object = mv_form_fields(form, strlen(form), &err);
  char *json = object ? mv_json_text(object) : strdup("");
  bool same = json && strcmp(json, expected) == 0 && (object || err.kind != MV_ERROR_NONE);
  free(json);
  json_decref(object);
  return same;
}

static void test_fields(void) {
  CHECK(parses("a=1&b=x+y%20z&c", "{\"a\":\"1\",\"b\":\"x y z\",\"c\":\"\"}"));
  CHECK(
      parses("a[]=1&a[]=2&d[k]=v&d[l]=w", "{\"a\":[\"1\",\"2\"],\"d\":{\"k\":\"v\",\"l\":\"w\"}}"));
  CHECK(parses("a=1&a=2", "{\"a\":\"2\"}"));
  CHECK(parses("a=1&a[]=2&a[k]=3", "{\"a\":{\"k\":\"3\"}}"));
  CHECK(parses("&&=x&", "{}"));
  CHECK(parses("", "{}"));
  CHECK(parses("a[b][c]=1&a[b][d]=2&a[e]=3",
               "{\"a\":{\"b\":{\"c\":\"1\",\"d\":\"2\"},\"e\":\"3\"}}"));
  CHECK(parses("a[][b]=1&a[][b]=2", "{\"a\":[{\"b\":\"1\"},{\"b\":\"2\"}]}"));
  CHECK(parses("a[b][]=1&a[b][]=2&a[][]=3", "{\"a\":[[\"3\"]]}"));
  CHECK(parses("a%5Bb%5D=1", "{\"a\":{\"b\":\"1\"}}"));
  CHECK(parses("[x]=2&a]=3&a[=4&a[b]c=5&a[b[c]]=6&a[b]]=7",
               "{\"[x]\":\"2\",\"a]\":\"3\",\"a[\":\"4\",\"a[b]c\":\"5\",\"a[b[c]]\":\"6\",\"a[b]]"
               "\":\"7\"}"));
  CHECK(parses("a=%e9", ""));
  CHECK(parses("a=%4", ""));
  CHECK(parses("a=%", ""));
  CHECK(parses("a=%zz", ""));
  CHECK(parses("a%00=1", ""));
  CHECK(parses("%D1%84=%D1%8B", "{\"ф\":\"ы\"}"));
}

static char *nested(int levels) {
  char *form = calloc(1, 16 + 3 * (size_t)levels);
  strcpy(form, "a");
  for (int i = 1; i < levels; i++) {
    strcat(form, "[b]");
  }
  strcat(form, "=1");
  return form;
}

static void test_depth(void) {
  struct mv_error err = {0};
  char *good = nested(MV_JSON_DEPTH), *bad = nested(MV_JSON_DEPTH + 1);
  json_t *object = mv_form_fields(good, strlen(good), &err);
  char *json = object ? mv_json_text(object) : NULL;
  CHECK(json != NULL);
  CHECK(mv_form_fields(bad, strlen(bad), &err) == NULL && strstr(err.text, "deeper"));
  free(json);
  json_decref(object);
  free(good);
  free(bad);
}

int main(void) {
  test_flat();
  test_fields();
  test_depth();
  return check_end("form");
}
