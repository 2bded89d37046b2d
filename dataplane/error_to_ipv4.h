/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* ICMPv6 errors as ICMP, with what they quote. RFC 7915 sections 5.2, 5.3 */
#ifndef SEMR_ERROR_TO_IPV4_H
#define SEMR_ERROR_TO_IPV4_H

#include "to_ipv4.h"

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

SEMR_STAGE int semr_error_to_ipv4(struct __sk_buff *skb,
				  struct semr_packet *packet)
{
	struct semr_crossing crossing;

	if (!packet || !begin_crossing(skb, packet, &crossing))
		return SEMR_EDGE_DROP_MALFORMED;
	return error_to_ipv4(skb, packet, &crossing);
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
