/* Two processes. The first joins the room's namespaces all at once, through a descriptor of its process 1, and forks: only then is
   somebody inside. It makes the second a child of its own parent (CLONE_PARENT), so that whoever started us waits for, signals and
   stops the command itself, with nothing in between.

   SECURITY: from the fork on, processes of the room see the second one, which for a moment holds every capability there. They
   cannot trace it or open anything of it below /proc: it is not dumpable, and belongs to the user namespace outside, where nobody
   inside has a capability. Exec ends that, and then everything is given up. What it executes lies in the room's own read-only
   view, never our own program. */
#include "enter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "limits.h"

void tell(int report, enum note_kind kind, int value) {
  struct note note = {.kind = kind, .value = value};
  if (write(report, &note, sizeof note) != (ssize_t)sizeof note) _exit(STATUS_REFUSED);
}

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

/* A descriptor of the room's process 1, or -1 with errno. */
static int open_holder(const struct room *room) {
  struct stat own;
  /* A caller whose file system is another than the broker's was judged by the broker's. */
  if (stat("/proc/self/ns/mnt", &own) != 0) return -1;
  if (own.st_ino != room->outside) return errno = EXDEV, -1;
  int holder = (int)syscall(NR_PIDFD_OPEN, room->holder, 0);
  if (holder < 0) return -1;
  struct pollfd ended = {.fd = holder, .events = POLLIN};
  /* SECURITY: the number may have gone to another process. The descriptor cannot: when what we looked at has the right start
     time and the descriptor's process still lives afterwards, they are the same. */
  if (start_time(room->holder) == room->started && poll(&ended, 1, 0) == 0) return holder;
  close(holder);
  return errno = ESRCH, -1;
}

static void close_all_but(int report) {
  if (report > 3) syscall(SYS_close_range, 3u, (unsigned)report - 1, 0u);
  syscall(SYS_close_range, (unsigned)report + 1, ~0u, 0u);
}

static const char *settle_in(const struct room *room) {
  if (room->own_session && setsid() < 0) return "begin a session";
  const char *failed = drop_capabilities();
  if (failed == NULL) failed = confine();
  if (failed == NULL && chdir(room->directory) != 0) failed = "enter the directory";
  return failed;
}

static _Noreturn void become_command(const struct room *room, const struct becoming *what) {
  enum note_kind kind = NOTE_NO_ROOM;
  if (settle_in(room) == NULL) {
    kind = NOTE_FAILED;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who kills the shim means the command */
    struct pollfd starter = {.fd = what->report};
    if (poll(&starter, 1, 0) > 0) _exit(STATUS_REFUSED); /* … and it died before we had said so: nobody reads the pipe */
    sigaction(SIGCHLD, what->on_child, NULL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &what->mask, NULL, sizeof what->mask);
    execve(what->program, what->argv, what->environment);
  }
  tell(what->report, kind, errno);
  _exit(STATUS_REFUSED);
}

_Noreturn void enter(const struct room *room, const struct becoming *what) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  int holder = open_holder(room);
  if (holder < 0 || setns(holder, (int)room->namespaces) != 0) {
    tell(what->report, NOTE_NO_ROOM, errno);
    _exit(STATUS_REFUSED);
  }
  close_all_but(what->report);
  long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) become_command(room, what);
  /* ENOMEM: the room's process 1 ended meanwhile. */
  tell(what->report, child < 0 ? NOTE_NO_ROOM : NOTE_CHILD, child < 0 ? errno : (int)child);
  _exit(0);
}
