// Putting programs on interfaces of the calling thread's network namespace. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <optional>

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
};

std::optional<XdpState> QueryXdp(int ifindex);

// Never replaces a program that is there: EBUSY. Without `mode`: native, else generic.
Attachment AttachXdp(int program, int ifindex, std::optional<HookMode> mode);

// Without `mode`: tcx, else clsact. A clsact filter has one of three fixed places, so that only our own is ever replaced.
Attachment AttachTc(int program, int ifindex, std::optional<HookMode> mode, TcPlace place);

// What a descriptor of a link is on. ENODEV when its interface is gone or in another namespace.
Attachment Describe(Descriptor link);

// Whether a clsact filter is one of ours.
bool IsOurClsact(uint32_t priority, uint32_t handle);

void ReplaceLinkProgram(int link, int program);
void ReplaceClsactProgram(int ifindex, int program, TcPlace place);
void DetachLink(int link);
void DetachClsact(int ifindex, TcPlace place);

}  // namespace semrd
