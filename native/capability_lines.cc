#include "capability_lines.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace semrd {

namespace {

// dataplane/abi_plan.h
constexpr uint64_t kHomeMultiplier = 0xd6e8feb86659fd93;
constexpr uint32_t kProbes = 16;

// The state of a line, by slot. No search goes past a line whose second slot is neither.
constexpr uint8_t kLiving[kSlotsInALine] = {0b0001, 0b0010};
constexpr uint8_t kTombstone[kSlotsInALine] = {0b0100, 0b1000};
constexpr uint8_t kSecondInUse = kLiving[1] | kTombstone[1];

// Entries whose lines are on their way at a time: they come from memory beside each other instead of one after the other.
constexpr size_t kAhead = 32;

constexpr size_t kAddressOctets = 16;
constexpr size_t kKeyAt = 6;
constexpr size_t kSelectorAt = 14;

uint64_t GroupsOf(const CapabilityColumns& entries, size_t at) {
  return std::bit_cast<uint64_t>(std::array<uint32_t, 2>{entries.groups[at], entries.local_groups[at]});
}

}  // namespace

size_t CapabilityLines::Fill(const CapabilityColumns& entries, size_t first, size_t end, size_t room,
                             std::vector<CapabilityNamed>& replaced) {
  Wanted asked[kAhead];
  auto ask = [&](size_t at) {
    Wanted& entry = asked[at % kAhead] = WantedOf(&entries.addresses[kAddressOctets * at]);
    __builtin_prefetch(&lines_[entry.home], 1);
    __builtin_prefetch(&states_[entry.home], 1);
  };
  for (size_t at = first; at < std::min(end, first + kAhead); at++) ask(at);
  for (size_t at = first; at < end; at++) {
    Wanted entry = asked[at % kAhead];
    if (at + kAhead < end) ask(at + kAhead);
    uint32_t line;
    size_t slot;
    Place place = Look(entry, line, slot);
    if (place == Place::kThere) {
      replaced.push_back(Replace(lines_[line].slots[slot], entries, at));
      continue;
    }
    if (place == Place::kNoRoom || room == 0) return at;
    room--;
    CapabilitySlot& written = lines_[line].slots[slot];
    written.selector = entry.selector;
    written.flags = entries.flags[entries.affinities[at]];
    written.groups = GroupsOf(entries, at);
    written.policy = entries.policies[at];
    __atomic_store_n(&written.key, entry.key, __ATOMIC_RELEASE);
    Occupy(entry.home, line, slot);
  }
  return end;
}

CapabilityNamed CapabilityLines::Replace(CapabilitySlot& slot, const CapabilityColumns& entries, size_t at) {
  auto groups = std::bit_cast<std::array<uint32_t, 2>>(slot.groups);
  CapabilityNamed before = {groups[0], groups[1], slot.policy};
  __atomic_store_n(&slot.flags, entries.flags[entries.affinities[at]], __ATOMIC_RELAXED);
  __atomic_store_n(&slot.policy, entries.policies[at], __ATOMIC_RELAXED);
  __atomic_store_n(&slot.groups, GroupsOf(entries, at), __ATOMIC_RELEASE);
  return before;
}

CapabilityLines::Wanted CapabilityLines::WantedOf(const uint8_t* address) const {
  Wanted wanted;
  std::memcpy(&wanted.key, address + kKeyAt, sizeof(wanted.key));
  std::memcpy(&wanted.selector, address + kSelectorAt, sizeof(wanted.selector));
  uint64_t mixed = wanted.key ^ wanted.key >> 32 ^ static_cast<uint64_t>(wanted.selector) << 16;
  wanted.home = static_cast<uint32_t>(mixed * kHomeMultiplier >> 40) & mask_;
  return wanted;
}

CapabilityLines::Place CapabilityLines::Look(const Wanted& wanted, uint32_t& line, size_t& slot) const {
  Place place = Place::kNoRoom;
  for (uint32_t probe = 0; probe < kProbes; probe++) {
    uint32_t looked = (wanted.home + probe) & mask_;
    uint8_t state = states_[looked];
    for (size_t i = 0; i < kSlotsInALine; i++) {
      const CapabilitySlot& held = lines_[looked].slots[i];
      if ((state & kLiving[i]) == 0) {
        if (place == Place::kFree) continue;
        place = Place::kFree;
        line = looked;
        slot = i;
      } else if (held.key == wanted.key && held.selector == wanted.selector) {
        line = looked;
        slot = i;
        return Place::kThere;
      }
    }
    if ((state & kSecondInUse) == 0) break;
  }
  return place;
}

void CapabilityLines::Occupy(uint32_t home, uint32_t line, size_t slot) {
  states_[line] = static_cast<uint8_t>((states_[line] | kLiving[slot]) & ~kTombstone[slot]);
  for (uint32_t passed = home; passed != line; passed = (passed + 1) & mask_) passing_[passed]++;
}

}  // namespace semrd
