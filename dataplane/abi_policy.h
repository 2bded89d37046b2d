/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Part of abi.h: who is behind which port, and what they may. */
#ifndef SEMR_ABI_POLICY_H
#define SEMR_ABI_POLICY_H

/* -------------------------------------------- ports (ARRAY, by ifindex) */

enum semr_role {
	SEMR_ROLE_NONE = 0,
	SEMR_ROLE_CORE = 1,
	SEMR_ROLE_CLIENT = 2,
	SEMR_ROLE_AGENT = 3,
};

/*
 * What comes in here XDP sends by itself, if it goes out of a port that has this
 * flag, too (native XDP on hardware); else XDP_PASS, the kernel sends.
 */
#define SEMR_PORT_DIRECT 0x1
/* Frames may carry unfinished TCP and UDP checksums (veth). XDP only. */
#define SEMR_PORT_PARTIAL 0x2
/*
 * A veth behind whose other end is another namespace, and with nothing at this
 * end that would do something to what leaves but the edge: tc hands packets to
 * the other end itself.
 */
#define SEMR_PORT_PEER 0x4

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

/*
 * PERCPU_ARRAY tenant_counters: what clients of each tenant sent here. A block
 * of tenants is one value, as the kernel allocates each value by itself.
 */
#define SEMR_TENANTS 65536
#define SEMR_TENANTS_IN_BLOCK 64

struct semr_tenant_counters {
	__u64 packets;		/* to capabilities that they may call */
	__u64 octets;
	__u64 denied;		/* reject-tenant */
	__u64 limited;		/* drop-tenant-rate, drop-capability-rate */
	__u64 spoofed;		/* drop-spoofed */
};
SEMR_ASSERT_SIZE(struct semr_tenant_counters, 40);

struct semr_tenant_block {
	struct semr_tenant_counters tenants[SEMR_TENANTS_IN_BLOCK];
};
SEMR_ASSERT_SIZE(struct semr_tenant_block, 2560);

/* PERCPU_ARRAY tag_counters, by tag: what was delivered here with it */
#define SEMR_TAGS 256

struct semr_tag_counters {
	__u64 packets;
	__u64 octets;
};
SEMR_ASSERT_SIZE(struct semr_tag_counters, 16);

#endif
