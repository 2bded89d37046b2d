// One BFD session as a state machine in asynchronous mode: no socket, no clock, no chance. Times are microseconds.
// @see RFC 5880 §6.8
#pragma once

#include <cstdint>
#include <optional>

#include "bfd_packet.h"

namespace semrd {

// What the operator wants of a session.
struct BfdTimes {
  uint32_t desired_min_tx;
  uint32_t required_min_rx;
  uint8_t detect_multiplier;
};

// What the owner of the machine has to do after a step.
struct BfdReaction {
  bool send = false;   // now, whatever the timer says: the state changed
  bool final = false;  // now, with F: the peer polled
};

class BfdMachine {
 public:
  BfdMachine(uint32_t discriminator, const BfdTimes& times);

  // `packet` has passed the checks that precede the state machine.
  BfdReaction Receive(const BfdPacket& packet, uint64_t now);
  // To be called at `detection_deadline`.
  BfdReaction DetectionTimeExpired();
  // This end did not run for so long: silence in that time says nothing about the peer. At most one detection time of it.
  void Postpone(uint64_t stall);
  // In a session that is up by a Poll Sequence. @see §6.8.3
  void SetTimes(const BfdTimes& times);
  // @see §6.8.16
  BfdReaction SetAdminDown(bool down);
  BfdPacket Compose(bool final) const;

  BfdState state() const { return state_; }
  BfdState remote_state() const { return remote_state_; }
  uint8_t diagnostic() const { return diagnostic_; }
  uint8_t remote_diagnostic() const { return remote_diagnostic_; }
  uint32_t discriminator() const { return discriminator_; }
  uint32_t remote_discriminator() const { return remote_discriminator_; }
  bool remote_independent() const { return remote_independent_; }
  const BfdTimes& times() const { return times_; }
  bool polling() const { return poll_; }

  // Between packets before jitter; nothing: no periodic packets. @see §6.8.7
  std::optional<uint32_t> TransmitInterval() const;
  // @see §6.8.4
  uint64_t DetectionTime() const;
  // Nothing while the peer has not been heard.
  std::optional<uint64_t> detection_deadline() const { return deadline_; }

 private:
  void Enter(BfdState state, uint8_t diagnostic);
  void Advertise();
  void Poll();
  void EndPoll();

  const uint32_t discriminator_;
  BfdTimes times_;
  BfdState state_ = BfdState::kDown;
  BfdState remote_state_ = BfdState::kDown;
  uint8_t diagnostic_ = kNoDiagnostic;
  uint8_t remote_diagnostic_ = kNoDiagnostic;
  uint32_t remote_discriminator_ = 0;
  uint32_t remote_min_rx_ = 1;
  uint32_t remote_min_tx_ = 0;
  uint8_t remote_multiplier_ = 0;
  bool remote_demand_ = false;
  bool remote_independent_ = false;
  uint32_t desired_min_tx_;  // as advertised
  uint32_t transmit_min_;    // as used: a larger one waits for the end of the Poll Sequence
  uint32_t detect_min_;      // as used: a smaller one waits too
  bool poll_ = false;
  bool poll_again_ = false;
  uint64_t heard_ = 0;
  std::optional<uint64_t> deadline_;
};

}  // namespace semrd
