/* Small blocks of one Lua state. A run makes some hundred and drops them all: from lists of free blocks
 * of one size they cost a few instructions each. What is too large, or does not fit any more, is the C
 * library's. For one thread. */
#ifndef MV_LUA_VM_POOL_H
#define MV_LUA_VM_POOL_H

#include <stdbool.h>
#include <stddef.h>

enum {
  VM_POOL_STEP = 16,                             /* sizes are multiples of this */
  VM_POOL_SIZES = 64,                            /* how many there are */
  VM_POOL_LARGEST = VM_POOL_STEP * VM_POOL_SIZES /* bytes */
};

/* A block that nobody has. */
struct vm_block {
  struct vm_block *next;
};

/* Zeroed before use. */
struct vm_pool {
  char *base;          /* memory that the blocks are cut from; NULL: none, all is the C library's */
  size_t size, used;   /* bytes */
  struct vm_block *free[VM_POOL_SIZES]; /* lists */
};

/* Takes its memory, of which the system gives what is touched. Without memory it works all the same. */
void vm_pool_init(struct vm_pool *pool);
void vm_pool_free(struct vm_pool *pool); /* with all its blocks */

/* Makes, grows or shrinks a block. `old_size`: of `block`, which may be NULL. NULL: memory is out, and
 * `block` stays as it is. */
void *vm_pool_resize(struct vm_pool *pool, void *block, size_t old_size, size_t new_size);
void vm_pool_release(struct vm_pool *pool, void *block, size_t size);

#endif
