#include "bfd_alarms.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace semrd {

BfdAlarms::BfdAlarms() : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

std::optional<BfdAlarm> BfdAlarms::TakeDue(uint64_t now) {
  if (Earliest() > now) return std::nullopt;
  BfdAlarm alarm = alarms_.top();
  alarms_.pop();
  return alarm;
}

void BfdAlarms::Arm() {
  itimerspec when = {};
  if (!alarms_.empty()) {
    uint64_t at = std::max<uint64_t>(alarms_.top().at, 1);
    when.it_value.tv_sec = static_cast<time_t>(at / 1'000'000);
    when.it_value.tv_nsec = static_cast<long>(at % 1'000'000 * 1'000);
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void BfdAlarms::Acknowledge() {
  uint64_t expirations;
  [[maybe_unused]] ssize_t unused = read(timer_.get(), &expirations, sizeof(expirations));
}

}  // namespace semrd
