/* One process and one poll loop for all connections of a command. It decides nothing: who may be reached is decided outside. */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door.h"
#include "limits.h"
#include "say.h"

/* Bytes on their way in one direction; `ended`: the reader saw the end, `told`: the writer was told. */
struct flow { char bytes[BRIDGE_BUFFER]; size_t start, end; bool ended, told; };
struct pair { int fd[2]; struct flow flow[2]; }; /* flow[i] goes from fd[i] to fd[1 - i] */

static struct pair pairs[BRIDGE_CONNECTIONS];
static int count;

static void accept_one(int listener, const struct sockaddr_un *outside) {
  int inner = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (inner < 0) return;
  int one = 1, outer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(inner, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  /* A proxy that is gone means that the command's leave has ended. */
  if (outer < 0 || connect(outer, (const struct sockaddr *)outside, sizeof *outside) != 0 || fcntl(outer, F_SETFL, O_NONBLOCK) != 0) {
    if (outer >= 0) close(outer);
    close(inner);
    return;
  }
  struct pair *p = &pairs[count++];
  p->fd[0] = inner;
  p->fd[1] = outer;
  for (int i = 0; i < 2; i++) p->flow[i].start = p->flow[i].end = p->flow[i].ended = p->flow[i].told = 0;
}

/* Moves what can be moved from fd[i] to fd[1 - i]. False when the pair is broken. */
static bool move(struct pair *p, int i, short from, short to) {
  struct flow *f = &p->flow[i];
  if (!f->ended && f->start == f->end && (from & (POLLIN | POLLHUP | POLLERR))) {
    ssize_t got = read(p->fd[i], f->bytes, sizeof f->bytes);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (got == 0) f->ended = true;
    f->start = 0;
    f->end = got > 0 ? (size_t)got : 0;
    to |= POLLOUT; /* try at once */
  }
  if (f->start < f->end && (to & (POLLOUT | POLLHUP | POLLERR))) {
    ssize_t put = send(p->fd[1 - i], f->bytes + f->start, f->end - f->start, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (put > 0) f->start += (size_t)put;
  }
  if (f->ended && f->start == f->end && !f->told) {
    f->told = true;
    shutdown(p->fd[1 - i], SHUT_WR);
  }
  return true;
}

static void drop(struct pair *p) {
  close(p->fd[0]);
  close(p->fd[1]);
  struct pair *last = &pairs[--count];
  if (p != last) memcpy(p, last, sizeof *p);
}

/* What to wait for on fd[i]: bytes when there is room for them, room when there are bytes for it. A negative descriptor is left alone. */
static struct pollfd interest(const struct pair *p, int i) {
  const struct flow *out = &p->flow[i], *in = &p->flow[1 - i];
  short events = 0;
  if (!out->ended && out->start == out->end) events |= POLLIN;
  if (in->start < in->end) events |= POLLOUT;
  return (struct pollfd){.fd = events == 0 ? -1 : p->fd[i], .events = events};
}

static _Noreturn void serve(int listener, int owner, const struct sockaddr_un *outside) {
  static struct pollfd polled[2 + 2 * BRIDGE_CONNECTIONS];
  for (;;) {
    polled[0] = (struct pollfd){.fd = owner, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = count < BRIDGE_CONNECTIONS ? listener : -1, .events = POLLIN};
    for (int i = 0; i < count; i++)
      for (int side = 0; side < 2; side++) polled[2 + 2 * i + side] = interest(&pairs[i], side);
    if (poll(polled, (nfds_t)(2 + 2 * count), -1) < 0 && errno != EINTR) _exit(1);
    if (polled[0].revents != 0) _exit(0); /* the command has ended */
    /* From the last to the first: a dropped pair is replaced by the last one, which has been served. */
    for (int i = count - 1; i >= 0; i--) {
      struct pair *p = &pairs[i];
      short inner = polled[2 + 2 * i].revents, outer = polled[3 + 2 * i].revents;
      bool whole = move(p, 0, inner, outer) && move(p, 1, outer, inner);
      if (!whole || (p->flow[0].told && p->flow[1].told)) drop(p);
    }
    if (polled[1].revents != 0) accept_one(listener, outside);
  }
}

/* Nothing of the caller stays with the process: not its files, not its session, not its signals. */
static void leave(int listener, int owner) {
  setsid();
  prctl(PR_SET_NAME, "vetsh-bridge");
  for (int sig = 1; sig < NSIG; sig++) signal(sig, sig == SIGPIPE ? SIG_IGN : SIG_DFL);
  int null = open("/dev/null", O_RDWR);
  if (null < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  int low = listener < owner ? listener : owner, high = listener < owner ? owner : listener;
  if (low > 3) syscall(SYS_close_range, 3u, (unsigned)low - 1, 0u);
  if (high > low + 1) syscall(SYS_close_range, (unsigned)low + 1, (unsigned)high - 1, 0u);
  syscall(SYS_close_range, (unsigned)high + 1, ~0u, 0u);
  if (chdir("/") != 0) _exit(1);
}

void bridge_start(const char *path) {
  struct sockaddr_un outside = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof outside.sun_path) refuse("vetsh-init: the path of the proxy's socket is too long, nothing ran; hint: vetsh doctor");
  strcpy(outside.sun_path, path);
  int owner = (int)syscall(NR_PIDFD_OPEN, getpid(), 0);
  if (owner < 0) refuse("vetsh-init: cannot watch the command: %s, nothing ran; hint: a kernel of 5.9 or later is needed", strerror(errno));
  fcntl(owner, F_SETFD, FD_CLOEXEC);
  int listener = door_open(BRIDGE_CONNECTIONS);
  if (listener < 0) refuse("vetsh-init: cannot listen for the command's connections: %s, nothing ran; hint: vetsh doctor", strerror(errno));
  pid_t child = fork();
  if (child < 0) refuse("vetsh-init: cannot start the bridge: %s, nothing ran; hint: vetsh doctor", strerror(errno));
  if (child == 0) {
    /* Before the command begins nothing of it is held any more. Twice, so that it has no child that it did not start. */
    leave(listener, owner);
    pid_t bridge = fork();
    if (bridge != 0) _exit(bridge < 0 ? 1 : 0);
    serve(listener, owner, &outside);
  }
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) refuse("vetsh-init: cannot start the bridge, nothing ran; hint: vetsh doctor");
  close(listener);
  close(owner);
}
