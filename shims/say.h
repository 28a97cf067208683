/* What the native part says to people: one line on standard error, never on standard output. */
#ifndef VETSH_SAY_H
#define VETSH_SAY_H

#include <stddef.h>

/* The exit status of refuse(): 126 for a shell and vetsh-init, 1 for vetsh-start. */
extern int refusal_status;

/* Writes bytes to standard error, within MESSAGE_MS. Blocks SIGPIPE for good: the caller is about to end with a status of its own. */
void say_bytes(const char *bytes, size_t length);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* say(), then the end with refusal_status. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
