/* The shell behind a prefix, and what is agreed with vetsh-init about it. */
#ifndef VETSH_INSIDE_H
#define VETSH_INSIDE_H

#include <sys/types.h>

/* The variable in which the shim hands vetsh-init the caller's signal mask, as 16 hexadecimal digits; the shell never sees it. */
#define INIT_MASK_NAME "VETSH_INIT_MASK"

/* The first process inside the sandbox that `outer` keeps: its nearest descendant of another name. 0 when there is none. */
pid_t inside_of(pid_t outer);

#endif
