/* The holder does three things: it is there, so that the namespaces stay; it waits for orphans; it ends. It executes nothing and
   reads nothing that comes from inside. */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "limits.h"
#include "say.h"

static void child_ended(int sig) { (void)sig; /* there to interrupt ppoll */ }

/* Whether any process but this one is left: signal 0 to all of them reaches nobody. */
static bool is_empty(void) { return kill(-1, 0) != 0 && errno == ESRCH; }

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

_Noreturn void hold(void) {
  if (getpid() != 1) refuse("vetsh-init: --hold is for process 1 of a sandbox");
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0) refuse("vetsh-init: cannot close inherited files: %s", strerror(errno));
  /* SECURITY: nobody inside may trace it or look into its files; whoever made the user namespace still may, and so can enter. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) refuse("vetsh-init: cannot become unreadable: %s", strerror(errno));
  prctl(PR_SET_NAME, "vetsh-room");
  const char *failed = confine();
  if (failed != NULL) refuse("vetsh-init: cannot %s: %s", failed, strerror(errno));
  if (chdir("/") != 0 || write(STDOUT_FILENO, "ready\n", 6) != 6) refuse("vetsh-init: cannot say that the sandbox is ready: %s", strerror(errno));
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 || (null > STDERR_FILENO && close(null) != 0)) _exit(1);
  keep();
}
