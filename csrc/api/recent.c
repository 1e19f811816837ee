#include "api/recent.h"

static struct mv_recent_item *find(const struct mv_recent *recent,
                                   const struct mv_recent_type *type, const void *source) {
  for (size_t i = 0; i < MV_RECENT_MOST; i++) {
    struct mv_recent_item *item = recent->items[i];
    if (item && type->holds(item, source)) {
      return item;
    }
  }
  return NULL;
}

static struct mv_recent_item *add(struct mv_recent *recent, const struct mv_recent_type *type,
                                  const void *source) {
  struct mv_recent_item *item = type->make(source);
  if (item) {
    struct mv_recent_item **place = &recent->items[recent->turn++ % MV_RECENT_MOST];
    mv_recent_release(type, *place);
    *place = item;
    item->uses = 1; /* its place */
  }
  return item;
}

struct mv_recent_item *mv_recent_use(struct mv_recent *recent, const struct mv_recent_type *type,
                                     const void *source) {
  struct mv_recent_item *item = find(recent, type, source);
  item = item ? item : add(recent, type, source);
  if (item) {
    item->uses++;
  }
  return item;
}

void mv_recent_release(const struct mv_recent_type *type, struct mv_recent_item *item) {
  if (item && --item->uses == 0) {
    type->destroy(item);
  }
}

void mv_recent_forget(struct mv_recent *recent, const struct mv_recent_type *type) {
  for (size_t i = 0; i < MV_RECENT_MOST; i++) {
    mv_recent_release(type, recent->items[i]);
    recent->items[i] = NULL;
  }
}
