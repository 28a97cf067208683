/* The way from a sandbox's own loopback to the filtering proxy outside of it. */
#ifndef VETSH_BRIDGE_H
#define VETSH_BRIDGE_H

/* Starts a process that takes connections to 127.0.0.1:BRIDGE_PORT and copies each to the unix socket at `path`, for as long
   as the caller lives (or what it becomes). It is no child of the caller, and holds none of its files. Refuses when it cannot. */
void bridge_start(const char *path);

#endif
