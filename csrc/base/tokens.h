/* Tokens of bots in addresses: https://api.telegram.org/file/bot<digits>:<token>/photo.jpg. Who has
 * one has the bot, and the platform puts them into the addresses of attachments. */
#ifndef MV_BASE_TOKENS_H
#define MV_BASE_TOKENS_H

#include <stddef.h>

/* Replaces each "/bot<digits>:<token>" by "/bot[redacted]", in place; the text never grows. NULL is
 * fine. Its length. */
size_t mv_tokens_hide(char *text);

#endif
