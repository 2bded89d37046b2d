/**
 * What a data plane may be able to do. A driver names those that it cannot (`DataplaneDriver.cannot`), each with the reason;
 * the behavioural suite (`test/dataplane/suite`) says for each which packets show it.
 */
export const FEATURES = {
  tunnels: "packets for another site reach it through a tunnel",
  encapsulation: "packets for another site leave in IPv6-in-IPv6",
  segments: "a tunnel goes by waypoints, in a segment routing header",
  vxlan: "a tunnel is VXLAN",
  "outer-header": "the outer header has hop limit 64 and the traffic class of the packet",
  "flow-label": "the outer header has a flow label of the packet's flow",
  decapsulation: "packets that came through a tunnel are delivered to the local group",
  "hair-pin":
    "a tunnelled packet that begins a flow and finds nobody goes to another site once, which delivers or rejects it",
  "known-nodes": "tunnelled packets are accepted from the domain's routers only",
  translation: "instances are reached at their own address and port, and answer from the capability's",
  tenants: "a client reaches its own tenant's capabilities only",
  "source-check": "packets with a source that no client can have are dropped",
  "allow-lists": "another tenant reaches exactly the capabilities that a rule gives it",
  "source-prefixes": "a port has one or several tenants, by the sources that may be behind it",
  "vlan-tags": "a port takes IPv6 behind VLAN tags, where it is told to",
  "rate-limits": "a tenant and a capability are sent no more packets and bits than they may be",
  dscp: "packets get a DSCP where they come in",
  tags: "packets get a tag where they come in, which their egress counts them by",
  aggregates: "packets for a capability without an entry go to sites that know names of its family, or its tenant",
  slots: "each slot of a group is owned as the plan says, so only flows on changed slots move",
  "address-affinity":
    "datagrams between a client and a capability stay together whatever their ports, fragments among them, where it says so",
  "connection-affinity":
    "QUIC packets go where their connection id says, whatever address their client has now, where it says so",
  "no-affinity": "datagrams of a capability go to sites and instances in turn, where it says so",
  weights: "next hops get flows in proportion to their slots",
  transitions: "flows on a slot in transition stay with the former owner, new ones go to the present one",
  drain: "a draining next hop gets no new flows",
  "drain-keeps": "a draining next hop keeps the flows that it has",
  health: "a next hop that is down gets no packet from the moment that it is said",
  backup: "the backup of a group serves when no owner does",
  "mss-clamp": "connections through a tunnel are told a maximum segment that it carries, where a port is told to",
  "too-big": "packets too big for the tunnel are answered with ICMPv6 packet too big",
  unreachable: "what no capability takes is answered by ICMPv6, the same whether it is another tenant's or nobody's",
  answers: "what is refused is answered as its protocol has it, by a TCP reset or ICMPv6, and no error is answered",
  "hop-limit": "the hop limit is lowered once, and answered with time exceeded when it ends",
  "next-hop-counters": "packets and octets are counted by next hop",
  "flow-counters": "flows that are newly given to a next hop are counted",
  verdicts: "every packet is counted under the name of what became of it",
  survives: "packets go on while the process is away",
  adoption: "a new process finds what the one before it had carried out",
} as const;

export type Feature = keyof typeof FEATURES;
