/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From IPv6 to IPv4, behind the pass. RFC 7915 section 5 */
#ifndef SEMR_TO_IPV4_H
#define SEMR_TO_IPV4_H

#include "return.h"
#include "to_ipv6.h"

/* Section 5.1: up to here a packet may be cut on its way, and has an id. */
#define SEMR_WHOLE_MTU 1260

#define SEMR_STRANGER 0xffffffff	/* no address of a host */

/* Is there a flow between the two? */
SEMR_STAGE int semr_has_way_back(struct semr_return_key *key)
{
	return key && bpf_map_lookup_elem(&returns, key);
}

static __always_inline void
fill_ends(struct semr_return_key *ends, const void *agent, const void *client,
	  __be16 agent_port, __be16 client_port, __u8 protocol)
{
	__builtin_memset(ends, 0, sizeof(*ends));
	__builtin_memcpy(ends->agent, agent, 16);
	__builtin_memcpy(ends->client, client, 16);
	ends->agent_port = agent_port;
	ends->client_port = client_port;
	ends->protocol = protocol;
}

/*
 * The IPv4 address of the client of a flow that an agent of ours serves; the
 * pass remembered the flow before the packet came here. SEMR_STRANGER: there is
 * no such flow. 0: no address is free.
 */
SEMR_STAGE int semr_admit_guest(struct semr_return_key *ends)
{
	if (!ends || !bpf_map_lookup_elem(&returns, ends))
		return SEMR_STRANGER;
	return guest_of(ends->client);
}

static __always_inline enum semr_edge_verdict judge_guest(__be32 address)
{
	return address == SEMR_STRANGER ? SEMR_EDGE_DROP_STRANGER :
	       address			? SEMR_EDGE_TO_IPV4 :
					  SEMR_EDGE_DROP_NO_GUEST;
}

/* The source as IPv4 knows it: a capability, or a client that was let in. */
static __always_inline enum semr_edge_verdict
name_source(const struct semr_packet *packet, struct semr_crossing *crossing)
{
	struct semr_return_key ends;

	if (in_domain(crossing->source)) {
		crossing->from = ipv4_of_capability(crossing->source);
		return crossing->from ? SEMR_EDGE_TO_IPV4 :
					SEMR_EDGE_DROP_ADDRESS;
	}
	fill_ends(&ends, crossing->destination, crossing->source,
		  packet->flow.capability_port, packet->flow.client_port,
		  crossing->protocol);
	crossing->from = semr_admit_guest(&ends);
	return judge_guest(crossing->from);
}

static __always_inline void
fill_ipv4(struct iphdr *ip, const struct semr_crossing *packet, __u32 segment)
{
	const __u32 *words = (const void *)ip;
	bool whole = segment > SEMR_WHOLE_MTU;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = packet->traffic_class;
	ip->tot_len = bpf_htons(sizeof(*ip) + packet->length);
	ip->id = whole ? 0 : bpf_get_prandom_u32();
	ip->frag_off = whole ? bpf_htons(0x4000) : 0;
	ip->ttl = packet->hop_limit;
	ip->protocol = packet->protocol;
	ip->check = 0;
	ip->saddr = packet->from;
	ip->daddr = packet->to;
	ip->check = ~fold((__u64)words[0] + words[1] + words[2] + words[3] +
			  words[4]);
}

static __always_inline bool
exchange_for_ipv4(struct __sk_buff *skb, const struct semr_crossing *packet,
		  __u32 segment)
{
	__be16 type = bpf_htons(ETH_P_IP);
	struct iphdr ip;

	if (bpf_skb_change_proto(skb, type, 0))
		return false;
	fill_ipv4(&ip, packet, segment);
	return put(skb, SEMR_HOOK_TC, SEMR_L3, &ip, sizeof(ip)) &&
	       !bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto),
				    &type, sizeof(type), 0);
}

/* An ICMPv6 error up to the ports of what it quotes. */
struct semr_quoting {
	struct semr_icmp icmp;
	struct ipv6hdr ip;
	__be16 ports[2];
};

static __always_inline struct semr_quoting *
quoting_in(struct __sk_buff *skb, const struct semr_packet *packet)
{
	struct cursor c = open_frame(skb, SEMR_HOOK_TC);
	struct semr_quoting *at;

	if (packet->length < sizeof(struct ipv6hdr) + sizeof(*at) ||
	    !take(&c, SEMR_L4))
		return NULL;
	at = take(&c, sizeof(*at));
	return at && at->ip.version == 6 ? at : NULL;
}

/*
 * The quoted packet went the other way: its source is whom the error is for,
 * its destination a capability, or the client of an agent of ours. What both
 * are called in IPv4 comes to stand in packet->to. In a call of its own because
 * of the stack.
 */
struct semr_named {
	__be32 from;
	__be32 quoted;
};

SEMR_STAGE int semr_name_quote(struct __sk_buff *skb,
			       struct semr_packet *packet)
{
	struct semr_named *named;
	struct semr_return_key ends;
	struct semr_quoting *at;
	bool router;

	if (!packet)
		return SEMR_EDGE_DROP_MALFORMED;
	at = quoting_in(skb, packet);
	if (!at || !same_octets(&at->ip.saddr, packet->flow.capability))
		return SEMR_EDGE_DROP_MALFORMED;
	router = !same_octets(packet->flow.client, &at->ip.daddr);
	fill_ends(&ends, &at->ip.saddr, &at->ip.daddr, at->ports[0],
		  at->ports[1], at->ip.nexthdr);
	named = (void *)packet->to;
	if (in_domain(ends.client)) {
		named->quoted = ipv4_of_capability(ends.client);
		if (!named->quoted)
			return SEMR_EDGE_DROP_ADDRESS;
	} else {
		named->quoted = semr_admit_guest(&ends);
	}
	/* a router on the way has no name in IPv4: RFC 7600, RFC 6791 */
	named->from = router ? bpf_htonl(SEMR_DUMMY_ROUTER) : named->quoted;
	return judge_guest(named->quoted);
}

/* Offset of the checksum in what is quoted; 0: a protocol without counterpart */
static __always_inline __u32 quoted_check(const struct ipv6hdr *ip, __u8 first)
{
	if (ip->nexthdr == IPPROTO_TCP)
		return offsetof(struct tcphdr, check);
	if (ip->nexthdr == IPPROTO_UDP)
		return offsetof(struct udphdr, check);
	/* a ping is all that is answered besides */
	if (ip->nexthdr == IPPROTO_ICMPV6 && first == ICMPV6_ECHO_REQUEST)
		return offsetof(struct semr_icmp, check);
	return 0;
}

static __always_inline void
fill_quote(struct iphdr *ip, const struct ipv6hdr *old)
{
	const __u32 *words = (const void *)ip;
	__u32 total = bpf_ntohs(old->payload_len) + sizeof(*ip);

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = bpf_ntohl(*(const __be32 *)old) >> 20;
	ip->tot_len = bpf_htons(total > 0xffff ? 0xffff : total);
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = old->hop_limit;
	ip->protocol = old->nexthdr == IPPROTO_ICMPV6 ? IPPROTO_ICMP :
							old->nexthdr;
	ip->check = ~fold((__u64)words[0] + words[1] + words[2] + words[3] +
			  words[4]);
}

/* Sections 5.2 and 5.3 */
static __always_inline enum semr_edge_verdict
error_to_ipv4(struct __sk_buff *skb, const struct semr_packet *error,
	      struct semr_crossing *packet)
{
	const struct semr_named *named = (const void *)error->to;
	struct {
		struct semr_icmp icmp;
		struct iphdr ip;
	} fresh = {};
	__sum16 *field, inner = 0, before = 0;
	bool has_inner = false, echo;
	struct semr_quoting *at;
	__u64 added, removed;
	__u32 offset, size;
	__s64 change;

	packet->from = named->from;
	at = quoting_in(skb, error);
	if (!at)
		return SEMR_EDGE_DROP_MALFORMED;
	size = offsetof(struct semr_quoting, ports);
	fresh.icmp = at->icmp;
	echo = at->ip.nexthdr == IPPROTO_ICMPV6;
	offset = quoted_check(&at->ip, bpf_ntohs(at->ports[0]) >> 8);
	if (!offset || !icmp_to_ipv4(&fresh.icmp))
		return SEMR_EDGE_DROP_PROTOCOL;
	if (packet->length >= size + offset + sizeof(*field)) {
		field = field_at(open_frame(skb, SEMR_HOOK_TC),
				 SEMR_L4 + size + offset);
		if (!field)
			return SEMR_EDGE_DROP_MALFORMED;
		before = *field;
		has_inner = before || at->ip.nexthdr != IPPROTO_UDP;
	}
	fresh.ip.saddr = packet->to;
	fresh.ip.daddr = named->quoted;
	fill_quote(&fresh.ip, &at->ip);

	/* the quoted checksum, as that of the packet itself changes */
	added = (__u64)fresh.ip.saddr + fresh.ip.daddr;
	removed = sum_address(&at->ip.saddr) + sum_address(&at->ip.daddr);
	if (echo) {
		added = bpf_htons(ICMP_ECHO << 8);
		removed += bpf_htonl(bpf_ntohs(at->ip.payload_len)) +
			   (__u64)bpf_htonl(IPPROTO_ICMPV6) +
			   bpf_htons(ICMPV6_ECHO_REQUEST << 8);
	}
	inner = changed_sum(before, added, removed);
	if (!inner && at->ip.nexthdr == IPPROTO_UDP)
		inner = 0xffff;

	/* the checksum of the error over all of this */
	fresh.icmp.check = 0;
	change = bpf_csum_diff((void *)at, offsetof(struct semr_quoting, ports),
			       (void *)&fresh, sizeof(fresh), 0);
	if (change < 0)
		return SEMR_EDGE_DROP_MALFORMED;
	added = (__u64)change + (has_inner ? inner : 0) + at->icmp.check;
	removed = pseudo_header(packet->source, packet->destination,
				packet->length, IPPROTO_ICMPV6) +
		  (has_inner ? before : 0);
	if (echo) {
		added += bpf_htons(ICMP_ECHO << 8);
		removed += bpf_htons(ICMPV6_ECHO_REQUEST << 8);
	}
	fresh.icmp.check = changed_sum(at->icmp.check, added, removed);
	packet->protocol = IPPROTO_ICMP;
	packet->length -= SEMR_GROWTH;
	if (bpf_skb_adjust_room(skb, -SEMR_GROWTH, BPF_ADJ_ROOM_NET, 0) ||
	    !exchange_for_ipv4(skb, packet, SEMR_IPV4_LENGTH + packet->length) ||
	    !put(skb, SEMR_HOOK_TC, SEMR_V4_L4, &fresh, sizeof(fresh)))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	size = SEMR_V4_L4 + sizeof(fresh);
	if (has_inner && !put(skb, SEMR_HOOK_TC, size + offset, &inner, 2))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	if (echo) {
		__u8 type = ICMP_ECHO;

		if (!put(skb, SEMR_HOOK_TC, size, &type, 1))
			return SEMR_EDGE_DROP_NO_HEADROOM;
	}
	return SEMR_EDGE_TO_IPV4;
}

/* Section 5.2: ICMP of version 4 sums no pseudo-header. */
static __always_inline enum semr_edge_verdict
echo_to_ipv4(struct __sk_buff *skb, struct semr_crossing *packet)
{
	struct cursor c = open_frame(skb, SEMR_HOOK_TC);
	struct semr_icmp *icmp, fresh;

	if (!take(&c, SEMR_L4))
		return SEMR_EDGE_DROP_MALFORMED;
	icmp = take(&c, sizeof(*icmp));
	if (!icmp)
		return SEMR_EDGE_DROP_MALFORMED;
	fresh = *icmp;
	if (fresh.type != ICMPV6_ECHO_REQUEST &&
	    fresh.type != ICMPV6_ECHO_REPLY)
		return SEMR_EDGE_DROP_PROTOCOL;
	fresh.type = fresh.type == ICMPV6_ECHO_REQUEST ? ICMP_ECHO :
							 ICMP_ECHOREPLY;
	fresh.check = changed_sum(
		icmp->check, bpf_htons(fresh.type << 8),
		(__u64)bpf_htons(icmp->type << 8) +
			pseudo_header(packet->source, packet->destination,
				      packet->length, IPPROTO_ICMPV6));
	packet->protocol = IPPROTO_ICMP;
	if (!exchange_for_ipv4(skb, packet,
			       SEMR_IPV4_LENGTH + packet->length) ||
	    !put(skb, SEMR_HOOK_TC, SEMR_V4_L4, &fresh, sizeof(fresh)))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_TO_IPV4;
}

/* What both versions have in the header. False: the length cannot be. */
static __always_inline bool
begin_crossing(struct __sk_buff *skb, const struct semr_packet *packet,
	       struct semr_crossing *crossing)
{
	__builtin_memset(crossing, 0, sizeof(*crossing));
	__builtin_memcpy(crossing->source, packet->flow.client, 16);
	__builtin_memcpy(crossing->destination, packet->flow.capability, 16);
	__builtin_memcpy(&crossing->to, packet->flow.capability + 12, 4);
	crossing->protocol = packet->flow.protocol;
	crossing->traffic_class = bpf_ntohl(packet->first_word) >> 20;
	crossing->hop_limit = packet->hop_limit;
	crossing->length = packet->length - sizeof(struct ipv6hdr);
	return packet->length >= sizeof(struct ipv6hdr) &&
	       packet->length <= 0xffff + SEMR_GROWTH &&
	       packet->length <= frame_payload(skb, SEMR_HOOK_TC);
}

SEMR_STAGE int semr_error_to_ipv4(struct __sk_buff *skb,
				  struct semr_packet *packet)
{
	struct semr_crossing crossing;

	if (!packet || !begin_crossing(skb, packet, &crossing))
		return SEMR_EDGE_DROP_MALFORMED;
	return error_to_ipv4(skb, packet, &crossing);
}

/* TCP, UDP and echo */
SEMR_STAGE int semr_packet_to_ipv4(struct __sk_buff *skb,
				   struct semr_packet *packet)
{
	struct semr_crossing crossing;
	enum semr_edge_verdict verdict;

	if (!packet || !begin_crossing(skb, packet, &crossing))
		return SEMR_EDGE_DROP_MALFORMED;
	verdict = name_source(packet, &crossing);
	if (verdict != SEMR_EDGE_TO_IPV4)
		return verdict;
	if (crossing.protocol == IPPROTO_ICMPV6)
		return echo_to_ipv4(skb, &crossing);
	if (!carry_checksum(skb, checksum_offset(crossing.protocol),
			    crossing.source, 32, &crossing.from, 8,
			    crossing.protocol) ||
	    !exchange_for_ipv4(skb, &crossing,
			       packet->segment - SEMR_GROWTH))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_TO_IPV4;
}

/*
 * The IPv6 packet in the frame, whose facts are in @packet, is for an address
 * in our prefix and becomes IPv4.
 */
static __always_inline enum semr_edge_verdict
to_ipv4(struct __sk_buff *skb, struct semr_packet *packet)
{
	__be32 to;
	int verdict;

	__builtin_memcpy(&to, packet->flow.capability + 12, 4);
	if (is_bad_ipv4(to) || pool_of(to))
		return SEMR_EDGE_DROP_ADDRESS;
	if (packet->flow.protocol == IPPROTO_FRAGMENT)
		return SEMR_EDGE_DROP_FRAGMENT;
	if (packet->flow.protocol != IPPROTO_TCP &&
	    packet->flow.protocol != IPPROTO_UDP &&
	    packet->flow.protocol != IPPROTO_ICMPV6)
		return SEMR_EDGE_DROP_PROTOCOL;
	if (!read_l4(skb, SEMR_HOOK_TC, packet))
		return SEMR_EDGE_DROP_MALFORMED;
	if (!is_icmp_error(packet))
		return semr_packet_to_ipv4(skb, packet);
	verdict = semr_name_quote(skb, packet);
	return verdict == SEMR_EDGE_TO_IPV4 ?
		       semr_error_to_ipv4(skb, packet) :
		       verdict;
}

#endif
