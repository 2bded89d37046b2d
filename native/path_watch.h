// The ways to other routers, watched by a thread of its own: heartbeats to them, links that go down, and the words of
// their next hops that follow from it. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "descriptor.h"
#include "priority_mutex.h"
#include "socket_calls.h"

namespace semrd {

struct BeatOptions {
  SocketAddress from;             // port 0
  std::vector<SocketAddress> to;  // with the port of the beats
  uint32_t interval;              // microseconds
  uint32_t hold;                  // milliseconds that the receiver may trust in one beat
};

// A whole BPF_F_MMAPABLE array, of which single words are written.
class MappedArray {
 public:
  // Throws SystemCallFailure.
  MappedArray(int map, size_t octets);
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray();

  uint32_t* At(uint64_t offset) const { return reinterpret_cast<uint32_t*>(start_ + offset); }

 private:
  uint8_t* start_;
  size_t octets_;
};

// A router, and the words of its next hop. Offsets in octets.
struct WatchedPath {
  SocketAddress to;
  uint64_t state, silent_after, lost;
};

struct PathWords {
  std::shared_ptr<MappedArray> array;
  std::vector<WatchedPath> paths;
  uint32_t no_way, up;  // nobody else writes the first
};

struct PathEvent {
  SocketAddress to;
  bool lost;
  bool stored;  // the state word was written
  uint64_t at;  // CLOCK_MONOTONIC, microseconds
};

struct BeatCounters {
  uint64_t sent = 0, send_errors = 0, late = 0, latest = 0;  // late: more than half an interval; latest in microseconds
};

class PathWatch {
 public:
  // Starts the thread, in the network namespace of the calling one. `wake_fd`: an eventfd that is written when an event
  // waits. Throws SystemCallFailure.
  PathWatch(bool realtime, int wake_fd);
  ~PathWatch();
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

  // Errno of the attempt to get real-time priority; 0 when the thread has it, kNotAsked without an attempt.
  static constexpr int kNotAsked = -1;
  int scheduling_error() const { return scheduling_error_; }

  // Throws SystemCallFailure; what was before goes on then.
  void Beat(std::optional<BeatOptions> options);
  // Replaces the paths. What an earlier thread had found lost is looked at at once, the others by the thread soon after: a
  // link may have gone while nobody listened.
  void Bind(std::optional<PathWords> words);
  // From now on silence is judged here, not by the data plane: each interval the words `silent_after` are cleared.
  void Judge(bool here);
  bool PopEvent(PathEvent& event);
  BeatCounters counters();

 private:
  void Run();
  void Tick();
  void SendBeats();
  void LookAtBound();
  void LookAtAll(bool only_lost);
  void FollowRoutes(bool follow);
  void Look(const WatchedPath& path);
  bool WasLost(const WatchedPath& path);
  bool IsLost(const SocketAddress& to);
  void Arm();

  PriorityMutex mutex_;
  std::optional<BeatOptions> beat_;
  Descriptor sender_;
  std::optional<PathWords> words_;
  bool judges_ = false, bound_anew_ = false, look_again_ = false;
  std::deque<PathEvent> events_;
  BeatCounters counters_;
  uint64_t due_ = 0, looked_ = 0, all_looked_ = 0;
  Descriptor stop_, poll_, timer_, bound_, links_, changes_, routes_, asking_;
  const int wake_;
  int scheduling_error_ = 0;
  std::thread thread_;
};

}  // namespace semrd
