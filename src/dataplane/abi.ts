/**
 * Mirror of `dataplane/abi.h`: sizes and offsets of what the maps hold, names of the verdicts. Meanings and writing rules are in
 * the header. A test compares every number here with a compiled C program.
 */

/** Part of the pin folder's name: another layout never meets old maps. */
export const ABI_VERSION = 4;

/** One C structure: its size and the offset of each member, in octets. */
export interface Layout {
  readonly size: number;
  readonly offsets: Readonly<Record<string, number>>;
}

function layout<const Offsets extends Readonly<Record<string, number>>>(size: number, offsets: Offsets) {
  return { size, offsets } as const;
}

export const CAPABILITY = layout(32, { key: 0, selector: 8, flags: 10, group: 16, local_group: 20, policy: 24 });
export const CAPABILITY_LINE = layout(64, { slots: 0 });
export const SLOT = layout(4, { current: 0, previous: 2 });
export const GROUP = layout(264, { slots: 0, backup: 256, used: 258 });
/** Lies where group 0 would. */
export const PLAN = layout(8, { generation: 0 });
export const NEXT_HOP = layout(64, {
  state: 0,
  kind: 4,
  address: 8,
  port: 24,
  service_port: 26,
  protocol: 28,
  generation: 32,
  encapsulation: 36,
  instance: 40,
  silent_after: 40,
  lost: 44,
});
export const ENCAPSULATION = layout(128, { to: 0, protocol: 16, length: 17, headers: 24 });
export const NEXT_HOP_COUNTERS = layout(40, { packets: 0, octets: 8, flows: 16, answered: 24, refused: 32 });
export const NODE_KEY = layout(16, { locator: 0 });
export const NODE = layout(8, { flags: 0, next_hop: 2, vni: 4 });
export const BEAT_PAYLOAD = layout(24, { magic: 0, version: 4, hold: 6 });
export const PORT = layout(8, { role: 0, flags: 2, tenant: 4, policy: 6 });
export const SOURCE_KEY = layout(24, { prefix_length: 0, ifindex: 4, address: 8 });
export const SOURCE = layout(4, { tenant: 0, policy: 2 });
export const AGGREGATE_KEY = layout(8, { prefix_length: 0, tenant: 4, family: 6 });
export const AGGREGATE = layout(8, { group: 0, policy: 4 });
export const RATE = layout(24, { per_second: 0, burst: 8, lease: 16 });
export const POLICY = layout(64, { packets: 0, octets: 24, use: 48, flags: 49, tenant: 50, dscp: 52, tag: 53 });
export const METER = layout(16, { packets: 0, octets: 8 });
export const POLICY_USES = layout(40, { leased_packets: 0, leased_octets: 8, packets: 16, octets: 24, limited: 32 });
export const ALLOWED_KEY = layout(8, { policy: 0, tenant: 4 });
export const ALLOWED = layout(4, { reserved: 0 });
export const TENANT_COUNTERS = layout(40, { packets: 0, octets: 8, denied: 16, limited: 24, spoofed: 32 });
/** Tenants whose counters are one value of `tenant_counters`. */
export const TENANTS_IN_BLOCK = 64;
export const TENANT_BLOCK = layout(TENANTS_IN_BLOCK * TENANT_COUNTERS.size, { tenants: 0 });
export const TAG_COUNTERS = layout(16, { packets: 0, octets: 8 });
export const FLOW_KEY = layout(40, { client: 0, capability: 16, client_port: 32, capability_port: 34, protocol: 36 });
export const FLOW = layout(8, { next_hop: 0, generation: 4 });
export const DELIVERY = layout(24, { to: 0, octets: 8, packets: 16, began: 20 });
export const RETURN_KEY = layout(40, { agent: 0, client: 16, agent_port: 32, client_port: 34, protocol: 36 });
export const RETURN = layout(40, {
  capability: 0,
  capability_port: 16,
  closed: 18,
  flags: 19,
  seen: 20,
  octets: 24,
  packets: 32,
});
export const EVENT = layout(72, {
  time: 0,
  flow: 8,
  ifindex: 48,
  next_hop: 52,
  length: 56,
  tenant: 60,
  kind: 62,
  verdict: 63,
  tcp_flags: 64,
  decapsulated: 65,
  tag: 66,
});
export const BUCKET = layout(16, { refilled: 0, tokens: 8 });
export const BEGINNINGS = layout(24, { bucket: 0, deferred: 16 });
export const EXIT = layout(40, { ifindex: 0, mtu: 4, macs: 8, family: 20, next: 24 });
export const WAY = layout(72, { asked: 0, to: 8, from: 24, word: 28, exit: 32 });
export const FLOW_WAY = layout(96, { way: 0, source: 72, ports: 88, protocol: 92 });
export const EDGE = layout(24, { prefix: 0, on: 12, first_guest: 16, guests: 20 });
export const POOL_KEY = layout(8, { prefix_length: 0, address: 4 });
export const POOL = layout(16, { kind: 0, first: 4, base: 8, tenant: 12 });
export const POOL_SLOT = layout(16, { address: 0 });
export const GUEST = layout(24, { client: 0, seen: 16 });
export const FRAGMENT = layout(40, { agent: 0, client: 16, id: 32 });
/** How a QUIC packet with a short header begins whose connection id says where it leads. */
export const CONNECTION = layout(10, { form: 0, first: 1, site: 2, endpoint: 6 });
export const FRAGMENT_ENDS = layout(12, { agent_port: 0, client_port: 2, seen: 4, refused: 8 });

/** What may change while the pass runs: the section `.data`. */
export const SETTINGS = layout(8, { flow_mask: 0, refused_mask: 4 });

/** By the name of the structure in C, without `semr_`. */
export const LAYOUTS: Readonly<Record<string, Layout>> = {
  capability: CAPABILITY,
  capability_line: CAPABILITY_LINE,
  slot: SLOT,
  group: GROUP,
  plan: PLAN,
  next_hop: NEXT_HOP,
  encapsulation: ENCAPSULATION,
  next_hop_counters: NEXT_HOP_COUNTERS,
  node_key: NODE_KEY,
  node: NODE,
  beat: BEAT_PAYLOAD,
  port: PORT,
  source_key: SOURCE_KEY,
  source: SOURCE,
  aggregate_key: AGGREGATE_KEY,
  aggregate: AGGREGATE,
  rate: RATE,
  policy: POLICY,
  meter: METER,
  policy_uses: POLICY_USES,
  allowed_key: ALLOWED_KEY,
  allowed: ALLOWED,
  tenant_counters: TENANT_COUNTERS,
  tenant_block: TENANT_BLOCK,
  tag_counters: TAG_COUNTERS,
  flow_key: FLOW_KEY,
  flow: FLOW,
  delivery: DELIVERY,
  return_key: RETURN_KEY,
  return: RETURN,
  event: EVENT,
  settings: SETTINGS,
  bucket: BUCKET,
  beginnings: BEGINNINGS,
  exit: EXIT,
  way: WAY,
  flow_way: FLOW_WAY,
  edge: EDGE,
  pool_key: POOL_KEY,
  pool: POOL,
  pool_slot: POOL_SLOT,
  guest: GUEST,
  fragment: FRAGMENT,
  fragment_ends: FRAGMENT_ENDS,
  connection: CONNECTION,
};

/** Key and value size of every map, by its name in the object file. */
export const MAPS = {
  capabilities: { key: 4, value: CAPABILITY_LINE.size },
  groups: { key: 4, value: GROUP.size },
  next_hops: { key: 4, value: NEXT_HOP.size },
  encapsulations: { key: 4, value: ENCAPSULATION.size },
  nodes: { key: NODE_KEY.size, value: NODE.size },
  ports: { key: 4, value: PORT.size },
  sources: { key: SOURCE_KEY.size, value: SOURCE.size },
  aggregates: { key: AGGREGATE_KEY.size, value: AGGREGATE.size },
  policies: { key: 4, value: POLICY.size },
  meters: { key: 4, value: METER.size },
  policy_uses: { key: 4, value: POLICY_USES.size },
  allowed: { key: ALLOWED_KEY.size, value: ALLOWED.size },
  tenant_counters: { key: 4, value: TENANT_BLOCK.size },
  tag_counters: { key: 4, value: TAG_COUNTERS.size },
  flows: { key: FLOW_KEY.size, value: DELIVERY.size },
  returns: { key: RETURN_KEY.size, value: RETURN.size },
  transitions: { key: FLOW_KEY.size, value: FLOW.size },
  verdicts: { key: 4, value: 8 },
  next_hop_counters: { key: 4, value: NEXT_HOP_COUNTERS.size },
  answers: { key: 4, value: BUCKET.size },
  beginnings: { key: 4, value: BEGINNINGS.size },
  ways: { key: 4, value: WAY.size },
  flow_ways: { key: 4, value: FLOW_WAY.size },
  edge: { key: 4, value: EDGE.size },
  pools: { key: POOL_KEY.size, value: POOL.size },
  pool_slots: { key: 4, value: POOL_SLOT.size },
  pool_addresses: { key: POOL_SLOT.size, value: 4 },
  guests: { key: 4, value: GUEST.size },
  fragments: { key: FRAGMENT.size, value: FRAGMENT_ENDS.size },
  turns: { key: 4, value: 4 },
  edge_verdicts: { key: 4, value: 8 },
} as const;

/** The ring buffer of events: the only map that is not pinned. */
export const EVENTS = "events";

/** Octets of each constant that is set at load. */
export const CONSTANTS = {
  semr_domain: 6,
  semr_locator: 16,
  semr_hash_seed: 4,
  semr_capability_mask: 4,
  semr_tunnel_mtu: 4,
  semr_answers_per_second: 4,
  semr_answers_burst: 4,
  semr_beginnings_per_second: 4,
  semr_tick: 4,
} as const;

/** `kind` of an event. */
export const EVENT_KIND = { flow: 1, packet: 2 } as const;
/** One of mask + 1 is told; this one stands for none. */
export const TELL_NONE = 0xffff_ffff;

/** A heartbeat: to which UDP port, and how its payload begins. */
export const BEAT_PORT = 21330;
export const BEAT = { magic: 0x53454d52, version: 1 } as const;

export const PROGRAMS = { xdp: "semr_xdp", tc: "semr_tc", edgeIn: "semr_edge_in", edgeOut: "semr_edge_out" } as const;

export const STATE = { down: 0, up: 1, draining: 2 } as const;
/** Down, for want of a way there: said, and taken back, by the path thread alone. */
export const STATE_NO_WAY = 3;
export const KIND = { tunnel: 1, local: 2, instance: 3 } as const;
export const ROLE = { none: 0, core: 1, client: 2, agent: 3 } as const;
/** `direct`: XDP sends by itself (physical ports). `partial`: frames may carry unfinished checksums (veth). `sources`: they are looked up. */
export const PORT_FLAG = { direct: 0x1, partial: 0x2, peer: 0x4, sources: 0x10, clamp: 0x1000, vlans: 0x2000 } as const;
export const POLICY_USE = { free: 0, capabilities: 1, tenant: 2 } as const;
export const POLICY_FLAG = { dscp: 0x1, counted: 0x2 } as const;
/** Tags are 0 (none) to 255. */
export const TAGS = 256;
/** Bits of `closed` in a `returns` entry. */
export const CLOSED = { byClient: 0x1, byAgent: 0x2 } as const;
/** How the datagrams of a capability are spread, where not by their flows. */
export const SPREAD = { address: 0x1, none: 0x2, connection: 0x4 } as const;
/** Bits of `first` in a connection id that are 0 where it says where it leads. */
export const CONNECTION_CONFIG = 0xe0;
/** So long what the first fragment of an answer said holds for the others; in units of `seen`. */
export const FRAGMENT_AGE = 60;
/** Its lower 12 bits come to each value once in 4096 turns. */
export const TURN_MULTIPLIER = 0x9e3779b1;
/** After this long without a packet back another flow may take the way back; in units of `seen`, 2^30 ns. */
export const IDLE = { tcp: 7440, udp: 120 } as const;

export const VXLAN_PORT = 4789;
/** Octets of UDP, VXLAN and Ethernet. */
export const VXLAN_HEADERS = 30;

export const KEY_EMPTY = 0n;
export const KEY_TOMBSTONE = 0xffff_ffff_ffff_ffffn;
export const CAPABILITY_PROBES = 16;
export const CAPABILITY_LINE_SLOTS = 2;
/** Slots of a group that are looked at before its backup. */
export const GROUP_PROBES = 4;

/** Verdict names; the index is the key in the map `verdicts`. */
export const VERDICTS = [
  "passed",
  "encapsulated",
  "delivered",
  "returned",
  "hair-pinned",
  "heartbeat",
  "answered-echo",
  "reject-no-route",
  "reject-tenant",
  "reject-hop-limit",
  "reject-empty-group",
  "reject-protocol",
  "reject-port",
  "reject-lost-state",
  "reject-collision",
  "reject-too-big",
  "drop-truncated",
  "drop-fragment",
  "drop-source",
  "drop-unknown-node",
  "drop-not-capability",
  "drop-unanswerable",
  "drop-rate-limited",
  "drop-state-full",
  "drop-no-headroom",
  "drop-segments",
  "drop-extension",
  "drop-vni",
  "drop-spoofed",
  "drop-tenant-rate",
  "drop-capability-rate",
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** What a pool of IPv4 addresses stands for. */
export const POOL_KIND = { capabilities: 1, guests: 2 } as const;

/** Verdict names of the programs at the edge; the index is the key in the map `edge_verdicts`. The first is not counted. */
export const EDGE_VERDICTS = [
  "edge-left-alone",
  "edge-to-ipv6",
  "edge-to-ipv4",
  "edge-error-restored",
  "edge-to-itself",
  "edge-from-itself",
  "edge-drop-malformed",
  "edge-drop-fragment",
  "edge-drop-protocol",
  "edge-drop-address",
  "edge-drop-stranger",
  "edge-drop-no-guest",
  "edge-drop-checksum",
  "edge-drop-no-headroom",
] as const;

export type EdgeVerdict = (typeof EDGE_VERDICTS)[number];
