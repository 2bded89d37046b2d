// Lines of the table `capabilities`, as dataplane/abi_plan.h lays them out, and entries put into them; without JavaScript.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace semrd {

constexpr size_t kSlotsInALine = 2;

struct CapabilitySlot {
  uint64_t key;
  uint16_t selector;
  uint8_t flags;
  uint8_t reserved[5];
  uint64_t groups;  // group and local group, 32 bits each, in this order in memory: readers see both of before, or both of now
  uint32_t policy;
  uint8_t reserved_too[4];
};
static_assert(sizeof(CapabilitySlot) == 32 && offsetof(CapabilitySlot, groups) == 16);

struct CapabilityLine {
  CapabilitySlot slots[kSlotsInALine];
};
static_assert(sizeof(CapabilityLine) == 64);

// An entry each place.
struct CapabilityColumns {
  std::span<const uint8_t> addresses;  // 16 octets each
  std::span<const uint16_t> groups;
  std::span<const uint16_t> local_groups;
  std::span<const uint32_t> policies;
  std::span<const uint8_t> affinities;
  std::span<const uint8_t> flags;  // of a slot, by the number that stands for an affinity
};

// What an entry named before another one took its place.
struct CapabilityNamed {
  uint32_t group;
  uint32_t local_group;
  uint32_t policy;
};

// Borrows a power of two of lines, and of each line what src/dataplane/kernel/capability-table.ts notes beside it.
class CapabilityLines {
 public:
  CapabilityLines(std::span<CapabilityLine> lines, std::span<uint8_t> states, std::span<uint8_t> passing)
      : lines_(lines), states_(states), passing_(passing), mask_(static_cast<uint32_t>(lines.size() - 1)) {}

  // Puts in the entries from `first` to `end`, at most `room` of them where there was none of their address; what the others led to
  // is noted in `replaced`. Readers see an entry whole or not at all, and both groups of one that is replaced, or neither. Answers
  // where it ended: at the first that finds no room, or at `end`.
  size_t Fill(const CapabilityColumns& entries, size_t first, size_t end, size_t room,
              std::vector<CapabilityNamed>& replaced);

 private:
  struct Wanted {
    uint64_t key;
    uint32_t home;
    uint16_t selector;
  };
  enum class Place { kThere, kFree, kNoRoom };

  Wanted WantedOf(const uint8_t* address) const;
  Place Look(const Wanted& wanted, uint32_t& line, size_t& slot) const;
  static CapabilityNamed Replace(CapabilitySlot& slot, const CapabilityColumns& entries, size_t at);
  void Occupy(uint32_t home, uint32_t line, size_t slot);

  std::span<CapabilityLine> lines_;
  std::span<uint8_t> states_;
  std::span<uint8_t> passing_;
  uint32_t mask_;
};

}  // namespace semrd
