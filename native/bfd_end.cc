#include "bfd_end.h"

#include <algorithm>

namespace semrd {

// 75 to 100 % of the interval, at most 90 % where a single lost packet ends the session. @see RFC 5880 §6.8.7
uint64_t BfdJitter::Apply(uint32_t interval, uint8_t multiplier) {
  chance_ ^= chance_ << 13;
  chance_ ^= chance_ >> 7;
  chance_ ^= chance_ << 17;
  uint64_t range = static_cast<uint64_t>(interval) * (multiplier == 1 ? 15 : 25) / 100;
  return static_cast<uint64_t>(interval) * 3 / 4 + chance_ % (range + 1);
}

bool BfdEnd::Hears(const BfdListener& at, const SocketAddress& source) const {
  return listener.get() == &at && SameHost(options.remote, source);
}

void BfdEnd::Send(bool final) {
  auto octets = EncodeBfd(machine.Compose(final));
  const SocketAddress& to = options.remote;
  ssize_t sent = sendto(sender.get(), octets.data(), octets.size(), 0, to.get(), to.length);
  if (sent == static_cast<ssize_t>(octets.size())) counters.sent++;
  else counters.send_errors++;
}

void BfdEnd::TransmitDue(uint64_t now, BfdJitter& jitter) {
  if (!transmit_at || *transmit_at > now) return;
  uint64_t late = now - *transmit_at;
  auto interval = machine.TransmitInterval();
  counters.latest = std::max(counters.latest, late);
  if (interval && late > *interval / 4) counters.late++;
  transmit_at.reset();
  if (interval) Send(false);
  Schedule(now, jitter);
}

void BfdEnd::Schedule(uint64_t now, BfdJitter& jitter) {
  auto interval = machine.TransmitInterval();
  if (!interval) {
    transmit_at.reset();
    return;
  }
  // What is due sooner stays as it is.
  if (transmit_at && *transmit_at <= now + *interval) return;
  transmit_at = now + jitter.Apply(*interval, machine.times().detect_multiplier);
}

BfdEvent BfdEnd::Changed(BfdState before, uint64_t now, int diagnosis) {
  BfdEvent event = {};
  event.session = machine.discriminator();
  event.state = machine.state();
  event.before = before;
  event.diagnostic = machine.diagnostic();
  event.remote_state = machine.remote_state();
  event.remote_independent = machine.remote_independent();
  event.at = now;
  if (before == BfdState::kUp) {
    counters.downs++;
    // @see RFC 5882 §3.2: AdminDown says nothing about the path.
    event.failed = event.state == BfdState::kDown && !(event.diagnostic == kNeighborSignaledDown &&
                                                       event.remote_state == BfdState::kAdminDown);
    // @see RFC 5882 §4.3: a peer's BFD that shares the fate of its control plane ends with it.
    event.peer_ended = event.failed && !event.remote_independent && watched &&
                       LifeOf(*watched, diagnosis) == TcpLife::kEnded;
    if (event.failed && !event.peer_ended && binding) {
      binding->word.Store(binding->down);
      event.stored = true;
    }
  }
  if (event.state == BfdState::kUp && binding && binding->up) {
    binding->word.Store(*binding->up);
    event.stored = true;
  }
  return event;
}

uint64_t BfdEnd::NextAlarm() const {
  uint64_t next = transmit_at.value_or(UINT64_MAX);
  if (auto deadline = machine.detection_deadline()) next = std::min(next, *deadline);
  return next;
}

BfdStatus BfdEnd::Status() const {
  BfdStatus status;
  status.state = machine.state();
  status.remote_state = machine.remote_state();
  status.diagnostic = machine.diagnostic();
  status.remote_diagnostic = machine.remote_diagnostic();
  status.remote_discriminator = machine.remote_discriminator();
  status.remote_independent = machine.remote_independent();
  status.polling = machine.polling();
  status.times = machine.times();
  status.transmit = machine.TransmitInterval();
  status.detection = machine.DetectionTime();
  status.counters = counters;
  return status;
}

}  // namespace semrd
