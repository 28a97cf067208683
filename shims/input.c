/* A descriptor carries the mount that its file was opened through, and that is the one outside: whoever holds it can open the file again
   through /proc/self/fd for writing, or change its mode through the descriptor itself, whatever the sandbox's own mounts say. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "limits.h"
#include "start.h"

enum { CLOSE_ON_EXEC = 1 }; /* MFD_CLOEXEC */

/* null, zero, full, random and urandom: nothing is in them that could be changed. */
static bool is_plain_device(dev_t number) {
  unsigned which = minor(number);
  return major(number) == 1 && (which == 3 || which == 5 || which == 7 || which == 8 || which == 9);
}

static bool may_stay(int fd, const struct stat *info) {
  struct statfs system;
  switch (info->st_mode & S_IFMT) {
    case S_IFSOCK: return true;
    case S_IFIFO: return fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC; /* a named one is a file that others open */
    case S_IFCHR: return is_plain_device(info->st_rdev) || isatty(fd);
    default: return false;
  }
}

/* All of `from` into `to`; false when that cannot be, or is more than a copy may be. */
static bool copy_all(int from, int to) {
  /* A limit on the size of files is the command's: it must not end us. */
  struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
  sigaction(SIGXFSZ, &ignore, &old);
  off_t at = 0;
  ssize_t length = 1;
  while (length > 0 && at <= INPUT_COPY_MAX) length = sendfile(to, from, &at, (size_t)(INPUT_COPY_MAX + 1 - at));
  sigaction(SIGXFSZ, &old, NULL);
  return length == 0;
}

/* A file in memory with the same bytes, mode and offset, opened for reading; or -1. What says that it is empty may be made while it
   is read (/proc), and reading it may wait. */
static int copy_of(int fd, const struct stat *info, off_t at) {
  if (!S_ISREG(info->st_mode) || info->st_size <= 0 || info->st_size > INPUT_COPY_MAX || at < 0) return -1;
  int memory = above_stdio((int)syscall(SYS_memfd_create, "input", CLOSE_ON_EXEC)), copy = -1;
  if (memory < 0) return -1;
  if (copy_all(fd, memory)) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    copy = above_stdio(open(path, O_RDONLY | O_CLOEXEC));
    if (copy >= 0 && (fchmod(copy, info->st_mode & 0777) != 0 || lseek(copy, at, SEEK_SET) != at)) {
      close(copy);
      copy = -1;
    }
  }
  close(memory);
  return copy;
}

static _Noreturn void pump(int from, int to, pid_t shim) {
  static char bytes[64 * 1024];
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may wait for a device for ever */
  if (getppid() != shim || dup2(from, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0) _exit(1);
  syscall(SYS_close_range, STDERR_FILENO, ~0u, 0u);
  prctl(PR_SET_NAME, "vetsh-input");
  for (ssize_t length; (length = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (length < 0 && errno == EINTR);)
    for (ssize_t done = 0, more; done < length; done += more)
      if ((more = write(STDOUT_FILENO, bytes + done, (size_t)(length - done))) <= 0) _exit(0); /* nobody reads any more */
  _exit(0);
}

/* A pipe through which it comes, from where it stands; or -1. */
static int piped(int fd) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  if ((ends[0] = above_stdio(ends[0])) < 0 || (ends[1] = above_stdio(ends[1])) < 0) return -1;
  pid_t shim = getpid(), child = fork();
  if (child == 0) pump(fd, ends[1], shim);
  close(ends[1]);
  return child < 0 ? -1 : ends[0];
}

static bool exchange(int fd, struct input *in) {
  struct stat info;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY) return true;
  if (fstat(fd, &info) != 0) return false;
  if (may_stay(fd, &info)) return true;
  in->began[fd] = lseek(fd, 0, SEEK_CUR);
  int copy = copy_of(fd, &info, in->began[fd]), given = copy < 0 ? piped(fd) : copy;
  if (given < 0) return false;
  if (copy >= 0 && ((in->original[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDIO)) < 0 || (in->copy[fd] = fcntl(copy, F_DUPFD_CLOEXEC, STDIO)) < 0)) return false;
  return dup2(given, fd) == fd && close(given) == 0;
}

bool input_exchange(struct input *in) {
  for (int fd = 0; fd < STDIO; fd++) in->original[fd] = in->copy[fd] = -1;
  for (int fd = 0; fd < STDIO; fd++)
    if (!exchange(fd, in)) return false;
  return true;
}

void input_give_back(const struct input *in) {
  for (int fd = 0; fd < STDIO; fd++) {
    off_t at = in->copy[fd] < 0 ? -1 : lseek(in->copy[fd], 0, SEEK_CUR);
    if (at >= 0 && at != in->began[fd]) lseek(in->original[fd], at, SEEK_SET);
  }
}
