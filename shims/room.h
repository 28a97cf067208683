/* A warm sandbox as it is found from outside, and never another one in its place. */
#ifndef VETSH_ROOM_H
#define VETSH_ROOM_H

#include <stdint.h>
#include <sys/types.h>

struct holder {
  pid_t pid;        /* process 1 of the room, as we number it */
  uint64_t started; /* when that began, in clock ticks since boot: with the number it is that process and no later one */
  uint64_t outside; /* inode of the mount namespace the room was made in: a caller who lives in another one does not enter */
};

/* The mounts of a mount namespace, told from what they will be after any change: none is added without a later number than all before,
   none goes without there being fewer. */
struct mounts {
  uint32_t count; /* 0: the kernel lists none (before Linux 6.8), or there are too many */
  uint64_t last;  /* number of the one that was made last; never given twice */
};

/* Those that this process sees. */
struct mounts mounts_here(void);

/* Joins those of its namespaces that `namespaces` names (CLONE_NEW…), all at once. 0, or -1 with errno: then none was joined. */
int room_join(const struct holder *holder, uint32_t namespaces);

#endif
