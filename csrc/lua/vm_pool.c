#include "lua/vm_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE ((size_t)8 << 20) /* a script's code, and the garbage it may leave until it is collected */

/* Sanitizers are to see each block's end. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

void vm_pool_init(struct vm_pool *pool) {
  pool->base = POOLED ? malloc(POOL_SIZE) : NULL;
  pool->size = pool->base ? POOL_SIZE : 0;
}

void vm_pool_free(struct vm_pool *pool) {
  free(pool->base);
}

static bool is_own(const struct vm_pool *pool, const void *block) {
  return (uintptr_t)block - (uintptr_t)pool->base < pool->size;
}

static size_t list_of(size_t size) {
  return (size - 1) / VM_POOL_STEP;
}

static void *take(struct vm_pool *pool, size_t size) {
  size_t list = list_of(size), whole = (list + 1) * VM_POOL_STEP;
  struct vm_block *free_block = pool->free[list];
  if (free_block) {
    pool->free[list] = free_block->next;
    return free_block;
  }
  if (pool->size - pool->used < whole) {
    return malloc(size);
  }
  void *block = pool->base + pool->used;
  pool->used += whole;
  return block;
}

void vm_pool_release(struct vm_pool *pool, void *block, size_t size) {
  if (!is_own(pool, block)) {
    free(block);
    return;
  }
  struct vm_block *free_block = block, **list = &pool->free[list_of(size)];
  free_block->next = *list;
  *list = free_block;
}

static void *move(struct vm_pool *pool, void *block, size_t old_size, size_t new_size) {
  void *moved = new_size <= VM_POOL_LARGEST ? take(pool, new_size) : malloc(new_size);
  if (!moved) {
    return new_size < old_size ? block : NULL; /* Lua relies on it that shrinking cannot fail */
  }
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  vm_pool_release(pool, block, old_size);
  return moved;
}

void *vm_pool_resize(struct vm_pool *pool, void *block, size_t old_size, size_t new_size) {
  if (!block) {
    return new_size <= VM_POOL_LARGEST ? take(pool, new_size) : malloc(new_size);
  }
  if (!is_own(pool, block)) {
    return realloc(block, new_size);
  }
  if (new_size <= VM_POOL_LARGEST && list_of(old_size) == list_of(new_size)) {
    return block;
  }
  return move(pool, block, old_size, new_size);
}
