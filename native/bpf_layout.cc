#include "bpf_layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <memory>

#include "failure.h"

namespace semrd {

namespace {

struct FreeTypes {
  void operator()(btf* types) const { btf__free(types); }
};

const btf_type* Resolved(const btf* types, uint32_t& type) {
  const btf_type* found = btf__type_by_id(types, type);
  while (found != nullptr && (btf_is_mod(found) || btf_is_typedef(found))) {
    type = found->type;
    found = btf__type_by_id(types, type);
  }
  if (found == nullptr) throw SystemCallFailure(EINVAL, "btf", "there is no type " + std::to_string(type));
  return found;
}

uint32_t SizeOf(const btf* types, uint32_t type) {
  int64_t size = btf__resolve_size(types, type);
  if (size < 0) throw SystemCallFailure(static_cast<int>(-size), "btf", "type " + std::to_string(type));
  return static_cast<uint32_t>(size);
}

class Flattening {
 public:
  explicit Flattening(const btf* types) : types_(types) {}

  void Add(uint32_t type, const std::string& name, uint32_t offset) {
    const btf_type* found = Resolved(types_, type);
    if (btf_is_composite(found)) return AddMembers(found, name, offset);
    if (btf_is_array(found)) {
      const struct btf_array* array = btf_array(found);
      uint32_t element = array->type;
      if (btf_is_composite(Resolved(types_, element))) {
        uint32_t size = SizeOf(types_, element);
        for (uint32_t i = 0; i < array->nelems; i++) Add(element, name + "[" + std::to_string(i) + "]", offset + i * size);
        return;
      }
    }
    members_.push_back({name, offset, SizeOf(types_, type)});
  }

  RecordLayout Take() { return std::move(members_); }

 private:
  void AddMembers(const btf_type* composite, const std::string& name, uint32_t offset) {
    const btf_member* member = btf_members(composite);
    for (int i = 0; i < btf_vlen(composite); i++, member++) {
      std::string own = btf__name_by_offset(types_, member->name_off);
      if (own.starts_with("reserved")) continue;
      uint32_t bits = btf_member_bit_offset(composite, static_cast<uint32_t>(i));
      if (bits % 8 != 0 || btf_member_bitfield_size(composite, static_cast<uint32_t>(i)) != 0)
        throw SystemCallFailure(EINVAL, "btf", "member " + own + " is a bit field");
      // What has no name of its own, as a union, is part of what is around it.
      Add(member->type, own.empty() ? name : name.empty() ? own : name + "." + own, offset + bits / 8);
    }
  }

  const btf* types_;
  RecordLayout members_;
};

}  // namespace

RecordLayout LayoutOfRecord(const btf* types, uint32_t type) {
  Flattening flattening(types);
  flattening.Add(type, "", 0);
  return flattening.Take();
}

std::optional<MapLayout> LayoutOfMap(int fd) {
  bpf_map_info info = {};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) ThrowErrno("bpf_obj_get_info_by_fd", "map");
  if (info.btf_id == 0 || info.btf_value_type_id == 0 || info.btf_key_type_id == 0) return std::nullopt;
  std::unique_ptr<btf, FreeTypes> types(btf__load_from_kernel_by_id(info.btf_id));
  if (!types) ThrowErrno("btf__load_from_kernel_by_id", info.name);
  return MapLayout{LayoutOfRecord(types.get(), info.btf_key_type_id), LayoutOfRecord(types.get(), info.btf_value_type_id)};
}

}  // namespace semrd
