/* The holder does three things: it is there, so that the namespaces stay; it waits for orphans; it ends. It executes nothing and
   reads nothing that comes from inside. */
#include "hold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "door.h"
#include "limits.h"
#include "room.h"
#include "say.h"

static void child_ended(int sig) { (void)sig; /* there to interrupt ppoll */ }

/* Whether a process of this room still does something. One that has ended and waits for a parent outside, who may never look, does not. */
static bool is_alive(const char *pid) {
  char path[sizeof "/proc//stat" + NAME_MAX], text[256];
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno != ENOENT;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length > 0 ? length : 0] = '\0';
  const char *name_end = strrchr(text, ')');
  return length > 0 && (name_end == NULL || (name_end[1] != '\0' && name_end[2] != 'Z' && name_end[2] != 'X'));
}

/* Whether anybody but this process lives here. What cannot be looked at counts as living. */
static bool is_empty(void) {
  if (kill(-1, 0) != 0 && errno == ESRCH) return true;
  DIR *all = opendir("/proc");
  if (all == NULL) return false;
  bool found = false;
  for (struct dirent *entry; !found && (entry = readdir(all)) != NULL;)
    found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && strcmp(entry->d_name, "1") != 0 && is_alive(entry->d_name);
  closedir(all);
  return !found;
}

static _Noreturn void keep(void) {
  sigset_t during, none;
  sigemptyset(&during);
  sigaddset(&during, SIGCHLD);
  sigprocmask(SIG_SETMASK, &during, NULL);
  sigemptyset(&none);
  struct sigaction on_child = {.sa_handler = child_ended, .sa_flags = SA_NOCLDSTOP};
  sigaction(SIGCHLD, &on_child, NULL);
  for (bool released = false;;) {
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (released && is_empty()) _exit(0);
    /* Commands that were entered are no children of ours, and their end sends us nothing: so a released room looks now and then. */
    struct timespec pause = {.tv_nsec = HOLD_LOOK_MS * 1000000L};
    struct pollfd other = {.fd = released ? -1 : STDIN_FILENO, .events = 0};
    int ready = ppoll(&other, 1, released ? &pause : NULL, &none);
    if (ready > 0 && (other.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) released = true;
  }
}

_Noreturn void hold(int channel) {
  if (getpid() != 1) refuse("vetsh-init: --hold is for process 1 of a sandbox");
  const char *shut = door_hand_over(channel);
  if (shut != NULL) refuse("vetsh-init: cannot %s: %s", shut, strerror(errno));
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0) refuse("vetsh-init: cannot close inherited files: %s", strerror(errno));
  /* SECURITY: nobody inside may trace it or look into its files; whoever made the user namespace still may, and so can enter. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) refuse("vetsh-init: cannot become unreadable: %s", strerror(errno));
  prctl(PR_SET_NAME, "vetsh-room");
  char ready[64];
  const struct mounts mounts = mounts_here();
  int length = snprintf(ready, sizeof ready, "ready %u %llu\n", mounts.count, (unsigned long long)mounts.last);
  const char *failed = confine();
  if (failed != NULL) refuse("vetsh-init: cannot %s: %s", failed, strerror(errno));
  if (chdir("/") != 0 || write(STDOUT_FILENO, ready, (size_t)length) != length) refuse("vetsh-init: cannot say that the sandbox is ready: %s", strerror(errno));
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 || (null > STDERR_FILENO && close(null) != 0)) _exit(1);
  keep();
}
