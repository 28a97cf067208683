/* Frames of docs/protocol.md: building, sending, receiving and reading them. Nothing here knows what a command is. */
#ifndef VETSH_FRAME_H
#define VETSH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_type {
  REQUEST = 0x01, STARTED = 0x02, FINISHED = 0x03, FAILED = 0x04, LATE = 0x05, GATE = 0x06,
  RUN = 0x11, DENY = 0x12, WAIT = 0x13, NOTE = 0x14,
};

/* A frame being built; `failed` once memory ran out or FRAME_MAX was passed, and then it is never sent. */
struct frame { uint8_t *at; size_t length, room; bool failed; };

/* The body of a received frame being read; `failed` once a read passed the end. Reading changes it: see get_str. */
struct body { uint8_t *at, *end; bool failed; };

enum io { IO_DONE, IO_CLOSED, IO_TIMEOUT, IO_MALFORMED };

/* Zeroed memory that is never given back: one process, one decision. NULL when there is none. */
void *keep(size_t size);

/* Milliseconds of a clock that only goes forward. */
int64_t now_ms(void);

void frame_begin(struct frame *f, enum frame_type type);
void put_u8(struct frame *f, uint8_t value);
void put_u32(struct frame *f, uint32_t value);
void put_u64(struct frame *f, uint64_t value);
void put_bytes(struct frame *f, const void *bytes, size_t length);
void put_str(struct frame *f, const char *text);
void put_list(struct frame *f, char *const *words);

/* Sends a finished frame on a non-blocking socket until `deadline` (now_ms). Frees it in any case. IO_CLOSED: the other side
   stopped reading; what it said before may still be received. */
enum io frame_send(int fd, struct frame *f, int64_t deadline);

/* Receives one frame; `*type` and `*body` are set on IO_DONE. What was read of the body before is gone then. */
enum io frame_receive(int fd, uint8_t *type, struct body *body, int64_t deadline);

/* Whether part of a frame has come. */
bool frame_begun(void);

uint8_t get_u8(struct body *b);
uint32_t get_u32(struct body *b);
uint64_t get_u64(struct body *b);
/* Text that ends in NUL, where the body is. SECURITY: a NUL inside fails the body, else a path would be cut short of what was judged. */
char *get_str(struct body *b);
/* The words, and a null pointer behind them. */
char **get_list(struct body *b, size_t *count);
/* True when everything was read, nothing is left over and nothing failed. */
bool body_complete(const struct body *b);

#endif
