/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What TypeScript and the pass agree on: values and keys of every map, the
 * constants set at load, the names of the verdicts. `src/dataplane/abi.ts` is
 * its mirror; a test compares sizes and offsets. A change of layout raises
 * SEMR_ABI_VERSION, which is part of the pin folder's name.
 *
 * Octets that come from packets stay in network order (__be16, __u8[]); all
 * else is in host order. Array indices 0 of groups and next hops mean "none".
 */
#ifndef SEMR_ABI_H
#define SEMR_ABI_H

#include <linux/types.h>

#define SEMR_ABI_VERSION 3

#define SEMR_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), #type " changed its size")

/* ------------------------------------------------- capabilities (ARRAY) */

#define SEMR_KEY_EMPTY 0ULL
#define SEMR_KEY_TOMBSTONE (~0ULL)
#define SEMR_CAPABILITY_PROBES 16	/* lines looked at, home included */
#define SEMR_CAPABILITY_LINE_SLOTS 2
#define SEMR_HOME_MULTIPLIER 0xd6e8feb86659fd93ULL

/*
 * How the datagrams of a capability are spread, where not by their flows. At
 * most one of these; TCP is always spread by connections.
 */
#define SEMR_BY_ADDRESSES 0x1	/* of both ends: fragments may pass */
#define SEMR_BY_TURN 0x2	/* one by one, nothing is remembered */
#define SEMR_BY_CONNECTION 0x4	/* of QUIC, else by flow */

/*
 * How a QUIC connection id begins that says where it leads (8 octets behind the
 * first, whose upper three bits are 0): the site, and its instance. Each is, of
 * an address as two words w0, w1 that lie in memory, and a port as it lies in
 * memory (0 of a site, whose address is its locator), modulo 2^64,
 *   (w0 ^ w1 * 0x9e3779b97f4a7c15 ^ port << 16) * 0xbf58476d1ce4e5b9,
 * its upper 32 bits, in network order; 1 in place of 0.
 */
#define SEMR_CONNECTION_CONFIG 0xe0	/* bits that are 0 */

struct semr_connection {
	__u8 form;		/* first octet of the packet; long: 0x80 */
	__u8 first;		/* of the connection id */
	__be32 site;
	__be32 endpoint;
} __attribute__((packed));
SEMR_ASSERT_SIZE(struct semr_connection, 10);

/*
 * One capability address. A slot is matched by key and selector.
 * Home line: x = key ^ key >> 32 ^ selector << 16;
 *            (x * SEMR_HOME_MULTIPLIER >> 40) & semr_capability_mask
 * with key and selector loaded as they lie in memory. An address sits in the
 * first line from there that had room. A line whose second slot is empty ends
 * the search, so the first slot is filled before the second.
 * Adding: selector and groups, then key. Changing: the two groups in one
 * 8-octet store, the policy and the flags in one each. Removing: key =
 * tombstone, which may be filled again at once: the pass reads the key a second
 * time after the rest.
 */
struct semr_capability {
	__u64 key;		/* octets 6 to 13 of the address */
	__be16 selector;	/* octets 14 and 15 */
	__u8 flags;		/* SEMR_BY_... */
	__u8 reserved[5];
	__u32 group;		/* sites; 0: nobody serves it now */
	__u32 local_group;	/* instances behind this router; 0: none */
	__u32 policy;		/* 0: none, so only its own tenant may call it */
	__u8 reserved_too[4];
};
SEMR_ASSERT_SIZE(struct semr_capability, 32);

struct semr_capability_line {
	struct semr_capability slots[SEMR_CAPABILITY_LINE_SLOTS];
};
SEMR_ASSERT_SIZE(struct semr_capability_line, 64);

/* ------------------------------------------------------- groups (ARRAY) */

#define SEMR_GROUP_SLOTS 64	/* GROUP_SLOTS in src/forwarding/plan.ts */
#define SEMR_GROUP_PROBES 4	/* slots looked at before the backup */

/*
 * Written with one 4-octet store. In transition while the two differ; 0 in
 * `previous`: only remembered flows are not current's.
 */
struct semr_slot {
	__u16 current;
	__u16 previous;
} __attribute__((aligned(4)));	/* or clang reads it in two */
SEMR_ASSERT_SIZE(struct semr_slot, 4);

struct semr_group {
	struct semr_slot slots[SEMR_GROUP_SLOTS];
	__u16 backup;
	__u16 used;		/* 1: the group exists; for user space only */
	__u8 reserved[4];
};
SEMR_ASSERT_SIZE(struct semr_group, 264);

/* In the place of group 0, which the pass never looks at: for user space. */
struct semr_plan {
	__u64 generation;	/* of the plan that the tables hold */
};
SEMR_ASSERT_SIZE(struct semr_plan, 8);

/* ---------------------------------------------------- next_hops (ARRAY) */

enum semr_state {
	SEMR_DOWN = 0,
	SEMR_UP = 1,
	SEMR_DRAINING = 2,	/* keeps its flows, gets no new ones */
};

enum semr_kind {
	SEMR_TUNNEL = 1,	/* address: the other router's locator */
	SEMR_LOCAL = 2,		/* the capability's local group */
	SEMR_INSTANCE = 3,	/* address, port, service_port, protocol */
};

/*
 * Replacing what an index means: state = SEMR_DOWN, the rest, generation + 1,
 * state. Remembered flows of another generation are not followed.
 */
struct semr_next_hop {
	__u32 state;		/* enum semr_state; one store */
	__u32 kind;		/* enum semr_kind */
	__u8 address[16] __attribute__((aligned(8)));
	__be16 port;
	__be16 service_port;	/* what clients use at the capability address */
	__u8 protocol;		/* IPPROTO_TCP or IPPROTO_UDP */
	__u8 reserved[3];
	__u32 generation;
	__u32 encapsulation;	/* of a tunnel; 0: IPv6 in IPv6. One store */
	union {
		__u8 instance[24];	/* its id in ASCII; user space only */
		struct {		/* of a tunnel */
			__u32 silent_after; /* jiffies; 0: not judged here */
			__u32 lost;	/* no way there; user space only */
		};
	};
};
SEMR_ASSERT_SIZE(struct semr_next_hop, 64);

/*
 * A heartbeat: a datagram from a router's locator to another's, whose payload
 * begins with this; the rest is reserved. Sent by native/path_watch.cc.
 */
#define SEMR_BEAT_PORT 21330
#define SEMR_BEAT_MAGIC 0x53454d52
#define SEMR_BEAT_VERSION 1

struct semr_beat {
	__be32 magic;
	__u8 version;
	__u8 reserved;
	__be16 hold;		/* milliseconds that it vouches for */
	__u8 rest[16];
};
SEMR_ASSERT_SIZE(struct semr_beat, 24);

/* ----------------------------------------------- encapsulations (ARRAY) */

#define SEMR_WAYPOINTS 6	/* WAYPOINTS in src/forwarding/plan.ts */
#define SEMR_VXLAN_PORT 4789	/* RFC 7348 section 5 */
#define SEMR_VXLAN_HEADERS 30	/* UDP, VXLAN, Ethernet */

/*
 * What lies between the outer IPv6 header of a tunnel and the inner packet, as
 * it goes out; of UDP the pass writes source port and length. It is written
 * before a next hop names it, and rests before it is written again. Index 0 is
 * IPv6 in IPv6, which has nothing between. Largest: a segment routing header
 * with SEMR_WAYPOINTS segments.
 */
struct semr_encapsulation {
	__u8 to[16] __attribute__((aligned(8)));	/* outer destination */
	__u8 protocol;		/* first of the headers: routing or UDP */
	__u8 length;		/* octets of headers */
	__u8 reserved[6];
	__u8 headers[104] __attribute__((aligned(8)));
};
SEMR_ASSERT_SIZE(struct semr_encapsulation, 128);

/* PERCPU_ARRAY next_hop_counters */
struct semr_next_hop_counters {
	__u64 packets;
	__u64 octets;		/* of IPv6, as the client sent it */
	__u64 flows;		/* tunnels: TCP SYNs; instances: entries made */
	__u64 answered;		/* instances: SYN and ACK to a SYN */
	__u64 refused;		/* RST to a SYN, or unreachable */
};
SEMR_ASSERT_SIZE(struct semr_next_hop_counters, 40);

/* ---------------------------------------------------------- nodes (HASH) */

struct semr_node_key {
	__u8 locator[16];
};
SEMR_ASSERT_SIZE(struct semr_node_key, 16);

struct semr_node {
	__u16 flags;
	__u16 next_hop;		/* the tunnel to it; 0: none */
	__u32 vni;		/* of its VXLAN packets; 0: none accepted */
};
SEMR_ASSERT_SIZE(struct semr_node, 8);

/*
 * A router's "deliver or reject" address: its locator with the first bit of the
 * interface identifier inverted. It is the source of what goes into a tunnel for
 * the second time; what comes from there never goes into a third.
 */
#define SEMR_LAST_LEG_OCTET 8
#define SEMR_LAST_LEG_BIT 0x80

/* -------------------------------------------- ports (ARRAY, by ifindex) */

enum semr_role {
	SEMR_ROLE_NONE = 0,
	SEMR_ROLE_CORE = 1,
	SEMR_ROLE_CLIENT = 2,
	SEMR_ROLE_AGENT = 3,
};

/* XDP sends by itself (physical ports); else XDP_PASS, the kernel sends. */
#define SEMR_PORT_DIRECT 0x1
/* Frames may carry unfinished TCP and UDP checksums (veth). XDP only. */
#define SEMR_PORT_PARTIAL 0x2

/* Sources are looked up in `sources`: what is not found there is spoofed. */
#define SEMR_PORT_SOURCES 0x10
/* SYNs through tunnels, either way, say no more than the tunnel carries. */
#define SEMR_PORT_CLAMP 0x1000
/* Frames with VLAN tags are taken as if they had none. */
#define SEMR_PORT_VLANS 0x2000

/* Written with one 8-octet store. */
struct semr_port {
	__u16 role;		/* enum semr_role */
	__u16 flags;
	__be16 tenant;		/* octets 6 and 7 of the tenant's addresses */
	__u16 policy;		/* of the tenant; 0: none */
} __attribute__((aligned(8)));
SEMR_ASSERT_SIZE(struct semr_port, 8);

/* --------------------------------------------------- sources (LPM_TRIE) */

struct semr_source_key {
	__u32 prefix_length;	/* 32 and that of the prefix */
	__be32 ifindex;
	__u8 address[16];
};
SEMR_ASSERT_SIZE(struct semr_source_key, 24);

/* Who may be there. */
struct semr_source {
	__be16 tenant;
	__u16 policy;		/* of the tenant; 0: none */
};
SEMR_ASSERT_SIZE(struct semr_source, 4);

/* ------------------------------------------------ aggregates (LPM_TRIE) */

/* The beginning of a capability address, behind the domain. */
struct semr_aggregate_key {
	__u32 prefix_length;	/* 16: all of the tenant's; 32: of the family */
	__be16 tenant;
	__be16 family;
};
SEMR_ASSERT_SIZE(struct semr_aggregate_key, 8);

/* Where packets go for capabilities that have no entry. */
struct semr_aggregate {
	__u32 group;
	__u32 policy;		/* for all of them together; 0: none */
};
SEMR_ASSERT_SIZE(struct semr_aggregate, 8);

/* ---------------------------------------------------- policies (ARRAY) */

enum semr_policy_use {
	SEMR_POLICY_FREE = 0,
	SEMR_POLICY_OF_CAPABILITIES = 1,	/* of `tenant` */
	SEMR_POLICY_OF_TENANT = 2,	/* of what its clients send */
};

#define SEMR_POLICY_DSCP 0x1		/* `dscp` is set */
#define SEMR_POLICY_COUNTED 0x2

/*
 * So many a second on all processors together. A processor takes `lease` at a
 * time out of what all share, and spends it alone; it takes what one packet
 * lacks where there is no whole lease.
 */
struct semr_rate {
	__u64 per_second;	/* packets, or bits of IPv6; 0: no limit */
	__u64 burst;		/* packets, or octets */
	__u32 lease;		/* packets, or octets */
	__u8 reserved[4];
};
SEMR_ASSERT_SIZE(struct semr_rate, 24);

/* Changed in place, member by member: any mixture of two is a policy. */
struct semr_policy {
	struct semr_rate packets;
	struct semr_rate octets;
	__u8 use;		/* enum semr_policy_use; for user space only */
	__u8 flags;
	__be16 tenant;		/* for user space only */
	__u8 dscp;		/* RFC 2474 section 3 */
	__u8 tag;		/* 0: none */
	__u8 reserved[10];
};
SEMR_ASSERT_SIZE(struct semr_policy, 64);

/*
 * ARRAY meters, by policy: the moment from which on all that was taken would
 * have been earned, on the monotonic clock. It is never more than the burst
 * ahead, and counts as now when it has passed.
 */
struct semr_meter {
	__u64 packets;
	__u64 octets;
};
SEMR_ASSERT_SIZE(struct semr_meter, 16);

/* PERCPU_ARRAY policy_uses, by policy */
struct semr_policy_uses {
	__u64 leased_packets;	/* not spent yet */
	__u64 leased_octets;
	__u64 packets;		/* counted ones only: let through */
	__u64 octets;
	__u64 limited;		/* packets over the rate */
};
SEMR_ASSERT_SIZE(struct semr_policy_uses, 40);

/* HASH allowed: other tenants that may call what has this policy */
struct semr_allowed_key {
	__u32 policy;
	__be16 tenant;
	__u8 reserved[2];
};
SEMR_ASSERT_SIZE(struct semr_allowed_key, 8);

struct semr_allowed {
	__u32 reserved;
};
SEMR_ASSERT_SIZE(struct semr_allowed, 4);

/* PERCPU_ARRAY tenant_counters, by tenant: what its clients sent here */
struct semr_tenant_counters {
	__u64 packets;		/* to capabilities that they may call */
	__u64 octets;
	__u64 denied;		/* reject-tenant */
	__u64 limited;		/* drop-tenant-rate, drop-capability-rate */
	__u64 spoofed;		/* drop-spoofed */
};
SEMR_ASSERT_SIZE(struct semr_tenant_counters, 40);

/* PERCPU_ARRAY tag_counters, by tag: what was delivered here with it */
#define SEMR_TAGS 256

struct semr_tag_counters {
	__u64 packets;
	__u64 octets;
};
SEMR_ASSERT_SIZE(struct semr_tag_counters, 16);

/* ---------------------------------- flows and transitions (LRU_HASH) */

/*
 * Also what a flow is hashed by: with w0 to w4 the 40 octets as they lie in
 * memory, and arithmetic modulo 2^64,
 *   h = (w0 ^ semr_hash_seed) * 0x9e3779b97f4a7c15 + w1 * 0xbf58476d1ce4e5b9 +
 *       w2 * 0x94d049bb133111eb + w3 * 0xd6e8feb86659fd93 +
 *       w4 * 0xa0761d6478bd642f;
 *   h = (h ^ h >> 32) * 0xe7037ed1a0b428db;
 *   h = (h ^ h >> 29) * 0x8ebc6af09c88c6e3; its upper 32 bits. Bits 0 to 5 are the slot of the sites' group, bits 6
 * to 11 that of the local group, bits 20 to 31 the lower 12 bits of the flow
 * label of the tunnel. Its upper 8 bits are the packet's tag.
 * Ports are 0 where the protocol is neither TCP nor UDP, and where datagrams are
 * spread by addresses. Those that take turns have a number in place of h:
 * see `turns`.
 */
struct semr_flow_key {
	__u8 client[16];
	__u8 capability[16];
	__be16 client_port;
	__be16 capability_port;
	__u8 protocol;
	__u8 reserved[3];
} __attribute__((aligned(8)));
SEMR_ASSERT_SIZE(struct semr_flow_key, 40);

struct semr_flow {
	__u32 next_hop;
	__u32 generation;	/* of the next hop when this was written */
};
SEMR_ASSERT_SIZE(struct semr_flow, 8);

/*
 * A flow at the egress. Two processors that count the same flow at once may
 * lose a packet of it: the counts are for records, not for accounts.
 */
struct semr_delivery {
	struct semr_flow to;
	__u64 octets;		/* of IPv6, as the client sent it */
	__u32 packets;
	__u32 began;		/* as `seen` below */
};
SEMR_ASSERT_SIZE(struct semr_delivery, 24);

/* ---------------------------------------------------- returns (LRU_HASH) */

#define SEMR_CLOSED_BY_CLIENT 0x1	/* FIN seen from the client */
#define SEMR_CLOSED_BY_AGENT 0x2
#define SEMR_CLOSED (SEMR_CLOSED_BY_CLIENT | SEMR_CLOSED_BY_AGENT)

struct semr_return_key {
	__u8 agent[16];
	__u8 client[16];
	__be16 agent_port;
	__be16 client_port;
	__u8 protocol;
	__u8 reserved[3];
} __attribute__((aligned(8)));
SEMR_ASSERT_SIZE(struct semr_return_key, 40);

struct semr_return {
	__u8 capability[16];
	__be16 capability_port;
	__u8 closed;		/* a RST sets SEMR_CLOSED */
	__u8 flags;		/* SEMR_BY_... of the capability */
	__u32 seen;		/* monotonic ns >> 30, last packet back */
	__u64 octets;		/* of IPv6, as the agent sent it */
	__u32 packets;
	__u8 reserved_too[4];
};
SEMR_ASSERT_SIZE(struct semr_return, 40);

/* Idle for so long, a way back may be taken by another flow; as in `seen`. */
#define SEMR_IDLE_TCP 7440	/* RFC 5382 REQ-5: 2 h 4 min */
#define SEMR_IDLE_UDP 120	/* RFC 4787 REQ-5: 2 min */

/* --------------------------------------------- fragments (LRU_HASH) */

/* Of an answer: what its first fragment says, for those that follow. */
struct semr_fragment {
	__u8 agent[16] __attribute__((aligned(8)));
	__u8 client[16];
	__be32 id;
	__u8 reserved[4];
};
SEMR_ASSERT_SIZE(struct semr_fragment, 40);

struct semr_fragment_ends {
	__be16 agent_port;
	__be16 client_port;
	__u32 seen;		/* as in struct semr_return */
	__u32 refused;		/* 1: the first one was, and these are */
};
SEMR_ASSERT_SIZE(struct semr_fragment_ends, 12);

/* So long a receiver waits for the others: RFC 8200 section 4.5. As `seen`. */
#define SEMR_FRAGMENT_AGE 60

/* ------------------------------------------------ turns (PERCPU_ARRAY, 1) */

/*
 * __u32: datagrams that took turns on this processor. In place of a flow's hash
 * such a datagram has the count before it times this odd number, modulo 2^32:
 * its lower 12 bits, which are slots, come to each value once in 4096.
 */
#define SEMR_TURN_MULTIPLIER 0x9e3779b1U

/* --------------------------------------------- answers (PERCPU_ARRAY, 1) */

/* Token bucket for ICMPv6 errors, one a processor. */
struct semr_bucket {
	__u64 refilled;		/* monotonic nanoseconds */
	__u64 tokens;
};
SEMR_ASSERT_SIZE(struct semr_bucket, 16);

/* ------------------------------------------ beginnings (PERCPU_ARRAY, 1) */

/*
 * Connections that begin with the new owner of a slot in transition while the
 * former one lives: semr_beginnings_per_second of them, so that an entry of
 * `transitions` stays for a minute whatever comes. Those above begin with the
 * former owner.
 */
struct semr_beginnings {
	struct semr_bucket bucket;
	__u64 deferred;		/* SYNs above */
};
SEMR_ASSERT_SIZE(struct semr_beginnings, 24);

/* ------------------------------------ ways, flow_ways (PERCPU_ARRAY) */

/*
 * The next link, the Ethernet addresses there, and who has them: family and next
 * are a struct bpf_redir_neigh. Family 0: nobody is known to have them.
 */
struct semr_exit {
	__u32 ifindex;
	__u32 mtu;
	__u16 macs[6];		/* destination, source */
	__u32 family;
	__u8 next[16];
} __attribute__((aligned(8)));
SEMR_ASSERT_SIZE(struct semr_exit, 40);

/*
 * What the kernel said when it was last asked for the way to a router, for the
 * pass alone. It is asked again after SEMR_WAY_JIFFIES, and for each of
 * SEMR_WAY_PARTS parts of the flows (upper bits of their hash) with one flow
 * label, so that a flow stays on one of several equal paths. The place is that
 * of the next hop's part, modulo SEMR_WAYS; the rest tells whose it is.
 */
#define SEMR_WAYS 4096
#define SEMR_WAY_PARTS 4
#define SEMR_WAY_JIFFIES 2

struct semr_way {
	__u64 asked;		/* jiffies; 0: not to be used again */
	__u64 to[2];		/* locator */
	__u32 from;		/* ifindex */
	__be32 word;		/* traffic class, part of the flows */
	struct semr_exit exit;
};
SEMR_ASSERT_SIZE(struct semr_way, 72);

/*
 * The same of a flow that was translated, as it leaves: whatever the kernel may
 * choose a route by is that of the packet.
 */
#define SEMR_FLOW_WAYS 1024

struct semr_flow_way {
	struct semr_way way;	/* word: the first one of the packet */
	__u64 source[2];
	__be16 ports[2];	/* source, destination */
	__u32 protocol;
};
SEMR_ASSERT_SIZE(struct semr_flow_way, 96);

/* ------------------------------------- verdicts (PERCPU_ARRAY of __u64) */

/* Every exit is one of these. The same order is in VERDICTS of abi.ts. */
enum semr_verdict {
	SEMR_PASSED,
	SEMR_ENCAPSULATED,
	SEMR_DELIVERED,
	SEMR_RETURNED,
	SEMR_HAIR_PINNED,	/* tunnelled again, to another site */
	SEMR_HEARTBEAT,		/* of another router, for the pass alone */
	SEMR_ANSWERED_ECHO,
	SEMR_REJECT_NO_ROUTE,
	SEMR_REJECT_TENANT,
	SEMR_REJECT_HOP_LIMIT,
	SEMR_REJECT_EMPTY_GROUP,
	SEMR_REJECT_PROTOCOL,
	SEMR_REJECT_PORT,
	SEMR_REJECT_LOST_STATE,
	SEMR_REJECT_COLLISION,
	SEMR_REJECT_TOO_BIG,
	SEMR_DROP_TRUNCATED,
	SEMR_DROP_FRAGMENT,
	SEMR_DROP_SOURCE,	/* RFC 4291 section 2, or a capability */
	SEMR_DROP_UNKNOWN_NODE,
	SEMR_DROP_NOT_CAPABILITY,
	SEMR_DROP_UNANSWERABLE,	/* rejected, but an ICMPv6 error or a RST */
	SEMR_DROP_RATE_LIMITED,
	SEMR_DROP_STATE_FULL,	/* flows or returns took no entry */
	SEMR_DROP_NO_HEADROOM,	/* the frame could not be resized */
	SEMR_DROP_SEGMENTS,	/* routing header that leads further */
	SEMR_DROP_EXTENSION,	/* too many headers, or longer than it is */
	SEMR_DROP_VNI,		/* VXLAN of a known node, another network */
	SEMR_DROP_SPOOFED,	/* a source that is not behind this port */
	SEMR_DROP_TENANT_RATE,
	SEMR_DROP_CAPABILITY_RATE,
	SEMR_VERDICTS,
};

/* ---------------------------------------------------- events (RINGBUF) */

enum semr_event_kind {
	SEMR_EVENT_FLOW = 1,	/* a flow began: the next hop is its own */
	SEMR_EVENT_PACKET = 2,	/* one of many, by its verdict */
};

/* Nothing of what the packet carries. */
struct semr_event {
	__u64 time;		/* monotonic ns, coarse */
	struct semr_flow_key flow;
	__u32 ifindex;
	__u32 next_hop;		/* 0: none was chosen */
	__u32 length;		/* of IPv6 */
	__be16 tenant;		/* of the port that it came in at */
	__u8 kind;		/* enum semr_event_kind */
	__u8 verdict;		/* enum semr_verdict */
	__u8 tcp_flags;
	__u8 decapsulated;	/* 1: it came from another router */
	__u8 tag;		/* 0: none */
	__u8 reserved[5];
};
SEMR_ASSERT_SIZE(struct semr_event, 72);

/*
 * ------------------------------- settings, changed while it runs (.data)
 *
 * One of mask + 1 is told, a power of two; ~0 stands for none.
 *
 */
#define SEMR_TELL_NONE (~0U)

struct semr_settings {
	__u32 flow_mask;	/* flows that begin, by bits 12 to 31 of their
				 * hash, so that all routers tell the same */
	__u32 refused_mask;	/* refused packets, counted by verdict */
};
SEMR_ASSERT_SIZE(struct semr_settings, 8);

/* ------------------------------------------------------------ the edge */

/*
 * Programs of their own in front of the pass and behind it (cross.h, edge.h).
 * `edge` (ARRAY of one): an IPv4 address of this router's side is written in
 * `prefix` (RFC 6052 section 2.2, /96) once `on` is set; `on` is cleared while
 * the rest changes. An IPv6 client of an IPv4 agent is one of `guests`
 * addresses from `first_guest` on (host order).
 */
struct semr_edge {
	__u8 prefix[12] __attribute__((aligned(8)));
	__u32 on;
	__u32 first_guest;
	__u32 guests;
};
SEMR_ASSERT_SIZE(struct semr_edge, 24);

enum semr_pool_kind {
	SEMR_POOL_CAPABILITIES = 1,
	SEMR_POOL_GUESTS = 2,
};

/* pools (LPM_TRIE): which IPv4 addresses are ours to translate */
struct semr_pool_key {
	__u32 prefix_length;
	__be32 address;
};
SEMR_ASSERT_SIZE(struct semr_pool_key, 8);

struct semr_pool {
	__u32 kind;		/* enum semr_pool_kind */
	__u32 first;		/* place of its first address in pool_slots */
	__u32 base;		/* that address, in host order */
	__be16 tenant;		/* octets 6 and 7 of the tenant's addresses */
	__u8 reserved[2];
};
SEMR_ASSERT_SIZE(struct semr_pool, 16);

/* pool_slots (ARRAY): address - base + first; 0: no capability has it. Also
 * the key of pool_addresses (HASH), which has the way back: a __be32. */
struct semr_pool_slot {
	__u8 address[16] __attribute__((aligned(8)));
};
SEMR_ASSERT_SIZE(struct semr_pool_slot, 16);

/* guests (HASH by __be32): who has the address now */
struct semr_guest {
	__u8 client[16] __attribute__((aligned(8)));
	__u32 seen;		/* as in struct semr_return */
	__u8 reserved[4];
};
SEMR_ASSERT_SIZE(struct semr_guest, 24);

/*
 * PERCPU_ARRAY edge_verdicts of __u64. What is left alone is not counted: the
 * pass or the stack comes next. The same order is in EDGE_VERDICTS of abi.ts.
 */
enum semr_edge_verdict {
	SEMR_EDGE_LEFT_ALONE,
	SEMR_EDGE_TO_IPV6,
	SEMR_EDGE_TO_IPV4,
	SEMR_EDGE_ERROR_RESTORED,	/* names the capability, not the agent */
	SEMR_EDGE_TO_ITSELF,	/* an agent's call that it serves itself */
	SEMR_EDGE_FROM_ITSELF,
	SEMR_EDGE_DROP_MALFORMED,
	SEMR_EDGE_DROP_FRAGMENT,
	SEMR_EDGE_DROP_PROTOCOL,	/* nothing the other version knows */
	SEMR_EDGE_DROP_ADDRESS,	/* one that no packet may have here */
	SEMR_EDGE_DROP_STRANGER,	/* belongs to no flow of a capability */
	SEMR_EDGE_DROP_NO_GUEST,	/* no IPv4 address for, or of, a client */
	SEMR_EDGE_DROP_CHECKSUM,	/* none, and too long to compute one */
	SEMR_EDGE_DROP_NO_HEADROOM,
	SEMR_EDGE_VERDICTS,
};

/*
 * --------------------------------------- constants, set at load (.rodata)
 *
 * __u8  semr_domain[6]            the domain's /48
 * __u8  semr_locator[16]          our own address
 * __u32 semr_hash_seed            the same on every router of a domain
 * __u32 semr_capability_mask      lines of `capabilities`, a power of two, - 1
 * __u32 semr_tunnel_mtu           largest IPv6 packet towards other routers
 * __u32 semr_answers_per_second   ICMPv6 errors, per processor
 * __u32 semr_answers_burst
 * __u32 semr_beginnings_per_second  new flows on slots in transition, likewise
 * __u32 semr_tick                 nanoseconds of a jiffy
 */

#endif
