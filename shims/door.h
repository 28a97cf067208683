#ifndef VETSH_DOOR_H
#define VETSH_DOOR_H

/* A listening socket on the sandbox's loopback where programs look for a proxy (BRIDGE_PORT): closed on exec, does not block. -1 with errno. */
int door_open(int backlog);

/* In: the channel of Node's child processes to the broker. Listens on the sandbox's loopback where programs look for a proxy, and hands the
   listening socket to the broker: connections made inside arrive there, and this process has nothing to do with them. NULL, or what failed. */
const char *door_hand_over(int channel);

#endif
