/* A signal to a process group reaches the shim and the shell it started; a signal to the shim's pid reaches the shim alone and
   must be passed on. siginfo_t does not tell which it was, and passing on both would run a trap twice (`kill -TERM -$pgid` is how
   agents end a command). So a second child sits in the same group with every signal blocked and notes what arrives: what it saw
   went to the group.

   Why the answer is exact: the kernel signals a group in one sweep, newest member first, and the witness is younger than the
   shim: when the shim has a signal, the witness has it too. The question is a signal with the highest number, and signals are
   taken lowest number first: when the answer comes, everything before it has been noted. What stays open: signals of one number
   do not queue, so one to the shim alone that arrives before the shim has taken one to the group is taken for the same one. */
#include "witness.h"

#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "limits.h"
#include "share.h"

enum { QUESTION = 64 };

struct notes { uint64_t seen; uint32_t answers; };

static struct notes notes;
static pid_t shim, witness = -1;

IN_SHARED_CHILD static int watch(void *nothing) {
  (void)nothing;
  raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
  if (raw(SYS_getppid, 0, 0, 0, 0) != shim) return 0;
  raw(SYS_close_range, 0, ~0u, 0, 0); /* readers of the command's output must not wait for us */
  raw(SYS_prctl, PR_SET_NAME, (long)"vetsh-witness", 0, 0);
  uint64_t all = ~(uint64_t)0;
  for (;;) {
    siginfo_t info;
    long sig = raw(SYS_rt_sigtimedwait, (long)&all, (long)&info, 0, sizeof all);
    if (sig <= 0) continue; /* stopped and continued */
    if (sig == QUESTION && info.si_pid == shim) {
      __atomic_add_fetch(&notes.answers, 1, __ATOMIC_SEQ_CST);
      raw(SYS_futex, (long)&notes.answers, FUTEX_WAKE, 1, 0);
    } else {
      __atomic_or_fetch(&notes.seen, (uint64_t)1 << (sig - 1), __ATOMIC_SEQ_CST);
    }
  }
}

void witness_start(void) {
  if (witness > 0) return;
  static _Alignas(16) char stack[CHILD_STACK];
  shim = getpid();
  witness = start_sharing(watch, NULL, stack, sizeof stack);
}

bool witness_saw(int sig) {
  if (witness <= 0) return false;
  uint32_t before = __atomic_load_n(&notes.answers, __ATOMIC_SEQ_CST);
  if (kill(witness, QUESTION) != 0) return false;
  int64_t deadline = now_ms() + WITNESS_MS;
  while (__atomic_load_n(&notes.answers, __ATOMIC_SEQ_CST) == before && now_ms() < deadline) {
    struct timespec pause = {.tv_nsec = 10 * 1000000};
    syscall(SYS_futex, &notes.answers, FUTEX_WAIT, before, &pause, NULL, 0);
  }
  uint64_t bit = (uint64_t)1 << (sig - 1);
  return (__atomic_fetch_and(&notes.seen, ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

void witness_end(void) {
  if (witness > 0) kill(witness, SIGKILL);
}

void witness_await(void) {
  if (witness > 0) waitpid(witness, NULL, 0);
  witness = -1;
}
