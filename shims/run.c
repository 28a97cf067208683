#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "frame.h"
#include "input.h"
#include "inside.h"
#include "job.h"
#include "limits.h"
#include "request.h"
#include "say.h"
#include "start.h"
#include "witness.h"

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- signals ---- */

/* Whom a signal is meant for: the shell, and with a prefix the first process inside. It may be in a group of its own there. */
static pid_t target_of(const struct job *job) {
  pid_t inside = job->boxed ? inside_of(job->pid) : 0;
  return inside > 0 ? inside : job->pid;
}

/* Passes a signal on that came to this process alone; one to the group has reached the child already, unless the sandbox made a
   group of its own, which then is the one that is meant. */
static void forward(struct job *job, int sig, const siginfo_t *info) {
  bool to_group = witness_saw(sig);
  reap(job);
  if (job->ended) return;
  /* A stopped child did not get a SIGCONT, whoever sent it: it may have left the group. */
  if (sig == SIGCONT && job->stopped) kill(job->pid, sig);
  pid_t target = target_of(job);
  pid_t group = target == job->pid && !job->apart ? 0 : getpgid(target);
  bool apart = group > 0 && group != getpgrp();
  /* EPERM, a child that gained privileges, is left as it is: the caller could not have signalled it either. */
  if (to_group) {
    if (apart) kill(-group, sig);
  } else if (info->si_code == SI_QUEUE) {
    sigqueue(target, sig, info->si_value);
  } else if (sig != SIGCONT || !job->stopped || target != job->pid) {
    kill(target, sig);
  }
}

static void supervise(struct job *job) {
  uint64_t all = ~(uint64_t)0;
  for (reap(job); !job->ended;) {
    siginfo_t info;
    long sig = syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof all);
    if (sig == SIGCHLD) reap(job);
    else if (sig > 0) forward(job, (int)sig, &info);
  }
}

/* ---- reports ---- */

static uint64_t microseconds(struct timeval t) { return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec; }

static void put_result(struct frame *f, const struct job *job) {
  bool signalled = WIFSIGNALED(job->status);
  put_u8(f, signalled ? 1 : 0);
  put_u32(f, (uint32_t)(signalled ? WTERMSIG(job->status) : WEXITSTATUS(job->status)));
  put_u64(f, (uint64_t)(now_us() - job->started_us));
  put_u64(f, microseconds(job->usage.ru_utime));
  put_u64(f, microseconds(job->usage.ru_stime));
  put_u64(f, (uint64_t)job->usage.ru_maxrss);
}

/* Until the broker hangs up: files that the command leaves to whoever started it are then in their place. */
static void await_hangup(int broker) {
  struct pollfd p = {.fd = broker, .events = POLLRDHUP};
  for (int64_t deadline = now_ms() + SETTLE_MS, left; (left = deadline - now_ms()) > 0;)
    if (poll(&p, 1, (int)left) != 0) return;
}

/* What the broker said while the command ran: what it tried and was not let. Lines for whoever reads standard error, after the command's own. */
static void say_notes(int broker) {
  struct pollfd p = {.fd = broker, .events = POLLIN};
  for (int count = 0; count < NOTES && poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0; count++) {
    uint8_t type;
    struct body body;
    if (frame_receive(broker, &type, &body, now_ms() + REPORT_MS) != IO_DONE || type != NOTE) return;
    uint32_t length = get_u32(&body);
    if (!body.failed && length == (size_t)(body.end - body.at)) say_bytes((const char *)body.at, length);
  }
}

static void report_end(const struct job *job, const struct ruling *r, int broker) {
  struct frame f;
  struct pollfd p = {.fd = broker, .events = POLLRDHUP};
  /* A broker that is gone or closing shows as hung up: what is written to it now would be lost without an error. */
  if (poll(&p, 1, 0) == 0) {
    frame_begin(&f, FINISHED);
    put_result(&f, job);
    if (frame_send(broker, &f, now_ms() + REPORT_MS) == IO_DONE) {
      if (r->settle) await_hangup(broker);
      return;
    }
  }
  int next = broker_try(); /* once, and never by starting one */
  if (next < 0) return;    /* the next broker finds a request without an end, and records it as lost */
  frame_begin(&f, LATE);
  put_str(&f, r->id);
  put_result(&f, job);
  frame_send(next, &f, now_ms() + LATE_MS);
  close(next);
}

/* Ends as the child ended: same status, or same signal, so that the caller's wait(2) tells the truth. */
static _Noreturn void end_as(int status) {
  if (!WIFSIGNALED(status)) _exit(WEXITSTATUS(status));
  int sig = WTERMSIG(status);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none); /* the child's core, if any, is the one that tells something */
  prctl(PR_SET_DUMPABLE, 0);
  struct sigaction dfl = {.sa_handler = SIG_DFL};
  sigaction(sig, &dfl, NULL);
  kill(getpid(), sig);
  set_mask(~bit(sig), NULL);
  _exit(128 + sig);
}

/* ---- the whole ---- */

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Closes every descriptor but these; negative ones are none. */
static void close_all_but(int *kept, size_t count) {
  unsigned next = 0;
  qsort(kept, count, sizeof *kept, by_number);
  for (size_t i = 0; i < count; i++) {
    if (kept[i] < 0) continue;
    if ((unsigned)kept[i] > next) syscall(SYS_close_range, next, (unsigned)kept[i] - 1, 0u);
    next = (unsigned)kept[i] + 1;
  }
  syscall(SYS_close_range, next, ~0u, 0u);
}

static _Noreturn void fail_to_start(int broker, const char *program, int error) {
  struct frame f;
  frame_begin(&f, FAILED);
  put_str(&f, strerror(error));
  frame_send(broker, &f, now_ms() + REPORT_MS);
  refuse("vetsh: cannot start %s: %s, nothing ran; hint: vetsh doctor", program, strerror(error));
}

_Noreturn void run(const struct ruling *r, char **argv, char **environment, int broker) {
  struct job job = {0};
  struct input input = {.original = {-1, -1, -1}, .copy = {-1, -1, -1}};
  if (r->prefix_count > 0 && !input_exchange(&input)) fail_to_start(broker, "a command with that input", errno);
  struct sigaction dfl = {.sa_handler = SIG_DFL};
  set_mask(~(uint64_t)0, &job.mask);
  sigaction(SIGCHLD, &dfl, &job.on_child); /* a caller that ignores SIGCHLD would have the kernel throw our child's status away */
  job.started_us = now_us();
  const struct failure failure = child_start(r, argv, environment, &job);
  if (failure.error != 0) {
    witness_end();
    fail_to_start(broker, failure.program, failure.error);
  }
  /* From here the child alone holds the caller's descriptors: whoever reads its output or feeds its input sees it close them. Standard
     error stays where there may be something to say after the command. */
  bool noted = r->prefix_count > 0 && broker > STDERR_FILENO;
  int kept[2 + 2 * STDIO] = {broker, noted ? STDERR_FILENO : -1};
  memcpy(kept + 2, input.original, sizeof input.original);
  memcpy(kept + 2 + STDIO, input.copy, sizeof input.copy);
  close_all_but(kept, sizeof kept / sizeof *kept);

  struct frame started;
  frame_begin(&started, STARTED);
  put_u32(&started, (uint32_t)job.pid);
  frame_send(broker, &started, now_ms() + REPORT_MS);
  supervise(&job);
  witness_end();
  input_give_back(&input);
  if (noted) say_notes(broker);
  report_end(&job, r, broker);
  witness_await();
  end_as(job.status);
}
