import type { Feature } from "../features.ts";

/** What Open vSwitch (3.1 and 3.5) with its user-space datapath cannot do of what a data plane may be able to do. Measured: README.md. */
export const CANNOT: ReadonlyMap<Feature, string> = new Map([
  ["encapsulation", "Open vSwitch knows no IPv6-in-IPv6: it tunnels in VXLAN, so every router of the domain must"],
  ["segments", "Open vSwitch lets no flow choose segments: it tunnels in VXLAN, so every router of the domain must"],
  ["flow-label", "the outer header of a VXLAN tunnel has no flow label; flows differ in its UDP source port"],
  ["vlan-tags", "the flows of Open vSwitch are for frames without VLAN tags; others are the bridge's"],
  ["mss-clamp", "Open vSwitch writes no TCP options"],
  ["tags", "a tag goes in the flow label of a tunnel, and VXLAN in Open vSwitch has none"],
  ["address-affinity", "Open vSwitch sends flows by their ports, and no fragments"],
  ["connection-affinity", "Open vSwitch reads no connection ids"],
  ["no-affinity", "Open vSwitch sends flows by their hash, not datagrams in turn"],
  ["flow-counters", "Open vSwitch counts the flows of instances, but none of tunnels"],
]);

/** What an operator should know besides. */
export const LIMITS: readonly string[] = [
  ...CANNOT.values(),
  "Sites are chosen by Open vSwitch's own hash: a flow that comes in at a router with another data plane may go to another site.",
  "Answers (ICMPv6 errors, TCP resets, echo) need this process: while it is away, what would be answered is dropped.",
  "ICMPv6 errors about a client's packets are steered by their own addresses, not by the packet that they quote, until they reach the instance's router.",
  "Rates in bits count Ethernet headers as well, in steps of 1000 bits; packets that a rate drops are counted as drop-tenant-rate or drop-capability-rate.",
  "The former owner of a slot in transition keeps its flows while the present owner is up.",
  "Super-packets of veth and virtio are not forwarded: switch off tx checksums and segmentation on hosts behind such links (ethtool -K … tx off tso off gso off).",
  "A change that is made while a bulk of changes is under way waits for it, up to a second for 100000; health does not.",
];
