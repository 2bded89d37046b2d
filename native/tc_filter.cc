#include "tc_filter.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>

#include "netlink_ask.h"

namespace semrd {

std::optional<TcFilter> FindTcFilter(int ifindex, bool egress, uint32_t priority, uint32_t handle) {
  Descriptor netlink = OpenNetlink(NETLINK_ROUTE);
  if (!netlink) ThrowErrno("socket", "netlink");
  tcmsg asked = {};
  asked.tcm_ifindex = ifindex;
  asked.tcm_parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
  std::optional<TcFilter> found;
  int error = Ask(netlink, RTM_GETTFILTER, NLM_F_DUMP, asked, [&](const nlmsghdr* header) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(tcmsg))) return;
    auto filter = static_cast<const tcmsg*>(NLMSG_DATA(header));
    if (filter->tcm_ifindex != ifindex || filter->tcm_handle != handle || TC_H_MAJ(filter->tcm_info) >> 16 != priority)
      return;
    found.emplace();
    EachAttributeBehind<tcmsg>(header, [&](int type, const void* octets, size_t size) {
      if (type != TCA_OPTIONS) return;
      EachAttribute(octets, size, [&](int inner, const void* value, size_t length) {
        if (inner == TCA_BPF_NAME) found->name = TextOf(value, length);
        if (inner == TCA_BPF_ID && length >= sizeof(uint32_t))
          std::memcpy(&found->program_id, value, sizeof(uint32_t));
      });
    });
  });
  if (error != 0 && error != ENODEV && !SaysNone(error))
    throw SystemCallFailure(error, "RTM_GETTFILTER", "interface " + std::to_string(ifindex));
  return found;
}

bool Runs(const TcFilter& filter, const std::string& program) { return filter.name.starts_with(program + ":["); }

}  // namespace semrd
