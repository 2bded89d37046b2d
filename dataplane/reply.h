/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What all answers have in common: back to the sender, over the packet. */
#ifndef SEMR_REPLY_H
#define SEMR_REPLY_H

#include "forward.h"

#define SEMR_ANSWER_HOP_LIMIT 64

static __always_inline void swap_macs(struct ethhdr *ethernet)
{
	__u8 saved[ETH_ALEN];

	__builtin_memcpy(saved, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, saved, ETH_ALEN);
}

/*
 * Back through the port of arrival, or to the stack, which routes it. What was
 * on its way back has its answer sent by the pass, see semr.bpf.c.
 */
static __always_inline int
reply(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	struct ethhdr *ethernet = ethernet_of(&c);

	if (!sends_itself(hook, packet) || packet->on_way_back)
		return to_stack(hook);
	if (ethernet)
		swap_macs(ethernet);
	if (hook == SEMR_HOOK_TC)
		return bpf_redirect(packet->ifindex, 0);
	return XDP_TX;
}

/* Cuts the frame behind @payload octets of IPv6. Never makes it longer. */
static __always_inline bool
cut(void *ctx, enum semr_hook hook, __u32 payload)
{
	__u32 now = frame_payload(ctx, hook);

	if (hook == SEMR_HOOK_TC)	/* also ends its being a super-packet */
		return !bpf_skb_change_tail(ctx, SEMR_L3 + payload, 0);
	if (now <= payload)
		return true;
	return !bpf_xdp_adjust_tail(ctx, -(int)(now - payload));
}

static __always_inline void
write_ipv6(struct ipv6hdr *ip, const struct semr_packet *packet,
	   __u16 payload, __u8 protocol)
{
	__be32 word = bpf_htonl(0x60000000);

	__builtin_memcpy(ip, &word, 4);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = protocol;
	ip->hop_limit = SEMR_ANSWER_HOP_LIMIT;
	__builtin_memcpy(&ip->daddr,
			 packet->on_way_back ? packet->flow.capability :
					       packet->flow.client,
			 16);
}

#endif
