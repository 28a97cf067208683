/* Reaching the broker, and starting it when there is none. */
#ifndef VETSH_START_H
#define VETSH_START_H

#include <stdint.h>

#ifndef VETSH_ROOT
#error "VETSH_ROOT, the absolute path of the installation, is compiled in: make ROOT=/abs/root"
#endif

#define SOCKET_PATH VETSH_ROOT "/run/shim.sock"
#define LOCK_PATH VETSH_ROOT "/run/broker.lock"
#define RUN_PATH VETSH_ROOT "/run"
#define LOG_PATH VETSH_ROOT "/state/broker.log"
#define NODE_PATH VETSH_ROOT "/bin/node"
#define MAIN_PATH VETSH_ROOT "/app/dist/broker/main.js"

/* The same descriptor at 3 or above, closed on exec; the old one is closed. An error (negative) passes through. */
int above_stdio(int fd);

/* One attempt. A connected, non-blocking socket, or -errno. */
int broker_try(void);

/* A connected socket; starts a broker if nobody listens. Refuses (say.h) when there is none by `deadline`. */
int broker_connect(int64_t deadline);

#endif
