/* bare_curl URL WIDTH SECONDS BODY: posts the body over so many kept connections, each call as soon as
 * the one before has its answer, and prints the calls a second. One thread with curl_multi and
 * nothing else: the answers are gathered and left unread. The host's calls are measured beside it.
 * '#' in the body is the number of the call. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_WIDTH = 1024, ROOM = 1 << 16 };

struct call {
  CURL *easy;
  char body[1024];
  char answer[ROOM];
  size_t got;
};

static const char *template;
static long calls;

static void die(const char *what) {
  fprintf(stderr, "bare_curl: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t gather(char *data, size_t size, size_t count, void *into) {
  struct call *call = into;
  if (size * count > ROOM - call->got) {
    return 0;
  }
  memcpy(call->answer + call->got, data, size * count);
  call->got += size * count;
  return size * count;
}

static void fill(struct call *call) {
  const char *mark = strchr(template, '#');
  int before = mark ? (int)(mark - template) : (int)strlen(template);
  snprintf(call->body, sizeof call->body, "%.*s%ld%s", before, template, calls,
           mark ? mark + 1 : "");
}

static void begin(CURLM *multi, struct call *call) {
  calls++;
  fill(call);
  call->got = 0;
  curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
  curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
  if (curl_multi_add_handle(multi, call->easy) != CURLM_OK) {
    die("cannot begin a call");
  }
}

static void prepare(struct call *call, const char *url, struct curl_slist *headers) {
  call->easy = curl_easy_init();
  curl_easy_setopt(call->easy, CURLOPT_URL, url);
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, gather);
  curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
  curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
}

/* Takes what is done and, before the end, begins the next; how many were done. */
static long take(CURLM *multi, int again, int *out) {
  CURLMsg *message;
  int left;
  long done = 0;
  while ((message = curl_multi_info_read(multi, &left))) {
    struct call *call;
    long status = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result != CURLE_OK || status != 200) {
      die("a call failed");
    }
    curl_multi_remove_handle(multi, call->easy);
    done++;
    --*out;
    if (again) {
      begin(multi, call);
      ++*out;
    }
  }
  return done;
}

int main(int argc, char **argv) {
  static struct call all[MOST_WIDTH];
  int width = argc == 5 ? atoi(argv[2]) : 0, running;
  if (width < 1 || width > MOST_WIDTH) {
    die("takes URL WIDTH SECONDS BODY; at most 1024 at once");
  }
  template = argv[4];
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MOST_WIDTH);
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Accept: application/json");
  double begun = now(), end = begun + strtod(argv[3], NULL);
  long done = 0;
  int out = width;
  for (int i = 0; i < width; i++) {
    prepare(&all[i], argv[1], headers);
    begin(multi, &all[i]);
  }
  while (out > 0) {
    curl_multi_perform(multi, &running);
    long some = take(multi, now() < end, &out);
    done += some;
    if (some == 0) {
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
  }
  printf("%.0f\n", (double)done / (now() - begun));
  return 0;
}
