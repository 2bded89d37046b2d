// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The pass: entry points and the order of the stages. See README.md. */
#include "admit.h"
#include "answer.h"
#include "choose.h"
#include "clamp.h"
#include "count.h"
#include "deliver.h"
#include "edge.h"
#include "events.h"
#include "forward.h"
#include "go-on.h"
#include "maps.h"
#include "parse.h"
#include "police.h"
#include "return.h"
#include "through.h"
#include "vlan.h"

/* What a router between ours says about a packet on its way back. */
static __always_inline bool
is_error_for_capability(void *ctx, enum semr_hook hook,
			struct semr_packet *packet)
{
	return in_domain(packet->flow.capability) &&
	       packet->flow.protocol == IPPROTO_ICMPV6 &&
	       packet->length <= frame_payload(ctx, hook) &&
	       read_l4(ctx, hook, packet) && is_icmp_error(packet);
}

/* From a router that knows nothing of capabilities and has no tunnel. */
static __always_inline bool is_plain_request(const struct semr_packet *packet)
{
	return packet->port.tenant && in_domain(packet->flow.capability);
}

/* The site of a flow: that of its connection, if it has one, else of its hash. */
static __always_inline struct semr_next_hop *
site_of(struct semr_packet *packet, __u32 *index)
{
	struct semr_next_hop *hop;

	*index = packet->site ?
			 semr_named(packet->group, packet->hash, packet->site) :
			 0;
	hop = *index ? next_hop_at(*index) : owner_if_up(packet, index);
	if (hop)
		return hop;
	*index = semr_choose(packet);
	return next_hop_at(*index);
}

/* Stages 3 to 5: what to do with a packet to a capability address. */
static __always_inline enum semr_verdict
route(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	bool found = is_at_home(packet) || semr_find(packet) ||
		     semr_aggregate(packet);
	enum semr_verdict verdict;
	struct semr_next_hop *hop;
	__u32 index;

	if (packet->policed &&
	    (packet->foreign || packet->policy || packet->port.policy)) {
		verdict = semr_police(packet);
		if (verdict != SEMR_PASSED)
			return verdict;
	}
	if (is_refused_fragment(packet))
		return SEMR_DROP_FRAGMENT;
	if (!found)
		return SEMR_REJECT_NO_ROUTE;
	if (packet->policed)
		count_tenant(packet);
	if (!find_hash(packet))
		return SEMR_DROP_UNANSWERABLE;
	if (spread_of(packet) & SEMR_BY_CONNECTION)
		semr_connection(ctx, hook, packet);
	if (!packet->decapsulated) {
		hop = site_of(packet, &index);
		if (!hop)
			return SEMR_REJECT_EMPTY_GROUP;
		if (hop->kind == SEMR_TUNNEL)
			goto tunnel;
	}
	verdict = semr_deliver(packet);
	if (verdict == SEMR_REJECT_EMPTY_GROUP && !packet->last_leg)
		verdict = semr_go_on(packet);
	if (verdict != SEMR_ENCAPSULATED)
		return verdict;
	index = packet->next_hop;
	hop = next_hop_at(index);
	if (!hop)
		return SEMR_REJECT_EMPTY_GROUP;
tunnel:
	into_tunnel(packet, hop);
	count_next_hop(packet, index, is_syn(packet));
	return SEMR_ENCAPSULATED;
}

/*
 * Stage 6: only whole TCP and UDP packets can be an instance's answer, and
 * errors be about one.
 */
static __always_inline enum semr_verdict
way_home(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	if (packet->length > frame_payload(ctx, hook) ||
	    !read_l4(ctx, hook, packet))
		return SEMR_PASSED;
	if (packet->flow.protocol == IPPROTO_FRAGMENT) {
		semr_fragment(ctx, hook, packet);
		return semr_give_fragment_back(packet);
	}
	if (is_icmp_error(packet)) {
		if (!read_quote(ctx, hook, packet))
			return SEMR_PASSED;
	} else if (packet->flow.protocol != IPPROTO_TCP &&
		   packet->flow.protocol != IPPROTO_UDP) {
		return SEMR_PASSED;
	}
	return semr_give_back(packet);
}

static __always_inline enum semr_verdict
decide(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	struct ethhdr *ethernet = ethernet_of(&c);
	enum semr_verdict verdict;
	struct semr_port *port;
	struct ipv6hdr *ip;

	if (!ethernet)
		return SEMR_PASSED;
	if (type_of(ethernet) != bpf_htons(ETH_P_IPV6) ||
	    has_tag_aside(ctx, hook)) {
		enum untagged untagged = semr_untag(ctx, hook, packet);

		if (untagged != SEMR_UNTAGGED)
			return untagged == SEMR_NOT_OURS ?
				       SEMR_PASSED :
				       SEMR_DROP_NO_HEADROOM;
		c = open_frame(ctx, hook);
		if (!ethernet_of(&c))
			return SEMR_DROP_TRUNCATED;
	}
	port = bpf_map_lookup_elem(&ports, &packet->ifindex);
	if (!port || port->role == SEMR_ROLE_NONE)
		return SEMR_PASSED;
	packet->port = *port;
	if (hook == SEMR_HOOK_TC) {
		pull_headers(ctx, hook);
		c = open_frame(ctx, hook);
		if (!ethernet_of(&c))
			return SEMR_DROP_TRUNCATED;
	}
	ip = take(&c, sizeof(*ip));
	if (!ip || !read_ipv6(packet, ip))
		return SEMR_DROP_TRUNCATED;

	if (packet->port.role == SEMR_ROLE_CORE) {
		if (may_be_tunnelled(packet) &&
		    is_locator(packet->flow.capability)) {
			verdict = decapsulate(ctx, hook, packet);
			if (verdict != SEMR_DELIVERED)
				return verdict;
		} else if (in_domain(packet->flow.client)) {
			return semr_through(ctx, hook, packet);
		} else if (!is_plain_request(packet) &&
			   !is_error_for_capability(ctx, hook, packet)) {
			return SEMR_PASSED;
		}
	} else if (!in_domain(packet->flow.capability)) {
		if (packet->port.role == SEMR_ROLE_AGENT)
			return way_home(ctx, hook, packet);
		return SEMR_PASSED;
	}
	verdict = admit(ctx, hook, packet);
	if (verdict != SEMR_PASSED)
		return verdict;
	return route(ctx, hook, packet);
}

/*
 * An error about a translated packet is translated before it is routed: in one
 * call with the routing, the two would need more stack than there is. Nobody is
 * told if it then cannot go on.
 */
static __always_inline bool
set_quote_right(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	if (!packet->quoted || packet->verdict == SEMR_ENCAPSULATED)
		return true;
	return semr_quote(ctx, hook, packet);
}

/* The error in the frame is for an instance behind the router packet.to. */
static __always_inline int
send_to_site(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	int action;

	packet->verdict = SEMR_ENCAPSULATED;
	action = semr_forward(ctx, hook, packet);
	if (packet->verdict == SEMR_ENCAPSULATED)
		packet->verdict = SEMR_REJECT_TOO_BIG;
	return action;
}

/* tc sees also frames for other hosts. */
static __always_inline bool is_for_us(void *ctx, enum semr_hook hook)
{
	struct __sk_buff *skb = ctx;

	return hook == SEMR_HOOK_XDP || skb->pkt_type != PACKET_OTHERHOST;
}

static __always_inline int
pass(void *ctx, enum semr_hook hook, __u32 ifindex)
{
	struct semr_packet packet = { .ifindex = ifindex };
	int action = drop(hook);
	bool back = false;

	if (is_for_us(ctx, hook))
		packet.verdict = decide(ctx, hook, &packet);
	switch (packet.verdict) {
	case SEMR_PASSED:	/* tc: to programs behind ours, too */
		action = hook == SEMR_HOOK_TC ? TC_ACT_UNSPEC : XDP_PASS;
		break;
	case SEMR_ENCAPSULATED:
	case SEMR_DELIVERED:
	case SEMR_RETURNED:
		if (!set_quote_right(ctx, hook, &packet)) {
			packet.verdict = SEMR_DROP_NO_HEADROOM;
			break;
		}
		if (is_clamped(&packet) && packet.verdict == SEMR_ENCAPSULATED)
			clamp_mss(ctx, hook, &packet);
		action = send_on(ctx, hook, &packet);
		if (packet.verdict == SEMR_ENCAPSULATED && packet.decapsulated)
			packet.verdict = SEMR_HAIR_PINNED;
		break;
	}
	if ((packet.verdict >= SEMR_ANSWERED_ECHO &&
	     packet.verdict <= SEMR_REJECT_TOO_BIG) ||
	    (packet.verdict == SEMR_DROP_FRAGMENT && packet.first_fragment)) {
		action = answer(ctx, hook, &packet);
		back = !packet.on_way_back;
		if (packet.on_way_back &&
		    packet.verdict == SEMR_REJECT_TOO_BIG)
			action = send_to_site(ctx, hook, &packet);
	}
	if (packet.tags)
		action = retag(ctx, hook, &packet, action, back);
	if (packet.tag && packet.verdict == SEMR_DELIVERED)
		count_tag(&packet);
	tell(&packet, count_verdict(packet.verdict));
	return action;
}

SEC("xdp")
int semr_xdp(struct xdp_md *ctx)
{
	return pass(ctx, SEMR_HOOK_XDP, ctx->ingress_ifindex);
}

SEC("tc")
int semr_tc(struct __sk_buff *skb)
{
	return pass(skb, SEMR_HOOK_TC, skb->ifindex);
}

/* In front of semr_tc. */
SEC("tc")
int semr_edge_in(struct __sk_buff *skb)
{
	return edge_action(edge_in(skb));
}

SEC("tc")
int semr_edge_out(struct __sk_buff *skb)
{
	return edge_action(edge_out(skb));
}

char _license[] SEC("license") = "GPL";
