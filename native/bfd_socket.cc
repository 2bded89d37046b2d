#include "bfd_socket.h"

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cstring>

namespace semrd {

namespace {

constexpr uint16_t kFirstSourcePort = 49152;
constexpr int kSourcePorts = 65536 - kFirstSourcePort;
constexpr int kHopLimit = 255;
constexpr int kNetworkControl = 0xc0;  // CS6, as routing protocols are marked

bool IsIpv6(const SocketAddress& address) { return address.storage.ss_family == AF_INET6; }

uint16_t& PortOf(SocketAddress& address) {
  return IsIpv6(address) ? reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port
                         : reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port;
}

Descriptor OpenUdp(const SocketAddress& local) {
  Descriptor opened(socket(local.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!opened) ThrowErrno("socket", "BFD");
  if (IsIpv6(local)) SetSocketOption(opened.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  return opened;
}

int TtlOf(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT;
    bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TTL;
    if (!v4 && !v6) continue;
    int ttl;
    std::memcpy(&ttl, CMSG_DATA(part), sizeof(ttl));
    return ttl;
  }
  return -1;
}

}  // namespace

bool SameHost(const SocketAddress& a, const SocketAddress& b) {
  if (a.storage.ss_family != b.storage.ss_family) return false;
  if (!IsIpv6(a))
    return reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(&b.storage)->sin_addr.s_addr;
  auto x = reinterpret_cast<const sockaddr_in6*>(&a.storage);
  auto y = reinterpret_cast<const sockaddr_in6*>(&b.storage);
  if (std::memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) != 0) return false;
  return x->sin6_scope_id == 0 || y->sin6_scope_id == 0 || x->sin6_scope_id == y->sin6_scope_id;
}

BfdListener::BfdListener(const SocketAddress& local) : socket_(OpenUdp(local)) {
  int fd = socket_.get();
  if (IsIpv6(local)) SetSocketOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT");
  else SetSocketOption(fd, IPPROTO_IP, IP_RECVTTL, 1, "IP_RECVTTL");
  if (bind(fd, local.get(), local.length) != 0) {
    SocketAddress copy = local;
    ThrowErrno("bind", "BFD port " + std::to_string(ntohs(PortOf(copy))));
  }
}

bool BfdListener::Receive(BfdDatagram& datagram) const {
  iovec part = {datagram.octets.data(), datagram.octets.size()};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int)) * 2];
  msghdr message = {};
  message.msg_name = &datagram.source.storage;
  message.msg_namelen = sizeof(datagram.source.storage);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t length = recvmsg(socket_.get(), &message, 0);
  if (length < 0) return false;
  datagram.length = static_cast<size_t>(length);
  datagram.source.length = message.msg_namelen;
  datagram.ttl = TtlOf(message);
  return true;
}

std::shared_ptr<BfdListener> BfdListeners::At(const SocketAddress& local) {
  std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
  std::string key(reinterpret_cast<const char*>(&local.storage), local.length);
  if (auto found = open_[key].lock()) return found;
  auto made = std::make_shared<BfdListener>(local);
  open_[key] = made;
  return made;
}

Descriptor OpenBfdSender(const SocketAddress& local) {
  Descriptor sender = OpenUdp(local);
  int fd = sender.get();
  SetHopLimit(fd, kHopLimit);
  if (IsIpv6(local)) SetSocketOption(fd, IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl, "IPV6_TCLASS");
  else SetSocketOption(fd, IPPROTO_IP, IP_TOS, kNetworkControl, "IP_TOS");

  uint16_t start = 0;
  if (getrandom(&start, sizeof(start), 0) != sizeof(start)) ThrowErrno("getrandom", "a source port");
  SocketAddress source = local;
  for (int i = 0;; i++) {
    PortOf(source) = htons(static_cast<uint16_t>(kFirstSourcePort + (start + i) % kSourcePorts));
    if (bind(fd, source.get(), source.length) == 0) break;
    if (errno != EADDRINUSE || i == kSourcePorts) ThrowErrno("bind", "a source port for BFD");
  }
  return sender;
}

}  // namespace semrd
