/* It lives in the host's process and mount namespaces: nobody in the room sees it, can signal or trace it. All that comes from inside
   is how a connection begins; bytes that are sent over it are never read here. */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "frame.h"
#include "limits.h"
#include "pass.h"
#include "say.h"

struct attempt {
  int fd;
  uint32_t id, port;
  int error; /* why 127.0.0.1 did not answer; 0 while it is tried, and then ::1 is */
  int64_t deadline;
};

static struct attempt attempts[DIAL_ATTEMPTS];
static size_t attempt_count;
static char held[DIAL_LINE];
static size_t held_length;

static void answer(int channel, const char *text, int length) {
  if (send(channel, text, (size_t)length, MSG_NOSIGNAL) != length) _exit(0); /* nobody is there to hear it */
}

static void answer_failed(int channel, uint32_t id, int error) {
  char text[64];
  answer(channel, text, snprintf(text, sizeof text, "{\"id\":%u,\"errno\":%d}\n", id, error));
}

static void answer_connected(int channel, const struct attempt *one) {
  char text[96];
  int length = snprintf(text, sizeof text, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":{\"id\":%u}}\n", one->id);
  if (!pass_descriptor(channel, text, (size_t)length, one->fd)) _exit(0);
}

/* Begins to connect to the address that is next. 0, or the errno for which that cannot be. */
static int begin(struct attempt *one) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)one->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)one->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  bool first = one->error == 0;
  one->fd = socket(first ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (one->fd < 0) return errno;
  int connected = first ? connect(one->fd, (struct sockaddr *)&v4, sizeof v4) : connect(one->fd, (struct sockaddr *)&v6, sizeof v6);
  return connected == 0 || errno == EINPROGRESS ? 0 : errno;
}

/* A connection to a port of one's own range that nobody listens on may meet itself. */
static bool met_itself(int fd) {
  struct sockaddr_storage here = {0}, there = {0};
  socklen_t here_length = sizeof here, there_length = sizeof there;
  if (getsockname(fd, (struct sockaddr *)&here, &here_length) != 0 || getpeername(fd, (struct sockaddr *)&there, &there_length) != 0) return false;
  return here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

/* True when the attempt is over and was answered. */
static bool go_on(int channel, struct attempt *one, bool ready) {
  int error = 0;
  if (!ready) {
    if (now_ms() < one->deadline) return false;
    error = ETIMEDOUT;
  } else {
    socklen_t length = sizeof error;
    if (getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error == 0 && met_itself(one->fd)) error = ECONNREFUSED;
    if (error == 0) answer_connected(channel, one);
  }
  close(one->fd);
  if (ready && error != 0 && one->error == 0) {
    one->error = error;
    if (begin(one) == 0) return false;
    if (one->fd >= 0) close(one->fd);
  }
  if (error != 0) answer_failed(channel, one->id, one->error != 0 ? one->error : error);
  return true;
}

static void start_attempt(int channel, uint32_t id, uint32_t port) {
  struct attempt one = {.id = id, .port = port, .deadline = now_ms() + DIAL_MS};
  int error = begin(&one);
  if (error != 0 && one.fd >= 0) {
    close(one.fd);
    one.error = error;
    error = begin(&one);
    if (error != 0 && one.fd >= 0) close(one.fd);
  }
  if (error != 0) answer_failed(channel, id, one.error != 0 ? one.error : error);
  else attempts[attempt_count++] = one;
}

/* A number without sign or leading zero, 1 to `most`, at `*at`, which moves past it. 0: none is there. */
static uint32_t number(const char **at, uint32_t most) {
  uint32_t value = 0;
  for (; **at >= (value == 0 ? '1' : '0') && **at <= '9' && value <= most; ++*at) value = value * 10 + (uint32_t)(**at - '0');
  return value <= most ? value : 0;
}

static bool literal(const char **at, const char *text) {
  size_t length = strlen(text);
  if (strncmp(*at, text, length) != 0) return false;
  *at += length;
  return true;
}

/* Obeys the first whole line that is held. False when there is none. */
static bool take_line(int channel) {
  char *end = memchr(held, '\n', held_length);
  if (end == NULL && held_length == sizeof held) refuse("vetsh-init: a request for a connection is too long");
  if (end == NULL) return false;
  *end = '\0';
  const char *at = held;
  /* What Node says when it has got a descriptor. */
  if (strcmp(at, "{\"cmd\":\"NODE_HANDLE_ACK\"}") != 0 || strlen(held) != (size_t)(end - held)) {
    uint32_t id = literal(&at, "{\"id\":") ? number(&at, 99999999) : 0;
    uint32_t port = id != 0 && literal(&at, ",\"port\":") ? number(&at, 65535) : 0;
    if (port == 0 || strcmp(at, "}") != 0 || at + 1 != end) refuse("vetsh-init: a request for a connection is not understood");
    start_attempt(channel, id, port);
  }
  held_length -= (size_t)(end + 1 - held);
  memmove(held, end + 1, held_length);
  return true;
}

static int wait_ms(void) {
  int64_t first = -1;
  for (size_t at = 0; at < attempt_count; at++)
    if (first < 0 || attempts[at].deadline < first) first = attempts[at].deadline;
  int64_t left = first - now_ms();
  return first < 0 ? -1 : left < 0 ? 0 : (int)left + 1;
}

static _Noreturn void serve(int channel) {
  for (;;) {
    while (attempt_count < DIAL_ATTEMPTS && take_line(channel)) continue;
    struct pollfd watched[1 + DIAL_ATTEMPTS];
    watched[0] = (struct pollfd){.fd = attempt_count < DIAL_ATTEMPTS ? channel : -1, .events = POLLIN};
    for (size_t at = 0; at < attempt_count; at++) watched[1 + at] = (struct pollfd){.fd = attempts[at].fd, .events = POLLOUT};
    if (poll(watched, 1 + attempt_count, wait_ms()) < 0 && errno != EINTR) refuse("vetsh-init: cannot wait for connections: %s", strerror(errno));
    /* From the last on: the one that takes a finished one's place was looked at. */
    for (size_t at = attempt_count; at-- > 0;)
      if (go_on(channel, &attempts[at], watched[1 + at].revents != 0)) attempts[at] = attempts[--attempt_count];
    if (watched[0].revents == 0) continue;
    ssize_t length = recv(channel, held + held_length, sizeof held - held_length, 0);
    if (length <= 0) _exit(0);
    held_length += (size_t)length;
  }
}

_Noreturn void dial(int channel, const struct holder *room) {
  /* First everything of the outside goes that is not needed, for from here on the room's user namespace is ours, too. */
  if (channel != 3 || syscall(SYS_close_range, 4u, ~0u, 0u) != 0) refuse("vetsh-init: --dial is for the broker");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) refuse("vetsh-init: cannot become unreadable: %s", strerror(errno));
  if (room_join(room, CLONE_NEWUSER | CLONE_NEWNET) != 0) refuse("vetsh-init: cannot join the sandbox: %s", strerror(errno));
  const char *failed = drop_capabilities();
  if (failed == NULL) failed = confine();
  if (failed != NULL) refuse("vetsh-init: cannot %s: %s", failed, strerror(errno));
  prctl(PR_SET_NAME, "vetsh-dial");
  answer(channel, "\"ready\"\n", 8);
  serve(channel);
}
