/* How many columns of a terminal a character takes, as of Unicode 14. A table of our own: the C
 * library's depends on the locale of the process. */
#ifndef MV_BASE_WIDTH_H
#define MV_BASE_WIDTH_H

/* 0, 1 or 2. `code`: a character that is shown; what controls a terminal is the caller's. */
unsigned mv_width_of(unsigned code);

#endif
