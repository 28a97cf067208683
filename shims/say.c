#include "say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "frame.h"
#include "limits.h"

int refusal_status = STATUS_REFUSED;

void say_bytes(const char *bytes, size_t length) {
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
  int64_t deadline = now_ms() + MESSAGE_MS;
  while (length > 0) {
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    int64_t left = deadline - now_ms();
    int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return; /* nobody reads: the exit status must do */
    ssize_t n = write(STDERR_FILENO, bytes, length > 512 ? 512 : length); /* at most PIPE_BUF: poll promises no more */
    if (n < 0 && errno != EINTR && errno != EAGAIN) return;
    if (n > 0) {
      bytes += n;
      length -= (size_t)n;
    }
  }
  /* Who hosts a terminal (node-pty) may no longer read once its program has ended: it gets the time to. */
  if (isatty(STDERR_FILENO)) poll(NULL, 0, TERMINAL_READ_MS);
}

static void say_list(const char *format, va_list list) {
  char line[1024];
  int length = vsnprintf(line, sizeof line - 1, format, list);
  if (length < 0) length = 0;
  if ((size_t)length > sizeof line - 2) length = sizeof line - 2;
  line[length] = '\n';
  say_bytes(line, (size_t)length + 1);
}

void say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  say_list(format, list);
  va_end(list);
}

_Noreturn void refuse(const char *format, ...) {
  va_list list;
  va_start(list, format);
  say_list(format, list);
  va_end(list);
  _exit(refusal_status);
}
