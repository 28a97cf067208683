/* The system calls no command in a sandbox may make. */
#ifndef VETSH_FILTER_H
#define VETSH_FILTER_H

#include <stdbool.h>

/* Installs the filter for this process and all it will start; needs no_new_privs. False with errno when the kernel refuses. */
bool filter_install(void);

/* After it, for a command that Landlock holds (landlock.c): calls that change files or reach others without opening anything fail. */
bool filter_unchanging(void);

#endif
