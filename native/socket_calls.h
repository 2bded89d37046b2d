// System calls on sockets, with addresses as text. Nothing here knows JavaScript.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "descriptor.h"

namespace semrd {

// An address with its length, ready for bind and connect.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

struct Endpoint {
  std::string address;  // link-local ones with their zone: "fe80::1%eth0"
  uint16_t port;
};

// Nothing when `text` is no IPv4 or IPv6 address (a zone is allowed). Names are never resolved.
std::optional<SocketAddress> ParseSocketAddress(const std::string& text, uint16_t port);

// A non-blocking, close-on-exec socket; `namespace_path` is "" for the thread's own network namespace.
Descriptor OpenSocket(int family, int type, int protocol, const std::string& namespace_path);

struct Accepted {
  Descriptor socket;
  Endpoint peer;
};
std::optional<Accepted> AcceptSocket(int listener);

Endpoint LocalEndpoint(int fd);
Endpoint RemoteEndpoint(int fd);

void SetSocketOption(int fd, int level, int option, int value, const char* what);
int GetSocketOption(int fd, int level, int option, const char* what);

// The process at the other end of a UNIX connection, as it was when it connected.
struct PeerProcess {
  int pid;
  uint32_t user;
  uint32_t group;
};
PeerProcess PeerProcessOf(int fd);

// The peer as a socket of this descriptor's family knows it: IPv4 peers of an IPv6 socket by their mapped address. A prefix length
// still counts IPv4 bits.
SocketAddress AsPeerOf(int fd, SocketAddress peer);

// One datagram to a UNIX socket; a path that begins with @ is one of the abstract namespace. Never waits.
void SendLocal(const std::string& path, const std::string& text);
constexpr size_t kLongestLocal = 4097;  // with its end

// A raw socket of ICMPv6 on one interface that hears these types only, with the hop limit of each message, and sends with hop limit 255.
void PrepareNeighborDiscovery(int fd, const std::string& interface, std::span<const uint8_t> types);

// One message that has come, cut to 1500 octets. @see RFC 3542
struct Datagram {
  std::vector<uint8_t> octets;
  std::string source;
  int hop_limit;  // -1 where the kernel does not say
  bool fragmented;
};
std::optional<Datagram> ReceiveDatagram(int fd);

// Never waits.
void SendDatagram(int fd, std::span<const uint8_t> octets, const SocketAddress& to);

// Sets, or with an empty key removes, the TCP-MD5 key of a prefix of peers. @see RFC 2385
void SetMd5Key(int fd, SocketAddress peer, uint8_t prefix_length, std::span<const uint8_t> key);
constexpr size_t kLongestMd5Key = 80;  // TCP_MD5SIG_MAXKEYLEN

// @see RFC 5082
void SetTtlSecurity(int fd, int minimum);
void SetHopLimit(int fd, int hops);

struct InterfaceState {
  std::string name;
  int index;
  int mtu;
  bool up;
  bool running;
  std::string driver;
  std::string hardware_address;
};
std::vector<InterfaceState> Interfaces();

}  // namespace semrd
