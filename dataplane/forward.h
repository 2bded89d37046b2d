/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What goes on (encapsulated, delivered, returned): size, rewriting, sending */
#ifndef SEMR_FORWARD_H
#define SEMR_FORWARD_H

#include <linux/pkt_cls.h>
#include "encapsulate.h"
#include "spread.h"
#include "translate.h"

static __always_inline bool
sends_itself(enum semr_hook hook, const struct semr_packet *packet)
{
	return hook == SEMR_HOOK_TC || packet->port.flags & SEMR_PORT_DIRECT;
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

/*
 * The same; without a call (see is_at_home) for almost all packets of routers.
 * For the others, and at tc, the verifier would look at too much.
 */
static __always_inline int
send_on(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	if (hook == SEMR_HOOK_XDP && packet->verdict == SEMR_ENCAPSULATED &&
	    !packet->further && !packet->marked)
		return forward(ctx, hook, packet);
	return semr_forward(ctx, hook, packet);
}

#endif
