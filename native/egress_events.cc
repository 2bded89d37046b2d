#include "egress_events.h"

#include <linux/genetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "egress_query.h"

namespace semrd {

namespace {

// Of the generic netlink family "netdev".
constexpr int kNetdevInterface = 1;  // NETDEV_A_DEV_IFINDEX
constexpr size_t kMostIndexes = 1024;

Descriptor Listen(int family, int group) {
  Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  if (!opened || bind(opened.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(opened.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
    opened.Close();
  return opened;
}

void OfRoute(const nlmsghdr* header, TouchedLinks& touched) {
  switch (header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(ifinfomsg)))
        touched.Touch(static_cast<const ifinfomsg*>(NLMSG_DATA(header))->ifi_index);
      break;
    default:  // the group RTNLGRP_TC: qdiscs, classes, filters, chains, all of which begin alike
      if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(tcmsg)))
        touched.Touch(static_cast<const tcmsg*>(NLMSG_DATA(header))->tcm_ifindex);
  }
}

void OfChains(const nlmsghdr* header, TouchedLinks& touched) {
  int type = header->nlmsg_type & 0xff;
  if (type == NFT_MSG_NEWCHAIN || type == NFT_MSG_DELCHAIN || type == NFT_MSG_DELTABLE) touched.all = true;
}

void OfDevices(const nlmsghdr* header, TouchedLinks& touched) {
  auto part = reinterpret_cast<const rtattr*>(static_cast<const char*>(NLMSG_DATA(header)) + GENL_HDRLEN);
  int left = static_cast<int>(header->nlmsg_len) - NLMSG_HDRLEN - GENL_HDRLEN;
  for (; RTA_OK(part, left); part = RTA_NEXT(part, left)) {
    int index = 0;
    if (part->rta_type != kNetdevInterface || RTA_PAYLOAD(part) < sizeof(index)) continue;
    std::memcpy(&index, RTA_DATA(part), sizeof(index));
    touched.Touch(index);
  }
}

}  // namespace

void TouchedLinks::Touch(int index) {
  // A block of filters that several links share has no index of its own.
  if (index <= 0 || indexes.size() >= kMostIndexes) all = true;
  else indexes.insert(index);
}

void TouchedLinks::Add(const TouchedLinks& more) {
  all |= more.all;
  for (int index : more.indexes) Touch(index);
}

EgressEvents::EgressEvents() {
  links_ = Listen(NETLINK_ROUTE, RTNLGRP_LINK);
  int tc = RTNLGRP_TC;
  if (!links_ || setsockopt(links_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &tc, sizeof(tc)) != 0)
    ThrowErrno("bind", "events of links");
  chains_ = Listen(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
  if (uint32_t group = DeviceEventsGroup()) devices_ = Listen(NETLINK_GENERIC, static_cast<int>(group));
}

void EgressEvents::Read(int fd, TouchedLinks& touched) {
  alignas(nlmsghdr) char octets[32768];
  for (;;) {
    ssize_t got = recv(fd, octets, sizeof(octets), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) touched.all = true;  // some were lost
    else if (got <= 0) return;
    else {
      auto left = static_cast<size_t>(got);
      for (auto header = reinterpret_cast<const nlmsghdr*>(octets); NLMSG_OK(header, left);
           header = NLMSG_NEXT(header, left)) {
        if (fd == links_.get()) OfRoute(header, touched);
        else if (fd == chains_.get()) OfChains(header, touched);
        else OfDevices(header, touched);
      }
    }
  }
}

}  // namespace semrd
