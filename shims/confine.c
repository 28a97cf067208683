#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"
#include "landlock.h"

enum { JOIN_SESSION_KEYRING = 1 };

const char *confine(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "give up new privileges";
  /* SECURITY: keys of the caller's session (tokens, Kerberos tickets) can be read through the inherited keyring. */
  if (syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS && errno != EPERM) return "leave the session keyring";
  if (!filter_install()) return "install the system call filter";
  return NULL;
}

const char *drop_capabilities(void) {
  /* SECURITY: the bounding set first, for that needs a capability itself; root would get back on exec what is left in it. */
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) continue;
  /* It ends at the first number that the kernel does not know; without the right to drop any it would be another error. */
  if (errno != EINVAL) return "drop the bounding set";
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return "clear ambient capabilities";
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capset, &header, none) != 0) return "drop capabilities";
  return NULL;
}

const char *confine_to_reading(char *const *readable, size_t count) {
  /* Who has no capability may not drop the bounding set either, and without new privileges gets nothing back from it. */
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, held) != 0) return "look at its capabilities";
  bool any = (held[0].permitted | held[1].permitted) != 0;
  const char *failed = any ? drop_capabilities() : NULL;
  if (failed == NULL) failed = confine();
  if (failed == NULL) failed = landlock_read_only(readable, count);
  if (failed == NULL && !filter_unchanging()) failed = "install the second system call filter";
  return failed;
}
