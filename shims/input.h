/* What a sandboxed command is given to read: the bytes, not the file. docs/decisions/0011-what-a-command-is-given-to-read.md */
#ifndef VETSH_INPUT_H
#define VETSH_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

enum { STDIO = 3 };

/* Descriptors of this process, closed on exec; -1 where a number of the stdio was left as it came. */
struct input {
  int original[STDIO], copy[STDIO];
  off_t began[STDIO]; /* where the caller's stood */
};

/* For each of 0, 1 and 2 that was opened for reading alone and stands for something that could be changed through it: puts a copy in its
   place, or a pipe through which it comes. Pipes, sockets, terminals and devices like /dev/null stay, and so does what was opened for writing:
   that the caller gave to be written. False, with errno, when it cannot: then nothing may run. */
bool input_exchange(struct input *in);

/* After the command: whoever shares the file with us goes on reading where the command stopped. */
void input_give_back(const struct input *in);

#endif
