/* Children that share this process's memory: nothing is copied for them. */
#ifndef VETSH_SHARE_H
#define VETSH_SHARE_H

#include <stddef.h>
#include <sys/types.h>

/* What runs in such a child is marked so: the checks of test builds keep notes about the stack they know. */
#define IN_SHARED_CHILD __attribute__((no_sanitize("address", "undefined")))

/* Starts a child that shares memory, and nothing else, with this process until it executes something or ends. `work` runs on `stack`
   while this process goes on. It may write only what is its own, and may not call the C library: errno is shared too. -errno
   when there can be no child. What `work` returns is the child's exit status. */
pid_t start_sharing(int (*work)(void *), void *with, void *stack, size_t size);

/* A system call as the kernel answers it: -errno for a failure, and errno untouched. */
long raw(long number, long a, long b, long c, long d);

#endif
