/* Running the real shell as a child and ending exactly as it ended. */
#ifndef VETSH_RUN_H
#define VETSH_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "enter.h"

/* A RUN frame. */
struct ruling {
  char *id;
  bool close_descriptors;
  bool settle; /* after FINISHED the broker has still to do what the caller relies on: it closes when that is done */
  char **prefix;
  size_t prefix_count;
  char *shell;
  char **unset, **set;
  size_t unset_count, set_count;
  struct room room;     /* a warm sandbox to start in; where that cannot be entered, the prefix is the way */
  char **room_set;      /* set beside the others when it is */
  size_t room_set_count;
};

/* Obeys `ruling` with this process's own argv and environment, reports on the socket `broker`, and ends as the child did. */
_Noreturn void run(const struct ruling *ruling, char **argv, char **environment, int broker);

#endif
