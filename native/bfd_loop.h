// All BFD sessions of a process in one thread: transmission, reception, detection, and what must not wait for
// JavaScript when a session goes down. Nothing here knows JavaScript.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "bfd_alarms.h"
#include "bfd_event_ring.h"
#include "bfd_end.h"
#include "priority_mutex.h"

namespace semrd {

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
  void Run();
  void ReadAll();
  void Take(const BfdDatagram& datagram, const BfdListener& listener, uint64_t now);
  BfdEnd* Find(const BfdPacket& packet, const BfdDatagram& datagram, const BfdListener& listener, BfdDiscard& reason);
  void AllowForStall(uint64_t now);
  void RunAlarms(uint64_t now);

  template <typename Step>
  void Perform(BfdEnd& session, uint64_t now, Step step);
  void Enqueue(BfdEnd& session, uint64_t earliest);
  BfdTimes Permitted(const BfdTimes& times) const;
  BfdEnd* At(uint32_t session);

  PriorityMutex mutex_;
  std::unordered_map<uint32_t, std::unique_ptr<BfdEnd>> sessions_;
  BfdAlarms alarms_;
  BfdListeners listeners_;
  BfdEventRing events_;
  BfdCounters strays_;
  BfdJitter jitter_;
  bool resting_ = false;  // sockets are not read until the next alarm: more came in than one turn takes
  Descriptor stop_, poll_, diagnosis_;
  const int wake_;
  int scheduling_error_ = 0;
  std::thread thread_;
};

}  // namespace semrd
