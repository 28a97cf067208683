/* The child as a job: its state, and stopping as it stops. */
#ifndef VETSH_JOB_H
#define VETSH_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct job {
  pid_t pid;
  bool ended, stopped;
  bool boxed; /* a prefix runs in front, and the shell is a descendant */
  bool apart; /* the child is in a process group of its own */
  int status;
  struct rusage usage;
  int64_t started_us;
  uint64_t mask;           /* the caller's signal mask */
  struct sigaction on_child; /* and its SIGCHLD */
};

/* The bit of a signal in a mask as the kernel has it. */
uint64_t bit(int sig);

/* Masks go through the kernel's own call: the C library's hides three signals, and a child must get back every bit. */
void set_mask(uint64_t mask, uint64_t *old);

/* Takes every state change of the child that is there; stops this process when the child was stopped, and returns when it goes on. */
void reap(struct job *job);

#endif
