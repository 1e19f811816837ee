#include "sandbox/checks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/params.h"
#include "sandbox/settings.h"

enum { SHORTEST_NUMBER = 10, LONGEST_NUMBER = 15 }; /* digits */

/* ---- WhatsApp ---- */

/* Whether the list has the number, in whatever format each stands there. */
static bool has_number(const json_t *numbers, const char *number) {
  bool found = false;
  for (size_t i = 0; !found && i < json_array_size(numbers); i++) {
    char *given = mv_json_scalar_text(json_array_get(numbers, i));
    char *digits = given ? mv_clients_platform_id(MV_WHATSAPP, given) : NULL;
    found = digits && strcmp(digits, number) == 0;
    free(given);
    free(digits);
  }
  return found;
}

static bool has_whatsapp(struct mv_work *work, const char *number) {
  size_t length = strlen(number);
  if (length < SHORTEST_NUMBER || length > LONGEST_NUMBER) {
    return false;
  }
  if (mv_clients_find(work, MV_WHATSAPP, NULL, number)) {
    return true;
  }
  json_t *numbers = mv_settings_get(work, "whatsapp_numbers");
  bool has = json_is_null(numbers) || has_number(numbers, number);
  json_decref(numbers);
  return has;
}

void mv_checks_whatsapp(struct mv_ask *ask) {
  char *given = mv_param_id_text(ask, "phone");
  char *number = given ? mv_clients_platform_id(MV_WHATSAPP, given) : NULL;
  if (!mv_channels_has_whatsapp(ask->work)) {
    mv_answer_fail(ask, 400, "WhatsApp is not connected");
  } else {
    mv_answer_result(ask, "exists", json_boolean(number && has_whatsapp(ask->work, number)));
  }
  free(given);
  free(number);
}

/* ---- Instagram ---- */

/* "@Ada" and "ada" are the same person. */
static bool same_name(const char *a, const char *b) {
  return strcasecmp(a + (*a == '@'), b + (*b == '@')) == 0;
}

/* The list of the account's followers (borrowed), or NULL when the setting does not know it. */
static const json_t *followers_of(const json_t *accounts, const char *login) {
  const char *name;
  json_t *followers;
  json_object_foreach((json_t *)accounts, name, followers) {
    if (same_name(name, login)) {
      return followers;
    }
  }
  return NULL;
}

static bool follows(const json_t *followers, const char *person) {
  for (size_t i = 0; i < json_array_size(followers); i++) {
    const char *name = json_string_value(json_array_get(followers, i));
    if (name && same_name(name, person)) {
      return true;
    }
  }
  return false;
}

/* Digits that are always the same for the same person (FNV-1a over the name without case). */
static json_t *account_id(const char *person) {
  uint64_t hash = UINT64_C(14695981039346656037);
  char digits[24];
  for (const char *c = person; *c; c++) {
    char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
    hash = (hash ^ (unsigned char)lower) * UINT64_C(1099511628211);
  }
  snprintf(digits, sizeof digits, "%llu",
           (unsigned long long)(hash % UINT64_C(90000000000) + UINT64_C(10000000000)));
  return json_string(digits);
}

/* Avatar and name are those of the Instagram client of this name, if there is one. */
static json_t *profile(struct mv_work *work, const char *person, bool follower) {
  int64_t client = mv_clients_find(work, MV_INSTAGRAM, NULL, person);
  json_t *avatar = json_null(), *name = json_null();
  struct mv_stmt *row =
      mv_db_query(work->db, "SELECT avatar, name FROM clients WHERE id = ?", "i", client);
  if (mv_db_step(work->db, row)) {
    avatar = mv_db_text(row, 0);
    name = mv_db_text(row, 1);
    mv_db_reset(row);
  }
  return json_pack("{s:s, s:o, s:o, s:o, s:b, s:i}", "username", person, "account_id",
                   account_id(person), "avatar", avatar, "real_name", name, "is_follower",
                   (int)follower, "status", 200);
}

void mv_checks_instagram(struct mv_ask *ask) {
  const char *login = mv_param_text(ask, "login"), *person = mv_param_text(ask, "user_name");
  json_t *accounts = mv_settings_get(ask->work, "instagram_followers");
  const json_t *followers = followers_of(accounts, login);
  char *channel = mv_channels_group(ask->work, MV_INSTAGRAM, login);
  person += *person == '@';
  if (followers || channel) {
    mv_answer_json(ask, profile(ask->work, person, follows(followers, person)));
  } else {
    mv_answer_fail(ask, 404, "Instagram account %.100s is not connected", login);
  }
  free(channel);
  json_decref(accounts);
}
