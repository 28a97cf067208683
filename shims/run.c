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

#include "frame.h"
#include "inside.h"
#include "job.h"
#include "limits.h"
#include "request.h"
#include "say.h"
#include "start.h"
#include "witness.h"

#define CLOSE_ON_EXEC_RANGE (1u << 2) /* CLOSE_RANGE_CLOEXEC */

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what is executed ---- */

static bool has_name(const char *entry, const char *name, size_t length) {
  return strncmp(entry, name, length) == 0 && (entry[length] == '=' || entry[length] == '\0');
}

static bool is_replaced(const char *entry, const struct ruling *r) {
  for (size_t i = 0; i < r->unset_count; i++)
    if (has_name(entry, r->unset[i], strlen(r->unset[i]))) return true;
  for (size_t i = 0; i < r->set_count; i++)
    if (has_name(entry, r->set[i], strcspn(r->set[i], "="))) return true;
  return false;
}

/* The caller's environment, order and odd entries kept, less what is unset or set anew; then what is set, and with a prefix the
   signal mask that vetsh-init gives back to the shell. */
static char **child_environment(const struct ruling *r, char **environment, uint64_t mask) {
  static char mask_entry[sizeof INIT_MASK_NAME + 17];
  size_t count = 0, kept = 0;
  while (environment[count] != NULL) count++;
  char **result = calloc(count + r->set_count + 2, sizeof *result);
  if (result == NULL) refuse("vetsh: out of memory, nothing ran; hint: shorten the command's environment");
  for (size_t i = 0; i < count; i++)
    if (!is_replaced(environment[i], r) && !has_name(environment[i], INIT_MASK_NAME, sizeof INIT_MASK_NAME - 1)) result[kept++] = environment[i];
  for (size_t i = 0; i < r->set_count; i++) result[kept++] = r->set[i];
  if (r->prefix_count > 0) {
    snprintf(mask_entry, sizeof mask_entry, "%s=%016llx", INIT_MASK_NAME, (unsigned long long)mask);
    result[kept++] = mask_entry;
  }
  return result;
}

/* prefix… argv…, argv[0] included: the last two words of a prefix are vetsh-init and the real shell. */
static char **child_argv(const struct ruling *r, char **argv) {
  size_t count = 0;
  while (argv[count] != NULL) count++;
  char **result = calloc(r->prefix_count + count + 1, sizeof *result);
  if (result == NULL) refuse("vetsh: out of memory, nothing ran; hint: shorten the command line");
  memcpy(result, r->prefix, r->prefix_count * sizeof *result);
  memcpy(result + r->prefix_count, argv, count * sizeof *result);
  return result;
}

/* The child, between fork and exec. The caller's mask comes back last: a handler of ours never runs here. */
static _Noreturn void become(const struct ruling *r, const char *program, char **argv, char **environment, const struct job *job, pid_t shim, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* who kills the shim means the shell */
  if (getppid() != shim) kill(getpid(), SIGKILL); /* … and it died before we had said so */
  int error = 0;
  if (r->close_descriptors && syscall(SYS_close_range, 3u, ~0u, CLOSE_ON_EXEC_RANGE) != 0) error = errno;
  if (error == 0) {
    /* bwrap would die of a signal that the shell inside handles, and leave it alone or kill it: it gets none but those that stop. */
    if (!job->boxed) sigaction(SIGCHLD, &job->on_child, NULL);
    set_mask(job->boxed ? ~(bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU) | bit(SIGCONT) | bit(SIGCHLD)) : job->mask, NULL);
    execve(program, argv, environment);
    error = errno;
  }
  if (write(report, &error, sizeof error) < 0) _exit(STATUS_REFUSED);
  _exit(STATUS_REFUSED);
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
  pid_t group = target == job->pid ? 0 : getpgid(target);
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

static _Noreturn void fail_to_start(int broker, const char *program, int error) {
  struct frame f;
  frame_begin(&f, FAILED);
  put_str(&f, strerror(error));
  frame_send(broker, &f, now_ms() + REPORT_MS);
  refuse("vetsh: cannot start %s: %s, nothing ran; hint: vetsh doctor", program, strerror(error));
}

/* 0 once the child executes its program, else why it could not. Polls, because a child that is stopped before its exec must stop us too. */
static int await_exec(struct job *job, int report) {
  int error = 0;
  for (;;) {
    struct pollfd p = {.fd = report, .events = POLLIN};
    int ready = poll(&p, 1, 50);
    if (ready > 0) return read(report, &error, sizeof error) == (ssize_t)sizeof error ? error : 0;
    reap(job);
  }
}

_Noreturn void run(const struct ruling *r, char **argv, char **environment, int broker) {
  const char *program = r->prefix_count > 0 ? r->prefix[0] : r->shell;
  struct stat own, other;
  /* A layout that names a shim as the real shell would start shells for ever. */
  if (stat("/proc/self/exe", &own) == 0 && stat(program, &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino) fail_to_start(broker, program, ELOOP);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0 || (report[0] = above_stdio(report[0])) < 0 || (report[1] = above_stdio(report[1])) < 0) fail_to_start(broker, program, errno);

  struct job job = {.boxed = r->prefix_count > 0};
  struct sigaction dfl = {.sa_handler = SIG_DFL};
  set_mask(~(uint64_t)0, &job.mask);
  char **child_words = child_argv(r, argv), **child_env = child_environment(r, environment, job.mask);
  sigaction(SIGCHLD, &dfl, &job.on_child); /* a caller that ignores SIGCHLD would have the kernel throw our child's status away */
  job.started_us = now_us();
  pid_t shim = getpid();
  job.pid = fork();
  if (job.pid < 0) fail_to_start(broker, program, errno);
  if (job.pid == 0) become(r, program, child_words, child_env, &job, shim, report[1]);
  close(report[1]);
  witness_start();
  int error = await_exec(&job, report[0]);
  if (error != 0) {
    witness_end();
    fail_to_start(broker, program, error);
  }
  /* From here the child alone holds the caller's descriptors: whoever reads its output or feeds its input sees it close them. */
  if (broker > 0) syscall(SYS_close_range, 0u, (unsigned)broker - 1, 0u);
  syscall(SYS_close_range, (unsigned)broker + 1, ~0u, 0u);

  struct frame started;
  frame_begin(&started, STARTED);
  put_u32(&started, (uint32_t)job.pid);
  frame_send(broker, &started, now_ms() + REPORT_MS);
  supervise(&job);
  witness_end();
  report_end(&job, r, broker);
  witness_await();
  end_as(job.status);
}
