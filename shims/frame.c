#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "limits.h"

enum { HEADER = 4 };

int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void *keep(size_t size) {
  static _Alignas(16) uint8_t room[FIRST_ROOM];
  static size_t used;
  size = (size + 15) & ~(size_t)15;
  if (size > sizeof room - used) return calloc(1, size);
  used += size;
  return room + used - size;
}

/* ---- building ---- */

/* Where a frame begins to be built: there is never more than one. */
static uint8_t first_room[FIRST_ROOM];

static bool make_room(struct frame *f, size_t length) {
  size_t room = f->room;
  while (room < length) room *= 2;
  uint8_t *grown = f->at == first_room ? malloc(room) : realloc(f->at, room);
  if (grown == NULL) return false;
  if (f->at == first_room) memcpy(grown, first_room, f->length);
  f->at = grown;
  f->room = room;
  return true;
}

void put_bytes(struct frame *f, const void *bytes, size_t length) {
  if (f->failed || length > (size_t)FRAME_MAX + HEADER - f->length) {
    f->failed = true;
    return;
  }
  if (f->length + length > f->room && !make_room(f, f->length + length)) {
    f->failed = true;
    return;
  }
  if (length > 0) memcpy(f->at + f->length, bytes, length);
  f->length += length;
}

static void put_number(struct frame *f, uint64_t value, size_t width) {
  uint8_t bytes[8];
  for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  put_bytes(f, bytes, width);
}

void put_u8(struct frame *f, uint8_t value) { put_number(f, value, 1); }
void put_u32(struct frame *f, uint32_t value) { put_number(f, value, 4); }
void put_u64(struct frame *f, uint64_t value) { put_number(f, value, 8); }

void put_str(struct frame *f, const char *text) {
  size_t length = strlen(text);
  if (length > FRAME_MAX) f->failed = true;
  put_u32(f, (uint32_t)length);
  put_bytes(f, text, length);
}

void put_list(struct frame *f, char *const *words) {
  uint32_t count = 0;
  while (words[count] != NULL) count++;
  put_u32(f, count);
  for (uint32_t i = 0; i < count; i++) put_str(f, words[i]);
}

void frame_begin(struct frame *f, enum frame_type type) {
  *f = (struct frame){.at = first_room, .room = sizeof first_room};
  put_u32(f, 0); /* the length, known at the end */
  put_u8(f, (uint8_t)type);
}

/* ---- the socket ---- */

/* Waits for one of `*events`, which tells those that came. Looks at least once, also after the deadline: what came while we were stopped counts. */
static enum io wait_for(int fd, short *events, int64_t deadline) {
  for (;;) {
    int64_t left = deadline - now_ms();
    struct pollfd p = {.fd = fd, .events = *events};
    int ready = poll(&p, 1, left > 0 ? (int)left : 0);
    if (ready > 0) {
      *events = p.revents;
      return IO_DONE;
    }
    if (ready < 0 && errno != EINTR) return IO_CLOSED;
    if (ready == 0 && left <= 0) return IO_TIMEOUT;
  }
}

enum io frame_send(int fd, struct frame *f, int64_t deadline) {
  enum io result = f->failed ? IO_MALFORMED : IO_DONE;
  if (result == IO_DONE) {
    uint32_t length = (uint32_t)(f->length - HEADER);
    for (size_t i = 0; i < HEADER; i++) f->at[i] = (uint8_t)(length >> (8 * i));
  }
  for (size_t sent = 0; result == IO_DONE && sent < f->length;) {
    ssize_t n = send(fd, f->at + sent, f->length - sent, MSG_NOSIGNAL);
    if (n >= 0) sent += (size_t)n;
    else if (errno == EAGAIN) {
      short events = POLLOUT | POLLIN;
      result = wait_for(fd, &events, deadline);
      if (result == IO_DONE && (events & POLLOUT) == 0) result = IO_CLOSED; /* an answer came first: no more will be read */
    } else if (errno != EINTR) result = IO_CLOSED;
  }
  if (f->at != first_room) free(f->at);
  *f = (struct frame){.failed = true};
  return result;
}

/* Reads at least `least` and at most `room` bytes; `*got` tells how many. */
static enum io receive(int fd, uint8_t *into, size_t least, size_t room, size_t *got, int64_t deadline) {
  for (*got = 0; *got < least;) {
    short events = POLLIN;
    enum io waited = wait_for(fd, &events, deadline);
    if (waited != IO_DONE) return waited;
    ssize_t n = recv(fd, into + *got, room - *got, 0);
    if (n > 0) *got += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) return IO_CLOSED;
  }
  return IO_DONE;
}

/* What has come and was not taken. A second connection is read only when nothing has come on the first. */
static struct { uint8_t bytes[FIRST_ROOM]; size_t from, to; } input;

/* Sees to it that `length` bytes are there, in one piece. */
static enum io fill(int fd, size_t length, int64_t deadline) {
  size_t there = input.to - input.from, got;
  if (there >= length) return IO_DONE;
  memmove(input.bytes, input.bytes + input.from, there);
  input.from = 0;
  input.to = there;
  enum io result = receive(fd, input.bytes + there, length - there, sizeof input.bytes - there, &got, deadline);
  input.to += got;
  return result;
}

bool frame_begun(void) { return input.to > input.from; }

enum io frame_receive(int fd, uint8_t *type, struct body *body, int64_t deadline) {
  enum io got = fill(fd, HEADER + 1, deadline);
  if (got != IO_DONE) return got;
  struct body head = {.at = input.bytes + input.from, .end = input.bytes + input.from + HEADER + 1};
  size_t length = get_u32(&head);
  if (length < 1 || length > FRAME_MAX) return IO_MALFORMED;
  *type = get_u8(&head);
  if (HEADER + length <= sizeof input.bytes) {
    got = fill(fd, HEADER + length, deadline);
    body->at = input.bytes + input.from + HEADER + 1;
    input.from += got == IO_DONE ? HEADER + length : 0;
  } else {
    size_t there = input.to - input.from - HEADER - 1, more;
    body->at = malloc(length);
    if (body->at == NULL) return IO_MALFORMED;
    memcpy(body->at, head.at, there);
    got = receive(fd, body->at + there, length - 1 - there, length - 1 - there, &more, deadline);
    input.from = input.to;
  }
  body->end = body->at + length - 1;
  body->failed = false;
  return got;
}

/* ---- reading ---- */

static uint8_t *take(struct body *b, size_t length) {
  if (b->failed || length > (size_t)(b->end - b->at)) {
    b->failed = true;
    return NULL;
  }
  uint8_t *at = b->at;
  b->at += length;
  return at;
}

uint8_t get_u8(struct body *b) {
  const uint8_t *at = take(b, 1);
  return at == NULL ? 0 : at[0];
}

uint32_t get_u32(struct body *b) {
  const uint8_t *at = take(b, 4);
  if (at == NULL) return 0;
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t get_u64(struct body *b) {
  uint64_t low = get_u32(b);
  return low | (uint64_t)get_u32(b) << 32;
}

char *get_str(struct body *b) {
  uint32_t length = get_u32(b);
  uint8_t *at = take(b, length);
  if (at == NULL || memchr(at, 0, length) != NULL) {
    b->failed = true;
    return NULL;
  }
  /* Over its own length, which was read: so there is room for the NUL, and nothing is copied elsewhere. */
  char *text = (char *)at - 1;
  memmove(text, at, length);
  text[length] = '\0';
  return text;
}

char **get_list(struct body *b, size_t *count) {
  *count = get_u32(b);
  /* Every word takes at least its length field: a count that cannot fit is refused before memory is asked for. */
  if (b->failed || *count > (size_t)(b->end - b->at) / 4) {
    b->failed = true;
    return NULL;
  }
  char **words = keep((*count + 1) * sizeof *words);
  if (words == NULL) b->failed = true;
  for (size_t i = 0; !b->failed && i < *count; i++) words[i] = get_str(b);
  return words;
}

bool body_complete(const struct body *b) { return !b->failed && b->at == b->end; }
