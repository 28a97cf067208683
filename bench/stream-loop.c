/* One end of a stream, for bench/proxy.ts: as little work as possible on both sides of what is measured.
 * source MB          listens on 127.0.0.1, prints its port, sends one byte and then so many MB on each connection
 * sink PATH PORT     through the proxy at PATH: prints bytes received after the head and nanoseconds
 * ask PATH|- PORT N  N times: connects (through the proxy, or itself), waits for the first byte, ends; prints least and middle, in ns */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char block[1 << 20];

static long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000L + at.tv_nsec;
}

static void must(int ok, const char *what) {
  if (!ok) perror(what), exit(1);
}

static _Noreturn void source(long mb) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  must(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 128) == 0, "listen");
  getsockname(listener, (struct sockaddr *)&at, &length);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    must(fd >= 0 && write(fd, "x", 1) == 1, "accept");
    for (long sent = 0; sent < mb; sent++)
      for (size_t done = 0; done < sizeof block;) {
        ssize_t put = send(fd, block + done, sizeof block - done, MSG_NOSIGNAL);
        if (put <= 0) { sent = mb; break; }
        done += (size_t)put;
      }
    close(fd);
  }
}

/* Out: a connection on which the next byte is the source's. */
static int open_to(const char *path, const char *port) {
  if (strcmp(path, "-") == 0) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(connect(fd, (struct sockaddr *)&at, sizeof at) == 0, "connect");
    return fd;
  }
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  must(connect(fd, (struct sockaddr *)&at, sizeof at) == 0, "connect");
  char head[256];
  int length = snprintf(head, sizeof head, "CONNECT bench.test:%s HTTP/1.1\r\n\r\n", port);
  must(write(fd, head, (size_t)length) == length, "write");
  for (int got = 0; got < 4 || memcmp(head + got - 4, "\r\n\r\n", 4) != 0; got++) must(got < 255 && read(fd, head + got, 1) == 1, "head");
  return fd;
}

static int by_size(const void *a, const void *b) { return *(const long *)a < *(const long *)b ? -1 : 1; }

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "source") == 0) source(atol(argv[2]));
  if (argc == 4 && strcmp(argv[1], "sink") == 0) {
    int fd = open_to(argv[2], argv[3]);
    long began = now(), bytes = 0;
    for (ssize_t got; (got = read(fd, block, sizeof block)) > 0;) bytes += got;
    printf("%ld %ld\n", bytes, now() - began);
    return 0;
  }
  if (argc == 5 && strcmp(argv[1], "ask") == 0) {
    int rounds = atoi(argv[4]);
    long *took = calloc((size_t)rounds, sizeof *took);
    for (int at = 0; at < rounds; at++) {
      long began = now();
      int fd = open_to(argv[2], argv[3]);
      must(read(fd, block, 1) == 1, "read");
      took[at] = now() - began;
      close(fd);
    }
    qsort(took, (size_t)rounds, sizeof *took, by_size);
    printf("%ld %ld\n", took[0], took[rounds / 2]);
    return 0;
  }
  return 2;
}
