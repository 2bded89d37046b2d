/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From a frame to the facts that the stages decide on. */
#ifndef SEMR_PARSE_H
#define SEMR_PARSE_H

#include <linux/icmpv6.h>
#include <linux/if_packet.h>
#include "frame.h"

#define SEMR_EXTENSIONS 4		/* extension headers that are skipped */
#define SEMR_EXTENSIONS_MAX 256		/* octets of them */

#define SEMR_TCP_FIN 0x01
#define SEMR_TCP_SYN 0x02
#define SEMR_TCP_RST 0x04
#define SEMR_TCP_ACK 0x10

/* RFC 4443 sections 2.1 and 4, RFC 4861 section 4.5 */
#define SEMR_ICMP_FIRST_INFORMATIONAL 128
#define SEMR_ICMP_UNREACHABLE 1
#define SEMR_ICMP_ECHO_REQUEST 128
#define SEMR_ICMP_ECHO_REPLY 129
#define SEMR_ICMP_REDIRECT 137

#define SEMR_VLANS 2			/* tags that are taken off a frame */

/* A VLAN tag: its type, and priority and number. */
struct semr_vlan {
	__be16 type;
	__u16 control;			/* in a frame in network order */
};

/* One IPv6 packet. Nothing here points into the frame. */
struct semr_packet {
	/* source and destination as received */
	struct semr_flow_key flow __attribute__((aligned(8)));
	/* translated or tunnelled to */
	__u8 to[16] __attribute__((aligned(8)));
	struct semr_port port;
	__u32 ifindex;
	__be32 first_word;		/* version, traffic class, flow label */
	__u32 length;			/* header and payload */
	__u32 segment;			/* the same of one super-packet piece */
	__u32 packets;			/* segments of a super-packet, else 1 */
	__u32 hash;
	__u32 next_hop;			/* where it goes */
	__u32 encapsulation;		/* of that tunnel */
	__u32 group;			/* of the capability */
	__u32 local_group;
	__u32 policy;			/* of the capability; 0: none */
	__be32 fragment;		/* identification */
	__u32 site;			/* that a QUIC packet names; 0: none */
	__u32 endpoint;
	__u32 mtu;			/* what to say in reject-too-big */
	__be16 to_port;
	__u8 hop_limit;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 l4_header;
	__u8 verdict;			/* enum semr_verdict */
	__u8 option;			/* place in the TCP header: clamp.h */
	__u8 further;			/* octets behind the outer IPv6 header */
	__u16 extensions;		/* octets of headers that are skipped */
	__u8 outer;			/* next header of it, if there are any */
	bool decapsulated;
	bool last_leg;			/* was tunnelled twice */
	bool super;			/* will be cut into segments later */
	bool quoted;			/* an ICMPv6 error; flow: of its quote */
	bool on_way_back;		/* answered through the flow's site */
	bool first_fragment;		/* of TCP or UDP; flow: has the ports */
	bool later_fragment;		/* it has no ports */
	bool new_flow;			/* begins with it */
	bool policed;			/* its tenant is known and must be right */
	bool foreign;			/* the capability is another tenant's */
	bool marked;			/* first_word is to be written */
	__u8 tag;
	__u8 flags;			/* of the capability: SEMR_BY_... */
	__u8 tags;			/* that were taken off the frame */
	struct semr_vlan vlans[SEMR_VLANS];	/* the outermost first */
};

static __always_inline bool in_domain(const __u8 *address)
{
	__u32 high;
	__u16 low;

	__builtin_memcpy(&high, address, 4);
	__builtin_memcpy(&low, address + 4, 2);
	return high == *(const volatile __u32 *)&semr_domain[0] &&
	       low == *(const volatile __u16 *)&semr_domain[4];
}

static __always_inline void copy_locator(void *address)
{
	__u64 words[2];

	words[0] = *(const volatile __u64 *)&semr_locator[0];
	words[1] = *(const volatile __u64 *)&semr_locator[8];
	__builtin_memcpy(address, words, 16);
}

static __always_inline bool is_locator(const __u8 *address)
{
	__u64 words[2];

	__builtin_memcpy(words, address, 16);
	return words[0] == *(const volatile __u64 *)&semr_locator[0] &&
	       words[1] == *(const volatile __u64 *)&semr_locator[8];
}

static __always_inline bool same_octets(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) |
		 (x[3] ^ y[3]));
}

/* NULL while no IPv4 is translated here. */
static __always_inline struct semr_edge *edge_now(void)
{
	__u32 zero = 0;
	struct semr_edge *now = bpf_map_lookup_elem(&edge, &zero);

	return now && READ_ONCE(now->on) ? now : NULL;
}

/* An IPv4 host's of this side? */
static __always_inline bool
in_prefix(const struct semr_edge *now, const void *address)
{
	const __u32 *a = (const void *)now->prefix, *b = address;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]));
}

/* Facts of the IPv6 header @ip. False for another version. */
static __always_inline bool
read_ipv6(struct semr_packet *packet, const struct ipv6hdr *ip)
{
	const word64 *words = anywhere(ip);
	word64 *client = (word64 *)packet->flow.client;
	word64 *capability = (word64 *)packet->flow.capability;
	__u64 first = words[0];		/* up to the hop limit */

	if ((first & 0xf0) != 0x60)
		return false;
	client[0] = words[1];
	client[1] = words[2];
	capability[0] = words[3];
	capability[1] = words[4];
	packet->first_word = first;
	packet->flow.protocol = first >> 48;
	packet->hop_limit = first >> 56;
	packet->length = sizeof(*ip) + bpf_ntohs(first >> 32);
	packet->segment = packet->length;
	packet->packets = 1;
	return true;
}

static __always_inline bool is_transport(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Where the transport header is in the frame. */
static __always_inline __u32 l4_of(const struct semr_packet *packet)
{
	/* the mask changes nothing, and shows the verifier a bound */
	return SEMR_L4 + (packet->extensions & 0x1f8);
}

/*
 * Facts of the TCP, UDP or ICMPv6 header behind @skipped octets of extension
 * headers. False when it is not complete inside the packet. Other protocols have
 * no facts.
 */
static __always_inline bool
read_l4_behind(void *ctx, enum semr_hook hook, struct semr_packet *packet,
	       __u32 skipped)
{
	struct cursor c = open_frame(ctx, hook);
	__u32 payload = packet->length - sizeof(struct ipv6hdr) - skipped;

	if (!take(&c, SEMR_L4 + skipped))
		return false;
	if (packet->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = take(&c, sizeof(*tcp));

		if (!tcp || payload < sizeof(*tcp))
			return false;
		packet->l4_header = tcp->doff * 4;
		if (packet->l4_header < sizeof(*tcp) ||
		    packet->l4_header > payload)
			return false;
		packet->flow.client_port = tcp->source;
		packet->flow.capability_port = tcp->dest;
		packet->tcp_flags = ((__u8 *)tcp)[13];
	} else if (packet->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = take(&c, sizeof(*udp));

		if (!udp || payload < sizeof(*udp))
			return false;
		packet->l4_header = sizeof(*udp);
		packet->flow.client_port = udp->source;
		packet->flow.capability_port = udp->dest;
	} else if (packet->flow.protocol == IPPROTO_ICMPV6) {
		struct icmp6hdr *icmp = take(&c, sizeof(*icmp));

		if (!icmp || payload < sizeof(*icmp))
			return false;
		packet->icmp_type = icmp->icmp6_type;
	}
	if (hook == SEMR_HOOK_TC) {
		struct __sk_buff *skb = ctx;

		if (skb->gso_size) {
			packet->super = true;
			packet->segment = sizeof(struct ipv6hdr) + skipped +
					  packet->l4_header + skb->gso_size;
			if (skb->gso_segs)
				packet->packets = skb->gso_segs;
		}
	}
	return true;
}

static __always_inline bool
read_l4(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	return read_l4_behind(ctx, hook, packet, 0);
}

/* RFC 4443 section 2.1, once read_l4 has been there */
static __always_inline bool is_icmp_error(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_ICMPV6 &&
	       packet->icmp_type < SEMR_ICMP_FIRST_INFORMATIONAL;
}

/* The same flow seen from its other end. */
static __always_inline void turn_round(struct semr_flow_key *flow)
{
	struct semr_flow_key turned = *flow;

	__builtin_memcpy(turned.client, flow->capability, 16);
	__builtin_memcpy(turned.capability, flow->client, 16);
	turned.client_port = flow->capability_port;
	turned.capability_port = flow->client_port;
	*flow = turned;
}

/*
 * The flow of an ICMPv6 error is that of the packet it quotes, which went the
 * other way (RFC 7690, RFC 5508 REQ-4). False when the quote is no whole TCP or
 * UDP header, or is not from whom the error is for: that error has no flow.
 */
static __always_inline bool
read_quote(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	__u32 needed = sizeof(struct icmp6hdr) + 2 * sizeof(struct ipv6hdr);
	struct ipv6hdr *ip;
	__be16 *ports;

	if (packet->extensions || !take(&c, SEMR_QUOTE))
		return false;
	ip = take(&c, sizeof(*ip));
	if (!ip || ip->version != 6 ||
	    !same_octets(&ip->saddr, packet->flow.capability))
		return false;
	if (ip->nexthdr == IPPROTO_TCP) {
		ports = take(&c, sizeof(struct tcphdr));
		needed += sizeof(struct tcphdr);
	} else if (ip->nexthdr == IPPROTO_UDP) {
		ports = take(&c, sizeof(struct udphdr));
		needed += sizeof(struct udphdr);
	} else {
		return false;
	}
	if (!ports || packet->length < needed)
		return false;
	__builtin_memcpy(packet->flow.client, &ip->daddr, 16);
	packet->flow.protocol = ip->nexthdr;
	packet->flow.client_port = ports[1];
	packet->flow.capability_port = ports[0];
	packet->quoted = true;
	return true;
}

static __always_inline bool is_fragment(const struct semr_packet *packet)
{
	return packet->first_fragment || packet->later_fragment;
}

static __always_inline bool is_syn(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_TCP &&
	       (packet->tcp_flags & (SEMR_TCP_SYN | SEMR_TCP_ACK |
				     SEMR_TCP_RST | SEMR_TCP_FIN)) ==
		       SEMR_TCP_SYN;
}

/*
 * abi.h says what it is and who uses which bits. Sum of products, because they
 * do not wait for each other.
 */
static __always_inline __u32 flow_hash(const struct semr_flow_key *key)
{
	__u64 words[4], last, hash;

	__builtin_memcpy(words, __builtin_assume_aligned(key, 8),
			 sizeof(words));
	/* as it lies in memory, but not read at once: it was written in parts */
	last = key->client_port | (__u32)key->capability_port << 16 |
	       (__u64)key->protocol << 32;
	hash = (words[0] ^ semr_hash_seed) * 0x9e3779b97f4a7c15ULL +
	       words[1] * 0xbf58476d1ce4e5b9ULL +
	       words[2] * 0x94d049bb133111ebULL +
	       words[3] * 0xd6e8feb86659fd93ULL + last * 0xa0761d6478bd642fULL;
	hash = (hash ^ hash >> 32) * 0xe7037ed1a0b428dbULL;
	hash = (hash ^ hash >> 29) * 0x8ebc6af09c88c6e3ULL;
	return hash >> 32;
}

#endif
