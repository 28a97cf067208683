/* enter-room HOLDER STARTED OUTSIDE NAMESPACES MOUNTS LAST-MOUNT SESSION DIRECTORY SHELL ARGV0 ARGS…: a starter with nothing of the shim's around it.
   Ends as the command did; 125 when the room could not be entered, 124 when the program could not be executed there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shims/enter.h"

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 11) return 123;
  struct room room = {.holder = {.pid = atoi(argv[1]), .started = strtoull(argv[2], NULL, 10), .outside = strtoull(argv[3], NULL, 10)}, .namespaces = (uint32_t)strtoul(argv[4], NULL, 10), .mounts = {.count = (uint32_t)strtoul(argv[5], NULL, 10), .last = strtoull(argv[6], NULL, 10)}, .own_session = argv[7][0] == '1', .directory = argv[8]};
  struct sigaction on_child;
  sigaction(SIGCHLD, NULL, &on_child);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return 123;
  struct becoming what = {.program = argv[9], .argv = argv + 10, .environment = environ, .mask = 0, .on_child = &on_child, .report = report[1]};
  pid_t first = fork(), child = 0;
  if (first == 0) {
    close(report[0]);
    enter(&room, &what);
  }
  close(report[1]);
  struct note note;
  while (read(report[0], &note, sizeof note) == (ssize_t)sizeof note) {
    if (note.kind == NOTE_CHILD) child = note.value;
    else {
      fprintf(stderr, "enter-room: note %d: %s\n", note.kind, strerror(note.value));
      return note.kind == NOTE_NO_ROOM ? 125 : 124;
    }
  }
  close(report[0]);
  int status;
  waitpid(first, &status, 0);
  if (waitpid(child, &status, 0) != child) return 123;
  if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
  return WEXITSTATUS(status);
}
