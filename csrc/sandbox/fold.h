/* Text without case, for comparing what people write: Latin, Greek and Cyrillic. */
#ifndef MV_SANDBOX_FOLD_H
#define MV_SANDBOX_FOLD_H

/* A copy in lower case; other scripts and what is not UTF-8 stay as they are. To be freed; NULL
 * when memory is out. */
char *mv_fold(const char *text);

#endif
