#include "bfd_machine.h"

#include <algorithm>

namespace semrd {

namespace {

// The least desired interval of a session that is not up. @see RFC 5880 §6.8.3
constexpr uint32_t kSlow = 1'000'000;

}  // namespace

BfdMachine::BfdMachine(uint32_t discriminator, const BfdTimes& times)
    : discriminator_(discriminator),
      times_(times),
      desired_min_tx_(std::max(times.desired_min_tx, kSlow)),
      transmit_min_(desired_min_tx_),
      detect_min_(times.required_min_rx) {}

// The steps of §6.8.6 from "Set bfd.RemoteDiscr" on, in its order.
BfdReaction BfdMachine::Receive(const BfdPacket& packet, uint64_t now) {
  remote_discriminator_ = packet.my_discriminator;
  remote_state_ = packet.state;
  remote_diagnostic_ = packet.diagnostic;
  remote_demand_ = packet.demand;
  remote_independent_ = packet.control_plane_independent;
  remote_min_rx_ = packet.required_min_rx;
  remote_min_tx_ = packet.desired_min_tx;
  remote_multiplier_ = packet.detect_multiplier;
  if (packet.final && poll_) EndPoll();
  BfdReaction reaction;
  if (state_ == BfdState::kAdminDown) return reaction;

  BfdState before = state_;
  if (packet.state == BfdState::kAdminDown) {
    if (state_ != BfdState::kDown) Enter(BfdState::kDown, kNeighborSignaledDown);
  } else if (state_ == BfdState::kDown) {
    if (packet.state == BfdState::kDown) Enter(BfdState::kInit, diagnostic_);
    else if (packet.state == BfdState::kInit) Enter(BfdState::kUp, kNoDiagnostic);
  } else if (state_ == BfdState::kInit) {
    if (packet.state == BfdState::kInit || packet.state == BfdState::kUp) Enter(BfdState::kUp, kNoDiagnostic);
  } else if (packet.state == BfdState::kDown) {
    Enter(BfdState::kDown, kNeighborSignaledDown);
  }
  heard_ = now;
  deadline_ = now + DetectionTime();
  reaction.send = state_ != before;
  reaction.final = packet.poll;
  return reaction;
}

void BfdMachine::Postpone(uint64_t stall) {
  if (deadline_) deadline_ = std::max(*deadline_, std::min(*deadline_ + stall, heard_ + 2 * DetectionTime()));
}

BfdReaction BfdMachine::DetectionTimeExpired() {
  deadline_.reset();
  remote_discriminator_ = 0;  // §6.8.1
  remote_min_rx_ = 1;
  remote_demand_ = false;
  poll_ = poll_again_ = false;
  BfdReaction reaction;
  if (state_ == BfdState::kInit || state_ == BfdState::kUp) {
    Enter(BfdState::kDown, kDetectionTimeExpired);
    reaction.send = true;
  }
  return reaction;
}

void BfdMachine::SetTimes(const BfdTimes& times) {
  bool changed = times.required_min_rx != times_.required_min_rx || times.desired_min_tx != times_.desired_min_tx;
  times_ = times;
  if (!changed) return;
  Advertise();
  Poll();
}

BfdReaction BfdMachine::SetAdminDown(bool down) {
  BfdReaction reaction;
  if (down == (state_ == BfdState::kAdminDown)) return reaction;
  if (down) {
    Enter(BfdState::kAdminDown, kAdministrativelyDown);
    deadline_.reset();
  } else {
    Enter(BfdState::kDown, kNoDiagnostic);
  }
  reaction.send = true;
  return reaction;
}

BfdPacket BfdMachine::Compose(bool final) const {
  BfdPacket packet;
  packet.diagnostic = diagnostic_;
  packet.state = state_;
  packet.poll = poll_ && !final;  // never both
  packet.final = final;
  packet.control_plane_independent = false;  // honest: this thread ends with the process that speaks BGP
  packet.detect_multiplier = times_.detect_multiplier;
  packet.my_discriminator = discriminator_;
  packet.your_discriminator = remote_discriminator_;
  packet.desired_min_tx = desired_min_tx_;
  packet.required_min_rx = times_.required_min_rx;
  return packet;
}

std::optional<uint32_t> BfdMachine::TransmitInterval() const {
  if (remote_min_rx_ == 0) return std::nullopt;
  bool demand = remote_demand_ && state_ == BfdState::kUp && remote_state_ == BfdState::kUp;
  if (demand && !poll_) return std::nullopt;
  return std::max(transmit_min_, remote_min_rx_);
}

uint64_t BfdMachine::DetectionTime() const {
  return static_cast<uint64_t>(remote_multiplier_) * std::max(detect_min_, remote_min_tx_);
}

void BfdMachine::Enter(BfdState state, uint8_t diagnostic) {
  bool was_up = state_ == BfdState::kUp;
  state_ = state;
  diagnostic_ = diagnostic;
  if (was_up == (state == BfdState::kUp)) return;
  uint32_t advertised = desired_min_tx_;
  poll_ = poll_again_ = false;
  Advertise();
  if (desired_min_tx_ != advertised) Poll();
}

// Sets what is told to the peer from the wishes; what is used follows at once where that is safe. @see §6.8.3
void BfdMachine::Advertise() {
  bool up = state_ == BfdState::kUp;
  desired_min_tx_ = up ? times_.desired_min_tx : std::max(times_.desired_min_tx, kSlow);
  if (!up || desired_min_tx_ < transmit_min_) transmit_min_ = desired_min_tx_;
  if (!up || times_.required_min_rx > detect_min_) detect_min_ = times_.required_min_rx;
}

void BfdMachine::Poll() {
  if (remote_discriminator_ == 0) return;  // nobody would answer
  // An answer under way may be to the values of before: only one that follows it ends the sequence.
  poll_again_ = poll_;
  poll_ = true;
}

void BfdMachine::EndPoll() {
  poll_ = poll_again_;
  poll_again_ = false;
  if (poll_) return;
  transmit_min_ = desired_min_tx_;
  detect_min_ = times_.required_min_rx;
}

}  // namespace semrd
