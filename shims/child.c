#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enter.h"
#include "frame.h"
#include "inside.h"
#include "limits.h"
#include "request.h"
#include "say.h"
#include "share.h"
#include "start.h"
#include "witness.h"

#define CLOSE_ON_EXEC_RANGE (1u << 2) /* CLOSE_RANGE_CLOEXEC */

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

/* The caller's environment, order and odd entries kept, less what is unset or set anew; then what is set, for a room what is set
   there alone, and for a prefix the signal mask that vetsh-init gives back to the shell. */
static char **child_environment(const struct ruling *r, char **environment, const struct job *job, bool warm) {
  static char mask_entry[sizeof INIT_MASK_NAME + 17];
  size_t count = 0, kept = 0;
  while (environment[count] != NULL) count++;
  char **result = keep((count + r->set_count + r->room_set_count + 2) * sizeof *result);
  if (result == NULL) refuse("vetsh: out of memory, nothing ran; hint: shorten the command's environment");
  for (size_t i = 0; i < count; i++)
    if (!is_replaced(environment[i], r) && !has_name(environment[i], INIT_MASK_NAME, sizeof INIT_MASK_NAME - 1)) result[kept++] = environment[i];
  for (size_t i = 0; i < r->set_count; i++) result[kept++] = r->set[i];
  for (size_t i = 0; warm && i < r->room_set_count; i++) result[kept++] = r->room_set[i];
  if (job->boxed) {
    snprintf(mask_entry, sizeof mask_entry, "%s=%016llx", INIT_MASK_NAME, (unsigned long long)job->mask);
    result[kept++] = mask_entry;
  }
  return result;
}

/* prefix… argv…, argv[0] included: the last two words of a prefix are vetsh-init and the real shell. */
static char **child_argv(const struct ruling *r, char **argv) {
  size_t count = 0;
  while (argv[count] != NULL) count++;
  char **result = keep((r->prefix_count + count + 1) * sizeof *result);
  if (result == NULL) refuse("vetsh: out of memory, nothing ran; hint: shorten the command line");
  memcpy(result, r->prefix, r->prefix_count * sizeof *result);
  memcpy(result + r->prefix_count, argv, count * sizeof *result);
  return result;
}

/* Between its start and its exec the child shares this memory. The caller's mask comes back last: a handler of ours never runs here. */
struct sharing { const struct becoming *what; bool close_descriptors, ignore_children; pid_t shim; };

IN_SHARED_CHILD static int become(void *with) {
  const struct sharing *s = with;
  raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0); /* who kills the shim means the shell */
  if (raw(SYS_getppid, 0, 0, 0, 0) != s->shim) raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0), SIGKILL, 0, 0); /* … and it died before we had said so */
  long result = s->close_descriptors ? raw(SYS_close_range, 3, ~0u, CLOSE_ON_EXEC_RANGE, 0) : 0;
  if (result == 0) {
    /* As the kernel has it. Only "ignored" goes through an exec; all else is the default, which it is already. */
    struct { void (*handler)(int); unsigned long flags; void (*restorer)(void); uint64_t mask; } ignore = {.handler = SIG_IGN};
    if (s->ignore_children) raw(SYS_rt_sigaction, SIGCHLD, (long)&ignore, 0, sizeof s->what->mask);
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&s->what->mask, 0, sizeof s->what->mask);
    result = raw(SYS_execve, (long)s->what->program, (long)s->what->argv, (long)s->what->environment, 0);
  }
  struct note note = {.kind = NOTE_FAILED, .value = (int32_t)-result};
  raw(SYS_write, s->what->report, (long)&note, sizeof note, 0);
  return STATUS_REFUSED;
}

/* Follows the notes until the child executes its program (0), or the errno for which it does not. Polls, because a child that is
   stopped before its exec must stop us too. `first`: who enters a room and makes the child; 0: the child is known. */
static int await_exec(struct job *job, pid_t first, int report, bool *no_room) {
  for (struct note note;;) {
    struct pollfd p = {.fd = report, .events = POLLIN};
    if (poll(&p, 1, 50) > 0) {
      ssize_t length = read(report, &note, sizeof note);
      if (length < 0 && errno == EINTR) continue;
      if (length != (ssize_t)sizeof note) return job->pid > 0 ? 0 : ECHILD;
      if (note.kind != NOTE_CHILD) return *no_room = note.kind == NOTE_NO_ROOM, note.value;
      job->pid = note.value;
      while (waitpid(first, NULL, 0) < 0 && errno == EINTR) continue;
    }
    if (job->pid > 0) reap(job);
  }
}

/* bwrap stays in front of the shell. vetsh-init alone becomes it: as if there were no prefix. */
static bool stays_in_front(const struct ruling *r) {
  static const char init[] = VETSH_ROOT "/libexec/vetsh-init";
  return r->prefix_count > 0 && strcmp(r->prefix[0], init) != 0;
}

/* One way to start: in the room (`warm`), behind the prefix, or as it is. 0, or errno; `*no_room`: the next way may be tried. */
static int start(const struct ruling *r, char **argv, char **environment, struct job *job, const char *program, bool warm, bool *no_room) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0 || (report[0] = above_stdio(report[0])) < 0 || (report[1] = above_stdio(report[1])) < 0) return errno;
  job->boxed = !warm && stays_in_front(r);
  job->apart = warm && r->room.own_session;
  job->pid = 0;
  /* bwrap would die of a signal that the shell inside handles, and leave it alone or kill it: it gets none but those that stop. */
  uint64_t stops = bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU) | bit(SIGCONT) | bit(SIGCHLD);
  struct becoming what = {.program = program, .argv = warm ? argv : child_argv(r, argv), .environment = child_environment(r, environment, job, warm), .mask = job->boxed ? ~stops : job->mask, .on_child = &job->on_child, .report = report[1]};
  struct sharing sharing = {.what = &what, .close_descriptors = r->close_descriptors, .ignore_children = !job->boxed && job->on_child.sa_handler == SIG_IGN, .shim = getpid()};
  static _Alignas(16) char stack[CHILD_STACK];
  /* SECURITY: who enters a room gets a copy: nothing in there may be near memory that this process goes on using. */
  pid_t child = warm ? fork() : start_sharing(become, &sharing, stack, sizeof stack);
  if (child == 0) enter(&r->room, &what);
  close(report[1]);
  if (child < 0) return warm ? errno : -child;
  if (!warm) job->pid = child;
  witness_start();
  int error = await_exec(job, warm ? child : 0, report[0], no_room);
  close(report[0]);
  if (*no_room) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    /* It got as far as into the room. */
    while (job->pid > 0 && !job->ended && waitpid(job->pid, NULL, 0) < 0 && errno == EINTR) continue;
    job->ended = job->stopped = false;
  }
  return error;
}

struct failure child_start(const struct ruling *r, char **argv, char **environment, struct job *job) {
  const char *program = r->prefix_count > 0 ? r->prefix[0] : r->shell;
  struct stat own, other;
  /* A layout that names a shim as the real shell would start shells for ever. */
  if (stat(own_path(), &own) == 0 && stat(program, &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino) return (struct failure){program, ELOOP};
  bool no_room = false;
  if (r->room.holder.pid != 0) {
    int error = start(r, argv, environment, job, r->shell, true, &no_room);
    if (!no_room) return (struct failure){r->shell, error};
    no_room = false;
  }
  return (struct failure){program, start(r, argv, environment, job, program, false, &no_room)};
}
