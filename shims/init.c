/* vetsh-init [--bridge SOCKET] REAL_SHELL ARGV0 ARGS…: the first program inside a sandbox. Leaves behind what came in from outside (descriptors, the
   caller's session keyring), takes away what no command needs (the filter below), and becomes the real shell with the argv given.
   vetsh-init --connect HOST PORT, inside: standard input and output become a connection through the bridge (connect.c).
   vetsh-init --hold CHANNEL: process 1 of a warm sandbox (hold.c).
   vetsh-init --dial CHANNEL PID STARTED OUTSIDE, started by the broker outside: connects to ports of that room (dial.c).
   vetsh-init --view OPERATION… and --into PID STARTED OUTSIDE DIRECTORY PROGRAM ARGV0 ARGUMENT…, started by `vetsh run` outside: an agent's view (view.c).
   vetsh-init --beside DESCRIPTOR PROGRAM ARGUMENT…, started by the broker outside: makes a warm sandbox for shims in such a view.
   vetsh-init --reading COUNT PATH… REAL_SHELL ARGV0 ARGS…, where there are no namespaces: the shell may read these and write nothing (landlock.c).
   With --bridge it leaves a bridge to the filtering proxy behind. It runs nothing else, and nothing at all when one step fails. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bridge.h"
#include "confine.h"
#include "connect.h"
#include "dial.h"
#include "hold.h"
#include "inside.h"
#include "say.h"
#include "view.h"

extern char **environ;

/* The shim keeps signals from bwrap; here the shell gets the caller's mask back, and the variable that carried it goes. */
static void restore_mask(void) {
  const char *text = getenv(INIT_MASK_NAME);
  if (text == NULL) return;
  uint64_t mask = strtoull(text, NULL, 16);
  unsetenv(INIT_MASK_NAME);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "--connect") == 0) connect_through(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "--hold") == 0) hold(atoi(argv[2]));
  if (argc == 6 && strcmp(argv[1], "--dial") == 0) dial(atoi(argv[2]), &(struct holder){.pid = atoi(argv[3]), .started = strtoull(argv[4], NULL, 10), .outside = strtoull(argv[5], NULL, 10)});
  if (argc >= 2 && strcmp(argv[1], "--view") == 0) view_keep(argv + 2);
  if (argc >= 8 && strcmp(argv[1], "--into") == 0) view_enter(&(struct holder){.pid = atoi(argv[2]), .started = strtoull(argv[3], NULL, 10), .outside = strtoull(argv[4], NULL, 10)}, argv[5], argv + 6);
  if (argc >= 4 && strcmp(argv[1], "--beside") == 0) view_beside(atoi(argv[2]), argv + 3);
  const char *bridge = argc > 2 && strcmp(argv[1], "--bridge") == 0 ? argv[2] : NULL;
  if (bridge != NULL) argc -= 2, argv += 2;
  size_t readable = 0;
  char *const *paths = argv + 3;
  if (argc > 3 && strcmp(argv[1], "--reading") == 0) {
    readable = strtoul(argv[2], NULL, 10);
    if (readable == 0 || readable > (size_t)argc - 3) refuse("vetsh-init: --reading: as many paths as it says");
    argc -= 2 + (int)readable, argv += 2 + readable;
  }
  if (argc < 3 || argv[1][0] != '/') refuse("vetsh-init: usage: vetsh-init [--bridge SOCKET] /path/of/shell ARGV0 [ARGUMENT...]");
  /* SECURITY: an inherited descriptor of a directory outside is a way out: `cd /proc/self/fd/9`. */
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0) refuse("vetsh-init: cannot close inherited files: %s, nothing ran; hint: a kernel of 5.9 or later is needed", strerror(errno));
  const char *failed = readable > 0 ? confine_to_reading(paths, readable) : confine();
  if (failed != NULL) refuse("vetsh-init: cannot %s: %s, nothing ran; hint: vetsh doctor", failed, strerror(errno));
  if (bridge != NULL) bridge_start(bridge);
  restore_mask();
  execve(argv[1], argv + 2, environ);
  refuse("vetsh-init: cannot start %s: %s, nothing ran; hint: vetsh doctor", argv[1], strerror(errno));
}
