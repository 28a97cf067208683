#include "job.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t bit(int sig) { return (uint64_t)1 << (sig - 1); }

void set_mask(uint64_t mask, uint64_t *old) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask); }

/* The child went on (or ended) meanwhile, or a SIGCONT for us waits to be passed on. */
static bool went_on(const struct job *job) {
  siginfo_t info = {0};
  uint64_t pending = 0;
  if (waitid(P_PID, (id_t)job->pid, &info, WCONTINUED | WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) return true;
  return syscall(SYS_rt_sigpending, &pending, sizeof pending) == 0 && (pending & bit(SIGCONT)) != 0;
}

/* Stops this process as its child was stopped, so that the caller sees the stop; returns when continued.
   The signal is raised while blocked: a SIGCONT that comes between the look and the stop takes it back (kernel rule), so that
   we never sleep on while the child runs. SIGSTOP cannot be blocked; there the gap is a microsecond, and another SIGCONT ends it. */
static void stop_as(const struct job *job, int sig) {
  if (sig == SIGSTOP) {
    if (!went_on(job)) kill(getpid(), SIGSTOP);
    return;
  }
  struct sigaction dfl = {.sa_handler = SIG_DFL}, old;
  sigaction(sig, &dfl, &old);
  kill(getpid(), sig);
  if (went_on(job)) {
    uint64_t taken = bit(sig);
    struct timespec now = {0};
    syscall(SYS_rt_sigtimedwait, &taken, NULL, &now, sizeof taken);
  } else {
    set_mask(~bit(sig), NULL); /* stops here, unless the group is orphaned: then nobody could continue it, and the kernel does not stop it */
    set_mask(~(uint64_t)0, NULL);
  }
  sigaction(sig, &old, NULL);
}

void reap(struct job *job) {
  int status;
  struct rusage usage;
  while (!job->ended) {
    pid_t got = wait4(job->pid, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage);
    if (got < 0 && errno == EINTR) continue;
    if (got != job->pid) return;
    if (WIFSTOPPED(status)) {
      job->stopped = true;
      stop_as(job, WSTOPSIG(status));
    } else if (WIFCONTINUED(status)) {
      job->stopped = false;
    } else {
      job->ended = true;
      job->status = status;
      job->usage = usage;
    }
  }
}
