#include "api/client_type.h"

static const struct mv_client_type types[] = {
    {0, "VK"},         {1, "Telegram bot"}, {2, "Viber"},
    {3, "Facebook"},   {4, "Talk-Me"},      {5, "online chat"},
    {6, "WhatsApp"},   {7, "Avito"},        {8, "Odnoklassniki"},
    {10, "Instagram"}, {11, "Jivosite"},    {12, "Yula"},
    {13, "telephony"}, {14, "e-mail"},      {16, "Telegram Business"},
    {19, "Cian"},      {20, "MAX"},         {21, "Telegram account"},
    {22, "TikTok"},
};

const char *mv_client_type_name(int number) {
  for (size_t i = 0; i < mv_client_type_count(); i++) {
    if (types[i].number == number) {
      return types[i].name;
    }
  }
  return NULL;
}

size_t mv_client_type_count(void) {
  return sizeof types / sizeof types[0];
}

const struct mv_client_type *mv_client_type_at(size_t index) {
  return index < mv_client_type_count() ? &types[index] : NULL;
}
