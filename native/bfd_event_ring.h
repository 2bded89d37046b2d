// Events that wait for JavaScript, in a ring of fixed size; what does not fit is counted.
#pragma once

#include <vector>

#include "bfd_end.h"

namespace semrd {

class BfdEventRing {
 public:
  explicit BfdEventRing(size_t bound) : events_(bound) {}

  void Push(const BfdEvent& event) {
    if (count_ == events_.size()) {
      dropped_++;
      return;
    }
    events_[(first_ + count_) % events_.size()] = event;
    count_++;
  }

  bool Pop(BfdEvent& event) {
    if (count_ == 0) return false;
    event = events_[first_];
    first_ = (first_ + 1) % events_.size();
    count_--;
    return true;
  }

  uint64_t dropped() const { return dropped_; }

 private:
  std::vector<BfdEvent> events_;
  size_t first_ = 0, count_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace semrd
