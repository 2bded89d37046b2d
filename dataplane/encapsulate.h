/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A tunnel's headers on a frame, and off it: room, and what is written there. */
#ifndef SEMR_ENCAPSULATE_H
#define SEMR_ENCAPSULATE_H

#include "route.h"
#include "tunnel.h"

#define SEMR_TUNNEL_HOP_LIMIT 64	/* RFC 8200: what the stack uses too */

/*
 * Only a super-packet is told that it is a tunnel's: its segments need that, and
 * on every other packet the mark would travel over veth and forbid the egress to
 * shorten it for an answer.
 */
static __always_inline __u64
room_flags(const struct semr_packet *packet, bool shrink_segments)
{
	__u64 flags = shrink_segments ? 0 : BPF_F_ADJ_ROOM_FIXED_GSO;

	if (!packet->super)
		return flags;
	flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (packet->further && packet->outer == IPPROTO_UDP)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
			 BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
			 BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN);
	return flags;
}

/* Adds room for the tunnel's headers behind the Ethernet header. */
static __always_inline bool
open_room(struct __sk_buff *ctx, const struct semr_packet *packet,
	  bool shrink_segments)
{
	__u32 room = tunnel_headers(packet);
	struct cursor c = open_frame(ctx, SEMR_HOOK_TC);
	struct ethernet_words saved;
	struct ethhdr *ethernet;

	if (!packet->on_way_back)
		return !bpf_skb_adjust_room(ctx, room, BPF_ADJ_ROOM_MAC,
					    room_flags(packet,
						       shrink_segments));
	ethernet = ethernet_of(&c);
	if (!ethernet)
		return false;
	saved = load_ethernet(ethernet);
	/* the answer was made in front, so the kernel's L3 is not ours */
	if (bpf_skb_change_head(ctx, room, 0))
		return false;
	c = open_frame(ctx, SEMR_HOOK_TC);
	ethernet = ethernet_of(&c);
	if (!ethernet)
		return false;
	store_ethernet(ethernet, saved);
	return true;
}

/* Removes a tunnel's headers behind the Ethernet header. */
static __always_inline bool
strip(void *ctx, enum semr_hook hook, __u32 headers)
{
	struct cursor c = open_frame(ctx, hook);
	struct ethernet_words saved;
	struct ethhdr *ethernet;

	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_adjust_room(ctx, -(int)headers,
					    BPF_ADJ_ROOM_MAC,
					    BPF_F_ADJ_ROOM_FIXED_GSO);
	ethernet = ethernet_of(&c);
	if (!ethernet)
		return false;
	saved = load_ethernet(ethernet);
	if (bpf_xdp_adjust_head(ctx, headers))
		return false;
	c = open_frame(ctx, hook);
	ethernet = ethernet_of(&c);
	if (!ethernet)
		return false;
	store_ethernet(ethernet, saved);
	return true;
}

/* RFC 2473; RFC 6438 for the flow label. What is further: see tunnel.h. */
struct outer_words {
	__u64 words[5];
};

static __always_inline struct outer_words
outer_of(const struct semr_packet *packet)
{
	struct outer_words outer;

	outer.words[0] = (__u64)SEMR_TUNNEL_HOP_LIMIT << 56 |
			 (__u64)(packet->further ? packet->outer :
						   IPPROTO_IPV6)
				 << 48 |
			 (__u64)tunnel_length(packet->length + packet->further)
				 << 32 |
			 tunnel_word(packet);
	copy_locator(&outer.words[1]);
	if (packet->decapsulated)
		((__u8 *)&outer.words[1])[SEMR_LAST_LEG_OCTET] ^=
			SEMR_LAST_LEG_BIT;
	__builtin_memcpy(&outer.words[3], packet->to, 16);
	return outer;
}

static __always_inline bool
encapsulate_tc(struct __sk_buff *ctx, const struct semr_packet *packet,
	       bool shrink_segments)
{
	struct outer_words outer;

	if (!open_room(ctx, packet, shrink_segments))
		return false;
	outer = outer_of(packet);
	return !bpf_skb_store_bytes(ctx, SEMR_L3, &outer, sizeof(outer), 0) &&
	       (!packet->further || semr_further_tc(ctx, packet));
}

/* With the hop limit lowered; where there is an @exit, addressed to it. */
static __always_inline bool
encapsulate_xdp(struct xdp_md *ctx, const struct semr_packet *packet,
		const struct semr_exit *exit)
{
	struct cursor c = open_frame(ctx, SEMR_HOOK_XDP);
	struct ethernet_words ethernet;
	struct outer_words outer;
	void *frame = take(&c, SEMR_L4);
	struct ipv6hdr *inner;
	word64 *at;

	if (!frame)
		return false;
	inner = frame + SEMR_L3;
	inner->hop_limit = packet->hop_limit - 1;
	ethernet = load_ethernet(frame);
	if (exit) {
		ethernet.macs = *(const word64 *)exit->macs;
		ethernet.more = *(const word32 *)&exit->macs[4];
	}
	if (bpf_xdp_adjust_head(ctx, -(int)tunnel_headers(packet)))
		return false;
	c = open_frame(ctx, SEMR_HOOK_XDP);
	frame = take(&c, SEMR_L4);
	if (!frame)
		return false;
	store_ethernet(frame, ethernet);
	outer = outer_of(packet);
	at = anywhere(frame + SEMR_L3);
	for (int i = 0; i < 5; i++)
		at[i] = outer.words[i];
	return !packet->further || semr_further_xdp(ctx, packet);
}

#endif
