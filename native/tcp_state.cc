#include "tcp_state.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

namespace semrd {

namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

// Network order, as the request wants it.
uint16_t PutAddress(const SocketAddress& address, __be32* words) {
  if (address.storage.ss_family == AF_INET) {
    auto v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    std::memcpy(words, &v4->sin_addr, 4);
    return v4->sin_port;
  }
  auto v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  std::memcpy(words, &v6->sin6_addr, 16);
  return v6->sin6_port;
}

Question QuestionAbout(const TcpConnection& connection) {
  Question question = {};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  auto& request = question.request;
  request.sdiag_family = static_cast<uint8_t>(connection.local.storage.ss_family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  request.id.idiag_sport = PutAddress(connection.local, request.id.idiag_src);
  request.id.idiag_dport = PutAddress(connection.remote, request.id.idiag_dst);
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

TcpLife LifeIn(const uint8_t* octets, size_t length) {
  nlmsghdr header;
  if (length < sizeof(header)) return TcpLife::kUnknown;
  std::memcpy(&header, octets, sizeof(header));
  if (header.nlmsg_type == NLMSG_ERROR && length >= sizeof(header) + sizeof(nlmsgerr)) {
    nlmsgerr error;
    std::memcpy(&error, octets + sizeof(header), sizeof(error));
    return error.error == -ENOENT ? TcpLife::kEnded : TcpLife::kUnknown;  // reset: there is no such socket any more
  }
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || length < sizeof(header) + sizeof(inet_diag_msg))
    return TcpLife::kUnknown;
  inet_diag_msg message;
  std::memcpy(&message, octets + sizeof(header), sizeof(message));
  switch (message.idiag_state) {
    case TCP_CLOSE_WAIT:
    case TCP_LAST_ACK:
    case TCP_CLOSE:
    case TCP_LISTEN:  // of the same address: the kernel found no connection, so it was reset
      return TcpLife::kEnded;
    default:
      return TcpLife::kAlive;
  }
}

}  // namespace

Descriptor OpenTcpDiagnosis() {
  return Descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
}

TcpLife LifeOf(const TcpConnection& connection, int diagnosis) {
  if (diagnosis < 0) return TcpLife::kUnknown;
  uint8_t answer[1024];
  while (recv(diagnosis, answer, sizeof(answer), 0) > 0) {
  }  // left over from a question before
  Question question = QuestionAbout(connection);
  if (send(diagnosis, &question, sizeof(question), 0) != sizeof(question)) return TcpLife::kUnknown;
  ssize_t length = recv(diagnosis, answer, sizeof(answer), 0);  // the kernel answers inside send
  return length < 0 ? TcpLife::kUnknown : LifeIn(answer, static_cast<size_t>(length));
}

}  // namespace semrd
