/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A frame, from either hook: its bounds, and its octets in words. */
#ifndef SEMR_FRAME_H
#define SEMR_FRAME_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include "maps.h"

/* Where the program sits. Always a constant, so the other half folds away. */
enum semr_hook {
	SEMR_HOOK_XDP,
	SEMR_HOOK_TC,
};

#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))

#define SEMR_L3 14			/* offsets into the frame */
#define SEMR_L4 54
#define SEMR_QUOTE (SEMR_L4 + 8)		/* what an ICMPv6 error is about */
#define SEMR_PULL (SEMR_L4 + 40 + 60)	/* tunnel header, TCP with options */

/*
 * Stages that are functions of their own, so that the verifier looks at each
 * once and not again for every way that leads there.
 */
#define SEMR_STAGE __attribute__((noinline))

/*
 * A stage that looks into the frame: one such function for each hook, and what
 * calls the right one. @otherwise is for a packet of which the verifier cannot
 * know that it is there.
 */
#define SEMR_STAGE_AT_HOOKS(name, body, type, otherwise)		\
SEMR_STAGE int name##_xdp(struct xdp_md *ctx, type *packet)		\
{									\
	const enum semr_hook hook = SEMR_HOOK_XDP;			\
									\
	return packet ? body(ctx, hook, packet) : otherwise;		\
}									\
									\
SEMR_STAGE int name##_tc(struct __sk_buff *ctx, type *packet)		\
{									\
	const enum semr_hook hook = SEMR_HOOK_TC;			\
									\
	return packet ? body(ctx, hook, packet) : otherwise;		\
}									\
									\
static __always_inline int						\
name(void *ctx, enum semr_hook hook, type *packet)			\
{									\
	return hook == SEMR_HOOK_TC ? name##_tc(ctx, packet) :		\
				      name##_xdp(ctx, packet);		\
}

/* The one place where frame bounds are checked. */
struct cursor {
	void *at;
	void *end;
};

/*
 * A packet pointer out of a context. In assembler because the context's member
 * is declared with 32 bits: clang would cut a pointer that it had spilled.
 */
#define CONTEXT_POINTER(ctx, type, member)				\
({									\
	void *pointer_;							\
	asm volatile("%0 = *(u32 *)(%1 + %2)"				\
		     : "=r"(pointer_)					\
		     : "r"(ctx), "i"(offsetof(type, member)));		\
	pointer_;							\
})

static __always_inline struct cursor open_frame(void *ctx, enum semr_hook hook)
{
	struct cursor c;

	if (hook == SEMR_HOOK_XDP) {
		c.at = CONTEXT_POINTER(ctx, struct xdp_md, data);
		c.end = CONTEXT_POINTER(ctx, struct xdp_md, data_end);
	} else {
		c.at = CONTEXT_POINTER(ctx, struct __sk_buff, data);
		c.end = CONTEXT_POINTER(ctx, struct __sk_buff, data_end);
	}
	__builtin_assume(c.at != NULL);
	return c;
}

/* The next @size octets, NULL when the frame is shorter. */
static __always_inline void *take(struct cursor *c, __u64 size)
{
	void *at = c->at;

	if (at + size > c->end)
		return NULL;
	c->at = at + size;
	return at;
}

static __always_inline struct ethhdr *ethernet_of(struct cursor *c)
{
	return take(c, sizeof(struct ethhdr));
}

/*
 * Octets of a frame, in words wherever they lie: clang would take two or four
 * for each because it sees how they are aligned. Machines that could not load
 * them are refused by the verifier.
 */
typedef __u64 __attribute__((may_alias)) word64;
typedef __u32 __attribute__((may_alias)) word32;
typedef __u16 __attribute__((may_alias)) word16;

static __always_inline void *anywhere(const void *at)
{
	asm("" : "+r"(at));
	return (void *)at;
}

/* An Ethernet header out of a frame. */
struct ethernet_words {
	__u64 macs;
	__u32 more;
	__u16 type;
};

static __always_inline struct ethernet_words load_ethernet(const void *frame)
{
	void *at = anywhere(frame);

	return (struct ethernet_words){
		.macs = *(word64 *)at,
		.more = *(word32 *)(at + 8),
		.type = *(word16 *)(at + 12),
	};
}

static __always_inline void
store_ethernet(void *frame, struct ethernet_words ethernet)
{
	void *at = anywhere(frame);

	*(word64 *)at = ethernet.macs;
	*(word32 *)(at + 8) = ethernet.more;
	*(word16 *)(at + 12) = ethernet.type;
}

static __always_inline __be16 type_of(const struct ethhdr *ethernet)
{
	return *(word16 *)(anywhere(ethernet) + 12);
}

/* Octets behind the Ethernet header, linear or not. */
static __always_inline __u32 frame_payload(void *ctx, enum semr_hook hook)
{
	if (hook == SEMR_HOOK_XDP) {
		struct cursor c = open_frame(ctx, hook);

		return c.end - c.at - SEMR_L3;
	}
	return ((struct __sk_buff *)ctx)->len - SEMR_L3;
}

/* The first @most octets of a socket buffer, or all, may lie in fragments. */
static __always_inline void
bring_together(void *ctx, enum semr_hook hook, __u32 most)
{
	struct __sk_buff *skb = ctx;
	struct cursor c;
	__u32 wanted;

	if (hook == SEMR_HOOK_XDP)
		return;
	c = open_frame(ctx, hook);
	wanted = skb->len < most ? skb->len : most;
	if (c.at + wanted > c.end)
		bpf_skb_pull_data(skb, wanted);
}

/* TCP or UDP over IPv6, in a tunnel or not, whose headers lie together? */
static __always_inline bool has_headers(struct cursor c)
{
	struct ipv6hdr *ip;
	struct tcphdr *tcp;

	if (!ethernet_of(&c))
		return false;
	ip = take(&c, sizeof(*ip));
	if (ip && ip->version == 6 && ip->nexthdr == IPPROTO_IPV6)
		ip = take(&c, sizeof(*ip));
	if (!ip || ip->version != 6)
		return false;
	if (ip->nexthdr == IPPROTO_UDP)
		return take(&c, sizeof(struct udphdr));
	if (ip->nexthdr != IPPROTO_TCP)
		return false;
	tcp = take(&c, sizeof(*tcp));
	return tcp && take(&c, (tcp->doff * 4 - sizeof(*tcp)) & 0x3c);
}

/*
 * Brings headers together, but no data with them: a super-packet would have to
 * be copied for that, and its receiver could not join it with others.
 */
static __always_inline void pull_headers(void *ctx, enum semr_hook hook)
{
	if (hook == SEMR_HOOK_TC && !has_headers(open_frame(ctx, hook)))
		bring_together(ctx, hook, SEMR_PULL);
}

#endif
