/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Part of abi.h: what became of packets. */
#ifndef SEMR_ABI_VERDICTS_H
#define SEMR_ABI_VERDICTS_H

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

#endif
