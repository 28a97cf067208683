/* A socket belongs to the network namespace it was made in, whoever holds it: so the broker accepts connections of a sandbox that it is
   not in. The message is what Node's `child_process` expects of a child that sends a server: one line of JSON, and the descriptor. */
#include "door.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limits.h"
#include "pass.h"

int door_open(int backlog) {
  int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(BRIDGE_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (door < 0 || bind(door, (struct sockaddr *)&here, sizeof here) != 0 || listen(door, backlog) != 0) return -1;
  return door;
}

const char *door_hand_over(int channel) {
  int door = door_open(DOOR_BACKLOG);
  if (door < 0) return "listen for what looks for a proxy";
  static const char line[] = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":\"door\"}\n";
  if (!pass_descriptor(channel, line, sizeof line - 1, door)) return "hand its proxy's socket over";
  /* Node answers that it has it. Closed before, the channel's end would overtake the message. */
  struct pollfd answer = {.fd = channel, .events = POLLIN};
  if (poll(&answer, 1, DOOR_MS) <= 0) return "hand its proxy's socket over";
  close(door);
  close(channel);
  return NULL;
}
