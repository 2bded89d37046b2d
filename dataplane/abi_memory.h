/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Part of abi.h: what the pass remembers by itself. */
#ifndef SEMR_ABI_MEMORY_H
#define SEMR_ABI_MEMORY_H

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

/* In `ifindex`, tc: packets go to the other end of that veth. */
#define SEMR_EXIT_PEER 0x80000000U

/*
 * The next link, the Ethernet addresses there, and who has them: family and next
 * are a struct bpf_redir_neigh. Family 0: nobody is known to have them; XDP: no
 * frame may be redirected there.
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
#define SEMR_WAY_TC 0x80000000U

struct semr_way {
	__u64 asked;		/* jiffies; 0: not to be used again */
	__u64 to[2];		/* locator */
	__u32 from;		/* ifindex; in tc with SEMR_WAY_TC */
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

#endif
