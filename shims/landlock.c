/* Landlock cannot take a part away from what it gives, and knows nothing of modes, owners and times: so it holds only commands that may write
   nothing at all, and filter.c refuses them the calls that would change what Landlock does not look at. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "limits.h"

/* As <linux/landlock.h> has them since ABI 6; the headers of older systems do not. Numbers are the same on both processors. */
enum { NR_OPENAT2 = 437, NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446, VERSION = 1, PATH_BENEATH = 1 };
struct ruleset { uint64_t fs, net, scoped; };
struct how { uint64_t flags, mode, resolve; };
enum { NO_SYMLINKS = 0x04 };
struct path_beneath { uint64_t access; int32_t parent; } __attribute__((packed));

#define EXECUTE (1u << 0)
#define WRITE_FILE (1u << 1)
#define READ_FILE (1u << 2)
#define READ_DIR (1u << 3)
#define TRUNCATE (1u << 14)
#define IOCTL_DEV (1u << 15)
#define EVERY_FILE_RIGHT ((1u << 16) - 1)
#define EVERY_NET_RIGHT 3u   /* bind and connect over TCP */
#define EVERY_SCOPE 3u       /* abstract sockets and signals */

/* What is not there (any more), or may not be looked at, needs no rule.
   SECURITY: a link in a path would have the rule stand for where it leads, which may be above what is hidden. */
static int allow(int ruleset, const char *path, uint64_t file_rights, uint64_t directory_rights, uint64_t resolve) {
  struct stat info;
  struct how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve};
  int fd = (int)syscall(NR_OPENAT2, AT_FDCWD, path, &how, sizeof how);
  if (fd < 0) return errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
  int result = fstat(fd, &info);
  struct path_beneath rule = {.access = S_ISDIR(info.st_mode) ? file_rights | directory_rights : file_rights, .parent = fd};
  if (result == 0) result = (int)syscall(NR_ADD_RULE, ruleset, PATH_BENEATH, &rule, 0);
  /* Pipes and sockets have no place in the file system: they need no rule and get none. */
  if (result != 0 && errno == EBADFD) result = 0;
  int error = errno;
  close(fd);
  return errno = error, result;
}

static int allow_all(int ruleset, char *const *readable, size_t count) {
  static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
  static const char *const stdio[] = {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"};
  /* Names are seen everywhere: a rule for a directory holds for all that is below, and without them nothing can be listed. */
  if (allow(ruleset, "/", 0, READ_DIR, NO_SYMLINKS) != 0) return -1;
  for (size_t i = 0; i < count; i++)
    if (allow(ruleset, readable[i], READ_FILE | EXECUTE, READ_DIR, NO_SYMLINKS) != 0) return -1;
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (allow(ruleset, devices[i], READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV, 0, 0) != 0) return -1;
  /* `echo x > /dev/stderr` opens it again. */
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && fcntl(fd, F_GETFD) >= 0 && allow(ruleset, stdio[fd], READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV, 0, 0) != 0) return -1;
  return 0;
}

const char *landlock_read_only(char *const *readable, size_t count) {
  long version = syscall(NR_CREATE_RULESET, NULL, 0, VERSION);
  if (version < LANDLOCK_ABI) return errno = version < 0 ? errno : ENOSYS, "find a Landlock that holds signals (Linux 6.12 or later)";
  const struct ruleset everything = {.fs = EVERY_FILE_RIGHT, .net = EVERY_NET_RIGHT, .scoped = EVERY_SCOPE};
  int ruleset = (int)syscall(NR_CREATE_RULESET, &everything, sizeof everything, 0);
  if (ruleset < 0) return "make a Landlock ruleset";
  if (allow_all(ruleset, readable, count) != 0) return "add a rule of Landlock";
  if (syscall(NR_RESTRICT_SELF, ruleset, 0) != 0) return "be held by Landlock";
  close(ruleset);
  return NULL;
}
