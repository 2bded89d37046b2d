#include "bpf_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "failure.h"

namespace semrd {

MapShape ShapeOfMap(int fd) {
  bpf_map_info info = {};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) ThrowErrno("bpf_obj_get_info_by_fd", "map");
  return {info.name, info.type, info.key_size, info.value_size, info.max_entries, info.map_flags};
}

ProgramShape ShapeOfProgram(int fd) {
  bpf_prog_info info = {};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) ThrowErrno("bpf_obj_get_info_by_fd", "program");
  return {info.id, info.name, info.type, info.verified_insns};
}

LinkInfo InfoOfLink(int fd) {
  LinkInfo info = {};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) ThrowErrno("bpf_obj_get_info_by_fd", "link");
  return info;
}

bool IsPerCpu(uint32_t map_type) {
  switch (map_type) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return true;
    default:
      return false;
  }
}

size_t ExchangedValueSize(const MapShape& shape) {
  if (!IsPerCpu(shape.type)) return shape.value_size;
  return (static_cast<size_t>(shape.value_size) + 7) / 8 * 8 * PossibleCpus();
}

int OpenPinned(const std::string& path) {
  int fd = bpf_obj_get(path.c_str());
  if (fd < 0) ThrowErrno("bpf_obj_get", path);
  return fd;
}

void Pin(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0) ThrowErrno("bpf_obj_pin", path);
}

uint32_t PossibleCpus() {
  int count = libbpf_num_possible_cpus();
  if (count < 1) throw SystemCallFailure(count < 0 ? -count : EIO, "libbpf_num_possible_cpus", "");
  return static_cast<uint32_t>(count);
}

}  // namespace semrd
