/* A human's terminal that does nothing but read, and programs for it: bench/terminal.ts measures `vetsh run` between the two.
 * stream COMMAND…    runs it on a new terminal; prints bytes and nanoseconds between the first bell and the second
 * keys N COMMAND…    runs it on a new terminal; after a bell types N single keys and prints least, middle and 95th percentile until each came back, in ns
 * write MB KIND      on the terminal it is started on: a bell, so many MB of text ("plain", "colour"), a bell
 * echo               on the terminal it is started on: a bell, and then every key comes back, until q */
#define _GNU_SOURCE
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char block[1 << 16];

static long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000L + at.tv_nsec;
}

static void must(int ok, const char *what) {
  if (!ok) perror(what), exit(1);
}

static void write_all(const char *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t put = write(1, bytes + done, length - done);
    must(put > 0, "write");
    done += (size_t)put;
  }
}

static void raw(void) {
  struct termios mode;
  must(tcgetattr(0, &mode) == 0, "tcgetattr");
  cfmakeraw(&mode);
  must(tcsetattr(0, TCSADRAIN, &mode) == 0, "tcsetattr");
}

/* Whole lines of 80 columns; in colour as a compiler or a test runner prints them. */
static size_t fill(int colour) {
  size_t length = 0;
  for (int line = 0;; line++) {
    char text[160];
    int size = colour ? sprintf(text, "\033[1;3%dmline %6d\033[0m of \033[38;5;%dmsome words\033[0m and more of it\r\n", line % 8, line, line % 256)
                      : sprintf(text, "line %6d of a text that is as long as a line of a program's output often is\r\n", line);
    if (length + (size_t)size > sizeof block) return length;
    memcpy(block + length, text, (size_t)size);
    length += (size_t)size;
  }
}

static int on_terminal(char **command) {
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  int master;
  pid_t child = forkpty(&master, NULL, NULL, &size);
  must(child >= 0, "forkpty");
  if (child == 0) {
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  return master;
}

static void stream(char **command) {
  int master = on_terminal(command);
  long began = 0, bytes = 0;
  for (ssize_t got; (got = read(master, block, sizeof block)) > 0;) {
    char *bell = memchr(block, '\a', (size_t)got);
    if (bell != NULL && began == 0) {
      began = now();
      got -= bell + 1 - block;
      memmove(block, bell + 1, (size_t)got);
      bell = memchr(block, '\a', (size_t)got);
    }
    if (began != 0) bytes += got;
    if (bell == NULL) continue;
    printf("%ld %ld\n", bytes, now() - began);
    wait(NULL);
    return;
  }
  must(0, "the program ended without a second bell");
}

static int by_size(const void *a, const void *b) { return *(const long *)a < *(const long *)b ? -1 : 1; }

static void keys(int rounds, char **command) {
  int master = on_terminal(command);
  while (memchr(block, '\a', sizeof block) == NULL) must(read(master, block, sizeof block) > 0, "read");
  long *took = calloc((size_t)rounds, sizeof *took);
  for (int at = 0; at < rounds; at++) {
    usleep(2000);
    long began = now();
    must(write(master, "k", 1) == 1, "write");
    do must(read(master, block, 1) == 1, "read"); while (block[0] != 'k');
    took[at] = now() - began;
  }
  must(write(master, "q", 1) == 1, "write");
  while (read(master, block, sizeof block) > 0);
  wait(NULL);
  qsort(took, (size_t)rounds, sizeof *took, by_size);
  printf("%ld %ld %ld\n", took[0], took[rounds / 2], took[rounds * 95 / 100]);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "stream") == 0) return stream(argv + 2), 0;
  if (argc > 3 && strcmp(argv[1], "keys") == 0) return keys(atoi(argv[2]), argv + 3), 0;
  if (argc == 4 && strcmp(argv[1], "write") == 0) {
    raw();
    size_t length = fill(strcmp(argv[3], "colour") == 0);
    write_all("\a", 1);
    for (long left = atol(argv[2]) * 1000000L; left > 0; left -= (long)length) write_all(block, length);
    write_all("\a", 1);
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "echo") == 0) {
    raw();
    write_all("\a", 1);
    for (char key; read(0, &key, 1) == 1 && key != 'q';) write_all(&key, 1);
    return 0;
  }
  return 2;
}
