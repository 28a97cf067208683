/* Connections from outside to servers in a warm sandbox. */
#ifndef VETSH_DIAL_H
#define VETSH_DIAL_H

#include "room.h"

/* For a process that the broker started outside. Joins the user and network namespaces of the room, gives everything up, says "ready"
   on `channel` (the channel of Node's child processes), and answers each line {"id":N,"port":P} there: with the connected socket, or
   with {"id":N,"errno":E}. Ends with the channel. Refuses when the room cannot be joined, or a line is not understood. */
_Noreturn void dial(int channel, const struct holder *room);

#endif
