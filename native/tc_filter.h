// Filters of clsact that run BPF programs, as the kernel tells of them. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace semrd {

struct TcFilter {
  uint32_t program_id = 0;
  std::string name;  // as libbpf gives it: "program:[id]"
};

// The one at exactly this place, if any; `egress`: where packets leave. Also nothing where there is no qdisc or interface.
std::optional<TcFilter> FindTcFilter(int ifindex, bool egress, uint32_t priority, uint32_t handle);

// Whether it runs a program of that name.
bool Runs(const TcFilter& filter, const std::string& program);

}  // namespace semrd
