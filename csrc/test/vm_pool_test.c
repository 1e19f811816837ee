/* The pool: blocks keep what is in them, do not overlap, and come back. */
#include "lua/vm_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "test/check.h"

enum { BLOCKS = 40000, ROUNDS = 200000, LARGEST = VM_POOL_LARGEST * 2 };

struct block {
  unsigned char *at, sign;
  size_t size;
};

static bool is_whole(const struct block *block, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (block->at[i] != block->sign) {
      return false;
    }
  }
  return true;
}

static void resize(struct vm_pool *pool, struct block *block, size_t size, unsigned char sign) {
  size_t kept = size < block->size ? size : block->size;
  block->at = vm_pool_resize(pool, block->at, block->size, size);
  CHECK(block->at && (uintptr_t)block->at % 16 == 0);
  CHECK(is_whole(block, kept));
  block->size = size;
  block->sign = sign;
  memset(block->at, sign, size);
}

static void release(struct vm_pool *pool, struct block *block) {
  CHECK(is_whole(block, block->size));
  vm_pool_release(pool, block->at, block->size);
  *block = (struct block){.at = NULL};
}

/* Blocks of all sizes, more than fit, grown, shrunk and dropped in any order. */
static void keeps(struct vm_pool *pool) {
  struct block *blocks = calloc(BLOCKS, sizeof *blocks);
  uint32_t random = 1;
  for (int i = 0; i < ROUNDS; i++) {
    random = random * 1664525 + 1013904223;
    struct block *block = &blocks[(random >> 8) % BLOCKS];
    if (block->at && (random >> 28) < 6) {
      release(pool, block);
    } else {
      resize(pool, block, 1 + (random >> 4) % LARGEST, (unsigned char)(random >> 24));
    }
  }
  for (int i = 0; i < BLOCKS; i++) {
    if (blocks[i].at) {
      release(pool, &blocks[i]);
    }
  }
  free(blocks);
}

static void comes_back(struct vm_pool *pool) {
  if (!pool->base) {
    return; /* under a sanitizer */
  }
  void *block = vm_pool_resize(pool, NULL, 0, 100);
  CHECK(vm_pool_resize(pool, block, 100, 112) == block);
  vm_pool_release(pool, block, 112);
  CHECK(vm_pool_resize(pool, NULL, 0, 97) == block);
  vm_pool_release(pool, block, 97);
}

int main(void) {
  struct vm_pool pool = {.base = NULL};
  keeps(&pool);
  vm_pool_init(&pool);
  comes_back(&pool);
  keeps(&pool);
  vm_pool_free(&pool);
  return check_end("vm_pool");
}
