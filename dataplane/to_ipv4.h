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

#endif
