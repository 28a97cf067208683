/* vetsh's shim: started as bash, sh, zsh or dash it asks the broker, and does what the broker says.
   It knows no policy and parses no command. INVARIANT: nothing is executed but on a complete RUN frame. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "limits.h"
#include "request.h"
#include "run.h"
#include "say.h"
#include "start.h"

extern char **environ;

static _Noreturn void refuse_malformed(void) { refuse("vetsh: the broker's answer makes no sense, nothing ran; hint: see %s", LOG_PATH); }

static _Noreturn void refuse_io(enum io io, const char *note) {
  switch (io) {
    case IO_CLOSED: refuse("vetsh: the broker closed the connection without a decision, nothing ran; hint: see %s", LOG_PATH);
    case IO_TIMEOUT:
      if (note[0] != '\0') refuse("vetsh: the broker did not decide in time (%s), nothing ran; hint: vetsh approvals", note);
      refuse("vetsh: the broker did not answer within %d ms, nothing ran; hint: vetsh doctor", BROKER_START_MS);
    case IO_MALFORMED: refuse_malformed();
    case IO_DONE: break;
  }
  refuse_malformed();
}

static _Noreturn void obey_deny(struct body *body) {
  uint8_t status = get_u8(body);
  uint32_t length = get_u32(body);
  if (body->failed || length != (size_t)(body->end - body->at)) refuse_malformed();
  say_bytes((const char *)body->at, length);
  if (length > 0 && body->at[length - 1] != '\n') say_bytes("\n", 1);
  _exit(status == 0 ? STATUS_REFUSED : status); /* a refusal never looks like success */
}

/* The last part of a RUN frame with bit 4 set. */
static bool read_room(struct body *body, struct ruling *r) {
  r->room.holder.pid = (pid_t)get_u32(body);
  r->room.holder.started = get_u64(body);
  r->room.holder.outside = get_u64(body);
  r->room.namespaces = get_u32(body);
  r->room.mounts.count = get_u32(body);
  r->room.mounts.last = get_u64(body);
  uint8_t session = get_u8(body);
  r->room.own_session = session == 1;
  r->room.directory = get_str(body);
  r->room_set = get_list(body, &r->room_set_count);
  /* Without a prefix a room that is gone would leave the bare shell as the other way. */
  return !body->failed && r->room.holder.pid > 1 && session <= 1 && r->room.directory[0] == '/' && r->prefix_count > 0;
}

static _Noreturn void obey_run(struct body *body, char **argv, int broker) {
  struct ruling r = {0};
  r.id = get_str(body);
  uint8_t flags = get_u8(body);
  r.close_descriptors = (flags & 1) != 0;
  r.settle = (flags & 2) != 0;
  r.prefix = get_list(body, &r.prefix_count);
  r.shell = get_str(body);
  r.unset = get_list(body, &r.unset_count);
  r.set = get_list(body, &r.set_count);
  bool sound = (flags & 4) == 0 || read_room(body, &r);
  /* Unknown flags would ask for something we would not do. Paths are absolute: nothing is searched in the caller's PATH or cwd. */
  if (!body_complete(body) || !sound || (flags & ~7u) != 0 || r.shell[0] != '/' || (r.prefix_count > 0 && r.prefix[0][0] != '/')) refuse_malformed();
  run(&r, argv, environ, broker);
}

static int start_only(void) {
  refusal_status = 1;
  close(broker_connect(now_ms() + BROKER_START_MS));
  return 0;
}

/* One conversation. Returns when the broker went away before it said a word: then nothing was allowed, and another may be asked. */
static void ask(char **argv, int64_t began, bool last) {
  int64_t deadline = began + BROKER_START_MS;
  char note[512] = "";
  struct frame request;
  struct body body;
  uint8_t type = 0;
  /* All that is to be said is there before anybody is asked to listen: the broker finds it when it takes the connection. */
  request_build(&request, argv, environ);
  int broker = broker_connect(deadline);
  if (request.failed) refuse("vetsh: the command line and environment are too large to be judged, nothing ran; hint: shorten them");
  enum io io = frame_send(broker, &request, deadline);
  /* A broker may refuse a request before it has read all of it; its reason is there to be read. It cannot allow one. */
  bool whole = io == IO_DONE;
  if (!whole && io != IO_CLOSED) refuse_io(io, note);
  for (bool first = true;; first = false) {
    io = frame_receive(broker, &type, &body, deadline);
    if (io == IO_CLOSED && first && !frame_begun() && !last) {
      close(broker);
      return;
    }
    if (io != IO_DONE) refuse_io(io, note);
    if (type == DENY) obey_deny(&body);
    if (!whole) refuse_malformed();
    if (type == RUN) obey_run(&body, argv, broker);
    if (type != WAIT) refuse_malformed();
    uint32_t more = get_u32(&body);
    char *text = get_str(&body);
    if (!body_complete(&body)) refuse_malformed();
    snprintf(note, sizeof note, "%s", text);
    deadline = now_ms() + more;
    if (deadline > began + WAIT_TOTAL_MS) deadline = began + WAIT_TOTAL_MS;
  }
}

int main(int argc, char **argv) {
  (void)argc;
  const char *path = own_path();
  const char *slash = strrchr(path, '/');
  if (slash != NULL && strcmp(slash, "/vetsh-start") == 0) return start_only();
  /* A broker that is just ending may still take a connection: one more is asked, or started. Not a third: a request that ends brokers ends here. */
  int64_t began = now_ms();
  ask(argv, began, false);
  ask(argv, began, true);
  refuse_malformed(); /* the last one does not return */
}
