/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Part of abi.h: the edge. */
#ifndef SEMR_ABI_EDGE_H
#define SEMR_ABI_EDGE_H

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
