/* vetsh-gate: what is started in the place of a shell whose lines are judged one by one. It connects to the broker, says which command
   it is (VETSH_PERMIT), and becomes the real shell, which finds the connection on GATE_DESCRIPTOR. It knows no policy and parses no
   command. docs/decisions/0012-gates-in-interactive-shells.md

   VETSH_GATE, set by the broker with RUN, is KIND and the real shell: `bash /usr/bin/bash` (on a terminal), `stream …` (fed by a pipe or file).
   vetsh-gate --ask KIND DIRECTORY TEXT [NAME VALUE]...   one question of a subshell, which cannot share the connection: status 0 when it may run. */
#include "gate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"
#include "limits.h"
#include "say.h"
#include "start.h"

extern char **environ;

static _Noreturn void give_up(const char *what) { refuse("vetsh: %s: %s, nothing ran; hint: vetsh doctor", what, strerror(errno)); }

/* A connection of which the broker knows the command it belongs to. */
int gate_connect(void) {
  const char *token = getenv("VETSH_PERMIT");
  struct sockaddr_un where = {.sun_family = AF_UNIX};
  snprintf(where.sun_path, sizeof where.sun_path, "%s", SOCKET_PATH);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof where) != 0) give_up("the broker cannot be reached");
  struct frame hello;
  frame_begin(&hello, GATE);
  put_str(&hello, token == NULL ? "" : token);
  if (frame_send(fd, &hello, now_ms() + GATE_HELLO_MS) != IO_DONE) give_up("the broker cannot be reached");
  char known = 0;
  struct pollfd answer = {.fd = fd, .events = POLLIN};
  if (poll(&answer, 1, GATE_HELLO_MS) != 1 || read(fd, &known, 1) != 1 || known != '+') refuse("vetsh: the broker does not know this shell, nothing ran; hint: start it again");
  return fd;
}

void gate_send(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) give_up("the broker cannot be reached");
    bytes += put;
    length -= (size_t)put;
  }
}

void gate_field(int fd, const char *text) { gate_send(fd, text, strlen(text) + 1); }

/* An answer is NONCE, a blank, one letter, perhaps a blank and a message, and NUL. Out: the letter; a message was said. Anything else: 0. */
char gate_answer(int fd) {
  static char text[64 * 1024];
  size_t length = 0;
  for (;;) {
    ssize_t got = read(fd, text + length, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) return 0;
    if (text[length] == '\0') break;
    if (++length == sizeof text) return 0;
  }
  char *blank = strchr(text, ' ');
  if (blank == NULL || blank[1] == '\0') return 0;
  if (blank[2] == ' ' && blank[3] != '\0') say_bytes(blank + 3, strlen(blank + 3)), say_bytes("\n", 1);
  return blank[1];
}

static int ask_once(int count, char **fields) {
  refusal_status = STATUS_REFUSED;
  int fd = gate_connect();
  char number[16];
  snprintf(number, sizeof number, "%d", count + 2);
  gate_field(fd, number);
  gate_field(fd, "vetsh-gate-1");
  gate_field(fd, "0");
  for (int at = 0; at < count; at++) gate_field(fd, fields[at]);
  return gate_answer(fd) == 'a' ? 0 : STATUS_REFUSED;
}

static _Noreturn void become(const char *shell, char *const *argv) {
  execve(shell, argv, environ);
  refuse("vetsh: cannot start %s: %s, nothing ran; hint: vetsh doctor", shell, strerror(errno));
}

/* The descriptor that the shell and its gate share with the broker. It stays open in the shell's children: what they could do with it is in the decision. */
static void keep_open(int fd) {
  if (dup2(fd, GATE_DESCRIPTOR) < 0) give_up("cannot keep the connection");
  if (fd != GATE_DESCRIPTOR) close(fd);
}

int main(int argc, char **argv) {
  if (argc >= 5 && strcmp(argv[1], "--ask") == 0) return ask_once(argc - 2, argv + 2);
  char *order = getenv("VETSH_GATE");
  char *blank = order == NULL ? NULL : strchr(order, ' ');
  if (argc < 1 || blank == NULL || blank[1] != '/') refuse("vetsh-gate: is started by vetsh alone");
  char kind[16];
  snprintf(kind, sizeof kind, "%.*s", (int)(blank - order), order);
  char *shell = strdup(blank + 1);
  unsetenv("VETSH_GATE");
  int broker = gate_connect();
  if (strcmp(kind, "stream") == 0) {
    feed(broker);
    become(shell, argv);
  }
  keep_open(broker);
  char *name = argv[0][0] == '-' ? argv[0] + 1 : argv[0];
  if (strcmp(kind, "bash") == 0) {
    /* SECURITY: who interrupts the start-up files has a shell without the rest of them. Then the gate comes before the first prompt. */
    setenv("PROMPT_COMMAND", ". " VETSH_ROOT "/libexec/gates/bash", 1);
    become(shell, (char *[]){name, "--rcfile", VETSH_ROOT "/libexec/gates/bash", "-i", NULL});
  }
  refuse("vetsh-gate: a kind of shell that is not known, nothing ran; hint: vetsh doctor");
}
