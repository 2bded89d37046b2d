// Netlink says that something was put on a link, or taken off it. Nothing here knows JavaScript.
#pragma once

#include <set>

#include "descriptor.h"

namespace semrd {

// Interfaces about which something was said.
struct TouchedLinks {
  bool all = false;  // or it was not said which, or too much at once
  std::set<int> indexes;

  bool IsNone() const { return !all && indexes.empty(); }
  void Touch(int index);
  void Add(const TouchedLinks& more);
};

// Links, tc, nftables' chains and what drivers take: not tcx programs, of which the kernel says nothing.
class EgressEvents {
 public:
  // In the network namespace of the calling thread. Throws SystemCallFailure where not even links are told of.
  EgressEvents();

  // To be waited for, and read when something can be.
  const Descriptor& links() const { return links_; }
  const Descriptor& chains() const { return chains_; }
  const Descriptor& devices() const { return devices_; }
  void Read(int fd, TouchedLinks& touched);

 private:
  Descriptor links_, chains_, devices_;  // the latter two empty where the kernel has no such thing
};

}  // namespace semrd
