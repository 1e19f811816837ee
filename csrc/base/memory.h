/* Memory, injectable: what holds much of it for a program's sake asks a struct mv_memory. */
#ifndef MV_BASE_MEMORY_H
#define MV_BASE_MEMORY_H

#include <stdlib.h>

/* Any thread may call these, several at once. */
struct mv_memory {
  void *(*allocate)(void *self, size_t size);            /* NULL: there is none */
  void *(*resize)(void *self, void *block, size_t size); /* likewise; `block` stays as it was then */
  void (*release)(void *self, void *block);
  void *self;
};

/* As realloc(), also for a `block` of NULL. `memory` NULL: the C library's. `size` is not 0. */
static inline void *mv_memory_resize(const struct mv_memory *memory, void *block, size_t size) {
  if (!memory)
    return realloc(block, size);
  return block ? memory->resize(memory->self, block, size) : memory->allocate(memory->self, size);
}

static inline void mv_memory_release(const struct mv_memory *memory, void *block) {
  if (!memory)
    free(block);
  else if (block)
    memory->release(memory->self, block);
}

#endif
