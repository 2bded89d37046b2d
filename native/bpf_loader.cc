#include "bpf_loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "bpf_layout.h"
#include "bpf_log.h"

namespace semrd {

namespace {

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, CloseObject>;

[[noreturn]] void Refuse(int number, const std::string& detail) { throw SystemCallFailure(number, "bpf load", detail); }

// Maps of our source keep their name; libbpf's own are known by their section (".rodata", ".bss").
std::string NameOf(const bpf_map* map) {
  std::string name = bpf_map__name(map);
  if (!bpf_map__is_internal(map)) return name;
  size_t dot = name.find('.');
  return dot == std::string::npos ? name : name.substr(dot);
}

bpf_map* FindMap(bpf_object* object, const std::string& name, const LoadRequest& request) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (NameOf(map) == name) return map;
  }
  Refuse(ENOENT, request.path + " has no map \"" + name + "\"");
}

// Where a variable of .rodata lies; throws when there is none of that name and length.
uint32_t OffsetOfConstant(bpf_object* object, const std::string& name, size_t length, const LoadRequest& request) {
  const btf* types = bpf_object__btf(object);
  int section = types == nullptr ? -1 : btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (section > 0) {
    const btf_type* type = btf__type_by_id(types, static_cast<uint32_t>(section));
    const btf_var_secinfo* variable = btf_var_secinfos(type);
    for (int i = 0; i < btf_vlen(type); i++, variable++) {
      const btf_type* declared = btf__type_by_id(types, variable->type);
      if (name != btf__name_by_offset(types, declared->name_off)) continue;
      if (variable->size != length)
        Refuse(EINVAL, "constant \"" + name + "\" of " + request.path + " has " + std::to_string(variable->size) +
                           " octets, not " + std::to_string(length));
      return variable->offset;
    }
  }
  Refuse(ENOENT, request.path + " has no constant \"" + name + "\" in .rodata");
}

void SetConstants(bpf_object* object, const LoadRequest& request) {
  if (request.constants.empty()) return;
  std::vector<uint8_t> section;
  for (const auto& [name, octets] : request.constants) {
    uint32_t offset = OffsetOfConstant(object, name, octets.size(), request);
    bpf_map* map = FindMap(object, ".rodata", request);
    size_t size = 0;
    const void* initial = bpf_map__initial_value(map, &size);
    if (initial == nullptr || offset + octets.size() > size) Refuse(EINVAL, ".rodata is shorter than its BTF says");
    section.assign(static_cast<const uint8_t*>(initial), static_cast<const uint8_t*>(initial) + size);
    std::memcpy(section.data() + offset, octets.data(), octets.size());
    int error = bpf_map__set_initial_value(map, section.data(), section.size());
    if (error != 0) Refuse(-error, "constant \"" + name + "\"");
  }
}

void SetSizes(bpf_object* object, const LoadRequest& request) {
  for (const auto& [name, entries] : request.max_entries) {
    int error = bpf_map__set_max_entries(FindMap(object, name, request), entries);
    if (error != 0) Refuse(-error, "size of map \"" + name + "\"");
  }
}

void RequireSame(const std::string& path, const char* what, uint32_t pinned, uint32_t wanted) {
  if (pinned == wanted) return;
  Refuse(EINVAL, "the map pinned at " + path + " has another " + what + ": " + std::to_string(pinned) + " instead of " +
                     std::to_string(wanted) + "; remove the pin or use another folder");
}

// libbpf's own reuse by path refuses every DEVMAP, because the kernel adds a flag to those (research: pinned DEVMAP).
void RequireSameShape(const std::string& path, const MapShape& pinned, const bpf_map* map) {
  RequireSame(path, "type", pinned.type, bpf_map__type(map));
  RequireSame(path, "key size", pinned.key_size, bpf_map__key_size(map));
  RequireSame(path, "value size", pinned.value_size, bpf_map__value_size(map));
  if (bpf_map__max_entries(map) != 0)  // 0: libbpf chooses it (perf event arrays)
    RequireSame(path, "number of entries", pinned.max_entries, bpf_map__max_entries(map));
  bool added = pinned.type == BPF_MAP_TYPE_DEVMAP || pinned.type == BPF_MAP_TYPE_DEVMAP_HASH;
  uint32_t ignored = added ? static_cast<uint32_t>(BPF_F_RDONLY_PROG) : 0U;
  RequireSame(path, "flags", pinned.flags & ~ignored, bpf_map__map_flags(map) & ~ignored);
}

bool IsSameShape(const MapShape& shape, const bpf_map* map) {
  return shape.type == bpf_map__type(map) && shape.key_size == bpf_map__key_size(map) &&
         shape.value_size == bpf_map__value_size(map) && shape.max_entries == bpf_map__max_entries(map) &&
         shape.flags == bpf_map__map_flags(map);
}

// Takes the map of another object in the place of one whose records are the same, member by member.
bool Inherit(bpf_object* object, bpf_map* map, const std::string& path) {
  Descriptor theirs(bpf_obj_get(path.c_str()));
  if (!theirs) {
    if (errno == ENOENT) return false;
    ThrowErrno("bpf_obj_get", path);
  }
  const btf* types = bpf_object__btf(object);
  if (types == nullptr || !IsSameShape(ShapeOfMap(theirs.get()), map)) return false;
  MapLayout ours = {LayoutOfRecord(types, bpf_map__btf_key_type_id(map)),
                    LayoutOfRecord(types, bpf_map__btf_value_type_id(map))};
  if (LayoutOfMap(theirs.get()) != ours) return false;
  int error = bpf_map__reuse_fd(map, theirs.get());
  if (error != 0) throw SystemCallFailure(-error, "bpf_map__reuse_fd", path);
  return true;
}

// Returns the maps that must be pinned after the load because nothing was there to take over.
std::vector<std::pair<bpf_map*, std::string>> Adopt(bpf_object* object, const LoadRequest& request,
                                                    LoadedObject& loaded) {
  std::vector<std::pair<bpf_map*, std::string>> missing;
  for (const auto& [name, path] : request.pins) {
    bpf_map* map = FindMap(object, name, request);
    Descriptor pinned(bpf_obj_get(path.c_str()));
    if (!pinned) {
      if (errno != ENOENT) ThrowErrno("bpf_obj_get", path);
      missing.emplace_back(map, path);
      auto theirs = request.inherit.find(name);
      if (theirs != request.inherit.end() && Inherit(object, map, theirs->second)) loaded.inherited.push_back(name);
      continue;
    }
    RequireSameShape(path, ShapeOfMap(pinned.get()), map);
    int error = bpf_map__reuse_fd(map, pinned.get());
    if (error != 0) throw SystemCallFailure(-error, "bpf_map__reuse_fd", path);
    loaded.adopted.push_back(name);
  }
  return missing;
}

void PinAll(const std::vector<std::pair<bpf_map*, std::string>>& maps) {
  for (size_t i = 0; i < maps.size(); i++) {
    if (bpf_obj_pin(bpf_map__fd(maps[i].first), maps[i].second.c_str()) == 0) continue;
    int number = errno;
    for (size_t done = 0; done < i; done++) unlink(maps[done].second.c_str());
    throw SystemCallFailure(number, "bpf_obj_pin", maps[i].second);
  }
}

// Descriptors of our own, so that libbpf's object can go right away.
void Collect(bpf_object* object, LoadedObject& loaded) {
  bpf_program* program;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__fd(program) < 0) continue;  // SEC("?…"): not loaded unless asked for
    auto descriptor = std::make_shared<Descriptor>(Descriptor::Duplicate(bpf_program__fd(program)));
    ProgramShape shape = ShapeOfProgram(descriptor->get());
    shape.name = bpf_program__name(program);  // the kernel keeps 15 characters
    loaded.programs.push_back({std::move(shape), std::move(descriptor)});
  }
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    auto descriptor = std::make_shared<Descriptor>(Descriptor::Duplicate(bpf_map__fd(map)));
    MapShape shape = ShapeOfMap(descriptor->get());
    shape.name = NameOf(map);
    loaded.maps.push_back({std::move(shape), std::move(descriptor)});
  }
}

}  // namespace

LoadedObject LoadObject(const LoadRequest& request) {
  BpfLogCapture log;
  Object object(bpf_object__open_file(request.path.c_str(), nullptr));
  if (!object) ThrowErrno("bpf_object__open_file", request.path + log.Tail());

  bpf_map* map;
  bpf_object__for_each_map(map, object.get()) bpf_map__set_pin_path(map, nullptr);  // only `pins` decides
  SetSizes(object.get(), request);
  SetConstants(object.get(), request);
  LoadedObject loaded;
  auto missing = Adopt(object.get(), request, loaded);

  int error = bpf_object__load(object.get());
  if (error != 0) throw SystemCallFailure(-error, "bpf_object__load", request.path + log.Tail());
  Collect(object.get(), loaded);
  PinAll(missing);
  return loaded;
}

}  // namespace semrd
