/* The system calls no command in a sandbox may make. */
#ifndef VETSH_FILTER_H
#define VETSH_FILTER_H

#include <stdbool.h>

/* Installs the filter for this process and all it will start; needs no_new_privs. False with errno when the kernel refuses. */
bool filter_install(void);

#endif
