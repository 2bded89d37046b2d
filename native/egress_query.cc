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

#include <cstring>
#include <string_view>

#include "bpf_hooks.h"
#include "bpf_kernel.h"
#include "netlink_ask.h"

namespace semrd {

namespace {

constexpr uint32_t kNetdevEgress = 1;  // NF_NETDEV_EGRESS, Linux 5.16

// Of the generic netlink family "netdev", Linux 6.3: newer than many a libc's headers.
constexpr uint8_t kNetdevGet = 1;               // NETDEV_CMD_DEV_GET
constexpr int kNetdevInterface = 1;             // NETDEV_A_DEV_IFINDEX
constexpr int kNetdevXdpFeatures = 3;           // NETDEV_A_DEV_XDP_FEATURES
constexpr uint64_t kNetdevTakesFrames = 1 << 2;  // NETDEV_XDP_ACT_NDO_XMIT; a veth has it while its other end has NAPI

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

}  // namespace

uint32_t CountEgressPrograms(int ifindex) {
  LIBBPF_OPTS(bpf_prog_query_opts, found);
  // A kernel without tcx knows no such place.
  return bpf_prog_query_opts(ifindex, static_cast<bpf_attach_type>(kAttachTcxEgress), &found) == 0 ? found.prog_cnt : 0;
}

uint32_t DeviceEventsGroup() {
  Descriptor netlink = OpenNetlink(NETLINK_GENERIC);
  if (!netlink) return 0;
  uint32_t group = 0;
  auto name = AskGeneric<8>(CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
  Ask(netlink, GENL_ID_CTRL, 0, name, [&](const nlmsghdr* header) {
    EachAttributeBehind<genlmsghdr>(header, [&](int type, const void* octets, size_t size) {
      if (type != CTRL_ATTR_MCAST_GROUPS) return;
      EachAttribute(octets, size, [&](int, const void* one, size_t length) {
        bool found = false;
        uint32_t id = 0;
        EachAttribute(one, length, [&](int inner, const void* value, size_t octets_of_it) {
          if (inner == CTRL_ATTR_MCAST_GRP_NAME) found = TextOf(value, octets_of_it) == "mgmt";
          if (inner == CTRL_ATTR_MCAST_GRP_ID && octets_of_it >= sizeof(id)) std::memcpy(&id, value, sizeof(id));
        });
        if (found) group = id;
      });
    });
  });
  return group;
}

EgressState QueryEgress(int ifindex) {
  EgressState state;
  Descriptor netlink = OpenNetlink(NETLINK_ROUTE);
  if (!netlink) ThrowErrno("socket", "netlink");
  ReadLink(netlink, ifindex, state);
  if (!state.ends_elsewhere) return state;
  state.programs = CountEgressPrograms(ifindex);
  state.filters = CountFilters(netlink, ifindex);
  state.chains = HasEgressChains();
  state.frames_taken = TakesFrames(ifindex);
  return state;
}

}  // namespace semrd
