/* The child that becomes the real shell: in a warm sandbox, behind the words of a prefix, or as it is. */
#ifndef VETSH_CHILD_H
#define VETSH_CHILD_H

#include "job.h"
#include "run.h"

/* `error` is 0 once the program runs, else the errno for which it does not: then nothing ran. */
struct failure { const char *program; int error; };

/* Starts what `ruling` says, with all signals blocked and the caller's mask and SIGCHLD in `job`; fills in the rest of `job`, and
   starts the witness. A room that cannot be entered is no failure: the prefix is the other way. */
struct failure child_start(const struct ruling *ruling, char **argv, char **environment, struct job *job);

#endif
