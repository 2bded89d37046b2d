/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Part of abi.h: what a plan says, capabilities to tunnels. */
#ifndef SEMR_ABI_PLAN_H
#define SEMR_ABI_PLAN_H

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
	SEMR_NO_WAY = 3,	/* down; said and taken back by path_watch.cc */
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
	__u32 state;		/* enum semr_state; one store. What is none: down */
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

#endif
