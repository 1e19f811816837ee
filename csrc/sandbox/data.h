/* The files that are inside the program: schema.sql and seed.json of this folder. */
#ifndef MV_SANDBOX_DATA_H
#define MV_SANDBOX_DATA_H

extern const char *const mv_sandbox_schema;
extern const char *const mv_sandbox_seed;

#endif
