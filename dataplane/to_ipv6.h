/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From IPv4 to IPv6, in front of the pass. RFC 7915 section 4 */
#ifndef SEMR_TO_IPV6_H
#define SEMR_TO_IPV6_H

#include "cross_icmp.h"
#include "error.h"

#define SEMR_V4_L4 (SEMR_L3 + SEMR_IPV4_LENGTH)

/* RFC 791 section 3.1: the sum over a header that arrived whole is all ones */
static __always_inline bool is_whole_ipv4(const struct iphdr *ip)
{
	const __u32 *words = (const void *)ip;

	return fold((__u64)words[0] + words[1] + words[2] + words[3] +
		    words[4]) == 0xffff;
}

/* The header, and whose packet it is. */
static __always_inline enum semr_edge_verdict
read_ipv4(struct __sk_buff *skb, const struct semr_edge *now,
	  struct semr_crossing *packet)
{
	struct cursor c = open_frame(skb, SEMR_HOOK_TC);
	struct semr_pool *pool;
	struct semr_guest *guest;
	struct iphdr *ip;
	__u32 total;

	if (!ethernet_of(&c))
		return SEMR_EDGE_LEFT_ALONE;
	ip = take(&c, sizeof(*ip));
	if (!ip || ip->version != 4)
		return SEMR_EDGE_LEFT_ALONE;
	packet->from = ip->saddr;
	packet->to = ip->daddr;
	pool = pool_of(packet->to);
	if (!pool)
		return SEMR_EDGE_LEFT_ALONE;
	total = bpf_ntohs(ip->tot_len);
	if (ip->ihl > 5)
		return SEMR_EDGE_DROP_PROTOCOL;
	if (ip->ihl < 5 || total < sizeof(*ip) ||
	    total > frame_payload(skb, SEMR_HOOK_TC) || !is_whole_ipv4(ip))
		return SEMR_EDGE_DROP_MALFORMED;
	if (ip->frag_off & bpf_htons(SEMR_IP_FRAGMENT))
		return SEMR_EDGE_DROP_FRAGMENT;
	if (is_bad_ipv4(packet->from) || pool_of(packet->from))
		return SEMR_EDGE_DROP_ADDRESS;
	packet->length = total - sizeof(*ip);
	packet->protocol = ip->protocol;
	packet->traffic_class = ip->tos;
	packet->hop_limit = ip->ttl;
	embed(now, packet->from, packet->source);
	if (pool->kind == SEMR_POOL_CAPABILITIES) {
		to_capability(pool, packet->to, packet->destination);
		return SEMR_EDGE_TO_IPV6;
	}
	guest = bpf_map_lookup_elem(&guests, &packet->to);
	if (!guest)
		return SEMR_EDGE_DROP_NO_GUEST;
	__builtin_memcpy(packet->destination, guest->client, 16);
	return SEMR_EDGE_TO_IPV6;
}

/*
 * TCP and UDP: only the pseudo-header changes. The helper knows whether the
 * checksum is still to be finished. A UDP packet without one has none after
 * this either: see give_checksum.
 */
static __always_inline bool
carry_checksum(struct __sk_buff *skb, __u32 at, const void *from, __u32 size,
	       const void *to, __u32 to_size, __u8 protocol)
{
	__u64 flags = protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__s64 change = bpf_csum_diff((void *)from, size, (void *)to, to_size, 0);

	return change >= 0 &&
	       !bpf_l4_csum_replace(skb, at, 0, change,
				    flags | BPF_F_PSEUDO_HDR);
}

/*
 * Section 4.5: IPv6 wants a checksum of a UDP packet that has none. What may
 * lie behind the packet in a short frame is cut off, so that it is not summed.
 */
static __always_inline bool
give_checksum(struct __sk_buff *skb, const struct semr_crossing *packet)
{
	__sum16 check;

	if (packet->length > SEMR_MIN_MTU ||
	    bpf_skb_change_tail(skb, SEMR_L4 + packet->length, 0) ||
	    bpf_skb_pull_data(skb, skb->len))
		return false;
	check = ~fold(pseudo_header(packet->source, packet->destination,
				    packet->length, IPPROTO_UDP) +
		      (__u32)semr_sum_tc(skb, SEMR_L4));
	if (!check)
		check = 0xffff;
	return put(skb, SEMR_HOOK_TC,
		   SEMR_L4 + offsetof(struct udphdr, check), &check, 2);
}

static __always_inline void
fill_ipv6(struct ipv6hdr *ip, const struct semr_crossing *packet)
{
	__be32 word = bpf_htonl(0x60000000 | packet->traffic_class << 20);

	__builtin_memcpy(ip, &word, 4);
	ip->payload_len = bpf_htons(packet->length);
	ip->nexthdr = packet->protocol;
	ip->hop_limit = packet->hop_limit;
	__builtin_memcpy(&ip->saddr, packet->source, 16);
	__builtin_memcpy(&ip->daddr, packet->destination, 16);
}

static __always_inline bool
exchange_for_ipv6(struct __sk_buff *skb, const struct semr_crossing *packet)
{
	__be16 type = bpf_htons(ETH_P_IPV6);
	struct ipv6hdr ip;

	if (bpf_skb_change_proto(skb, type, 0))
		return false;
	fill_ipv6(&ip, packet);
	return put(skb, SEMR_HOOK_TC, SEMR_L3, &ip, sizeof(ip)) &&
	       !bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto),
				    &type, sizeof(type), 0);
}

/* The new checksum when words of a sum that holds them are others. */
static __always_inline __sum16
changed_sum(__sum16 check, __u64 added, __u64 removed)
{
	return ~fold(added + (__u16)~fold(removed) + (__u16)~check);
}

/*
 * An ICMP error: what it quotes is a packet that left here, so it is called
 * again what it was called before. Section 4.3
 */
SEMR_STAGE int semr_error_to_ipv6(struct __sk_buff *skb,
				  struct semr_crossing *packet)
{
	struct {
		struct semr_icmp icmp;
		struct iphdr ip;
	} *at, old;
	struct {
		struct semr_icmp icmp;
		struct ipv6hdr ip;
	} fresh = {};
	__be32 word = bpf_htonl(0x60000000);
	struct semr_edge *now = edge_now();
	__sum16 *field, check, inner = 0, before = 0;
	bool has_inner = false;
	__u32 offset, check_at;
	struct cursor c;
	__s64 change;

	if (!packet || !now)
		return SEMR_EDGE_DROP_MALFORMED;
	c = open_frame(skb, SEMR_HOOK_TC);
	if (packet->length < sizeof(*at) || !take(&c, SEMR_V4_L4))
		return SEMR_EDGE_DROP_MALFORMED;
	at = take(&c, sizeof(*at));
	if (!at)
		return SEMR_EDGE_DROP_MALFORMED;
	__builtin_memcpy(&old, at, sizeof(old));
	check = old.icmp.check;
	if (old.ip.version != 4 || old.ip.ihl != 5 ||
	    old.ip.saddr != packet->to)
		return SEMR_EDGE_DROP_MALFORMED;
	if (old.ip.frag_off & bpf_htons(SEMR_IP_FRAGMENT) ||
	    (old.ip.protocol != IPPROTO_TCP && old.ip.protocol != IPPROTO_UDP))
		return SEMR_EDGE_DROP_PROTOCOL;
	fresh.icmp = old.icmp;
	if (!icmp_to_ipv6(&fresh.icmp, bpf_ntohs(old.ip.tot_len)))
		return SEMR_EDGE_DROP_PROTOCOL;

	word |= bpf_htonl(old.ip.tos << 20);
	__builtin_memcpy(&fresh.ip, &word, 4);
	fresh.ip.payload_len = bpf_htons(bpf_ntohs(old.ip.tot_len) -
					 sizeof(old.ip));
	fresh.ip.nexthdr = old.ip.protocol;
	fresh.ip.hop_limit = old.ip.ttl;
	__builtin_memcpy(&fresh.ip.saddr, packet->destination, 16);
	embed(now, old.ip.daddr, (void *)&fresh.ip.daddr);

	offset = old.ip.protocol == IPPROTO_TCP ?
			 offsetof(struct tcphdr, check) :
			 offsetof(struct udphdr, check);
	if (packet->length >= sizeof(*at) + offset + sizeof(*field)) {
		field = field_at(c, offset);
		if (!field)
			return SEMR_EDGE_DROP_MALFORMED;
		before = *field;
		has_inner = before || old.ip.protocol == IPPROTO_TCP;
	}
	/* what the quoted checksum covers changes as in that packet itself */
	change = bpf_csum_diff((void *)&old.ip.saddr, 8,
			       (void *)&fresh.ip.saddr, 32, 0);
	if (change < 0)
		return SEMR_EDGE_DROP_MALFORMED;
	inner = ~fold((__u64)change + (__u16)~before);
	if (!inner && old.ip.protocol == IPPROTO_UDP)
		inner = 0xffff;

	old.icmp.check = 0;
	fresh.icmp.check = 0;
	packet->length += SEMR_GROWTH;
	change = bpf_csum_diff((void *)&old, sizeof(old), (void *)&fresh,
			       sizeof(fresh), 0);
	if (change < 0)
		return SEMR_EDGE_DROP_MALFORMED;
	packet->protocol = IPPROTO_ICMPV6;
	fresh.icmp.check = changed_sum(
		check, (__u64)change + (has_inner ? inner : 0) +
			pseudo_header(packet->source, packet->destination,
				      packet->length, IPPROTO_ICMPV6),
		has_inner ? before : 0);
	if (!exchange_for_ipv6(skb, packet) ||
	    bpf_skb_adjust_room(skb, SEMR_GROWTH, BPF_ADJ_ROOM_NET, 0) ||
	    !put(skb, SEMR_HOOK_TC, SEMR_L4, &fresh, sizeof(fresh)))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	check_at = SEMR_L4 + sizeof(fresh) + offset;
	if (has_inner && !put(skb, SEMR_HOOK_TC, check_at, &inner, 2))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_TO_IPV6;
}

/* An echo request or reply: ICMPv6 sums the pseudo-header too. Section 4.2 */
static __always_inline enum semr_edge_verdict
echo_to_ipv6(struct __sk_buff *skb, struct semr_crossing *packet,
	     const struct semr_icmp *icmp)
{
	struct semr_icmp fresh = *icmp;

	fresh.type = icmp->type == ICMP_ECHO ? ICMPV6_ECHO_REQUEST :
					       ICMPV6_ECHO_REPLY;
	packet->protocol = IPPROTO_ICMPV6;
	fresh.check = changed_sum(
		icmp->check,
		(__u64)bpf_htons(fresh.type << 8) +
			pseudo_header(packet->source, packet->destination,
				      packet->length, IPPROTO_ICMPV6),
		bpf_htons(icmp->type << 8));
	if (!exchange_for_ipv6(skb, packet) ||
	    !put(skb, SEMR_HOOK_TC, SEMR_L4, &fresh, sizeof(fresh)))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	return SEMR_EDGE_TO_IPV6;
}

/* An IPv4 packet to one of our pools becomes IPv6. An enum semr_edge_verdict. */
SEMR_STAGE int semr_to_ipv6(struct __sk_buff *skb)
{
	struct semr_edge *now = edge_now();
	struct semr_crossing packet = {};
	enum semr_edge_verdict verdict;
	struct semr_icmp *icmp, head;
	bool without = false;
	struct cursor c;
	struct udphdr *udp;

	if (!now)
		return SEMR_EDGE_LEFT_ALONE;
	pull_headers(skb, SEMR_HOOK_TC);
	verdict = read_ipv4(skb, now, &packet);
	if (verdict != SEMR_EDGE_TO_IPV6)
		return verdict;
	c = open_frame(skb, SEMR_HOOK_TC);
	if (!take(&c, SEMR_V4_L4))
		return SEMR_EDGE_DROP_MALFORMED;
	switch (packet.protocol) {
	case IPPROTO_TCP:
		if (packet.length < sizeof(struct tcphdr) ||
		    !take(&c, sizeof(struct tcphdr)))
			return SEMR_EDGE_DROP_MALFORMED;
		if (!carry_checksum(skb,
				    SEMR_V4_L4 + offsetof(struct tcphdr, check),
				    &packet.from, 8, packet.source, 32,
				    IPPROTO_TCP))
			return SEMR_EDGE_DROP_NO_HEADROOM;
		break;
	case IPPROTO_UDP:
		udp = take(&c, sizeof(*udp));
		if (packet.length < sizeof(*udp) || !udp)
			return SEMR_EDGE_DROP_MALFORMED;
		without = !udp->check;
		if (without && bpf_ntohs(udp->len) != packet.length)
			return SEMR_EDGE_DROP_MALFORMED;
		if (!without &&
		    !carry_checksum(skb,
				    SEMR_V4_L4 + offsetof(struct udphdr, check),
				    &packet.from, 8, packet.source, 32,
				    IPPROTO_UDP))
			return SEMR_EDGE_DROP_NO_HEADROOM;
		break;
	case IPPROTO_ICMP:
		icmp = take(&c, sizeof(*icmp));
		if (packet.length < sizeof(*icmp) || !icmp)
			return SEMR_EDGE_DROP_MALFORMED;
		head = *icmp;
		if (head.type != ICMP_ECHO && head.type != ICMP_ECHOREPLY)
			return semr_error_to_ipv6(skb, &packet);
		return echo_to_ipv6(skb, &packet, &head);
	default:	/* some would be extension headers there */
		return SEMR_EDGE_DROP_PROTOCOL;
	}
	if (!exchange_for_ipv6(skb, &packet))
		return SEMR_EDGE_DROP_NO_HEADROOM;
	if (without && !give_checksum(skb, &packet))
		return SEMR_EDGE_DROP_CHECKSUM;
	return SEMR_EDGE_TO_IPV6;
}

#endif
