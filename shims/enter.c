/* Two processes. The first joins the room's namespaces all at once, through a descriptor of its process 1, and forks: only then is
   somebody inside. It makes the second a child of its own parent (CLONE_PARENT), so that whoever started us waits for, signals and
   stops the command itself, with nothing in between.

   SECURITY: from the fork on, processes of the room see the second one, which for a moment holds every capability there. They
   cannot trace it or open anything of it below /proc: it is not dumpable, and belongs to the user namespace outside, where nobody
   inside has a capability. Exec ends that, and then everything is given up. What it executes lies in the room's own read-only
   view, never our own program. */
#include "enter.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "limits.h"

void tell(int report, enum note_kind kind, int value) {
  struct note note = {.kind = kind, .value = value};
  if (write(report, &note, sizeof note) != (ssize_t)sizeof note) _exit(STATUS_REFUSED);
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

/* SECURITY: who replaces a file outside by another takes every mount on it away inside as well: what was protected could be written. */
static bool is_as_made(const struct room *room) {
  if (room->mounts.count == 0) return true;
  const struct mounts now = mounts_here();
  errno = ESTALE;
  return now.count == room->mounts.count && now.last == room->mounts.last;
}

_Noreturn void enter(const struct room *room, const struct becoming *what) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (room_join(&room->holder, room->namespaces) != 0 || !is_as_made(room)) {
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
