#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limits.h"
#include "say.h"

static _Noreturn void give_up(const char *what) { refuse("vetsh-init: %s: %s; hint: connect works inside a sandbox that was given hosts", what, strerror(errno)); }

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = write(fd, bytes, length);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) _exit(1); /* whoever reads is gone */
    bytes += put;
    length -= (size_t)put;
  }
}

/* Reads the answer byte by byte: what follows its head is the other side's. */
static void await_answer(int fd) {
  char head[4096];
  size_t length = 0;
  while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4) != 0) {
    ssize_t got = read(fd, head + length, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) give_up("no answer from the proxy");
    if (got == 0 || ++length == sizeof head - 1) refuse("vetsh-init: no answer from the proxy");
  }
  head[strcspn(head, "\r")] = '\0';
  if (strncmp(head, "HTTP/1.1 200 ", 13) != 0) refuse("vetsh: %s", length > 13 ? head + 9 : head);
}

/* Copies what has come. False at the end. */
static bool copy(int from, int to) {
  static char bytes[BRIDGE_BUFFER];
  ssize_t got = read(from, bytes, sizeof bytes);
  if (got < 0) return errno == EINTR;
  write_all(to, bytes, (size_t)got);
  return got > 0;
}

_Noreturn void connect_through(const char *host, const char *port) {
  refusal_status = 1;
  char request[1024];
  const char *form = strchr(host, ':') != NULL && host[0] != '[' ? "CONNECT [%s]:%s HTTP/1.1\r\n\r\n" : "CONNECT %s:%s HTTP/1.1\r\n\r\n";
  int length = snprintf(request, sizeof request, form, host, port);
  if (length <= 0 || (size_t)length >= sizeof request || strpbrk(host, " \r\n") != NULL || strpbrk(port, " \r\n") != NULL) refuse("vetsh-init: this is no host and port");
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in bridge = {.sin_family = AF_INET, .sin_port = htons(BRIDGE_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || connect(fd, (struct sockaddr *)&bridge, sizeof bridge) != 0) give_up("no proxy here");
  write_all(fd, request, (size_t)length);
  await_answer(fd);
  struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  for (;;) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) _exit(1);
    if (polled[0].revents != 0 && !copy(STDIN_FILENO, fd)) {
      polled[0].fd = -1;
      shutdown(fd, SHUT_WR);
    }
    if (polled[1].revents != 0 && !copy(fd, STDOUT_FILENO)) _exit(0);
  }
}
