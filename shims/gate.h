/* The connection of a gated shell with the broker: fields that end in NUL, after a first one that says how many follow. docs/protocol.md */
#ifndef VETSH_GATE_H
#define VETSH_GATE_H

#include <stddef.h>

/* Connects and says which command this is. Ends the process when the broker does not know it. */
int gate_connect(void);

void gate_send(int fd, const char *bytes, size_t length);
void gate_field(int fd, const char *text);

/* Waits for the broker's answer and says its message. Out: `a` it may run, `r` it may not, `m` it is not complete; 0: no answer. */
char gate_answer(int fd);

/* Puts a pipe on standard input, and leaves a process behind that copies to it what the broker lets pass of what was there. */
void feed(int broker);

#endif
