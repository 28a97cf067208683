/* Stands at the path of a real shell: notes who starts it, and becomes it. What a sandbox holds has a variable that says so, and no way to write here. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char where[64] = "", line[1024];
  if (readlink("/proc/self/ns/mnt", where, sizeof where - 1) > 0 && getenv("VETSH_SANDBOX") == NULL) {
    int log = open(LOG, O_WRONLY | O_APPEND);
    int length = snprintf(line, sizeof line, "%s %s\n", where, argc > 2 ? argv[2] : argc > 1 ? argv[1] : argv[0]);
    if (log >= 0 && write(log, line, length < (int)sizeof line ? (size_t)length : sizeof line) < 0) return 126;
  }
  execv(REAL, argv);
  return 126;
}
