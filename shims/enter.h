/* Entering a warm sandbox ("room"): a command starts in namespaces that are there already. docs/decisions/0007-warm-sandboxes.md */
#ifndef VETSH_ENTER_H
#define VETSH_ENTER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "room.h"

/* A room as the broker knows it. */
struct room {
  struct holder holder; /* its process 1; pid 0: no room */
  uint32_t namespaces;  /* CLONE_NEW… of those it has of its own */
  struct mounts mounts; /* those it was made with; count 0: the broker has looked */
  bool own_session;     /* no terminal: the command gets a session of its own */
  char *directory;      /* where the command starts, as it is named inside */
};

/* What a process on its way to a command tells its starter through the report pipe; end of file: it became the command. */
enum note_kind {
  NOTE_CHILD,   /* value: pid of the command; a child of the starter */
  NOTE_NO_ROOM, /* value: errno; the room could not be entered, or not everything given up in it: nothing ran, and another way may be tried */
  NOTE_FAILED,  /* value: errno; nothing ran, and nothing will */
};
struct note { int32_t kind, value; };

/* What becomes the command. */
struct becoming {
  const char *program;
  char **argv, **environment;
  uint64_t mask;                    /* signal mask */
  const struct sigaction *on_child; /* disposition of SIGCHLD */
  int report;                       /* write end of the report pipe, closed on exec */
};

/* For a fork of the starter, with all signals blocked: enters, forks once more with the starter as parent, and ends. */
_Noreturn void enter(const struct room *room, const struct becoming *what);

/* Writes a note. The starter may be gone: nothing is lost then. */
void tell(int report, enum note_kind kind, int value);

#endif
