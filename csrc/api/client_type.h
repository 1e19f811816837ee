/* The messengers a client can come from, by the platform's number. */
#ifndef MV_API_CLIENT_TYPE_H
#define MV_API_CLIENT_TYPE_H

#include <stddef.h>

struct mv_client_type {
  int number;
  const char *name;
};

/* "Telegram bot" for 1, …; NULL for a number that nobody documents (9, 15, 17, 18, new ones). */
const char *mv_client_type_name(int number);

/* All known ones, by number. */
size_t mv_client_type_count(void);
const struct mv_client_type *mv_client_type_at(size_t index);

#endif
