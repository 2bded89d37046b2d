#include "egress_query.h"

#include <bpf/bpf.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cstring>
#include <string_view>

#include "bpf_hooks.h"
#include "bpf_kernel.h"

namespace semrd {

namespace {

// What a kernel says that has no such thing, or a namespace in which there is none.
bool SaysNone(int error) { return error == EINVAL || error == ENOENT || error == EOPNOTSUPP; }

constexpr uint32_t kNetdevEgress = 1;  // NF_NETDEV_EGRESS, Linux 5.16

// Of the generic netlink family "netdev", Linux 6.3: newer than many a libc's headers.
constexpr uint8_t kNetdevGet = 1;               // NETDEV_CMD_DEV_GET
constexpr int kNetdevInterface = 1;             // NETDEV_A_DEV_IFINDEX
constexpr int kNetdevXdpFeatures = 3;           // NETDEV_A_DEV_XDP_FEATURES
constexpr uint64_t kNetdevTakesFrames = 1 << 2;  // NETDEV_XDP_ACT_NDO_XMIT; a veth has it while its other end has NAPI

Descriptor OpenNetlink(int family) {
  Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
  // A kernel without nftables has no such family.
  if (!opened && errno != EPROTONOSUPPORT) ThrowErrno("socket", "netlink");
  return opened;
}

template <typename Body>
struct Question {
  nlmsghdr header;
  Body body;
};

// Asks, and shows every message of the answer. The error that ended it; 0 when it came to its end.
template <typename Body, typename Show>
int Ask(const Descriptor& netlink, uint16_t type, uint16_t flags, const Body& body, Show show) {
  Question<Body> question = {};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = type;
  question.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  question.body = body;
  if (send(netlink.get(), &question, sizeof(question), 0) != sizeof(question)) ThrowErrno("send", "netlink");
  alignas(nlmsghdr) char answer[32768];
  for (;;) {
    ssize_t got = recv(netlink.get(), answer, sizeof(answer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowErrno("recv", "netlink");
    auto left = static_cast<size_t>(got);
    for (auto header = reinterpret_cast<const nlmsghdr*>(answer); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      if (header->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
      show(header);
      if ((flags & NLM_F_DUMP) == 0) return 0;
    }
  }
}

// Shows the attributes of `size` octets from `first` on.
template <typename Show>
void EachAttribute(const void* first, size_t size, Show show) {
  auto part = static_cast<const rtattr*>(first);
  for (auto left = static_cast<int>(size); RTA_OK(part, left); part = RTA_NEXT(part, left))
    show(part->rta_type & NLA_TYPE_MASK, RTA_DATA(part), RTA_PAYLOAD(part));
}

template <typename Body, typename Show>
void EachAttributeBehind(const nlmsghdr* header, Show show) {
  size_t skipped = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Body)));
  if (header->nlmsg_len > skipped)
    EachAttribute(reinterpret_cast<const char*>(header) + skipped, header->nlmsg_len - skipped, show);
}

std::string TextOf(const void* octets, size_t size) {
  auto text = static_cast<const char*>(octets);
  return {text, strnlen(text, size)};
}

void ReadLink(const Descriptor& netlink, int ifindex, EgressState& state) {
  ifinfomsg asked = {};
  asked.ifi_index = ifindex;
  bool elsewhere = false, pair = false;
  int error = Ask(netlink, RTM_GETLINK, 0, asked, [&](const nlmsghdr* header) {
    EachAttributeBehind<ifinfomsg>(header, [&](int type, const void* octets, size_t size) {
      if (type == IFLA_LINK_NETNSID) elsewhere = true;
      if (type == IFLA_QDISC) state.queue = TextOf(octets, size);
      if (type == IFLA_LINKINFO)
        EachAttribute(octets, size, [&](int inner, const void* kind, size_t length) {
          if (inner == IFLA_INFO_KIND) pair = TextOf(kind, length) == "veth" || TextOf(kind, length) == "netkit";
        });
    });
  });
  if (error != 0) throw SystemCallFailure(error, "RTM_GETLINK", "interface " + std::to_string(ifindex));
  state.ends_elsewhere = pair && elsewhere;
}

uint32_t CountFilters(const Descriptor& netlink, int ifindex) {
  tcmsg asked = {};
  asked.tcm_ifindex = ifindex;
  asked.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
  uint32_t filters = 0;
  int error = Ask(netlink, RTM_GETTFILTER, NLM_F_DUMP, asked, [&](const nlmsghdr* header) {
    auto filter = static_cast<const tcmsg*>(NLMSG_DATA(header));
    if (filter->tcm_ifindex == ifindex && filter->tcm_handle != 0 &&
        !IsOurClsact(TC_H_MAJ(filter->tcm_info) >> 16, filter->tcm_handle))
      filters++;
  });
  if (error != 0 && !SaysNone(error))
    throw SystemCallFailure(error, "RTM_GETTFILTER", "interface " + std::to_string(ifindex));
  return filters;
}

bool HasEgressChains() {
  Descriptor netlink = OpenNetlink(NETLINK_NETFILTER);
  if (!netlink) return false;
  nfgenmsg asked = {};
  asked.nfgen_family = NFPROTO_NETDEV;
  asked.version = NFNETLINK_V0;
  bool found = false;
  int error = Ask(netlink, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, NLM_F_DUMP, asked, [&](const nlmsghdr* header) {
    EachAttributeBehind<nfgenmsg>(header, [&](int type, const void* octets, size_t size) {
      if (type != NFTA_CHAIN_HOOK) return;
      EachAttribute(octets, size, [&](int inner, const void* number, size_t length) {
        if (inner != NFTA_HOOK_HOOKNUM || length < sizeof(uint32_t)) return;
        uint32_t value;
        std::memcpy(&value, number, sizeof(value));
        if (__builtin_bswap32(value) == kNetdevEgress) found = true;
      });
    });
  });
  if (error != 0 && !SaysNone(error)) throw SystemCallFailure(error, "NFT_MSG_GETCHAIN", "");
  return found;
}

template <size_t kSize>
struct GenericQuestion {
  genlmsghdr header;
  rtattr attribute;
  char value[kSize];
};

template <size_t kSize>
GenericQuestion<kSize> AskGeneric(uint8_t command, unsigned short attribute, const void* value, size_t size) {
  GenericQuestion<kSize> asked = {};
  asked.header.cmd = command;
  asked.header.version = 1;
  asked.attribute.rta_type = attribute;
  asked.attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
  std::memcpy(asked.value, value, size);
  return asked;
}

std::optional<bool> TakesFrames(int ifindex) {
  Descriptor netlink = OpenNetlink(NETLINK_GENERIC);
  if (!netlink) return std::nullopt;
  uint16_t family = 0;
  auto name = AskGeneric<8>(CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
  Ask(netlink, GENL_ID_CTRL, 0, name, [&](const nlmsghdr* header) {
    EachAttributeBehind<genlmsghdr>(header, [&](int type, const void* octets, size_t size) {
      if (type == CTRL_ATTR_FAMILY_ID && size >= sizeof(family)) std::memcpy(&family, octets, sizeof(family));
    });
  });
  if (family == 0) return std::nullopt;
  std::optional<bool> taken;
  auto interface = AskGeneric<4>(kNetdevGet, kNetdevInterface, &ifindex, sizeof(ifindex));
  Ask(netlink, family, 0, interface, [&](const nlmsghdr* header) {
    EachAttributeBehind<genlmsghdr>(header, [&](int type, const void* octets, size_t size) {
      uint64_t features;
      if (type != kNetdevXdpFeatures || size < sizeof(features)) return;
      std::memcpy(&features, octets, sizeof(features));
      taken = (features & kNetdevTakesFrames) != 0;
    });
  });
  return taken;
}

uint32_t CountPrograms(int ifindex) {
  LIBBPF_OPTS(bpf_prog_query_opts, found);
  // A kernel without tcx knows no such place.
  return bpf_prog_query_opts(ifindex, static_cast<bpf_attach_type>(kAttachTcxEgress), &found) == 0 ? found.prog_cnt : 0;
}

}  // namespace

EgressState QueryEgress(int ifindex) {
  EgressState state;
  Descriptor netlink = OpenNetlink(NETLINK_ROUTE);
  if (!netlink) ThrowErrno("socket", "netlink");
  ReadLink(netlink, ifindex, state);
  if (!state.ends_elsewhere) return state;
  state.programs = CountPrograms(ifindex);
  state.filters = CountFilters(netlink, ifindex);
  state.chains = HasEgressChains();
  state.frames_taken = TakesFrames(ifindex);
  return state;
}

}  // namespace semrd
