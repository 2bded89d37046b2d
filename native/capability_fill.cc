#include "capability_fill.h"

#include <bit>
#include <cstring>

#include "arguments.h"
#include "capability_lines.h"

namespace semrd {

namespace {

constexpr size_t kLeastLines = 16;
constexpr size_t kMostLines = 1 << 24;  // what the home of an address has bits for
constexpr size_t kAddressOctets = 16;

template <typename Element>
std::span<const Element> Column(const Napi::Object& columns, const char* name, napi_typedarray_type type,
                                size_t least) {
  Napi::Value value = columns.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a typed array of its kind");
  auto array = value.As<Napi::TypedArrayOf<Element>>();
  if (array.ElementLength() < least)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " is shorter than the batch");
  return {array.Data(), array.ElementLength()};
}

CapabilityLines LinesOf(const Napi::Object& lines) {
  Napi::Env env = lines.Env();
  auto table = Octets(lines.Get("table"), "table");
  size_t count = table.size() / sizeof(CapabilityLine);
  if (table.size() % sizeof(CapabilityLine) != 0 || !std::has_single_bit(count) || count < kLeastLines ||
      count > kMostLines)
    throw Napi::RangeError::New(env, "table must be a power of two of lines, at least 16");
  if (reinterpret_cast<uintptr_t>(table.data()) % alignof(CapabilityLine) != 0)
    throw Napi::RangeError::New(env, "table must lie at a multiple of 8");
  auto states = Octets(lines.Get("states"), "states", count), passing = Octets(lines.Get("passing"), "passing", count);
  return {{reinterpret_cast<CapabilityLine*>(table.data()), count}, states, passing};
}

}  // namespace

// fillCapabilities(lines, columns, first: number, end: number, room: number, flags: Uint8Array):
//     { end: number, replaced: Uint32Array }
Napi::Value FillCapabilities(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto lines = Options(info[0], "lines"), columns = Options(info[1], "columns");
  if (!lines || !columns) throw Napi::TypeError::New(env, "lines and columns must be objects");
  CapabilityLines table = LinesOf(*lines);
  auto end = static_cast<size_t>(Whole(info[3], "end", 0, UINT32_MAX));
  auto first = static_cast<size_t>(Whole(info[2], "first", 0, static_cast<int64_t>(end)));
  auto room = static_cast<size_t>(Whole(info[4], "room", 0, UINT32_MAX));
  CapabilityColumns entries = {
      .addresses = Column<uint8_t>(*columns, "addresses", napi_uint8_array, kAddressOctets * end),
      .groups = Column<uint16_t>(*columns, "groups", napi_uint16_array, end),
      .local_groups = Column<uint16_t>(*columns, "localGroups", napi_uint16_array, end),
      .policies = Column<uint32_t>(*columns, "policies", napi_uint32_array, end),
      .affinities = Column<uint8_t>(*columns, "affinities", napi_uint8_array, end),
      .flags = Octets(info[5], "flags"),
  };
  for (size_t at = first; at < end; at++)
    if (entries.affinities[at] >= entries.flags.size())
      throw Napi::RangeError::New(env, "affinities name one that has no flags");

  std::vector<CapabilityNamed> before;
  size_t reached = table.Fill(entries, first, end, room, before);
  auto replaced = Napi::Uint32Array::New(env, before.size() * sizeof(CapabilityNamed) / sizeof(uint32_t));
  if (!before.empty()) std::memcpy(replaced.Data(), before.data(), before.size() * sizeof(CapabilityNamed));
  auto result = Napi::Object::New(env);
  result.Set("end", Napi::Number::New(env, static_cast<double>(reached)));
  result.Set("replaced", replaced);
  return result;
}

}  // namespace semrd
