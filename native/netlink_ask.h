// Questions to the kernel by netlink. Nothing here knows JavaScript.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "descriptor.h"
#include "failure.h"

namespace semrd {

// What a kernel says that has no such thing, or a namespace in which there is none.
inline bool SaysNone(int error) { return error == EINVAL || error == ENOENT || error == EOPNOTSUPP; }

inline Descriptor OpenNetlink(int family) {
  Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
  // A kernel without nftables has no such family.
  if (!opened && errno != EPROTONOSUPPORT) ThrowErrno("socket", "netlink");
  return opened;
}

template <typename Body>
struct Question {
  nlmsghdr header;
  Body body;
};

// Asks, and shows every message of the answer. The error that ended it; 0 when it came to its end.
template <typename Body, typename Show>
int Ask(const Descriptor& netlink, uint16_t type, uint16_t flags, const Body& body, Show show) {
  Question<Body> question = {};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = type;
  question.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  question.body = body;
  if (send(netlink.get(), &question, sizeof(question), 0) != sizeof(question)) ThrowErrno("send", "netlink");
  alignas(nlmsghdr) char answer[32768];
  for (;;) {
    ssize_t got = recv(netlink.get(), answer, sizeof(answer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowErrno("recv", "netlink");
    auto left = static_cast<size_t>(got);
    for (auto header = reinterpret_cast<const nlmsghdr*>(answer); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      if (header->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
      show(header);
      if ((flags & NLM_F_DUMP) == 0) return 0;
    }
  }
}

// Shows the attributes of `size` octets from `first` on.
template <typename Show>
void EachAttribute(const void* first, size_t size, Show show) {
  auto part = static_cast<const rtattr*>(first);
  for (auto left = static_cast<int>(size); RTA_OK(part, left); part = RTA_NEXT(part, left))
    show(part->rta_type & NLA_TYPE_MASK, RTA_DATA(part), RTA_PAYLOAD(part));
}

template <typename Body, typename Show>
void EachAttributeBehind(const nlmsghdr* header, Show show) {
  size_t skipped = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Body)));
  if (header->nlmsg_len > skipped)
    EachAttribute(reinterpret_cast<const char*>(header) + skipped, header->nlmsg_len - skipped, show);
}

inline std::string TextOf(const void* octets, size_t size) {
  auto text = static_cast<const char*>(octets);
  return {text, strnlen(text, size)};
}

}  // namespace semrd
