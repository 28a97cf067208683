#ifndef VETSH_DOOR_H
#define VETSH_DOOR_H

/* In: the channel of Node's child processes to the broker. Listens on the sandbox's loopback where programs look for a proxy, and hands the
   listening socket to the broker: connections made inside arrive there, and this process has nothing to do with them. NULL, or what failed. */
const char *door_hand_over(int channel);

#endif
