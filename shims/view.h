/* A private view of the file system for one agent (docs/decisions/0015-mount-view.md). */
#ifndef VETSH_VIEW_H
#define VETSH_VIEW_H

#include "room.h"

/* Makes a view, says `ready user` or `ready root` on standard output, and keeps it until standard input ends. `ops`, up to NULL: `bind FROM AT`,
   `seal AT` (read-only from here on), `empty AT MODE`, `directory AT`, `file AT`. */
_Noreturn void view_keep(char *const *ops);

/* Enters the view of a keeper and becomes `command`: program, argv[0], arguments. */
_Noreturn void view_enter(const struct holder *keeper, const char *directory, char **command);

/* Joins a view's user namespace alone, of which it was given a descriptor, and becomes `command`: its user namespaces are then children of the view's, and
   what it sees of the file system is not the view. */
_Noreturn void view_beside(int user_namespace, char **command);

#endif
