/* For programs that know no proxy but can be given a command that connects: ssh's ProxyCommand. */
#ifndef VETSH_CONNECT_H
#define VETSH_CONNECT_H

/* Standard input and output become a connection to `host`, through the bridge. Ends when either side does; status 1 with a line
   on standard error when the proxy refuses. */
_Noreturn void connect_through(const char *host, const char *port);

#endif
