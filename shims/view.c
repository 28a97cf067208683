/* A private view of the file system for one agent: the same tree, with some mounts over it, that nobody but its processes sees.
   Two programs in one: who makes the view and keeps it, and who becomes the agent in it.

   Without privilege the view is a user namespace of its own with the caller's own identity in it, and nobody else. The agent has no
   capability there, so it can take no mount away; in namespaces that it makes itself the mounts are locked together. As root it is a
   mount namespace alone, and root can undo what root did.

   SECURITY: processes in the user namespace of a view cannot trace, and cannot reach through /proc/PID/root, any process outside of it. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "limits.h"
#include "room.h"
#include "say.h"

extern char **environ;

enum { NR_MOUNT_SETATTR = 442, ATTR_RDONLY = 1 };
struct attributes { uint64_t set, clear, propagation, user_namespace; };

static _Noreturn void give_up(const char *what, const char *at) { refuse("vetsh-init: cannot %s %s: %s", what, at, strerror(errno)); }

static void write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) give_up("write", path);
  close(fd);
}

/* Everybody keeps the name they have; others are nobody. */
static void map_self(uid_t uid, gid_t gid) {
  char text[64];
  write_text("/proc/self/setgroups", "deny");
  snprintf(text, sizeof text, "%u %u 1", uid, uid);
  write_text("/proc/self/uid_map", text);
  snprintf(text, sizeof text, "%u %u 1", gid, gid);
  write_text("/proc/self/gid_map", text);
}

static void separate(bool unprivileged) {
  uid_t uid = getuid();
  gid_t gid = getgid();
  if (unshare(CLONE_NEWNS | (unprivileged ? CLONE_NEWUSER : 0)) != 0) give_up("make", unprivileged ? "a user and mount namespace" : "a mount namespace");
  if (unprivileged) map_self(uid, gid);
  /* What is mounted outside later appears here; nothing that is mounted here appears outside. */
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) give_up("separate", "the mounts");
}

/* How many words an operation takes, its own name included; 0: there is none of that name. */
static int words_of(const char *name) {
  static const struct { const char *name; int words; } all[] = {{"bind", 3}, {"seal", 2}, {"empty", 3}, {"directory", 2}, {"file", 2}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].name, name) == 0) return all[i].words;
  return 0;
}

static void apply(char *const *op, int source) {
  char from[32];
  const char *at = op[strcmp(op[0], "bind") == 0 ? 2 : 1];
  if (strcmp(op[0], "bind") == 0) {
    snprintf(from, sizeof from, "/proc/self/fd/%d", source);
    if (mount(from, at, NULL, MS_BIND | MS_REC, NULL) != 0) give_up("mount on", at);
  } else if (strcmp(op[0], "seal") == 0) {
    struct attributes read_only = {.set = ATTR_RDONLY};
    if (syscall(NR_MOUNT_SETATTR, AT_FDCWD, at, 0, &read_only, sizeof read_only) != 0) give_up("make read-only", at);
  } else if (strcmp(op[0], "empty") == 0) {
    char mode[32];
    snprintf(mode, sizeof mode, "mode=%s,size=64k", op[2]);
    if (mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV, mode) != 0) give_up("mount on", at);
  } else if (strcmp(op[0], "directory") == 0) {
    if (mkdir(at, 0700) != 0) give_up("make", at);
  } else {
    int fd = open(at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) give_up("make", at);
    close(fd);
  }
}

_Noreturn void view_keep(char *const *ops) {
  static int sources[VIEW_OPERATIONS];
  bool unprivileged = geteuid() != 0;
  int count = 0;
  separate(unprivileged);
  /* INVARIANT: every source is what its name meant before the first mount was made. */
  for (char *const *op = ops; *op != NULL; op += words_of(*op)) {
    int words = words_of(*op);
    if (words == 0 || count == VIEW_OPERATIONS) refuse("vetsh-init: `%s` is no operation of a view", *op);
    for (int word = 1; word < words; word++)
      if (op[word] == NULL) refuse("vetsh-init: `%s` lacks a word", *op);
    sources[count] = strcmp(*op, "bind") == 0 ? open(op[1], O_PATH | O_CLOEXEC) : -1;
    if (strcmp(*op, "bind") == 0 && sources[count] < 0) give_up("find", op[1]);
    count++;
  }
  int done = 0;
  for (char *const *op = ops; *op != NULL; op += words_of(*op)) apply(op, sources[done++]);
  for (int i = 0; i < count; i++)
    if (sources[i] >= 0) close(sources[i]);
  char said[32];
  snprintf(said, sizeof said, "ready %s\n", unprivileged ? "user" : "root");
  if (chdir("/") != 0 || write(STDOUT_FILENO, said, strlen(said)) != (ssize_t)strlen(said)) _exit(1);
  /* It ends with whoever started it; the view lives as long as a process in it. */
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR;) errno = 0;
  _exit(0);
}

_Noreturn void view_enter(const struct holder *keeper, const char *directory, char **command) {
  struct stat ours, theirs;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)keeper->pid);
  if (stat("/proc/self/ns/user", &ours) != 0 || stat(path, &theirs) != 0) give_up("look at", path);
  uint32_t namespaces = CLONE_NEWNS | (ours.st_ino != theirs.st_ino ? CLONE_NEWUSER : 0);
  if (room_join(keeper, namespaces) != 0) give_up("enter", "the view");
  if (chdir(directory) != 0) give_up("go to", directory);
  /* The capabilities in the view's user namespace end with this exec: the identity in it is an ordinary one. */
  execve(command[0], command + 1, environ);
  refuse("vetsh-init: cannot start %s: %s", command[0], strerror(errno));
}

_Noreturn void view_beside(int user_namespace, char **command) {
  if (setns(user_namespace, CLONE_NEWUSER) != 0) give_up("enter", "the user namespace of the view");
  close(user_namespace);
  execve(command[0], command, environ);
  refuse("vetsh-init: cannot start %s: %s", command[0], strerror(errno));
}
