// All BFD sessions of a process in one thread: transmission, reception, detection, and what must not wait for
// JavaScript when a session goes down. Nothing here knows JavaScript.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bfd_machine.h"
#include "bfd_socket.h"
#include "mapped_word.h"
#include "priority_mutex.h"
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

class BfdLoop {
 public:
  // Starts the thread, in the network namespace of the calling one. `wake_fd`: an eventfd that is written when an event waits. Throws SystemCallFailure.
  BfdLoop(bool realtime, size_t event_bound, int wake_fd);
  // Says AdminDown for every session that is left.
  ~BfdLoop();
  BfdLoop(const BfdLoop&) = delete;
  BfdLoop& operator=(const BfdLoop&) = delete;

  // Errno of the attempt to get real-time priority; 0 when the thread has it, kNotAsked without an attempt.
  static constexpr int kNotAsked = -1;
  int scheduling_error() const { return scheduling_error_; }

  // The discriminator is the session's number. Throws SystemCallFailure.
  uint32_t Add(const BfdSessionOptions& options);
  // Says AdminDown to the peer first: that the session ends is no failure.
  void Remove(uint32_t session);
  // These are false for a session that is gone.
  bool SetTimes(uint32_t session, const BfdTimes& times);
  bool SetAdminDown(uint32_t session, bool down);
  bool Bind(uint32_t session, std::optional<BfdBinding> binding);
  bool Watch(uint32_t session, std::optional<TcpConnection> connection);
  std::optional<BfdStatus> StatusOf(uint32_t session);

  bool PopEvent(BfdEvent& event);
  uint64_t dropped_events();
  // Of packets that no session can be blamed for.
  BfdCounters counters();

 private:
  struct Session {
    BfdMachine machine;
    BfdSessionOptions options;
    std::shared_ptr<BfdListener> listener;
    Descriptor sender;
    std::optional<BfdBinding> binding;
    std::optional<TcpConnection> watched;
    BfdCounters counters;
    std::optional<uint64_t> transmit_at;
    uint64_t queued = UINT64_MAX;  // the earliest entry in `alarms_`
  };
  struct Alarm {
    uint64_t at;
    uint32_t session;
    bool operator>(const Alarm& other) const { return at > other.at; }
  };

  void Run();
  void ReadAll();
  void Take(const BfdDatagram& datagram, const BfdListener& listener, uint64_t now);
  Session* Find(const BfdPacket& packet, const BfdDatagram& datagram, const BfdListener& listener, BfdDiscard& reason);
  void AllowForStall(uint64_t now);
  void RunAlarms(uint64_t now);
  void SetTimer();

  template <typename Step>
  void Perform(Session& session, uint64_t now, Step step);
  void Changed(Session& session, BfdState before, uint64_t now);
  void Send(Session& session, bool final);
  void Schedule(Session& session, uint64_t now);
  void Enqueue(Session& session, uint64_t earliest);
  uint64_t Jittered(uint32_t interval, uint8_t multiplier);
  BfdTimes Permitted(const BfdTimes& times) const;
  Session* At(uint32_t session);

  PriorityMutex mutex_;
  std::unordered_map<uint32_t, std::unique_ptr<Session>> sessions_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  BfdListeners listeners_;
  std::vector<BfdEvent> events_;  // a ring
  size_t first_event_ = 0, event_count_ = 0;
  uint64_t dropped_events_ = 0;
  BfdCounters strays_;
  uint64_t chance_;
  bool resting_ = false;  // sockets are not read until the next alarm: more came in than one turn takes
  Descriptor stop_, timer_, poll_, diagnosis_;
  const int wake_;
  int scheduling_error_ = 0;
  std::thread thread_;
};

}  // namespace semrd
