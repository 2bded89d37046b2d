// When our end of each BFD session has to be looked at, and the timer that says so.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "descriptor.h"

namespace semrd {

struct BfdAlarm {
  uint64_t at;  // CLOCK_MONOTONIC, microseconds
  uint32_t session;
  bool operator>(const BfdAlarm& other) const { return at > other.at; }
};

class BfdAlarms {
 public:
  BfdAlarms();
  // Of the timer; negative when there is none, and errno says why.
  int fd() const { return timer_.get(); }
  void Add(const BfdAlarm& alarm) { alarms_.push(alarm); }
  // UINT64_MAX: none.
  uint64_t Earliest() const { return alarms_.empty() ? UINT64_MAX : alarms_.top().at; }
  std::optional<BfdAlarm> TakeDue(uint64_t now);
  // Sets the timer to the earliest alarm.
  void Arm();
  // The timer has been heard.
  void Acknowledge();

 private:
  std::priority_queue<BfdAlarm, std::vector<BfdAlarm>, std::greater<>> alarms_;
  Descriptor timer_;
};

}  // namespace semrd
