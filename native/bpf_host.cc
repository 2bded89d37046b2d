#include "bpf_host.h"

#include <bpf/bpf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "bpf_log.h"
#include "descriptor.h"

namespace semrd {

namespace {

struct Capabilities {
  uint64_t effective = 0;
  bool Has(int bit) const { return (effective >> bit & 1) != 0; }
};

Capabilities Effective() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) ThrowErrno("capget", "");
  return {static_cast<uint64_t>(data[1].effective) << 32 | data[0].effective};
}

// r0 = XDP_PASS; exit
constexpr bpf_insn kSmallestProgram[] = {
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
    {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
};

}  // namespace

std::optional<std::string> WhyBpfIsUnusable() {
  Capabilities own = Effective();
  bool admin = own.Has(CAP_SYS_ADMIN);
  if (!own.Has(CAP_BPF) && !admin) return "CAP_BPF is missing";
  if (!own.Has(CAP_PERFMON) && !admin) return "CAP_PERFMON is missing";
  if (!own.Has(CAP_NET_ADMIN)) return "CAP_NET_ADMIN is missing";

  BpfLogCapture quiet;
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  Descriptor map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "semr_probe", sizeof(uint32_t), sizeof(uint64_t), 1, &options));
  if (!map) return "the kernel refuses a BPF map that can be mapped into memory: " + CodeOf(errno);
  Descriptor program(bpf_prog_load(BPF_PROG_TYPE_XDP, "semr_probe", "Dual MIT/GPL", kSmallestProgram, 2, nullptr));
  if (!program) return "the kernel refuses an XDP program: " + CodeOf(errno);
  return std::nullopt;
}

std::string KernelRelease() {
  utsname names;
  if (uname(&names) != 0) ThrowErrno("uname", "");
  return names.release;
}

void MountBpffs(const std::string& path) {
  struct statfs found = {};
  if (statfs(path.c_str(), &found) != 0) ThrowErrno("statfs", path);
  if (static_cast<uint64_t>(found.f_type) == BPF_FS_MAGIC) return;
  if (mount("bpffs", path.c_str(), "bpf", 0, "mode=0700") != 0) ThrowErrno("mount", path);
}

}  // namespace semrd
