/* A command that only reads, held where no namespaces can be had. docs/decisions/0013-landlock-for-what-only-reads.md */
#ifndef VETSH_LANDLOCK_H
#define VETSH_LANDLOCK_H

#include <stddef.h>

/* For this process and all it will start: files are read only at and below `readable`; nothing is written but devices like /dev/null and what
   0 to 2 were opened for writing to; no TCP, no signal to anybody outside, no look into others. NULL, or the step that failed, with errno:
   then nothing may be started. Needs new privileges to be given up already. */
const char *landlock_read_only(char *const *readable, size_t count);

#endif
