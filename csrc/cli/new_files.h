/* The files of a new project. */
#ifndef MV_CLI_NEW_FILES_H
#define MV_CLI_NEW_FILES_H

struct mv_new_file {
  const char *name; /* NULL ends the table */
  const char *text;
};

extern const struct mv_new_file mv_new_files[];

#endif
