// Putting programs on interfaces of the calling thread's network namespace. Nothing here knows JavaScript.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bpf_kernel.h"
#include "descriptor.h"

namespace semrd {

enum class HookMode { kNative, kGeneric, kTcx, kClsact };
const char* NameOf(HookMode mode);

// Where a tc program sits: among those of ingress, before all of them, or at egress.
enum class TcPlace { kIngress, kBefore, kEgress };

struct XdpState {
  uint32_t program_id;
  HookMode mode;
};

// A program on an interface. clsact filters have no descriptor.
struct Attachment {
  Descriptor link;
  int ifindex;
  HookMode mode;
  TcPlace place = TcPlace::kIngress;
  std::shared_ptr<std::atomic<uint32_t>> filter_program;  // its id; of a clsact filter only
  bool replaced = false;  // the filter took the place of one that runs a program of the same name
};

// How a clsact filter comes to its place, where the kernel has no tcx.
struct FilterTerms {
  std::string record;  // where its program is pinned before; empty: nowhere
  bool keep = false;   // what is there, even one of the same name: EEXIST
};

std::optional<XdpState> QueryXdp(int ifindex);

// Never replaces a program that is there: EBUSY. Without `mode`: native, else generic.
Attachment AttachXdp(int program, int ifindex, std::optional<HookMode> mode);

// Without `mode`: tcx, else clsact. A clsact filter has one of three fixed places, and what is there is replaced only if it runs a
// program of the same name: else EEXIST.
Attachment AttachTc(int program, int ifindex, std::optional<HookMode> mode, TcPlace place, const FilterTerms& terms);

// What a descriptor of a link is on. ENODEV when its interface is gone or in another namespace.
Attachment Describe(Descriptor link);

// Whether the kernel has it on that interface of this namespace still: nobody took it off, nor put another in its place.
bool IsAttached(const Attachment& attachment);

// Whether a clsact filter is one of ours.
bool IsOurClsact(uint32_t priority, uint32_t handle);

void ReplaceLinkProgram(int link, int program);
void ReplaceClsactProgram(int ifindex, int program, TcPlace place);
void DetachLink(int link);
// Unless another program is there. Whether there was one to be removed.
bool DetachClsact(int ifindex, TcPlace place, uint32_t program_id);

}  // namespace semrd
