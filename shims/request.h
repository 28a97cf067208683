/* What the shim tells about itself. All of it is a claim of the caller's side: the broker trusts none of it. */
#ifndef VETSH_REQUEST_H
#define VETSH_REQUEST_H

#include "frame.h"

/* The path of this program; "" when nothing tells. */
const char *own_path(void);

/* Builds the REQUEST frame. */
void request_build(struct frame *f, char *const *argv, char *const *environment);

#endif
