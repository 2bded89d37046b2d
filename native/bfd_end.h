// Our end of a BFD session: its machine, its sockets, what it counts, and what it does when its state changes. Knows no thread.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "bfd_machine.h"
#include "bfd_socket.h"
#include "descriptor.h"
#include "mapped_word.h"
#include "tcp_state.h"

namespace semrd {

struct BfdSessionOptions {
  SocketAddress local, remote;  // with the port of the hop type in both
  bool multihop;
  uint8_t minimum_ttl;
  BfdTimes times;
};

// Written when a session that was up has failed, and when it is up.
struct BfdBinding {
  MappedWord word;
  uint32_t down;
  std::optional<uint32_t> up;
};

struct BfdEvent {
  uint32_t session;
  BfdState state;
  BfdState before;
  uint8_t diagnostic;
  BfdState remote_state;
  bool remote_independent;
  bool failed;       // the path is taken for broken: neither end was taken down by its administrator
  bool peer_ended;   // it had closed the watched TCP connection first, so the word was not written
  bool stored;       // a word was written
  uint64_t at;       // CLOCK_MONOTONIC, microseconds
};

struct BfdCounters {
  uint64_t sent = 0;
  uint64_t send_errors = 0;
  uint64_t received = 0;
  uint64_t late = 0;              // sent more than a quarter of the interval after it was due
  uint64_t latest = 0;            // microseconds
  uint64_t stalls = 0;            // times that this end did not run when it should have
  uint64_t downs = 0;             // from Up, however that came
  std::array<uint64_t, static_cast<size_t>(BfdDiscard::kReasons)> discarded = {};
};

struct BfdStatus {
  BfdState state, remote_state;
  uint8_t diagnostic, remote_diagnostic;
  uint32_t remote_discriminator;
  bool remote_independent, polling;
  BfdTimes times;                       // after what the scheduling allows
  std::optional<uint32_t> transmit;     // microseconds between packets, before jitter
  uint64_t detection;                   // microseconds; 0 before the peer was heard
  BfdCounters counters;
};

// By how much each packet comes earlier than its interval says.
class BfdJitter {
 public:
  explicit BfdJitter(uint64_t seed) : chance_(seed | 1) {}
  uint64_t Apply(uint32_t interval, uint8_t multiplier);

 private:
  uint64_t chance_;
};

struct BfdEnd {
  BfdMachine machine;
  BfdSessionOptions options;
  std::shared_ptr<BfdListener> listener;
  Descriptor sender;
  std::optional<BfdBinding> binding;
  std::optional<TcpConnection> watched;
  BfdCounters counters;
  std::optional<uint64_t> transmit_at;
  uint64_t queued = UINT64_MAX;  // its earliest alarm

  bool Hears(const BfdListener& at, const SocketAddress& source) const;
  void Send(bool final);
  // The periodic packet, if it is due.
  void TransmitDue(uint64_t now, BfdJitter& jitter);
  // The next periodic packet: never later than the interval of now allows.
  void Schedule(uint64_t now, BfdJitter& jitter);
  // After a change of state: writes the words that are bound. `diagnosis`: what TCP connections are looked up with.
  BfdEvent Changed(BfdState before, uint64_t now, int diagnosis);
  // When it has to be looked at next; UINT64_MAX: never.
  uint64_t NextAlarm() const;
  BfdStatus Status() const;
};

}  // namespace semrd
