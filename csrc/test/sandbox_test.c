/* The sandbox's pure parts: its actions, folding, cells and shapes. The rest is tested over HTTP.
 */
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/json.h"
#include "sandbox/actions.h"
#include "sandbox/assumptions.h"
#include "sandbox/cell.h"
#include "sandbox/fold.h"
#include "sandbox/shape.h"
#include "test/check.h"

static bool folds(const char *text, const char *expected) {
  char *folded = mv_fold(text);
  bool same = folded && strcmp(folded, expected) == 0;
  free(folded);
  return same;
}

static void test_fold(void) {
  CHECK(folds("Hello, WORLD 123", "hello, world 123"));
  CHECK(folds("ПРИВЕТ Ёлка Їжак Ґ Џ", "привет ёлка їжак ґ џ"));
  CHECK(folds("ÅÉÞ ŁŚŽ Ÿ İ", "åéþ łśž ÿ İ"));
  CHECK(folds("ΚΑΛΗΜΈΡΑ ΏΎΌΆ", "καλημέρα ώύόά"));
  CHECK(folds("漢字 \xF0\x9F\x98\x80 ×÷", "漢字 \xF0\x9F\x98\x80 ×÷"));
  CHECK(folds("\xFF\xC3", "\xFF\xC3"));
  CHECK(folds("\xE2\x82", "\xE2\x82"));
  CHECK(folds("", ""));
}

/* The number of a text as JSON, or "" when it is none. */
static bool counts(const char *text, const char *expected) {
  json_t *number = mv_cell_number(text);
  char *json = number ? mv_json_text(number) : strdup("");
  bool same = json && strcmp(json, expected) == 0;
  free(json);
  json_decref(number);
  return same;
}

static void test_numbers(void) {
  CHECK(counts("60", "60"));
  CHECK(counts("-1.5", "-1.5"));
  CHECK(counts("007", "7"));
  CHECK(counts("9223372036854775807", "9223372036854775807"));
  CHECK(counts("9007199254740993", "9007199254740993"));
  CHECK(counts("1e400", ""));
  static const char *const none[] = {"",    "-",  ".5", "5.",   "1e",    "1e+", "0x10", "inf",
                                     "nan", " 5", "5 ", "five", "1.2.3", "--1", "+1",   "1-"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    CHECK(counts(none[i], ""));
  }
}

static void test_shapes(void) {
  static const struct mv_shape shapes[] = {{"name", MV_SHAPE_TEXT, true},
                                           {"tags", MV_SHAPE_LIST, false}};
  struct mv_place list = {NULL, "clients", 3}, at = {&list, "orders", 0};
  struct mv_error err;
  json_t *good = json_pack("{s:s, s:{}}", "name", "x", "tags");
  json_t *bad = json_pack("{s:s, s:i}", "name", "x", "tgas", 1);
  CHECK(mv_shape_check(&at, good, shapes, 2, &err) == 0);
  CHECK(mv_shape_check(&at, bad, shapes, 2, &err) == -1);
  CHECK(strcmp(err.text, "clients[3].orders[0].tgas: unknown; did you mean \"tags\"?") == 0);
  json_object_del(good, "name");
  CHECK(mv_shape_check(NULL, good, shapes, 2, &err) == -1);
  CHECK(strcmp(err.text, "name: required: a text") == 0);
  json_decref(good);
  json_decref(bad);
}

static void test_actions(void) {
  for (size_t i = 0; i < mv_action_count(); i++) {
    CHECK(mv_actions_find(mv_action_at(i)->name) != NULL);
  }
  CHECK(mv_actions_find("no_such") == NULL);
}

int main(void) {
  test_actions();
  test_fold();
  test_numbers();
  test_shapes();
  CHECK(mv_assumptions_at(mv_assumptions_count()) == NULL);
  return check_end("sandbox");
}
