// The sockets of BFD: one that receives per local address and port, one that sends per session.
// @see RFC 5881 §4 and §5, RFC 5883 §4 and §5
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "bfd_packet.h"
#include "descriptor.h"
#include "socket_calls.h"

namespace semrd {

constexpr uint16_t kSingleHopPort = 3784;
constexpr uint16_t kMultihopPort = 4784;

struct BfdDatagram {
  std::array<uint8_t, 256> octets;
  size_t length;
  int ttl;  // -1 where the kernel did not say
  SocketAddress source;
};

// The same host; ports do not matter. Zones do where both name one.
bool SameHost(const SocketAddress& a, const SocketAddress& b);

class BfdListener {
 public:
  // Throws SystemCallFailure.
  explicit BfdListener(const SocketAddress& local);
  int fd() const { return socket_.get(); }
  // False when nothing waits.
  bool Receive(BfdDatagram& datagram) const;

 private:
  Descriptor socket_;
};

// The listeners that sessions share.
class BfdListeners {
 public:
  std::shared_ptr<BfdListener> At(const SocketAddress& local);

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [key, listener] : open_)
      if (auto open = listener.lock()) visit(*open);
  }

 private:
  std::map<std::string, std::weak_ptr<BfdListener>> open_;
};

// Bound to `local` and a source port of its own; sends with hop limit 255. Not connected: the route may come and go.
Descriptor OpenBfdSender(const SocketAddress& local);

}  // namespace semrd
