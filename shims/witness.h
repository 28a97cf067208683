/* Tells signals to the process group from signals to this process alone. */
#ifndef VETSH_WITNESS_H
#define VETSH_WITNESS_H

#include <stdbool.h>

/* Starts the witness, if there is none; all signals must be blocked. Without one (no process left) every signal counts as ours alone. */
void witness_start(void);

/* True when signal `sig`, just received here, was sent to the whole group. */
bool witness_saw(int sig);

/* Ends the witness; witness_await waits until it is gone. */
void witness_end(void);
void witness_await(void);

#endif
