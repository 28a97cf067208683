/* What a process gives up before it becomes a command of the agent's, or the first process of a sandbox. */
#ifndef VETSH_CONFINE_H
#define VETSH_CONFINE_H

#include <stddef.h>

/* Gives up new privileges, the caller's session keyring, and the system calls of filter.c: for this process and all it will start.
   NULL when everything is given up, else the step that failed, with errno: then nothing may be started. */
const char *confine(void);

/* Gives up every capability, those of the bounding set included. For a process that holds them: one that has just entered a user
   namespace. NULL, or the step that failed, with errno. */
const char *drop_capabilities(void);

/* `confine`, and before it every capability (the process may be root's, and is in no namespace of its own), after it what landlock.h says. */
const char *confine_to_reading(char *const *readable, size_t count);

#endif
