/* Commands that come through a pipe or file: complete ones are judged as they arrive, and what was judged is what the shell reads. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gate.h"
#include "limits.h"
#include "say.h"

/* What a refused piece is replaced with: the shell's `$?` says what happened. */
static const char refused[] = "(exit 126)\n";

struct text { char *at; size_t length, room; };

static bool more_room(struct text *t) {
  if (t->length + FEED_BLOCK < t->room) return true;
  size_t room = t->room * 2 + 2 * FEED_BLOCK;
  char *at = room > FRAME_MAX ? NULL : realloc(t->at, room);
  if (at == NULL) return false;
  t->at = at, t->room = room;
  return true;
}

/* Into the shell's own pipe; false when nobody reads any more. */
static bool pass(int to, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = write(to, bytes, length);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes += put;
    length -= (size_t)put;
  }
  return true;
}

static char judge(int broker, struct text *t, size_t length, bool last) {
  /* SECURITY: shells skip a NUL or end at it; what would be judged is then not what runs. */
  if (memchr(t->at, '\0', length) != NULL) return 'r';
  char after = t->at[length];
  t->at[length] = '\0';
  char directory[4096];
  if (getcwd(directory, sizeof directory) == NULL) directory[0] = '\0';
  gate_field(broker, "5");
  gate_field(broker, "vetsh-gate-1");
  gate_field(broker, "0");
  gate_field(broker, last ? "E" : "S");
  gate_field(broker, directory);
  gate_field(broker, t->at);
  t->at[length] = after;
  return gate_answer(broker);
}

/* The end of the line that begins at `at`; 0 when it has not come yet. */
static size_t line_end(const struct text *t, size_t at) {
  char *end = at < t->length ? memchr(t->at + at, '\n', t->length - at) : NULL;
  return end == NULL ? 0 : (size_t)(end - t->at) + 1;
}

enum settled { SETTLED, WAITING, OVER };

/* Judges `length` bytes, and passes on what may run. */
static enum settled piece(int broker, int to, struct text *t, size_t length, bool last) {
  switch (judge(broker, t, length, last)) {
    case 'a':
      if (!pass(to, t->at, length)) return OVER;
      break;
    case 'm': return WAITING;
    case 'r':
      if (!pass(to, refused, sizeof refused - 1)) return OVER;
      break;
    default:
      say("vetsh: the broker does not answer, nothing more of standard input runs; hint: vetsh doctor");
      return OVER;
  }
  memmove(t->at, t->at + length, t->length - length);
  t->length -= length;
  return SETTLED;
}

/* Judges what is there, command by command: an agent that keeps a shell open writes a line of its own behind each command, and waits for
   what that prints, also when the command was refused. False: nothing more is to be done. */
static bool settle(int broker, int to, struct text *t) {
  for (size_t end = line_end(t, 0); end != 0;) {
    switch (piece(broker, to, t, end, false)) {
      case SETTLED: end = line_end(t, 0); break;
      case WAITING: end = line_end(t, end); break;
      case OVER: return false;
    }
  }
  return true;
}

static _Noreturn void copy(int broker, int from, int to) {
  struct text t = {0};
  bool changed = false;
  for (bool going = true; going;) {
    struct pollfd waiting[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = 0}};
    int ready = poll(waiting, 2, changed ? FEED_SETTLE_MS : -1);
    if (ready < 0 && errno == EINTR) continue;
    if ((waiting[1].revents & POLLERR) != 0) break; /* the shell has ended */
    if (ready == 0) {
      going = settle(broker, to, &t);
      changed = false;
      continue;
    }
    if (waiting[0].revents == 0) continue;
    if (!more_room(&t)) {
      say("vetsh: standard input has a command too large to be judged, nothing more of it runs; hint: write it to a file");
      break;
    }
    ssize_t got = read(from, t.at + t.length, FEED_BLOCK);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) {
      if (t.length > 0) piece(broker, to, &t, t.length, true);
      break;
    }
    t.length += (size_t)got;
    changed = true;
  }
  _exit(0);
}

void feed(int broker) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) refuse("vetsh: cannot make a pipe: %s, nothing ran", strerror(errno));
  int from = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  pid_t middle = from < 0 ? -1 : fork();
  if (middle < 0) refuse("vetsh: cannot feed the shell: %s, nothing ran", strerror(errno));
  if (middle == 0) {
    /* A grandchild: the shell has no child that it does not know. It is nobody's to trace, and ends when the pipe does. */
    if (fork() != 0) _exit(0);
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    close(ends[0]);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    copy(broker, from, ends[1]);
  }
  while (syscall(SYS_wait4, middle, NULL, 0, NULL) < 0 && errno == EINTR) {}
  close(from);
  close(broker);
  if (dup2(ends[0], STDIN_FILENO) < 0) refuse("vetsh: cannot feed the shell: %s, nothing ran", strerror(errno));
}
