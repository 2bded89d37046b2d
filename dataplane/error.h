/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* ICMPv6 errors: RFC 4443. */
#ifndef SEMR_ERROR_H
#define SEMR_ERROR_H

#include "reply.h"

#define SEMR_ERROR_HEADERS 48		/* IPv6 and ICMPv6 */
#define SEMR_QUOTE_MAX (SEMR_MIN_MTU - SEMR_ERROR_HEADERS)

struct icmp_error {
	__u8 type;
	__u8 code;
	__u32 mtu;
};

/* RFC 4443 sections 3.1 to 3.3 */
static __always_inline struct icmp_error
error_for(const struct semr_packet *packet)
{
	struct icmp_error error = { .type = ICMPV6_DEST_UNREACH };

	switch (packet->verdict) {
	case SEMR_REJECT_HOP_LIMIT:
		error.type = ICMPV6_TIME_EXCEED;
		break;
	case SEMR_REJECT_TOO_BIG:
		error.type = ICMPV6_PKT_TOOBIG;
		error.mtu = packet->mtu < SEMR_MIN_MTU ? SEMR_MIN_MTU :
							 packet->mtu;
		break;
	case SEMR_REJECT_EMPTY_GROUP:
	case SEMR_REJECT_COLLISION:
	case SEMR_REJECT_LOST_STATE:	/* behind extension headers */
		error.code = ICMPV6_ADDR_UNREACH;
		break;
	case SEMR_REJECT_PROTOCOL:
	case SEMR_REJECT_PORT:
		error.code = ICMPV6_PORT_UNREACH;
		break;
	case SEMR_DROP_FRAGMENT:
		error.code = ICMPV6_ADM_PROHIBITED;
		break;
	default:
		error.code = ICMPV6_NOROUTE;
		break;
	}
	return error;
}

/*
 * Adds 48 octets behind the Ethernet header. tc: where the kernel takes the
 * packet to begin, since programs behind ask for that (edge.h).
 */
static __always_inline bool
open_front(void *ctx, enum semr_hook hook, const struct ethhdr *ethernet)
{
	struct cursor c;
	struct ethhdr *at;

	if (hook == SEMR_HOOK_TC) {
		struct __sk_buff *skb = ctx;

		return !bpf_skb_adjust_room(skb, SEMR_ERROR_HEADERS,
					    BPF_ADJ_ROOM_MAC, 0) &&
		       !bpf_skb_pull_data(skb, skb->len);
	}
	if (bpf_xdp_adjust_head(ctx, -SEMR_ERROR_HEADERS))
		return false;
	c = open_frame(ctx, hook);
	at = ethernet_of(&c);
	if (!at)
		return false;
	*at = *ethernet;
	return true;
}

/*
 * Sum of the frame's octets from @offset to its end, at most 1280. What is left
 * of whole 16 octets comes first: behind the loop, the verifier would look at it
 * again for each place where the loop may end.
 */
static __always_inline int sum_from(struct cursor c, __u32 offset)
{
	__u64 sum = 0;
	__u32 *words;
	__u32 left;

	if (offset > SEMR_L4 + SEMR_EXTENSIONS_MAX + 8 + SEMR_ERROR_HEADERS ||
	    !take(&c, offset))
		return 0;
	left = c.end - c.at;
	if (left <= SEMR_MIN_MTU) {
		struct cursor last = c;

		last.at += left & 0x7f0;
		for (int i = 0; i < 7; i++) {
			__u16 *pair = take(&last, 2);

			if (!pair)
				break;
			sum += *pair;
		}
		if (left & 1) {
			__u8 *octet = take(&last, 1);

			if (octet)
				sum += bpf_htons(*octet << 8);
		}
	}
	for (int i = 0; i < SEMR_MIN_MTU / 16; i++) {
		words = take(&c, 16);
		if (!words)
			break;
		sum += (__u64)words[0] + words[1] + words[2] + words[3];
	}
	return fold(sum);
}

SEMR_STAGE int semr_sum_xdp(struct xdp_md *ctx, __u32 offset)
{
	return sum_from(open_frame(ctx, SEMR_HOOK_XDP), offset);
}

SEMR_STAGE int semr_sum_tc(struct __sk_buff *ctx, __u32 offset)
{
	return sum_from(open_frame(ctx, SEMR_HOOK_TC), offset);
}

static __always_inline int
sum_frame(void *ctx, enum semr_hook hook, __u32 offset)
{
	return hook == SEMR_HOOK_TC ? semr_sum_tc(ctx, offset) :
				      semr_sum_xdp(ctx, offset);
}

/*
 * The checksum of the ICMPv6 error in the frame. If somebody will still finish
 * a checksum inside the quote (@partial), the quote behind its IPv6 header will
 * sum up to the complement of that packet's pseudo-header, whatever it holds.
 */
static __always_inline __sum16
error_checksum(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	       __u32 length, bool partial)
{
	__u64 sum = (__u64)bpf_htonl(length) + bpf_htonl(IPPROTO_ICMPV6);

	sum += sum_frame(ctx, hook,
			 SEMR_L3 + offsetof(struct ipv6hdr, saddr));
	if (partial) {
		__sum16 *pseudo;

		sum += (__u16)~sum_frame(ctx, hook,
					 l4_of(packet) + SEMR_ERROR_HEADERS);
		pseudo = field_at(open_frame(ctx, hook),
				  SEMR_ERROR_HEADERS +
				  l4_of(packet) - SEMR_L4 +
				  checksum_offset(packet->flow.protocol));
		if (pseudo)
			sum += (__u16)~*pseudo;
	}
	return ~fold(sum);
}

/* An ICMPv6 error in front of what it is about. */
static __always_inline int
answer_error(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct icmp_error error = error_for(packet);
	__u32 skipped = l4_of(packet) - SEMR_L4;
	bool partial = is_unfinished(ctx, hook, packet, skipped);
	__u32 quote = packet->length;
	struct ethhdr ethernet, *at;
	struct icmp6hdr *icmp;
	struct ipv6hdr *ip;
	struct cursor c;
	__sum16 check;

	if (quote > SEMR_QUOTE_MAX)
		quote = SEMR_QUOTE_MAX;
	c = open_frame(ctx, hook);
	at = ethernet_of(&c);
	if (!at)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	ethernet = *at;
	if (!cut(ctx, hook, quote) || !open_front(ctx, hook, &ethernet))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	c = open_frame(ctx, hook);
	if (!ethernet_of(&c))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	ip = take(&c, sizeof(*ip));
	if (!ip)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	icmp = take(&c, sizeof(*icmp));
	if (!icmp)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	write_ipv6(ip, packet, sizeof(*icmp) + quote, IPPROTO_ICMPV6);
	copy_locator(&ip->saddr);
	__builtin_memset(icmp, 0, sizeof(*icmp));
	icmp->icmp6_type = error.type;
	icmp->icmp6_code = error.code;
	icmp->icmp6_mtu = bpf_htonl(error.mtu);

	check = error_checksum(ctx, hook, packet, sizeof(*icmp) + quote,
			       partial);
	c = open_frame(ctx, hook);
	if (!take(&c, SEMR_L4))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	icmp = take(&c, sizeof(*icmp));
	if (!icmp)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	icmp->icmp6_cksum = check;
	if (packet->on_way_back) {
		packet->first_word = bpf_htonl(0x60000000);
		packet->hop_limit = SEMR_ANSWER_HOP_LIMIT;
		packet->length = SEMR_ERROR_HEADERS + quote;
		packet->segment = packet->length;
		packet->super = false;
	}
	return reply(ctx, hook, packet);
}

SEMR_STAGE_AT_HOOKS(semr_error, answer_error, struct semr_packet, drop(hook))

#endif
