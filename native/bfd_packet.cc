#include "bfd_packet.h"

namespace semrd {

namespace {

constexpr uint8_t kVersion1 = 1;
constexpr size_t kLengthWithAuthentication = 26;
constexpr uint8_t kPoll = 0x20, kFinal = 0x10, kIndependent = 0x08, kAuthenticated = 0x04, kDemand = 0x02,
                  kMultipointBit = 0x01;

uint32_t ReadWord(std::span<const uint8_t> octets, size_t at) {
  return static_cast<uint32_t>(octets[at]) << 24 | static_cast<uint32_t>(octets[at + 1]) << 16 |
         static_cast<uint32_t>(octets[at + 2]) << 8 | octets[at + 3];
}

void WriteWord(std::array<uint8_t, kBfdPacketLength>& octets, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; i++) octets[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

}  // namespace

const char* NameOf(BfdDiscard reason) {
  constexpr const char* kNames[] = {"ttl",   "version",        "length",        "detectMultiplier",
                                    "multipoint", "myDiscriminator", "yourDiscriminator", "state",
                                    "source",     "authentication",  "adminDown"};
  return kNames[static_cast<size_t>(reason)];
}

const char* NameOf(BfdState state) {
  constexpr const char* kNames[] = {"AdminDown", "Down", "Init", "Up"};
  return kNames[static_cast<size_t>(state)];
}

//  | vers 3, diag 5 | state 2, P F C A D M | detect mult | length |
//  | my discriminator | your discriminator | desired min TX | required min RX | required min echo RX |  u32 each
std::variant<BfdReceived, BfdDiscard> DecodeBfd(std::span<const uint8_t> octets) {
  // The version of a packet without a first octet is nobody's.
  if (octets.empty() || octets[0] >> 5 != kVersion1) return octets.empty() ? BfdDiscard::kLength : BfdDiscard::kVersion;
  if (octets.size() < kBfdPacketLength) return BfdDiscard::kLength;
  uint8_t flags = octets[1];
  bool authenticated = (flags & kAuthenticated) != 0;
  size_t length = octets[3];
  if (length < (authenticated ? kLengthWithAuthentication : kBfdPacketLength)) return BfdDiscard::kLength;
  if (length > octets.size()) return BfdDiscard::kLength;
  if (octets[2] == 0) return BfdDiscard::kDetectMultiplier;
  if ((flags & kMultipointBit) != 0) return BfdDiscard::kMultipoint;
  BfdPacket packet;
  packet.diagnostic = octets[0] & 0x1f;
  packet.state = static_cast<BfdState>(flags >> 6);
  packet.poll = (flags & kPoll) != 0;
  packet.final = (flags & kFinal) != 0;
  packet.control_plane_independent = (flags & kIndependent) != 0;
  packet.demand = (flags & kDemand) != 0;
  packet.detect_multiplier = octets[2];
  packet.my_discriminator = ReadWord(octets, 4);
  packet.your_discriminator = ReadWord(octets, 8);
  packet.desired_min_tx = ReadWord(octets, 12);
  packet.required_min_rx = ReadWord(octets, 16);
  packet.required_min_echo_rx = ReadWord(octets, 20);
  if (packet.my_discriminator == 0) return BfdDiscard::kMyDiscriminator;
  return BfdReceived{packet, authenticated};
}

std::array<uint8_t, kBfdPacketLength> EncodeBfd(const BfdPacket& packet) {
  std::array<uint8_t, kBfdPacketLength> octets = {};
  octets[0] = static_cast<uint8_t>(kVersion1 << 5 | packet.diagnostic);
  octets[1] = static_cast<uint8_t>(static_cast<uint8_t>(packet.state) << 6 | (packet.poll ? kPoll : 0) |
                                   (packet.final ? kFinal : 0) | (packet.control_plane_independent ? kIndependent : 0) |
                                   (packet.demand ? kDemand : 0));
  octets[2] = packet.detect_multiplier;
  octets[3] = kBfdPacketLength;
  WriteWord(octets, 4, packet.my_discriminator);
  WriteWord(octets, 8, packet.your_discriminator);
  WriteWord(octets, 12, packet.desired_min_tx);
  WriteWord(octets, 16, packet.required_min_rx);
  WriteWord(octets, 20, packet.required_min_echo_rx);
  return octets;
}

}  // namespace semrd
