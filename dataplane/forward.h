/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What goes on (encapsulated, delivered, returned): size, rewriting, sending */
#ifndef SEMR_FORWARD_H
#define SEMR_FORWARD_H

#include <linux/pkt_cls.h>
#include "route.h"
#include "spread.h"
#include "translate.h"
#include "tunnel.h"

#define SEMR_TUNNEL_HOP_LIMIT 64	/* RFC 8200: what the stack uses too */

static __always_inline bool
sends_itself(enum semr_hook hook, const struct semr_packet *packet)
{
	return hook == SEMR_HOOK_TC || packet->port.flags & SEMR_PORT_DIRECT;
}

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

static __always_inline bool
lower_hop_limit(void *ctx, enum semr_hook hook,
		const struct semr_packet *packet)
{
	__u32 offset = SEMR_L3 + offsetof(struct ipv6hdr, hop_limit);
	__u8 lower = packet->hop_limit - 1;
	struct cursor c;
	struct ipv6hdr *ip;

	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_store_bytes(ctx, offset, &lower, 1,
					    BPF_F_RECOMPUTE_CSUM);
	c = open_frame(ctx, hook);
	if (!ethernet_of(&c))
		return false;
	ip = take(&c, sizeof(*ip));
	if (!ip)
		return false;
	ip->hop_limit = lower;
	return true;
}

/* Writes the traffic class that policy gave to the packet. */
static __always_inline bool
mark(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	__be32 *word;
	struct cursor c;

	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_store_bytes(ctx, SEMR_L3, &packet->first_word,
					    sizeof(packet->first_word),
					    BPF_F_RECOMPUTE_CSUM);
	c = open_frame(ctx, hook);
	if (!ethernet_of(&c))
		return false;
	word = take(&c, sizeof(*word));
	if (!word)
		return false;
	*word = packet->first_word;
	return true;
}

/*
 * tc: what begins goes by the link, so that the kernel's neighbour table looks
 * now and then whether its neighbour is still there; nothing can overtake it yet,
 * or it has no order (in turn). ICMPv6 errors go through the edge.
 */
static __always_inline bool
goes_to_peer(const struct semr_packet *packet, const struct semr_exit *exit)
{
	return exit->ifindex & SEMR_EXIT_PEER && !packet->quoted &&
	       !packet->new_flow && !(packet->tcp_flags & SEMR_TCP_SYN) &&
	       !(spread_of(packet) & SEMR_BY_TURN);
}

/* Addresses the frame to where it goes, if the kernel does not. */
static __always_inline bool
address(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	const struct semr_exit *exit)
{
	struct cursor c;
	void *at;

	if (hook == SEMR_HOOK_TC)
		return !goes_to_peer(packet, exit) ||
		       !bpf_skb_store_bytes(ctx, 0, exit->macs,
					    sizeof(exit->macs), 0);
	c = open_frame(ctx, hook);
	at = ethernet_of(&c);
	if (!at)
		return false;
	at = anywhere(at);
	*(word64 *)at = *(const word64 *)exit->macs;
	*(word32 *)(at + 8) = *(const word32 *)&exit->macs[4];
	return true;
}

/*
 * Hands the finished frame to its port, or to that port's other end. tc: told
 * who is next, the kernel looks for no route of its own; but only with one it
 * can tell the sender when nobody answers there.
 */
static __always_inline int
send(enum semr_hook hook, const struct semr_packet *packet,
     const struct semr_exit *exit)
{
	__u32 ifindex = exit->ifindex & ~SEMR_EXIT_PEER;

	if (hook == SEMR_HOOK_XDP)
		return bpf_redirect(ifindex, 0);
	if (goes_to_peer(packet, exit))
		return bpf_redirect_peer(ifindex, 0);
	if (!exit->family)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect_neigh(ifindex, (void *)&exit->family,
				  sizeof(struct bpf_redir_neigh), 0);
}

/* An action of the hook that stands for the stack's own processing. */
static __always_inline int to_stack(enum semr_hook hook)
{
	return hook == SEMR_HOOK_TC ? TC_ACT_OK : XDP_PASS;
}

static __always_inline int drop(enum semr_hook hook)
{
	return hook == SEMR_HOOK_TC ? TC_ACT_SHOT : XDP_DROP;
}

static __always_inline int
refuse(enum semr_hook hook, struct semr_packet *packet,
       enum semr_verdict verdict)
{
	packet->verdict = verdict;
	return drop(hook);
}

/* Makes the frame what it is to be; where there is an @exit, it goes there. */
static __always_inline bool
rewrite(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	const struct semr_exit *exit, bool shrink_segments)
{
	bool tunnelled = packet->verdict == SEMR_ENCAPSULATED;

	if (hook == SEMR_HOOK_XDP && tunnelled)
		return encapsulate_xdp(ctx, packet, exit);
	if ((tunnelled || exit) && !lower_hop_limit(ctx, hook, packet))
		return false;
	if (tunnelled)
		return encapsulate_tc(ctx, packet, shrink_segments);
	return translate(ctx, hook, packet, packet->verdict) &&
	       (!exit || address(ctx, hook, packet, exit));
}

/*
 * Carries out encapsulated, delivered or returned. The answer is the hook's
 * action; the verdict changes when it could not be done.
 */
static __always_inline int
forward(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	bool tunnelled = packet->verdict == SEMR_ENCAPSULATED;
	__u32 added = tunnelled ? tunnel_headers(packet) : 0;
	__u32 size = packet->segment + added;
	bool itself = sends_itself(hook, packet);
	bool shrink_segments = false;
	struct semr_way *way = NULL;
	bool routed = false;

	if (tunnelled && size > semr_tunnel_mtu) {
		/* TCP super-packets are cut anyhow: cut them smaller */
		shrink_segments = packet->super &&
				  packet->flow.protocol == IPPROTO_TCP &&
				  packet->segment <= semr_tunnel_mtu;
		if (!shrink_segments) {
			packet->mtu = semr_tunnel_mtu - added;
			return refuse(hook, packet, SEMR_REJECT_TOO_BIG);
		}
		size -= added;
	}
	/* any link takes SEMR_MIN_MTU: then the stack needs no advice */
	if (itself || size > SEMR_MIN_MTU) {
		int rc = BPF_FIB_LKUP_RET_NOT_FWDED;

		if (tunnelled) {
			way = place_of_way(packet);
			if (way)
				rc = find_tunnel(ctx, hook, packet, way, size);
		} else {
			struct semr_flow_way *flow = place_of_flow(packet);

			if (flow) {
				way = &flow->way;
				rc = hook == SEMR_HOOK_TC ?
					     semr_find_flow_tc(ctx, packet,
							       flow, size) :
					     semr_find_flow_xdp(ctx, packet,
								flow, size);
			}
		}
		if (way && size > way->exit.mtu &&
		    (rc == BPF_FIB_LKUP_RET_SUCCESS ||
		     rc == BPF_FIB_LKUP_RET_FRAG_NEEDED)) {
			packet->mtu = way->exit.mtu - added;
			return refuse(hook, packet, SEMR_REJECT_TOO_BIG);
		}
		routed = itself && way &&
			 (rc == BPF_FIB_LKUP_RET_SUCCESS ?
				  way->exit.family :
				  hook == SEMR_HOOK_TC &&
					  rc == BPF_FIB_LKUP_RET_NO_NEIGH);
	}
	if (packet->marked && !mark(ctx, hook, packet))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	if (!rewrite(ctx, hook, packet, routed ? &way->exit : NULL,
		     shrink_segments))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	if (hook == SEMR_HOOK_TC && !routed && packet->on_way_back)
		return drop(hook);
	return routed ? send(hook, packet, &way->exit) : to_stack(hook);
}

SEMR_STAGE_AT_HOOKS(semr_forward, forward, struct semr_packet, drop(hook))

#endif
