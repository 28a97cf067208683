#include "share.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#if defined(__x86_64__)
IN_SHARED_CHILD long raw(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
IN_SHARED_CHILD long raw(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#else
#error "vetsh runs on x86-64 and aarch64"
#endif

pid_t start_sharing(int (*work)(void *), void *with, void *stack, size_t size) {
  /* Not CLONE_VFORK: a child that is stopped before its exec must stop its parent too, which therefore has to run. */
  int pid = clone(work, (char *)stack + size, CLONE_VM | SIGCHLD, with);
  return pid < 0 ? -errno : pid;
}
