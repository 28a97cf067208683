/* Descriptors for the broker, on a channel of Node's child processes. */
#ifndef VETSH_PASS_H
#define VETSH_PASS_H

#include <stdbool.h>
#include <stddef.h>

/* Sends `line`, which is what Node expects beside a descriptor: one line of JSON, line feed included. False with errno. */
bool pass_descriptor(int channel, const char *line, size_t length, int descriptor);

#endif
