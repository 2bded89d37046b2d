// The BFD Control packet, to and from octets. @see RFC 5880 §4.1
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <variant>

namespace semrd {

enum class BfdState : uint8_t { kAdminDown, kDown, kInit, kUp };

enum BfdDiagnostic : uint8_t {
  kNoDiagnostic = 0,
  kDetectionTimeExpired = 1,
  kNeighborSignaledDown = 3,
  kAdministrativelyDown = 7,
};

struct BfdPacket {
  uint8_t diagnostic = kNoDiagnostic;
  BfdState state = BfdState::kDown;
  bool poll = false;
  bool final = false;
  bool control_plane_independent = false;
  bool demand = false;
  uint8_t detect_multiplier = 0;
  uint32_t my_discriminator = 0;
  uint32_t your_discriminator = 0;
  uint32_t desired_min_tx = 0;  // microseconds, as the next two
  uint32_t required_min_rx = 0;
  uint32_t required_min_echo_rx = 0;
};

// Why a packet was not taken. The order is that of the checks.
enum class BfdDiscard : uint8_t {
  kTtl,               // RFC 5881 §5, or below the minimum of RFC 5883
  kVersion,           // the rest: RFC 5880 §6.8.6
  kLength,            // shorter than it must be, or than it says
  kDetectMultiplier,  // zero
  kMultipoint,
  kMyDiscriminator,    // zero
  kYourDiscriminator,  // of no session
  kState,              // Up or Init without our discriminator
  kSource,             // of no session, or not of the session it names
  kAuthentication,     // present: none is configured
  kAdminDown,          // this end is
  kReasons,
};

const char* NameOf(BfdDiscard reason);
const char* NameOf(BfdState state);

constexpr size_t kBfdPacketLength = 24;

// The checks of §6.8.6 that need no session, up to the one for authentication, which needs the session first.
struct BfdReceived {
  BfdPacket packet;
  bool authenticated;  // the A bit
};
std::variant<BfdReceived, BfdDiscard> DecodeBfd(std::span<const uint8_t> octets);

std::array<uint8_t, kBfdPacketLength> EncodeBfd(const BfdPacket& packet);

}  // namespace semrd
