#include "bpf_hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "bpf_log.h"
#include "netlink_ask.h"
#include "tc_filter.h"

namespace semrd {

namespace {

// Where our clsact filters sit: "SE" and "SEMR" in ASCII, the one before at the priority below. Nobody else's are at the same
// places; what is there nevertheless is not replaced.
constexpr uint32_t kClsactPriority = 0x5345;
constexpr uint32_t kClsactPriorityBefore = kClsactPriority - 1;
constexpr uint32_t kClsactHandle = 0x53454d52;

std::string On(int ifindex) { return "interface " + std::to_string(ifindex); }

void RequireInterface(int ifindex, const char* call) {
  char name[IF_NAMESIZE];
  if (if_indextoname(static_cast<unsigned>(ifindex), name) == nullptr)
    throw SystemCallFailure(ENODEV, call, "there is no " + On(ifindex));
}

// The part of `union bpf_attr` that BPF_LINK_CREATE reads for tcx; libbpf 1.1 has no call for it.
struct TcxLinkCreate {
  uint32_t program_fd;
  uint32_t ifindex;
  uint32_t attach_type;
  uint32_t flags;
  uint32_t relative;
  uint32_t padding;
  uint64_t expected_revision;
};
static_assert(sizeof(TcxLinkCreate) == 32);

Descriptor CreateXdpLink(int program, int ifindex, uint32_t flags) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  return Descriptor(bpf_link_create(program, ifindex, BPF_XDP, &options));
}

Descriptor CreateTcxLink(int program, int ifindex, TcPlace place) {
  uint32_t type = place == TcPlace::kEgress ? kAttachTcxEgress : kAttachTcxIngress;
  uint32_t flags = place == TcPlace::kBefore ? kTcxBefore : 0;
  TcxLinkCreate attributes = {static_cast<uint32_t>(program), static_cast<uint32_t>(ifindex), type, flags, 0, 0, 0};
  return Descriptor(
      static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, static_cast<unsigned>(sizeof(attributes)))));
}

bpf_tc_hook ClsactHook(int ifindex, TcPlace place) {
  bpf_tc_hook hook = {};
  hook.sz = sizeof(hook);
  hook.ifindex = ifindex;
  hook.attach_point = place == TcPlace::kEgress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  return hook;
}

// The part of `union bpf_attr` that BPF_PROG_QUERY reads for tcx; libbpf 1.1 does not know of links there.
struct TcxQuery {
  uint32_t ifindex;
  uint32_t attach_type;
  uint32_t query_flags;
  uint32_t attach_flags;
  uint64_t program_ids;
  uint32_t count;
  uint32_t padding;
  uint64_t program_flags;
  uint64_t link_ids;
  uint64_t link_flags;
  uint64_t revision;
};
static_assert(sizeof(TcxQuery) == 64);

// The kernel has at most 64 programs at a place (BPF_MPROG_MAX).
constexpr uint32_t kMostPrograms = 64;

bool IsTcxLinkOn(int ifindex, const LinkInfo& info) {
  uint32_t programs[kMostPrograms] = {}, links[kMostPrograms] = {};
  TcxQuery query = {};
  query.ifindex = static_cast<uint32_t>(ifindex);
  query.attach_type = info.attach_type;
  query.program_ids = reinterpret_cast<uint64_t>(programs);
  query.count = kMostPrograms;
  query.link_ids = reinterpret_cast<uint64_t>(links);
  if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, static_cast<unsigned>(sizeof(query))) != 0) return false;
  const uint32_t* first = links;
  const uint32_t* end = first + std::min(query.count, kMostPrograms);
  return std::find(first, end, info.id) != end;
}

std::optional<XdpState> XdpStateIn(const void* attributes, size_t size) {
  uint32_t driver = 0, generic = 0, hardware = 0;
  EachAttribute(attributes, size, [&](int type, const void* value, size_t length) {
    uint32_t* program = type == IFLA_XDP_DRV_PROG_ID   ? &driver
                        : type == IFLA_XDP_SKB_PROG_ID ? &generic
                        : type == IFLA_XDP_HW_PROG_ID  ? &hardware
                                                       : nullptr;
    if (program != nullptr && length >= sizeof(uint32_t)) std::memcpy(program, value, sizeof(uint32_t));
  });
  if (driver != 0) return XdpState{driver, HookMode::kNative};
  if (generic != 0) return XdpState{generic, HookMode::kGeneric};
  if (hardware != 0) return XdpState{hardware, HookMode::kNative};
  return std::nullopt;
}

uint32_t PriorityOf(TcPlace place) { return place == TcPlace::kBefore ? kClsactPriorityBefore : kClsactPriority; }

std::optional<TcFilter> FindClsact(int ifindex, TcPlace place) {
  return FindTcFilter(ifindex, place == TcPlace::kEgress, PriorityOf(place), kClsactHandle);
}

// Whether trying the next weaker way makes sense, or the error would be the same.
bool SaysUnsupported(int number) {
  return number == EINVAL || number == EOPNOTSUPP || number == 524 || number == ERANGE || number == ENOSYS;
}

}  // namespace

const char* NameOf(HookMode mode) {
  switch (mode) {
    case HookMode::kNative:
      return "native";
    case HookMode::kGeneric:
      return "generic";
    case HookMode::kTcx:
      return "tcx";
    case HookMode::kClsact:
      return "clsact";
  }
  return "";
}

// One link is asked for: libbpf's bpf_xdp_query has the kernel list all of them for each question.
std::optional<XdpState> QueryXdp(int ifindex) {
  Descriptor netlink = OpenNetlink(NETLINK_ROUTE);
  if (!netlink) ThrowErrno("socket", "netlink");
  ifinfomsg asked = {};
  asked.ifi_index = ifindex;
  std::optional<XdpState> found;
  int error = Ask(netlink, RTM_GETLINK, 0, asked, [&](const nlmsghdr* header) {
    EachAttributeBehind<ifinfomsg>(header, [&](int type, const void* octets, size_t size) {
      if (type == IFLA_XDP) found = XdpStateIn(octets, size);
    });
  });
  if (error == ENODEV) throw SystemCallFailure(ENODEV, "xdp query", "there is no " + On(ifindex));
  if (error != 0) throw SystemCallFailure(error, "xdp query", On(ifindex));
  return found;
}

Attachment AttachXdp(int program, int ifindex, std::optional<HookMode> mode) {
  RequireInterface(ifindex, "xdp attach");
  if (auto there = QueryXdp(ifindex))
    throw SystemCallFailure(EBUSY, "xdp attach",
                            On(ifindex) + " already has program " + std::to_string(there->program_id) + " (" +
                                NameOf(there->mode) + "); it is not replaced");

  if (mode != HookMode::kGeneric) {
    Descriptor link = CreateXdpLink(program, ifindex, XDP_FLAGS_DRV_MODE);
    if (link) return {std::move(link), ifindex, HookMode::kNative};
    if (mode || !SaysUnsupported(errno)) ThrowErrno("xdp attach", On(ifindex) + ", native mode");
  }
  Descriptor link = CreateXdpLink(program, ifindex, XDP_FLAGS_SKB_MODE);
  if (!link) ThrowErrno("xdp attach", On(ifindex) + ", generic mode");
  return {std::move(link), ifindex, HookMode::kGeneric};
}

Attachment AttachTc(int program, int ifindex, std::optional<HookMode> mode, TcPlace place, const FilterTerms& terms) {
  RequireInterface(ifindex, "tc attach");
  if (mode != HookMode::kClsact) {
    Descriptor link = CreateTcxLink(program, ifindex, place);
    if (link) return {std::move(link), ifindex, HookMode::kTcx, place};
    if (mode || !SaysUnsupported(errno)) ThrowErrno("tc attach", On(ifindex) + ", tcx");
  }
  BpfLogCapture quiet;  // libbpf complains about the qdisc that is there already
  bpf_tc_hook hook = ClsactHook(ifindex, place);
  int error = bpf_tc_hook_create(&hook);
  if (error != 0 && error != -EEXIST) throw SystemCallFailure(-error, "tc attach", On(ifindex) + ", clsact qdisc");
  ProgramShape shape = ShapeOfProgram(program);
  auto there = FindClsact(ifindex, place);
  if (there && (terms.keep || !Runs(*there, shape.name)))
    throw SystemCallFailure(EEXIST, "tc attach",
                            On(ifindex) + " already has the filter " + there->name + " in the place of " + shape.name +
                                "; it is not replaced");
  if (!terms.record.empty() && bpf_obj_pin(program, terms.record.c_str()) != 0 && errno != EEXIST)
    ThrowErrno("bpf_obj_pin", terms.record);
  try {
    ReplaceClsactProgram(ifindex, program, place);
  } catch (const SystemCallFailure&) {
    if (!terms.record.empty()) unlink(terms.record.c_str());
    throw;
  }
  auto program_id = std::make_shared<std::atomic<uint32_t>>(shape.id);
  return {Descriptor(), ifindex, HookMode::kClsact, place, std::move(program_id), there.has_value()};
}

Attachment Describe(Descriptor link) {
  LinkInfo info = InfoOfLink(link.get());
  auto ifindex = static_cast<int>(info.ifindex);
  if (info.type != kLinkTypeXdp && info.type != kLinkTypeTcx)
    throw SystemCallFailure(EINVAL, "bpf_link_get_info", "this is no XDP or tcx link");
  if (ifindex == 0) throw SystemCallFailure(ENODEV, "bpf_link_get_info", "the interface of this link is gone");
  if (info.type == kLinkTypeTcx) {
    RequireInterface(ifindex, "bpf_link_get_info");
    if (!IsTcxLinkOn(ifindex, info))
      throw SystemCallFailure(ENODEV, "bpf_link_get_info", On(ifindex) + " of this link is in another namespace");
    return {std::move(link), ifindex, HookMode::kTcx};
  }
  // An XDP link does not say how it sits there, nor in which namespace.
  auto there = QueryXdp(ifindex);
  if (!there || there->program_id != info.program_id)
    throw SystemCallFailure(ENODEV, "bpf_link_get_info", On(ifindex) + " of this link is in another namespace");
  return {std::move(link), ifindex, there->mode};
}

bool IsAttached(const Attachment& attachment) {
  int ifindex = attachment.ifindex;
  if (attachment.mode == HookMode::kClsact) {
    auto there = FindClsact(ifindex, attachment.place);
    return there && there->program_id == attachment.filter_program->load();
  }
  LinkInfo info = InfoOfLink(attachment.link.get());
  if (info.ifindex != static_cast<uint32_t>(ifindex)) return false;  // 0: detached, or the interface is gone
  if (attachment.mode == HookMode::kTcx) return IsTcxLinkOn(ifindex, info);
  try {
    auto there = QueryXdp(ifindex);
    return there && there->program_id == info.program_id;
  } catch (const SystemCallFailure& failure) {
    if (failure.number() == ENODEV) return false;
    throw;
  }
}

bool IsOurClsact(uint32_t priority, uint32_t handle) {
  return handle == kClsactHandle && (priority == kClsactPriority || priority == kClsactPriorityBefore);
}

void ReplaceLinkProgram(int link, int program) {
  if (bpf_link_update(link, program, nullptr) != 0) ThrowErrno("bpf_link_update", "");
}

void ReplaceClsactProgram(int ifindex, int program, TcPlace place) {
  BpfLogCapture log;
  bpf_tc_hook hook = ClsactHook(ifindex, place);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .flags = BPF_TC_F_REPLACE, .handle = kClsactHandle,
              .priority = PriorityOf(place));
  int error = bpf_tc_attach(&hook, &options);
  if (error != 0) throw SystemCallFailure(-error, "tc attach", On(ifindex) + ", clsact" + log.Tail());
}

void DetachLink(int link) {
  if (bpf_link_detach(link) != 0) ThrowErrno("bpf_link_detach", "");
}

bool DetachClsact(int ifindex, TcPlace place, uint32_t program_id) {
  auto there = FindClsact(ifindex, place);
  if (!there || there->program_id != program_id) return false;
  BpfLogCapture log;
  bpf_tc_hook hook = ClsactHook(ifindex, place);
  LIBBPF_OPTS(bpf_tc_opts, options, .handle = kClsactHandle, .priority = PriorityOf(place));
  int error = bpf_tc_detach(&hook, &options);
  // ENOENT, EINVAL: neither filter nor qdisc is there any more; ENODEV: nor the interface.
  if (error != 0 && error != -ENOENT && error != -EINVAL && error != -ENODEV)
    throw SystemCallFailure(-error, "tc detach", On(ifindex) + log.Tail());
  return error == 0;
}

}  // namespace semrd
