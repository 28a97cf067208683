/* Process 1 of a warm sandbox. */
#ifndef VETSH_HOLD_H
#define VETSH_HOLD_H

/* Keeps the sandbox alive as long as standard input is open at its other end, and then until nothing lives in it any more. Says
   "ready" on standard output once the sandbox can be entered. `channel`: where the broker gets the socket to which connections of the
   sandbox come (door.h). Never returns. */
_Noreturn void hold(int channel);

#endif
