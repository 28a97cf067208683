#include "pass.h"

#include <string.h>
#include <sys/socket.h>

bool pass_descriptor(int channel, const char *line, size_t length, int descriptor) {
  struct iovec text = {.iov_base = (void *)(size_t)line, .iov_len = length};
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } rights = {0};
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)length;
}
