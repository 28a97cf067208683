#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "limits.h"
#include "say.h"

_Static_assert(sizeof SOCKET_PATH <= sizeof((struct sockaddr_un *)0)->sun_path, "ROOT is too long for the path of a socket");

static int at_or_above(int fd, int floor) {
  if (fd < 0 || fd >= floor) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, floor);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

/* A caller may start us with 0, 1 or 2 closed; a descriptor of ours there would become the child's stdio, or the target of a message. */
int above_stdio(int fd) { return at_or_above(fd, STDERR_FILENO + 1); }

int broker_try(void) {
  int fd = above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return -errno;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

/* SECURITY: whoever runs the first command starts the broker, and limits are inherited: an agent could cripple the journal with
   `ulimit -f 0`. Soft limits are lifted later; hard ones cannot be, so such a start is refused. */
static void check_limits(void) {
  static const struct { int resource; const char *name; } unlimited[] = {
      {RLIMIT_FSIZE, "file size"}, {RLIMIT_CPU, "cpu time"}, {RLIMIT_AS, "address space"}, {RLIMIT_DATA, "data size"}};
  struct rlimit limit;
  for (size_t i = 0; i < sizeof unlimited / sizeof *unlimited; i++) {
    if (getrlimit(unlimited[i].resource, &limit) != 0 || limit.rlim_max != RLIM_INFINITY)
      refuse("vetsh: not starting the broker under a hard limit on %s, nothing ran; hint: run `vetsh broker start` from an unlimited shell", unlimited[i].name);
  }
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < BROKER_MIN_FILES)
    refuse("vetsh: not starting the broker with fewer than %d open files allowed, nothing ran; hint: run `vetsh broker start` from an unlimited shell", BROKER_MIN_FILES);
}

/* SECURITY: root must not run code from a directory that another user can write to. */
static void check_owner(void) {
  struct stat info;
  if (stat(RUN_PATH, &info) != 0) refuse("vetsh: cannot use %s: %s, nothing ran; hint: vetsh doctor", RUN_PATH, strerror(errno));
  if (info.st_uid != geteuid()) refuse("vetsh: %s belongs to another user, not starting a broker, nothing ran; hint: install vetsh for this user", RUN_PATH);
}

static void reset_process(void) {
  struct sigaction dfl = {.sa_handler = SIG_DFL};
  for (int sig = 1; sig < NSIG; sig++) sigaction(sig, &dfl, NULL); /* KILL, STOP and the C library's own say no: nothing lost */
  uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
  umask(077);
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    struct rlimit limit;
    if (getrlimit((unsigned)resource, &limit) != 0) continue;
    limit.rlim_cur = limit.rlim_max;
    if (resource == RLIMIT_CORE) limit.rlim_cur = limit.rlim_max = 0;
    if (resource == RLIMIT_STACK && limit.rlim_cur > (8u << 20)) limit.rlim_cur = 8u << 20; /* unlimited changes the memory layout */
    setrlimit((unsigned)resource, &limit);
  }
}

/* In the grandchild: becomes the broker, or writes errno to `report`. */
static _Noreturn void become_broker(int lock, int report) {
  reset_process();
  enum { CLEAR = 10 };
  int ok = chdir("/");
  lock = at_or_above(lock, CLEAR);
  report = at_or_above(report, CLEAR);
  int null = at_or_above(open("/dev/null", O_RDWR | O_CLOEXEC), CLEAR);
  int log = null < 0 ? null : at_or_above(open(LOG_PATH, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600), CLEAR);
  if (ok == 0 && lock >= 0 && report >= 0 && log >= 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2 &&
      dup2(lock, 3) == 3 && dup3(report, 4, O_CLOEXEC) == 4 && syscall(SYS_close_range, 5u, ~0u, 0u) == 0) {
    report = 4;
    char *argv[] = {NODE_PATH, MAIN_PATH, "--root", VETSH_ROOT, NULL};
    char *environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    execve(NODE_PATH, argv, environment);
  }
  int error = errno;
  if (write(report, &error, sizeof error) < 0) _exit(2);
  _exit(1);
}

/* Starts the broker in a session of its own. The lock goes with it. Refuses when the program cannot be executed. */
static void launch(int lock) {
  check_owner();
  check_limits();
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0 || (report[0] = above_stdio(report[0])) < 0 || (report[1] = above_stdio(report[1])) < 0)
    refuse("vetsh: cannot start the broker: %s, nothing ran; hint: vetsh doctor", strerror(errno));
  pid_t child = fork();
  if (child < 0) refuse("vetsh: cannot start the broker: %s, nothing ran; hint: vetsh doctor", strerror(errno));
  if (child == 0) {
    setsid();
    pid_t grandchild = fork(); /* not ours to wait for, and never the leader of a session: it cannot gain a terminal */
    if (grandchild == 0) become_broker(lock, report[1]);
    int error = errno;
    _exit(grandchild < 0 && write(report[1], &error, sizeof error) > 0 ? 1 : 0);
  }
  close(report[1]);
  int error = 0;
  ssize_t n;
  while ((n = read(report[0], &error, sizeof error)) < 0 && errno == EINTR) {}
  close(report[0]);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  if (n > 0) refuse("vetsh: cannot start the broker %s: %s, nothing ran; hint: vetsh doctor", NODE_PATH, strerror(error));
}

/* Nobody listens: starts a broker if no other shim is at it. At most one attempt for each shim, so that a broker that cannot live is not started in a loop. */
static void start_if_nobody_does(bool *started) {
  int lock = above_stdio(open(LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  /* In an agent's view, where everything of ours is read-only: who started the agent starts the next broker, outside. */
  if (lock < 0 && errno == EROFS) return;
  if (lock < 0) refuse("vetsh: cannot open %s: %s, nothing ran; hint: vetsh doctor", LOCK_PATH, strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) refuse("vetsh: cannot lock %s: %s, nothing ran; hint: vetsh doctor", LOCK_PATH, strerror(errno));
    close(lock); /* held by a broker that lives or is being started: it will listen soon, or the deadline ends this */
    return;
  }
  if (*started) refuse("vetsh: the broker ended while starting, nothing ran; hint: see %s", LOG_PATH);
  launch(lock);
  *started = true;
  close(lock); /* the broker's copy keeps it */
}

int broker_connect(int64_t deadline) {
  bool started = false;
  long pause = PROBE_FIRST_MS;
  for (;;) {
    int fd = broker_try();
    if (fd >= 0) return fd;
    if (fd == -ENOENT || fd == -ECONNREFUSED) start_if_nobody_does(&started);
    else if (fd != -EAGAIN && fd != -EINTR) /* EAGAIN: more shims wait than the broker's queue holds */
      refuse(fd == -EPERM ? "vetsh: cannot connect to %s: %s, nothing ran; a sandbox of another program around this shell forbids sockets, so nobody can judge its commands; hint: switch the agent's own sandbox off, vetsh confines each command"
                          : "vetsh: cannot connect to %s: %s, nothing ran; hint: vetsh doctor", SOCKET_PATH, strerror(-fd));
    if (now_ms() >= deadline) {
      if (fd == -EAGAIN) refuse("vetsh: the broker's queue stayed full for %d ms, nothing ran; hint: vetsh doctor", BROKER_START_MS);
      refuse("vetsh: no broker answered at %s within %d ms, nothing ran; hint: see %s", SOCKET_PATH, BROKER_START_MS, LOG_PATH);
    }
    struct timespec rest = {.tv_nsec = pause * 1000000};
    nanosleep(&rest, NULL);
    if (pause < PROBE_LAST_MS) pause *= 2;
  }
}
