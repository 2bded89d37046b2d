import type { Feature } from "../features.ts";

const NO_STATE =
  "the kernel's routes remember no flow: a bucket of flows moves once it was idle for 10 s, or after 120 s";

/** What routes and next-hop groups of the kernel cannot do of what a data plane may be able to do. Measured: README.md. */
export const CANNOT: ReadonlyMap<Feature, string> = new Map([
  [
    "translation",
    "routes translate nothing: an instance must hold the capability's address itself, listen on its port, and be on the link of an agent port",
  ],
  [
    "slots",
    "the kernel deals 64 buckets out by weight itself, and moves one when it was idle for 10 s, or after 120 s",
  ],
  ["vxlan", "the kernel's routes have no VXLAN: such a tunnel is reached by nobody"],
  ["transitions", NO_STATE],
  [
    "drain",
    "a next hop that drains keeps the buckets that are in use, with new flows that fall into these, and all of them where nobody else is",
  ],
  ["address-affinity", "the kernel's hash is the same for all capabilities, and knows the ports of whole datagrams"],
  ["connection-affinity", "the kernel's routes read no connection ids"],
  ["no-affinity", "the kernel sends flows by their hash, not datagrams in turn"],
  ["hair-pin", "routes send a tunnelled packet to no other site: it is refused here"],
  ["mss-clamp", "routes of the kernel write no TCP options"],
  ["hop-limit", "the kernel lowers the hop limit of the outer header, and of the packet at the other end only"],
  ["too-big", "the kernel tells nobody about packets too big for a tunnel: give links between routers 40 octets more"],
  [
    "answers",
    "the kernel answers what has no route by ICMPv6 (type 1 code 0), also a TCP reset, and resets no connection",
  ],
  ["next-hop-counters", "the kernel counts nothing by next hop"],
  ["flow-counters", "the kernel counts nothing by next hop"],
  ["vlan-tags", "the kernel gives frames with VLAN tags to VLAN devices: make these interfaces here"],
  ["rate-limits", "routes of the kernel limit no rate"],
  ["dscp", "routes of the kernel write no DSCP"],
  ["tags", "routes of the kernel write no tags"],
  ["verdicts", "the kernel has no names for what becomes of packets"],
]);

export const LIMITS: readonly string[] = [...new Set(CANNOT.values())];
