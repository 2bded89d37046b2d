// What stands at the end of an interface where packets leave. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace semrd {

struct EgressState {
  // A veth, or netkit, whose other end is in another network namespace.
  bool ends_elsewhere = false;
  std::string queue;      // queueing discipline, "noqueue" for none
  uint32_t programs = 0;  // of tcx, ours among them
  uint32_t filters = 0;   // of tc, without our own
  bool chains = false;    // nftables has chains of the family netdev at the egress of some interface
  // At the other end an XDP program (or GRO) takes the frames that this one sends. Nothing: the kernel does not say.
  std::optional<bool> frames_taken;
};

// ENODEV when there is no such interface.
EgressState QueryEgress(int ifindex);

// Programs of tcx at its egress; 0 where the kernel has no tcx.
uint32_t CountEgressPrograms(int ifindex);

// The group of generic netlink that is told what drivers take; 0 where the kernel has none (it came with Linux 6.3).
uint32_t DeviceEventsGroup();

}  // namespace semrd
