#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "limits.h"

/* Field 22 of /proc/PID/stat; 0 when there is none. The second field is a name and may hold anything. */
static uint64_t start_time(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return 0;
  text[length] = '\0';
  char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

struct mounts mounts_here(void) {
  static uint64_t numbers[LISTED_MOUNTS];
  /* The kernel's struct mnt_id_req, which headers do not have yet; all from the root, in the order in which they were made. */
  const struct { uint32_t size, spare; uint64_t mount, after; } request = {.size = sizeof request, .mount = UINT64_MAX};
  long count = syscall(NR_LISTMOUNT, &request, numbers, LISTED_MOUNTS, 0);
  if (count <= 0 || count == LISTED_MOUNTS) return (struct mounts){0};
  return (struct mounts){.count = (uint32_t)count, .last = numbers[count - 1]};
}

/* A descriptor of the room's process 1, or -1 with errno. */
static int open_holder(const struct holder *holder) {
  struct stat own;
  /* A caller whose file system is another than the broker's was judged by the broker's. */
  if (stat("/proc/self/ns/mnt", &own) != 0) return -1;
  if (own.st_ino != holder->outside) return errno = EXDEV, -1;
  int process = (int)syscall(NR_PIDFD_OPEN, holder->pid, 0);
  if (process < 0) return -1;
  struct pollfd ended = {.fd = process, .events = POLLIN};
  /* SECURITY: the number may have gone to another process. The descriptor cannot: when what we looked at has the right start
     time and the descriptor's process still lives afterwards, they are the same. */
  if (start_time(holder->pid) == holder->started && poll(&ended, 1, 0) == 0) return process;
  close(process);
  return errno = ESRCH, -1;
}

int room_join(const struct holder *holder, uint32_t namespaces) {
  int process = open_holder(holder);
  if (process < 0) return -1;
  int joined = setns(process, (int)namespaces), error = errno;
  close(process);
  return errno = error, joined;
}
