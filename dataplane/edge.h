/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * In front of the pass on client and agent ports, and behind everything at
 * their other side: IPv4, agents that call themselves, what the kernel says.
 */
#ifndef SEMR_EDGE_H
#define SEMR_EDGE_H

#include "error_to_ipv4.h"

/* Facts of the IPv6 packet in the frame. False: there is none. */
static __always_inline bool
read_frame(struct __sk_buff *skb, struct semr_packet *packet)
{
	struct cursor c;
	struct ipv6hdr *ip;

	pull_headers(skb, SEMR_HOOK_TC);
	c = open_frame(skb, SEMR_HOOK_TC);
	if (!ethernet_of(&c))
		return false;
	ip = take(&c, sizeof(*ip));
	return ip && read_ipv6(packet, ip) &&
	       packet->length <= frame_payload(skb, SEMR_HOOK_TC);
}

/*
 * What this router's own kernel says about a packet that was delivered names
 * the agent, and has passed no ingress hook: made right as the pass would.
 */
SEMR_STAGE int semr_restore_error(struct __sk_buff *skb,
				  struct semr_packet *packet)
{
	if (!packet || !read_l4(skb, SEMR_HOOK_TC, packet) ||
	    !is_icmp_error(packet) ||
	    !read_quote(skb, SEMR_HOOK_TC, packet) ||
	    semr_give_back(packet) != SEMR_RETURNED)
		return false;
	packet->verdict = SEMR_RETURNED;
	return semr_quote_tc(skb, packet);
}

/* Then the packet is another one: its facts are read anew. */
static __always_inline bool
restore_error(struct __sk_buff *skb, struct semr_packet *packet)
{
	bool restored = packet->flow.protocol == IPPROTO_ICMPV6 &&
			semr_restore_error(skb, packet);

	if (packet->flow.protocol == IPPROTO_ICMPV6 || packet->quoted)
		read_frame(skb, packet);
	return restored;
}

/*
 * A call that its caller serves itself comes back to it with its own address as
 * the source, which no host takes. It goes out with the router's instead. The
 * answer to that is one for the caller.
 */
SEMR_STAGE int semr_to_itself(struct __sk_buff *skb,
			      struct semr_packet *packet)
{
	if (!packet || !read_l4(skb, SEMR_HOOK_TC, packet) ||
	    (packet->flow.protocol != IPPROTO_TCP &&
	     packet->flow.protocol != IPPROTO_UDP))
		return SEMR_EDGE_LEFT_ALONE;
	copy_locator(packet->to);
	packet->to_port = packet->flow.client_port;
	if (!translate_skb(skb, packet, SEMR_RETURNED, packet->flow.client,
			   packet->flow.client_port))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_TO_ITSELF;
}

SEMR_STAGE int semr_from_itself(struct __sk_buff *skb,
				struct semr_packet *packet)
{
	struct semr_return_key ends;

	if (!packet)
		return SEMR_EDGE_LEFT_ALONE;
	__builtin_memcpy(packet->to, packet->flow.client, 16);
	if (!read_l4(skb, SEMR_HOOK_TC, packet))
		return SEMR_EDGE_LEFT_ALONE;
	if (is_icmp_error(packet) && !read_quote(skb, SEMR_HOOK_TC, packet))
		return SEMR_EDGE_LEFT_ALONE;
	if ((packet->flow.protocol != IPPROTO_TCP &&
	     packet->flow.protocol != IPPROTO_UDP) ||
	    !same_octets(packet->flow.client, packet->to))
		return SEMR_EDGE_LEFT_ALONE;
	fill_ends(&ends, packet->to, packet->to, packet->flow.client_port,
		  packet->flow.capability_port, packet->flow.protocol);
	if (!semr_has_way_back(&ends))
		return SEMR_EDGE_LEFT_ALONE;
	packet->to_port = packet->flow.capability_port;
	packet->verdict = SEMR_DELIVERED;
	if (packet->quoted ?
		    !semr_quote_tc(skb, packet) :
		    !translate_skb(skb, packet, SEMR_DELIVERED,
				   packet->flow.capability, packet->to_port))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_FROM_ITSELF;
}

/*
 * The pass refuses the first fragment of an answer, unless its capability has
 * datagrams that stay together by addresses. The others carry no ports: they are
 * known by what the first one was called.
 */
SEMR_STAGE int semr_follow_fragments(struct __sk_buff *skb,
				     struct semr_packet *packet)
{
	struct semr_fragment_ends *said;
	struct semr_return_key ends;
	struct semr_return *way;

	if (!packet)
		return SEMR_EDGE_LEFT_ALONE;
	semr_fragment_tc(skb, packet);
	if (packet->later_fragment) {
		said = said_before(packet, coarse_now());
		return said && said->refused ? SEMR_EDGE_DROP_FRAGMENT :
					       SEMR_EDGE_LEFT_ALONE;
	}
	if (!packet->first_fragment)
		return SEMR_EDGE_LEFT_ALONE;
	fill_ends(&ends, packet->flow.client, packet->flow.capability,
		  packet->flow.client_port, packet->flow.capability_port,
		  packet->flow.protocol);
	way = bpf_map_lookup_elem(&returns, &ends);
	if (way && !(way->flags & SEMR_BY_ADDRESSES))
		say_for_later(packet, coarse_now(), true);
	return SEMR_EDGE_LEFT_ALONE;
}

/* Not tagged, and for nobody else: see is_for_us. */
static __always_inline struct semr_port *
port_of(struct __sk_buff *skb, __u32 ifindex)
{
	struct semr_port *port = bpf_map_lookup_elem(&ports, &ifindex);

	return port && port->role != SEMR_ROLE_NONE && !skb->vlan_present ?
		       port :
		       NULL;
}

/*
 * Almost nothing is the edge's, which sees everything: mostly a look at the
 * header is enough, where it lies together.
 */
static __always_inline bool
may_concern(struct __sk_buff *skb, const struct semr_port *port, bool leaving)
{
	struct cursor c = open_frame(skb, SEMR_HOOK_TC);
	struct semr_edge *now;
	struct ipv6hdr *ip;
	word64 *words;
	__u64 to[2];

	if (!ethernet_of(&c))
		return false;
	ip = take(&c, sizeof(*ip));
	if (!ip)
		return true;
	words = anywhere(ip);
	to[0] = words[3];
	to[1] = words[4];
	if (leaving) {
		if (ip->nexthdr == IPPROTO_ICMPV6 ||
		    (port->role == SEMR_ROLE_AGENT && words[1] == to[0] &&
		     words[2] == to[1]))
			return true;
	} else if (port->role == SEMR_ROLE_AGENT) {
		return ip->nexthdr == IPPROTO_FRAGMENT ||
		       is_locator((void *)to);
	}
	now = edge_now();
	return now && in_prefix(now, to);
}

/* Arriving at a client or agent port, or at the router's own. */
static __always_inline enum semr_edge_verdict edge_in(struct __sk_buff *skb)
{
	struct semr_port *port = port_of(skb, skb->ifindex);
	struct semr_packet packet = {};
	struct semr_edge *now;

	if (!port || skb->pkt_type == PACKET_OTHERHOST)
		return SEMR_EDGE_LEFT_ALONE;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return semr_to_ipv6(skb);
	if (skb->protocol != bpf_htons(ETH_P_IPV6) ||
	    port->role == SEMR_ROLE_CLIENT || !may_concern(skb, port, false) ||
	    !read_frame(skb, &packet))
		return SEMR_EDGE_LEFT_ALONE;
	if (port->role == SEMR_ROLE_AGENT) {
		if (packet.flow.protocol == IPPROTO_FRAGMENT)
			return semr_follow_fragments(skb, &packet);
		return is_locator(packet.flow.capability) ?
			       semr_from_itself(skb, &packet) :
			       SEMR_EDGE_LEFT_ALONE;
	}
	now = edge_now();
	if (!now || !in_prefix(now, packet.flow.capability))
		return SEMR_EDGE_LEFT_ALONE;
	restore_error(skb, &packet);
	return to_ipv4(skb, &packet);
}

/* Leaving through any port. */
static __always_inline enum semr_edge_verdict edge_out(struct __sk_buff *skb)
{
	struct semr_port *port = port_of(skb, skb->ifindex);
	struct semr_packet packet = {};
	struct semr_edge *now;
	bool restored;

	if (!port || skb->protocol != bpf_htons(ETH_P_IPV6) ||
	    !may_concern(skb, port, true) || !read_frame(skb, &packet))
		return SEMR_EDGE_LEFT_ALONE;
	if (port->role == SEMR_ROLE_AGENT &&
	    same_octets(packet.flow.client, packet.flow.capability))
		return semr_to_itself(skb, &packet);
	restored = restore_error(skb, &packet);
	now = edge_now();
	if (now && in_prefix(now, packet.flow.capability))
		return to_ipv4(skb, &packet);
	return restored ? SEMR_EDGE_ERROR_RESTORED : SEMR_EDGE_LEFT_ALONE;
}

static __always_inline int edge_action(enum semr_edge_verdict verdict)
{
	if (verdict != SEMR_EDGE_LEFT_ALONE)
		count_edge(verdict);
	return verdict >= SEMR_EDGE_DROP_MALFORMED ? TC_ACT_SHOT :
						     TC_ACT_UNSPEC;
}

#endif
