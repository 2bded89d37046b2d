/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What goes on (encapsulated, delivered, returned): size, rewriting, sending */
#ifndef SEMR_FORWARD_H
#define SEMR_FORWARD_H

#include <linux/pkt_cls.h>
#include "route.h"
#include "translate.h"
#include "tunnel.h"

#define SEMR_TUNNEL_HOP_LIMIT 64	/* RFC 8200: what the stack uses too */

/* An Ethernet header in words: struct ethhdr is packed, which means octets. */
struct semr_ethernet {
	__u16 macs[6];
	__u16 type;
};

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
open_room(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	  bool shrink_segments)
{
	__u32 room = tunnel_headers(packet);
	struct cursor c = open_frame(ctx, hook);
	struct semr_ethernet *ethernet, saved;

	if (hook == SEMR_HOOK_TC && !packet->on_way_back)
		return !bpf_skb_adjust_room(ctx, room, BPF_ADJ_ROOM_MAC,
					    room_flags(packet,
						       shrink_segments));
	ethernet = take(&c, sizeof(*ethernet));
	if (!ethernet)
		return false;
	saved = *ethernet;
	/* tc: the answer was made in front, so the kernel's L3 is not ours */
	if (hook == SEMR_HOOK_TC ?
		    bpf_skb_change_head(ctx, room, 0) :
		    bpf_xdp_adjust_head(ctx, -(int)room))
		return false;
	c = open_frame(ctx, hook);
	ethernet = take(&c, sizeof(*ethernet));
	if (!ethernet)
		return false;
	*ethernet = saved;
	return true;
}

/* Removes a tunnel's headers behind the Ethernet header. */
static __always_inline bool
strip(void *ctx, enum semr_hook hook, __u32 headers)
{
	struct cursor c = open_frame(ctx, hook);
	struct semr_ethernet *ethernet, saved;

	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_adjust_room(ctx, -(int)headers,
					    BPF_ADJ_ROOM_MAC,
					    BPF_F_ADJ_ROOM_FIXED_GSO);
	ethernet = take(&c, sizeof(*ethernet));
	if (!ethernet)
		return false;
	saved = *ethernet;
	if (bpf_xdp_adjust_head(ctx, headers))
		return false;
	c = open_frame(ctx, hook);
	ethernet = take(&c, sizeof(*ethernet));
	if (!ethernet)
		return false;
	*ethernet = saved;
	return true;
}

/* RFC 2473; RFC 6438 for the flow label. What is further: see tunnel.h. */
static __always_inline bool
encapsulate(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	    bool shrink_segments)
{
	struct ipv6hdr outer = {};
	__be32 word = tunnel_word(packet);
	struct ipv6hdr *at;
	struct cursor c;

	if (!open_room(ctx, hook, packet, shrink_segments))
		return false;
	__builtin_memcpy(&outer, &word, 4);
	outer.payload_len = tunnel_length(packet->length + packet->further);
	outer.nexthdr = packet->further ? packet->outer : IPPROTO_IPV6;
	outer.hop_limit = SEMR_TUNNEL_HOP_LIMIT;
	copy_locator(&outer.saddr);
	if (packet->decapsulated)
		outer.saddr.s6_addr[SEMR_LAST_LEG_OCTET] ^= SEMR_LAST_LEG_BIT;
	__builtin_memcpy(&outer.daddr, packet->to, 16);
	if (hook == SEMR_HOOK_TC) {
		if (bpf_skb_store_bytes(ctx, SEMR_L3, &outer, sizeof(outer), 0))
			return false;
		return !packet->further || semr_further_tc(ctx, packet);
	}
	c = open_frame(ctx, hook);
	if (!ethernet_of(&c))
		return false;
	at = take(&c, sizeof(outer));
	if (!at)
		return false;
	__builtin_memcpy(at, &outer, sizeof(outer));
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

/* Hands the finished frame to the port of @way. */
static __always_inline int
send(void *ctx, enum semr_hook hook, const struct semr_way *way)
{
	struct semr_ethernet *ethernet;
	struct cursor c;

	if (hook == SEMR_HOOK_TC)
		return bpf_redirect_neigh(way->ifindex, NULL, 0, 0);
	c = open_frame(ctx, hook);
	ethernet = take(&c, sizeof(*ethernet));
	if (!ethernet)
		return XDP_DROP;
	__builtin_memcpy(ethernet->macs, way->macs, sizeof(way->macs));
	return bpf_redirect(way->ifindex, 0);
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

/*
 * Carries out encapsulated, delivered or returned. The answer is the hook's
 * action; the verdict changes when it could not be done.
 */
static __always_inline int
forward(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	enum semr_verdict verdict = packet->verdict;
	bool tunnelled = verdict == SEMR_ENCAPSULATED;
	__u32 added = tunnelled ? tunnel_headers(packet) : 0;
	__u32 size = packet->segment + added;
	bool itself = sends_itself(hook, packet);
	bool shrink_segments = false;
	struct bpf_fib_lookup fib;
	struct semr_way way = {};
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
		const struct semr_way *known =
			tunnelled ? way_of_tunnel(ctx, packet) : NULL;

		if (known) {
			way.ifindex = known->ifindex;
			way.mtu = known->mtu;
			__builtin_memcpy(way.macs, known->macs,
					 sizeof(way.macs));
			routed = itself;
		} else {
			long rc = find_route(ctx, packet, verdict, size, &fib);

			read_way(&way, &fib);
			if (rc == BPF_FIB_LKUP_RET_FRAG_NEEDED)
				known = &way;
			routed = itself &&
				 (rc == BPF_FIB_LKUP_RET_SUCCESS ||
				  (hook == SEMR_HOOK_TC &&
				   rc == BPF_FIB_LKUP_RET_NO_NEIGH));
		}
		if (known && size > way.mtu) {
			packet->mtu = way.mtu - added;
			return refuse(hook, packet, SEMR_REJECT_TOO_BIG);
		}
	}
	if ((tunnelled || routed) && !lower_hop_limit(ctx, hook, packet))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	if (packet->marked && !mark(ctx, hook, packet))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	if (tunnelled ? !encapsulate(ctx, hook, packet, shrink_segments) :
		    !translate(ctx, hook, packet, verdict))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	if (hook == SEMR_HOOK_TC && !routed && packet->on_way_back)
		return drop(hook);
	return routed ? send(ctx, hook, &way) : to_stack(hook);
}

SEMR_STAGE int semr_forward_xdp(struct xdp_md *ctx, struct semr_packet *packet)
{
	return packet ? forward(ctx, SEMR_HOOK_XDP, packet) : XDP_DROP;
}

SEMR_STAGE int semr_forward_tc(struct __sk_buff *ctx,
			       struct semr_packet *packet)
{
	return packet ? forward(ctx, SEMR_HOOK_TC, packet) : TC_ACT_SHOT;
}

#endif
