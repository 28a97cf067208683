/* Every limit of the native part. The TypeScript side states its own in src/model/limits.ts; a test compares the shared ones. */
#ifndef VETSH_LIMITS_H
#define VETSH_LIMITS_H

/* Time to reach a broker, started on demand or not, and to get its first answer. Tests build with a shorter one. */
#ifndef VETSH_BROKER_START_MS
#define VETSH_BROKER_START_MS 10000
#endif

enum {
  BROKER_START_MS = VETSH_BROKER_START_MS,
  WAIT_TOTAL_MS = 15 * 60 * 1000,   /* however often the broker says WAIT */
  REPORT_MS = 1000,                 /* to hand over STARTED, FINISHED or FAILED */
  NOTES = 8,                        /* of the broker about a command that ran */
  SETTLE_MS = 2000,                 /* for the broker to put things in order after FINISHED, when it said that it will */
  LATE_MS = 1000,                   /* to reach the next broker when the first one went away */
  MESSAGE_MS = 1000,                /* to write a message to a standard error nobody empties */
  TERMINAL_READ_MS = 100,           /* for who hosts a terminal to read a message before we end */
  WITNESS_MS = 100,                 /* for the witness to answer (witness.c) */
  HOLD_LOOK_MS = 100,               /* between two looks of a released warm sandbox whether anything lives in it */
  INSIDE_MS = 200,                  /* for a sandbox to be set up, before a signal for the shell in it is given to bwrap instead */
  PROBE_FIRST_MS = 4,               /* pause between two looks at the socket, doubled up to … */
  PROBE_LAST_MS = 32,
  FRAME_MAX = 48 * 1024 * 1024,     /* length field of one frame: type and body */
  BROKER_MIN_FILES = 256,           /* a broker is not started with fewer descriptors than this */
  BRIDGE_PORT = 3128,               /* where a sandbox finds the proxy, on its own loopback */
  GATE_DESCRIPTOR = 61,             /* where a gated shell finds the broker; gate.bash names it, too */
  GATE_HELLO_MS = 5000,             /* for the broker to know a gate */
  FEED_BLOCK = 64 * 1024,           /* read from a stream at once */
  FEED_SETTLE_MS = 20,              /* for the end of a finite script to follow its text, before it is taken for a stream */
  DOOR_BACKLOG = 64,                /* connections of a warm sandbox that the broker has not accepted yet */
  DOOR_MS = 2000,                   /* for the broker to take the socket over */
  DIAL_MS = 5000,                   /* to connect to a port of a warm sandbox */
  DIAL_ATTEMPTS = 64,               /* connections of one dialler that are being made at once; beyond: requests wait */
  DIAL_LINE = 256,                  /* one request to it */
  BRIDGE_CONNECTIONS = 256,         /* of one command at once; beyond: they wait */
  BRIDGE_BUFFER = 64 * 1024,        /* bytes on their way, for each connection and direction */
  INPUT_COPY_MAX = 16 * 1024 * 1024, /* bytes of a file that a command reads as a copy; larger ones come through a pipe */
  CHILD_STACK = 16 * 1024,          /* of a child that shares our memory; needs a few hundred bytes */
  FIRST_ROOM = 32 * 1024,           /* frames and lists up to here need no memory from the system */
  VIEW_OPERATIONS = 256,            /* mounts and what they need, in the view of one agent */
  LANDLOCK_ABI = 6,                 /* the first that knows signals */
  LISTED_MOUNTS = 1024,             /* of one sandbox; with more the broker looks at the kernel's table instead */
  NR_LISTMOUNT = 458,               /* the same on both processors */
  NR_PIDFD_OPEN = 434,              /* the same on both processors */
  STATUS_REFUSED = 126,             /* nothing ran */
};

#endif
