#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_quick.h"
#include "base/json_scan.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/sha256.h"
#include "base/tokens.h"
#include "test/check.h"

/* What `text` is after reading and writing; "!" and the error when it is refused. */
static char *round_trip(const char *text, size_t length) {
  struct mv_error err;
  json_t *value = mv_json_parse(text, length, &err);
  if (!value) {
    char *message = malloc(sizeof err.text + 1);
    snprintf(message, sizeof err.text, "!%.500s", err.text);
    return message;
  }
  char *out = mv_json_text(value);
  json_decref(value);
  return out;
}

static int becomes(const char *text, const char *expected) {
  char *out = round_trip(text, strlen(text));
  int equal = out && strcmp(out, expected) == 0;
  if (!equal) {
    fprintf(stderr, "%s became %s, not %s\n", text, out, expected);
  }
  free(out);
  return equal;
}

static int refused(const char *text, const char *part) {
  char *out = round_trip(text, strlen(text));
  int right = out && out[0] == '!' && strstr(out, part);
  if (!right) {
    fprintf(stderr, "%s became %s, not an error with %s\n", text, out, part);
  }
  free(out);
  return right;
}

static void test_json(void) {
  CHECK(becomes("9223372036854775807", "9223372036854775807"));
  CHECK(becomes("-9223372036854775808", "-9223372036854775808"));
  CHECK(becomes("[0,7,10,99,100,105,1000,12345,-1,-10,-907]", "[0,7,10,99,100,105,1000,12345,-1,-10,-907]"));
  CHECK(becomes("[18446744073709551616,\"18446744073709551616\",1.5]",
                "[\"18446744073709551616\",\"18446744073709551616\",1.5]"));
  CHECK(becomes("{\"a\":19.99,\"b\":1e300,\"c\":0.1,\"d\":2.0}",
                "{\"a\":19.99,\"b\":1e+300,\"c\":0.1,\"d\":2.0}"));
  CHECK(becomes("\"\\u0000\\u001f\\\"\\\\\\n\"", "\"\\u0000\\u001f\\\"\\\\\\n\""));
  CHECK(becomes("\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\""));
  CHECK(refused("\"\\ud83d\"", "line 1"));
  CHECK(refused("\"\xff\"", "unable to decode byte 0xff"));
  CHECK(refused("{\"a\":1} x", "line 1"));
  CHECK(refused("[1e999]", "overflow"));
  CHECK(refused("", "line"));
  char deep[600];
  memset(deep, '[', 300);
  memset(deep + 300, ']', 300);
  char *out = round_trip(deep, sizeof deep);
  CHECK(out && strstr(out, "nested deeper than 128"));
  free(out);
}

/* Whether it is read quickly, and as jansson reads it. */
static bool is_quick(const char *text) {
  json_t *quick = mv_json_quick(text, strlen(text));
  json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  char *left = quick ? mv_json_text(quick) : NULL, *right = value ? mv_json_text(value) : NULL;
  bool same = left && right && strcmp(left, right) == 0;
  if (quick && !same) {
    fprintf(stderr, "%s became %s, not %s\n", text, left, right ? right : "an error");
  }
  free(left);
  free(right);
  json_decref(quick);
  json_decref(value);
  CHECK(!quick || same);
  return quick != NULL;
}

static void test_json_quick(void) {
  static const char *const usual[] = {
      "1", "0", "-7", "999999999999999999", "-999999999999999999", "0.1", "-1.5e3", "1E+2", "2.0",
      "true", " false ", "null", "\"\"", "\"h\xC3\xA9llo\"", "\"a\\n\\\"\\\\\\/\\b\\f\\r\\t\"",
      "[]", "{}", "[1,[2,{}],\"x\"]", "{\"a\":1,\"b\":{\"c\":[null]},\"a\":2}",
      "\t{ \"\" : [ ] , \"x\\ty\" : \"z\" }\r\n", "{\"a\":\"\\\\\",\"b\":\"\\\"\"}"};
  static const char *const not[] = {
      "", " ", "01", "-0", "+1", "1.", ".5", "1e", "1e400", "1000000000000000000", "tru", "nul",
      "\"", "\"a", "\"\\\"", "\"\\u0041\"", "\"\\x\"", "\"\xFF\"", "\"a\nb\"", "[", "[1", "[1,]",
      "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "1 2", "{}x", "]"};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    CHECK(is_quick(usual[i]));
  }
  for (size_t i = 0; i < sizeof not / sizeof *not; i++) {
    CHECK(!is_quick(not[i]));
  }
}

/* What cannot be asked for again is read all the same, if it can be. */
static int mended(const char *text, const char *expected) {
  struct mv_error err = {0};
  json_t *value = mv_json_parse_lenient(text, strlen(text), &err);
  char *out = value ? mv_json_text(value) : NULL;
  int right = out ? strcmp(out, expected) == 0 : strcmp(err.text, expected) == 0;
  if (!right) {
    fprintf(stderr, "%s became %s, not %s\n", text, out ? out : err.text, expected);
  }
  free(out);
  json_decref(value);
  return right;
}

#define LOST "\xEF\xBF\xBD"

static void test_json_lenient(void) {
  CHECK(mended("[1e400,-1e400,1e30,18446744073709551616]",
               "[\"1e400\",\"-1e400\",1e+30,\"18446744073709551616\"]"));
  CHECK(mended("\"\\ud83d\"", "\"" LOST "\""));
  CHECK(mended("\"\\ude00\\ud83d\\ud83d\\ude00x\\\\ud83d\"",
               "\"" LOST LOST "\xF0\x9F\x98\x80x\\\\ud83d\""));
  CHECK(mended("{\"\\ud83d\":1}", "{\"" LOST "\":1}"));
  CHECK(mended("\"\\ud83", "line 1, column 6: invalid escape near '\"\\ud83'"));
}

static void test_json_path(void) {
  const char *text = "{\"a\":{\"b\":[10,{\"c\":\"x\"}]}}";
  json_t *value = mv_json_parse(text, strlen(text), NULL);
  CHECK(json_integer_value(mv_json_at(value, "a.b.0")) == 10);
  CHECK(strcmp(json_string_value(mv_json_at(value, "a.b.1.c")), "x") == 0);
  CHECK(mv_json_at(value, "a.b.2") == NULL);
  CHECK(mv_json_at(value, "a.z.c") == NULL);
  char *key = mv_json_scalar_text(mv_json_at(value, "a.b.0"));
  CHECK(key && strcmp(key, "10") == 0);
  free(key);
  json_decref(value);
}

/* "key dedupe" as a webhook's are found, "-" for none, "?" when it is left to the tree. */
static bool finds(const char *text, const char *expected) {
  struct mv_json_wanted wanted[] = {{.outer = "client", .name = "id"}, {.name = "id"}};
  char found[128] = "?";
  if (mv_json_find(text, strlen(text), wanted, 2)) {
    snprintf(found, sizeof found, "%.*s %.*s", wanted[0].text ? (int)wanted[0].length : 1,
             wanted[0].text ? wanted[0].text : "-", wanted[1].text ? (int)wanted[1].length : 1,
             wanted[1].text ? wanted[1].text : "-");
  }
  return strcmp(found, expected) == 0;
}

static void test_json_find(void) {
  CHECK(finds(" {\"id\": 7, \"client\": {\"x\": [{\"id\": 1}], \"id\": \"ab\"}} ", "ab 7"));
  CHECK(finds("{\"client\":{\"id\":1},\"id\":2,\"client\":{},\"id\":null}", "- -"));
  CHECK(finds("{\"client\":[{\"id\":1}],\"x\":{\"id\":3},\"id\":true}", "- true"));
  CHECK(finds("{\"client\":{\"client\":{\"id\":1}},\"id\":{}}", "- -"));
  CHECK(finds("{\"x\":\"\\u00e9\\n\",\"id\":-1001234567890123}", "- -1001234567890123"));
  CHECK(finds("{\"id\":1.5}", "?"));
  CHECK(finds("{\"id\":-0}", "?"));
  CHECK(finds("{\"id\":9223372036854775807}", "?"));
  CHECK(finds("{\"id\":\"a\\u0062\"}", "?"));
  CHECK(finds("{\"\\u0069d\":1}", "?"));
  CHECK(finds("{\"x\":\"\\ud83d\"}", "?"));
  CHECK(finds("{\"x\":\"\xff\"}", "?"));
  CHECK(finds("[]", "?") && finds("", "?") && finds("{", "?") && finds("{\"id\":1,}", "?"));
  CHECK(finds("{\"id\":01}", "?") && finds("{} x", "?") && finds("{\"x\":1.}", "?"));
}

static void test_bytes(void) {
  struct mv_bytes bytes = {0};
  for (int i = 0; i < 1000; i++) {
    mv_bytes_printf(&bytes, "%03d", i);
  }
  CHECK(bytes.length == 3000 && strncmp(bytes.data + 2997, "999", 4) == 0);
  mv_bytes_clear(&bytes);
  mv_bytes_put_url(&bytes, "a b/\xC3\xA6", 6);
  CHECK(strcmp(bytes.data, "a%20b%2F%C3%A6") == 0);
  mv_bytes_free(&bytes);
  CHECK(mv_secret_equal("abcdef", "abcdef"));
  CHECK(!mv_secret_equal("abcdef", "abcdeg"));
  CHECK(!mv_secret_equal("abcabc", "abc"));
  CHECK(!mv_secret_equal("", "abc") && mv_secret_equal("", ""));
}

static void check_hmac(const char *key, size_t key_length, const char *data, const char *expected) {
  unsigned char mac[MV_SHA256_SIZE];
  char hex[2 * MV_SHA256_SIZE + 1];
  struct mv_hmac hmac;
  mv_hmac_begin(&hmac, key, key_length);
  for (const char *p = data; *p; p++)
    mv_hmac_feed(&hmac, p, 1);
  mv_hmac_end(&hmac, mac);
  mv_hex(mac, sizeof mac, hex);
  CHECK(strcmp(hex, expected) == 0);
}

/* FIPS 180-4's examples, in pieces of every size, and RFC 4231. */
static void test_digests(void) {
  static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  static const char expected[] = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
  for (size_t piece = 1; piece < sizeof text; piece++) {
    struct mv_sha256 digest;
    unsigned char bytes[MV_SHA256_SIZE];
    char hex[2 * MV_SHA256_SIZE + 1];
    mv_sha256_begin(&digest);
    for (size_t i = 0; i < sizeof text - 1; i += piece)
      mv_sha256_feed(&digest, text + i, i + piece < sizeof text ? piece : sizeof text - 1 - i);
    mv_sha256_end(&digest, bytes);
    mv_hex(bytes, sizeof bytes, hex);
    CHECK(strcmp(hex, expected) == 0);
  }
  char million[65], key[131];
  char *a = malloc(1000000);
  memset(a, 'a', 1000000);
  mv_sha256_hex(a, 1000000, million);
  free(a);
  CHECK(strcmp(million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
  memset(key, 0x0b, sizeof key);
  check_hmac(key, 20, "Hi There",
             "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  check_hmac("Jefe", 4, "what do ya want for nothing?",
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, sizeof key);
  check_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
             "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  check_hmac(key, 131,
             "This is a test using a larger than block-size key and a larger than block-size data. "
             "The key needs to be hashed before being used by the HMAC algorithm.",
             "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void check_hidden(const char *text, const char *expected) {
  char copy[200];
  snprintf(copy, sizeof copy, "%s", text);
  CHECK(mv_tokens_hide(copy) == strlen(expected) && strcmp(copy, expected) == 0);
}

static void test_tokens(void) {
  check_hidden("https://api.telegram.org/file/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/a.jpg",
               "https://api.telegram.org/file/bot[redacted]/a.jpg");
  check_hidden("/bot110201543:AAHdq-_T/getMe /bot1102015434%3AAAHdqTcvCH1 and",
               "/bot[redacted]/getMe /bot[redacted] and");
  check_hidden("%2Ffile%2Fbot110201543%3aAAHdqTcvCH1%2Fa", "%2Ffile%2Fbot[redacted]%2Fa");
  check_hidden("x/bot110201543:AAHdqTcv", "x/bot[redacted]"); /* cut off behind */
  check_hidden("/bot1:a", "/bot***");
  static const char *const left[] = {"", "robot12345678:AAHdqTcvCH1", "/bot/12345678:AAHdqTcv",
                                     "/bottle", "/bot12345678", "/bot12345678:"};
  for (size_t i = 0; i < sizeof left / sizeof *left; i++)
    check_hidden(left[i], left[i]);
  CHECK(mv_tokens_hide(NULL) == 0);
}

/* RFC 4648, section 10. */
static void test_base64(void) {
  static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  unsigned char bytes[8];
  char text[16];
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    size_t length = strlen(pairs[i][0]);
    mv_base64_encode(pairs[i][0], length, text);
    CHECK(strcmp(text, pairs[i][1]) == 0);
    CHECK(mv_base64_decode(text, bytes, sizeof bytes) == (ssize_t)length);
    CHECK(memcmp(bytes, pairs[i][0], length) == 0);
  }
  CHECK(mv_base64_decode("Zg", bytes, sizeof bytes) == 1);
  static const char *const bad[] = {"Z", "Zg=", "Zg===", "Z*==", "Zg==Zg==", "Zm9vYmFyZm9v"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(mv_base64_decode(bad[i], bytes, sizeof bytes) == -1);
}

static void test_error(void) {
  struct mv_error err;
  char text[700];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  CHECK(mv_error_set(&err, MV_ERROR_USAGE, "%s\n", text) == -1);
  CHECK(strlen(err.text) < sizeof err.text && strstr(err.text, "x..."));
  mv_error_set(&err, MV_ERROR_USAGE, "two\nlines");
  mv_error_prefix(&err, "file %d", 3);
  CHECK(strcmp(err.text, "file 3: two lines") == 0);
  CHECK(strcmp(mv_error_name(MV_ERROR_AMBIGUOUS), "ambiguous") == 0);
}

static void test_clock(void) {
  char text[32];
  CHECK(strcmp(mv_clock_format(1609867984123, text), "2021-01-05T17:33:04.123Z") == 0);
  CHECK(strcmp(mv_clock_format(-1, text), "1969-12-31T23:59:59.999Z") == 0);
}

static void test_log(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  struct mv_log_options options = {.fd = ends[1], .level = MV_LOG_INFO, .json = 1};
  struct mv_log *log = mv_log_new(&options);
  for (int i = 0; i < 40; i++) {
    char other[32];
    snprintf(other, sizeof other, "other-secret-%d", i);
    mv_log_hide(log, other);
  }
  mv_log_hide(log, "verysecret");
  mv_log(log, MV_LOG_DEBUG, json_pack("{s:i}", "n", 1), "not this");
  mv_log(log, MV_LOG_INFO, json_pack("{s:s}", "url", "/api/verysecret/x?verysecret"), "got %d", 7);
  char text[512];
  ssize_t length = read(ends[0], text, sizeof text - 1);
  text[length > 0 ? length : 0] = '\0';
  CHECK(strstr(text, "\"message\":\"got 7\""));
  CHECK(strstr(text, "/api/[redacted]/x?[redacted]"));
  CHECK(!strstr(text, "verysecret") && !strstr(text, "not this"));
  mv_log_free(log);
  close(ends[0]);
  close(ends[1]);
}

static void test_log_readable(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  struct mv_log_options options = {.fd = ends[1], .level = MV_LOG_INFO, .json = 0};
  struct mv_log *log = mv_log_new(&options);
  mv_log(log, MV_LOG_WARN, json_pack("{s:s, s:i}", "text", "a\n12:00:00 info  b\033[2J\xc2\x9b", "n", 1),
         "bot.lua:7: no\nstack traceback:\n\tbot.lua:7\a\n");
  char text[512];
  ssize_t length = read(ends[0], text, sizeof text - 1);
  text[length > 0 ? length : 0] = '\0';
  CHECK(strcmp(text + 8, " warn  bot.lua:7: no  text=a\\n12:00:00 info  b\\x1b[2J\\x9b  n=1\n"
                         "    stack traceback:\n    \tbot.lua:7\\x07\n") == 0);
  mv_log_free(log);
  close(ends[0]);
  close(ends[1]);
}

struct item {
  struct mv_node node;
  int value;
};

static void *push_many(void *argument) {
  struct mv_queue *queue = argument;
  for (int i = 0; i < 1000; i++) {
    struct item *item = malloc(sizeof *item);
    item->value = i;
    mv_queue_push(queue, &item->node);
  }
  return NULL;
}

static void test_queue(void) {
  struct mv_queue queue;
  pthread_t threads[2];
  mv_queue_init(&queue);
  for (int i = 0; i < 2; i++) {
    pthread_create(&threads[i], NULL, push_many, &queue);
  }
  int sum = 0;
  for (int count = 0; count < 2000;) {
    struct mv_node *next;
    for (struct mv_node *node = mv_queue_take(&queue, -1); node; node = next) {
      next = node->next;
      sum += ((struct item *)node)->value;
      count++;
      free(node);
    }
  }
  CHECK(sum == 999 * 1000);
  for (int i = 0; i < 2; i++) {
    pthread_join(threads[i], NULL);
  }
  CHECK(mv_queue_take(&queue, 1) == NULL);
  mv_queue_close(&queue);
  struct item late;
  CHECK(!mv_queue_push(&queue, &late.node));
  CHECK(mv_queue_take(&queue, -1) == NULL);
  mv_queue_destroy(&queue);
}

static void test_queue_rest(void) {
  struct mv_queue queue;
  struct item light, other, heavy;
  mv_queue_init(&queue);
  mv_queue_rest(&queue, 0, SIZE_MAX, 1); /* nothing comes */
  mv_queue_push_weight(&queue, &light.node, 0);
  mv_queue_push_weight(&queue, &other.node, 0);
  mv_queue_rest(&queue, 0, 3, 1);
  CHECK(mv_queue_length(&queue) == 2);
  mv_queue_rest(&queue, 0, 2, 1000000); /* these do not wait */
  mv_queue_push(&queue, &heavy.node);
  mv_queue_rest(&queue, 0, SIZE_MAX, 1000000);
  CHECK(mv_queue_take(&queue, 0) == &light.node && light.node.next == &other.node &&
        other.node.next == &heavy.node && !heavy.node.next);
  mv_queue_wake(&queue);
  mv_queue_rest(&queue, 0, SIZE_MAX, 1000000);
  CHECK(mv_queue_take(&queue, 0) == NULL);
  mv_queue_close(&queue);
  mv_queue_rest(&queue, 0, SIZE_MAX, 1000000);
  mv_queue_destroy(&queue);
}

int main(void) {
  test_json();
  test_json_quick();
  test_json_lenient();
  test_json_path();
  test_json_find();
  test_bytes();
  test_digests();
  test_base64();
  test_tokens();
  test_error();
  test_clock();
  test_log();
  test_log_readable();
  test_queue();
  test_queue_rest();
  return check_end("base");
}
