#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

enum { PROTOCOL_VERSION = 1 };

const char *own_path(void) {
  static char path[PATH_MAX];
  if (path[0] != '\0') return path;
  /* argv[0] is the caller's to choose, and AT_EXECFN is the script of a `#!` line: the kernel's link is neither. */
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length > 0) {
    path[length] = '\0';
    static const char replaced[] = " (deleted)"; /* an upgrade took our place while we started */
    size_t tail = sizeof replaced - 1;
    if ((size_t)length > tail && strcmp(path + length - tail, replaced) == 0 && access(path, F_OK) != 0) path[(size_t)length - tail] = '\0';
    return path;
  }
  unsigned long executed = getauxval(AT_EXECFN);
  return executed == 0 ? "" : (const char *)executed;
}

/* The number of the controlling terminal from /proc/self/stat (its 7th field; the 2nd may hold blanks and parentheses). 0: none. */
static dev_t terminal_number(void) {
  char text[1024];
  int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENXIO) return 0; /* the kernel's own word for "none", and cheaper than the file below */
  if (fd >= 0) close(fd);
  fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return 0;
  text[length] = '\0';
  const char *after = strrchr(text, ')');
  int number = 0;
  if (after == NULL || sscanf(after + 1, " %*c %*d %*d %*d %d", &number) != 1) return 0;
  unsigned n = (unsigned)number; /* the kernel's new_encode_dev() */
  return makedev((n >> 8) & 0xfff, (n & 0xff) | ((n >> 12) & 0xfff00));
}

static bool is_device(const char *path, dev_t number) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == number;
}

static const char *terminal_path(void) {
  static char path[PATH_MAX];
  dev_t number = terminal_number();
  if (number == 0) return "";
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (ttyname_r(fd, path, sizeof path) == 0 && is_device(path, number)) return path;
  }
  unsigned major_number = major(number), minor_number = minor(number);
  if (major_number >= 136 && major_number <= 143) snprintf(path, sizeof path, "/dev/pts/%u", (major_number - 136) * 256 + minor_number);
  else if (major_number == 4 && minor_number < 64) snprintf(path, sizeof path, "/dev/tty%u", minor_number);
  else if (major_number == 4) snprintf(path, sizeof path, "/dev/ttyS%u", minor_number - 64);
  else return "";
  return is_device(path, number) ? path : "";
}

void request_build(struct frame *f, char *const *argv, char *const *environment) {
  static char cwd[PATH_MAX];
  uint8_t terminals = 0;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    struct termios settings;
    if (tcgetattr(fd, &settings) == 0) terminals |= (uint8_t)(1 << fd);
  }
  const char *path = own_path();
  const char *slash = strrchr(path, '/');
  frame_begin(f, REQUEST);
  put_u32(f, PROTOCOL_VERSION);
  put_u32(f, (uint32_t)getpid());
  put_u32(f, (uint32_t)getppid());
  put_u32(f, (uint32_t)getpgrp());
  put_u32(f, (uint32_t)getsid(0));
  put_u32(f, (uint32_t)geteuid());
  put_u8(f, terminals);
  put_str(f, terminal_path());
  put_str(f, slash == NULL ? path : slash + 1);
  put_str(f, path);
  put_str(f, getcwd(cwd, sizeof cwd) == NULL ? "" : cwd); /* "": removed, out of reach or longer than PATH_MAX */
  put_list(f, argv);
  put_list(f, environment);
}
