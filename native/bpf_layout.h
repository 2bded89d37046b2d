// What the records of a map are made of, as their BTF says: how one program finds its way in the tables of another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct btf;

namespace semrd {

struct RecordMember {
  std::string name;  // with those around it: "slots[3].current"; "" where the record is one number
  uint32_t offset;
  uint32_t size;
  bool operator==(const RecordMember&) const = default;
};

// In the order of the source; without members whose name begins with "reserved".
using RecordLayout = std::vector<RecordMember>;

struct MapLayout {
  RecordLayout key, value;
  bool operator==(const MapLayout&) const = default;
};

// Throws SystemCallFailure for types that have no octets of their own (bit fields).
RecordLayout LayoutOfRecord(const btf* types, uint32_t type);

// What the kernel keeps of the map's types; nothing where it was made without.
std::optional<MapLayout> LayoutOfMap(int fd);

}  // namespace semrd
