#include "socket_calls.h"

#include <arpa/inet.h>
#include <linux/in6.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace semrd {

namespace {

// The calling thread in another network namespace, and back when this goes.
class NamespaceVisit {
 public:
  explicit NamespaceVisit(const std::string& path) : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (!home_) ThrowErrno("open", "/proc/thread-self/ns/net");
    Descriptor abroad(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!abroad) ThrowErrno("open", path);
    if (setns(abroad.get(), CLONE_NEWNET) != 0) ThrowErrno("setns", path);
  }
  ~NamespaceVisit() {
    if (setns(home_.get(), CLONE_NEWNET) == 0) return;
    // Every later socket of this thread would be in the wrong namespace: nothing sensible can go on from here.
    std::perror("semrd: cannot return to the own network namespace");
    std::abort();
  }
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;

 private:
  Descriptor home_;
};

Endpoint EndpointOf(const sockaddr_storage& storage, socklen_t length) {
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6)
    throw SystemCallFailure(EAFNOSUPPORT, "getnameinfo", "neither IPv4 nor IPv6");
  char host[NI_MAXHOST];
  int error = getnameinfo(reinterpret_cast<const sockaddr*>(&storage), length, host, sizeof(host), nullptr, 0,
                          NI_NUMERICHOST);
  if (error != 0) throw SystemCallFailure(error == EAI_SYSTEM ? errno : EINVAL, "getnameinfo", gai_strerror(error));
  uint16_t port = storage.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(storage).sin_port
                                               : reinterpret_cast<const sockaddr_in6&>(storage).sin6_port;
  return {host, ntohs(port)};
}

int FamilyOf(int fd) { return GetSocketOption(fd, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN"); }

void MapToIpv6(SocketAddress& address) {
  auto v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, 4);
  address = {};
  std::memcpy(&address.storage, &v6, sizeof(v6));
  address.length = sizeof(v6);
}

// Runs `set` for each protocol whose packets the socket may see.
template <typename Set>
void ForEachProtocol(int fd, Set set) {
  int family = FamilyOf(fd);
  if (family != AF_INET6 && family != AF_INET) throw SystemCallFailure(EAFNOSUPPORT, "setsockopt", "no IP socket");
  if (family == AF_INET6) set(true);
  if (family == AF_INET || GetSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY") == 0) set(false);
}

}  // namespace

std::optional<SocketAddress> ParseSocketAddress(const std::string& text, uint16_t port) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // inet_aton forms such as "1" or "0x7f.1" are no addresses to us: IPv4 must have its four parts.
  in_addr quad;
  if (text.find(':') == std::string::npos && inet_pton(AF_INET, text.c_str(), &quad) != 1) return std::nullopt;
  if (getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  if (address.storage.ss_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  else
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  return address;
}

Descriptor OpenSocket(int family, int type, int protocol, const std::string& namespace_path) {
  std::optional<NamespaceVisit> visit;
  if (!namespace_path.empty()) visit.emplace(namespace_path);
  Descriptor descriptor(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!descriptor) ThrowErrno("socket", namespace_path);
  return descriptor;
}

std::optional<Accepted> AcceptSocket(int listener) {
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  for (;;) {
    Descriptor descriptor(
        accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (descriptor) return Accepted{std::move(descriptor), EndpointOf(peer, length)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR && errno != ECONNABORTED) ThrowErrno("accept4", "");
    length = sizeof(peer);
  }
}

Endpoint LocalEndpoint(int fd) {
  sockaddr_storage own = {};
  socklen_t length = sizeof(own);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) != 0) ThrowErrno("getsockname", "");
  return EndpointOf(own, length);
}

Endpoint RemoteEndpoint(int fd) {
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) ThrowErrno("getpeername", "");
  return EndpointOf(peer, length);
}

void SetSocketOption(int fd, int level, int option, int value, const char* what) {
  if (setsockopt(fd, level, option, &value, sizeof(value)) != 0) ThrowErrno("setsockopt", what);
}

PeerProcess PeerProcessOf(int fd) {
  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    ThrowErrno("getsockopt", "SO_PEERCRED");
  return {peer.pid, peer.uid, peer.gid};
}

void SendLocal(const std::string& path, const std::string& text) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (path.starts_with('@')) address.sun_path[0] = '\0';
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  Descriptor local(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!local) ThrowErrno("socket", "AF_UNIX");
  if (sendto(local.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), length) < 0)
    ThrowErrno("sendto", path);
}

void PrepareNeighborDiscovery(int fd, const std::string& interface, std::span<const uint8_t> types) {
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  for (uint8_t type : types) ICMP6_FILTER_SETPASS(type, &filter);
  if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) != 0) ThrowErrno("setsockopt", "ICMP6_FILTER");
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size())) != 0)
    ThrowErrno("setsockopt", interface);
  SetSocketOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT");
  SetSocketOption(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1, "IPV6_RECVFRAGSIZE");
  SetSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255, "IPV6_MULTICAST_HOPS");
  SetSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP");
}

std::optional<Datagram> ReceiveDatagram(int fd) {
  Datagram found = {std::vector<uint8_t>(1500), "", -1, false};
  sockaddr_storage source = {};
  alignas(cmsghdr) char control[2 * CMSG_SPACE(sizeof(int))];
  iovec part = {found.octets.data(), found.octets.size()};
  msghdr message = {};
  message.msg_name = &source;
  message.msg_namelen = sizeof(source);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t length;
  do {
    length = recvmsg(fd, &message, MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  if (length < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    ThrowErrno("recvmsg", "");
  }
  found.octets.resize(static_cast<size_t>(length));
  found.source = EndpointOf(source, message.msg_namelen).address;
  for (cmsghdr* note = CMSG_FIRSTHDR(&message); note != nullptr; note = CMSG_NXTHDR(&message, note)) {
    if (note->cmsg_level != IPPROTO_IPV6) continue;
    if (note->cmsg_type == IPV6_RECVFRAGSIZE) found.fragmented = true;
    if (note->cmsg_type == IPV6_HOPLIMIT && note->cmsg_len >= CMSG_LEN(sizeof(int))) std::memcpy(&found.hop_limit, CMSG_DATA(note), sizeof(int));
  }
  return found;
}

void SendDatagram(int fd, std::span<const uint8_t> octets, const SocketAddress& to) {
  if (sendto(fd, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to.get(), to.length) < 0)
    ThrowErrno("sendto", "");
}

int GetSocketOption(int fd, int level, int option, const char* what) {
  int value = 0;
  socklen_t length = sizeof(value);
  if (getsockopt(fd, level, option, &value, &length) != 0) ThrowErrno("getsockopt", what);
  return value;
}

SocketAddress AsPeerOf(int fd, SocketAddress peer) {
  if (FamilyOf(fd) == AF_INET6 && peer.storage.ss_family == AF_INET) MapToIpv6(peer);
  return peer;
}

void SetMd5Key(int fd, SocketAddress peer, uint8_t prefix_length, std::span<const uint8_t> key) {
  tcp_md5sig signature = {};
  signature.tcpm_addr = AsPeerOf(fd, peer).storage;
  signature.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
  signature.tcpm_prefixlen = prefix_length;
  signature.tcpm_keylen = static_cast<uint16_t>(key.size());
  static_assert(sizeof(signature.tcpm_key) == kLongestMd5Key);
  if (key.size() > kLongestMd5Key) throw SystemCallFailure(EINVAL, "setsockopt", "TCP-MD5 key is too long");
  if (!key.empty()) std::memcpy(signature.tcpm_key, key.data(), key.size());
  int result = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &signature, sizeof(signature));
  int number = errno;
  explicit_bzero(&signature, sizeof(signature));
  if (result != 0) throw SystemCallFailure(number, "setsockopt", "TCP_MD5SIG_EXT");
}

void SetTtlSecurity(int fd, int minimum) {
  SetHopLimit(fd, 255);
  ForEachProtocol(fd, [&](bool v6) {
    if (v6)
      SetSocketOption(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, minimum, "IPV6_MINHOPCOUNT");
    else
      SetSocketOption(fd, IPPROTO_IP, IP_MINTTL, minimum, "IP_MINTTL");
  });
}

void SetHopLimit(int fd, int hops) {
  ForEachProtocol(fd, [&](bool v6) {
    if (v6)
      SetSocketOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, "IPV6_UNICAST_HOPS");
    else
      SetSocketOption(fd, IPPROTO_IP, IP_TTL, hops, "IP_TTL");
  });
}

}  // namespace semrd
