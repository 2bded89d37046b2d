/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What a rejected packet's sender is told, and echo replies. */
#ifndef SEMR_ANSWER_H
#define SEMR_ANSWER_H

#include "forward.h"

#define SEMR_ANSWER_HOP_LIMIT 64
#define SEMR_ERROR_HEADERS 48		/* IPv6 and ICMPv6 */
#define SEMR_QUOTE_MAX (SEMR_MIN_MTU - SEMR_ERROR_HEADERS)
#define SEMR_SECOND 1000000000ULL

/* May one more ICMPv6 error go out on this processor? */
static __always_inline bool take_token(void)
{
	struct semr_bucket *bucket;
	__u32 zero = 0;
	__u64 now, elapsed, fresh;

	bucket = bpf_map_lookup_elem(&answers, &zero);
	if (!bucket)
		return false;
	now = bpf_ktime_get_ns();
	elapsed = now - bucket->refilled;
	if (!bucket->refilled) {
		bucket->tokens = semr_answers_burst;
		bucket->refilled = now;
	} else {
		if (elapsed > 4 * SEMR_SECOND)
			elapsed = 4 * SEMR_SECOND;
		fresh = elapsed * semr_answers_per_second / SEMR_SECOND;
		if (fresh) {
			bucket->tokens += fresh;
			bucket->refilled = now;
		}
		if (bucket->tokens > semr_answers_burst)
			bucket->tokens = semr_answers_burst;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens -= 1;
	return true;
}

static __always_inline void swap_macs(struct ethhdr *ethernet)
{
	__u8 saved[ETH_ALEN];

	__builtin_memcpy(saved, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, saved, ETH_ALEN);
}

/* Back through the port of arrival, or to the stack, which routes it. */
static __always_inline int
reply(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	struct ethhdr *ethernet = ethernet_of(&c);

	if (!sends_itself(hook, packet))
		return XDP_PASS;
	if (ethernet)
		swap_macs(ethernet);
	if (hook == SEMR_HOOK_TC)
		return bpf_redirect(packet->ifindex, 0);
	return XDP_TX;
}

/* Cuts the frame behind @payload octets of IPv6. Never makes it longer. */
static __always_inline bool
cut(void *ctx, enum semr_hook hook, __u32 payload)
{
	__u32 now = frame_payload(ctx, hook);

	if (hook == SEMR_HOOK_TC)	/* also ends its being a super-packet */
		return !bpf_skb_change_tail(ctx, SEMR_L3 + payload, 0);
	if (now <= payload)
		return true;
	return !bpf_xdp_adjust_tail(ctx, -(int)(now - payload));
}

static __always_inline void
write_ipv6(struct ipv6hdr *ip, const struct semr_packet *packet,
	   __u16 payload, __u8 protocol)
{
	__be32 word = bpf_htonl(0x60000000);

	__builtin_memcpy(ip, &word, 4);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = protocol;
	ip->hop_limit = SEMR_ANSWER_HOP_LIMIT;
	__builtin_memcpy(&ip->daddr, packet->flow.client, 16);
}

/* RFC 9293 section 3.10.7.1, in place of the segment. */
static __always_inline int
answer_reset(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	bool partial = is_unfinished(ctx, hook, packet);
	struct tcphdr *tcp, reset = {};
	struct cursor c;
	struct ipv6hdr *ip;
	__u64 sum;

	if (!cut(ctx, hook, SEMR_L4 - SEMR_L3 + sizeof(*tcp)))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	c = open_frame(ctx, hook);
	if (!ethernet_of(&c))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	ip = take(&c, sizeof(*ip));
	if (!ip)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	tcp = take(&c, sizeof(*tcp));
	if (!tcp)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);

	reset.source = packet->flow.capability_port;
	reset.dest = packet->flow.client_port;
	reset.doff = sizeof(reset) / 4;
	reset.rst = 1;
	if (packet->tcp_flags & SEMR_TCP_ACK) {
		reset.seq = tcp->ack_seq;
	} else {
		__u32 next = bpf_ntohl(tcp->seq) + packet->length -
			     sizeof(*ip) - packet->l4_header;

		next += !!(packet->tcp_flags & SEMR_TCP_SYN);
		next += !!(packet->tcp_flags & SEMR_TCP_FIN);
		reset.ack = 1;
		reset.ack_seq = bpf_htonl(next);
	}
	write_ipv6(ip, packet, sizeof(reset), IPPROTO_TCP);
	__builtin_memcpy(&ip->saddr, packet->flow.capability, 16);
	sum = pseudo_header(packet->flow.capability, packet->flow.client,
			    sizeof(reset), IPPROTO_TCP);
	if (partial) {
		reset.check = fold(sum);
	} else {
		__u32 words[5];

		__builtin_memcpy(words, &reset, sizeof(words));
		sum += (__u64)words[0] + words[1] + words[2] + words[3] +
		       words[4];
		reset.check = ~fold(sum);
	}
	*tcp = reset;
	return reply(ctx, hook, packet);
}

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
		error.code = ICMPV6_ADDR_UNREACH;
		break;
	case SEMR_REJECT_PROTOCOL:
	case SEMR_REJECT_PORT:
		error.code = ICMPV6_PORT_UNREACH;
		break;
	default:
		error.code = ICMPV6_NOROUTE;
		break;
	}
	return error;
}

/* Adds 48 octets in front; the Ethernet header comes to lie at the start. */
static __always_inline bool
open_front(void *ctx, enum semr_hook hook, const struct ethhdr *ethernet)
{
	struct cursor c;
	struct ethhdr *at;

	if (hook == SEMR_HOOK_TC) {
		struct __sk_buff *skb = ctx;

		if (bpf_skb_change_head(skb, SEMR_ERROR_HEADERS, 0) ||
		    bpf_skb_pull_data(skb, skb->len))
			return false;
	} else if (bpf_xdp_adjust_head(ctx, -SEMR_ERROR_HEADERS)) {
		return false;
	}
	c = open_frame(ctx, hook);
	at = ethernet_of(&c);
	if (!at)
		return false;
	*at = *ethernet;
	return true;
}

/* Sum of the frame's octets from @offset to its end. */
static __always_inline int sum_from(struct cursor c, __u32 offset)
{
	__u64 sum = 0;
	__u32 *words;
	__u16 *pair;
	__u8 *last;

	if (offset > SEMR_L4 + SEMR_ERROR_HEADERS || !take(&c, offset))
		return 0;
	for (int i = 0; i < SEMR_MIN_MTU / 16; i++) {
		words = take(&c, 16);
		if (!words)
			break;
		sum += (__u64)words[0] + words[1] + words[2] + words[3];
	}
	for (int i = 0; i < 7; i++) {
		pair = take(&c, 2);
		if (!pair)
			break;
		sum += *pair;
	}
	last = take(&c, 1);
	if (last)
		sum += bpf_htons(*last << 8);
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
					 SEMR_L4 + SEMR_ERROR_HEADERS);
		pseudo = field_at(open_frame(ctx, hook),
				  SEMR_ERROR_HEADERS +
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
	bool partial = is_unfinished(ctx, hook, packet);
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
	return reply(ctx, hook, packet);
}

/* RFC 4443 section 4.2, in place of the request. */
static __always_inline int
answer_echo(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	struct icmp6hdr *icmp;
	struct ipv6hdr *ip;
	__u16 before, after;

	if (!ethernet_of(&c))
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	ip = take(&c, sizeof(*ip));
	if (!ip)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	icmp = take(&c, sizeof(*icmp));
	if (!icmp)
		return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
	__builtin_memcpy(&ip->saddr, packet->flow.capability, 16);
	__builtin_memcpy(&ip->daddr, packet->flow.client, 16);
	ip->hop_limit = SEMR_ANSWER_HOP_LIMIT;
	before = *(__u16 *)icmp;
	icmp->icmp6_type = SEMR_ICMP_ECHO_REPLY;
	after = *(__u16 *)icmp;
	icmp->icmp6_cksum = ~fold((__u64)(__u16)~icmp->icmp6_cksum +
				  (__u16)~before + after);
	return reply(ctx, hook, packet);
}

static __always_inline bool is_reset(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_TCP &&
	       (packet->verdict == SEMR_REJECT_EMPTY_GROUP ||
		packet->verdict == SEMR_REJECT_COLLISION ||
		packet->verdict == SEMR_REJECT_LOST_STATE ||
		packet->verdict == SEMR_REJECT_PORT);
}

/* RFC 4443 section 2.4 e; nothing answers a RST. */
static __always_inline bool is_unanswerable(const struct semr_packet *packet)
{
	if (packet->flow.protocol == IPPROTO_TCP)
		return packet->tcp_flags & SEMR_TCP_RST;
	return packet->flow.protocol == IPPROTO_ICMPV6 &&
	       (packet->icmp_type < SEMR_ICMP_FIRST_INFORMATIONAL ||
		packet->icmp_type == SEMR_ICMP_REDIRECT);
}

enum semr_answer {
	SEMR_SILENT,
	SEMR_ECHO,
	SEMR_RESET,
	SEMR_ERROR,
};

/* How to answer. The verdict changes when the reject stays silent. */
SEMR_STAGE int semr_answer(struct semr_packet *packet)
{
	if (!packet)
		return SEMR_SILENT;
	if (packet->verdict == SEMR_ANSWERED_ECHO)
		return SEMR_ECHO;
	if (is_unanswerable(packet)) {
		packet->verdict = SEMR_DROP_UNANSWERABLE;
		return SEMR_SILENT;
	}
	if (is_reset(packet))
		return SEMR_RESET;
	if (take_token())
		return SEMR_ERROR;
	packet->verdict = SEMR_DROP_RATE_LIMITED;
	return SEMR_SILENT;
}

SEMR_STAGE int semr_echo_xdp(struct xdp_md *ctx, struct semr_packet *packet)
{
	return packet ? answer_echo(ctx, SEMR_HOOK_XDP, packet) : XDP_DROP;
}

SEMR_STAGE int semr_echo_tc(struct __sk_buff *ctx, struct semr_packet *packet)
{
	return packet ? answer_echo(ctx, SEMR_HOOK_TC, packet) : TC_ACT_SHOT;
}

SEMR_STAGE int semr_reset_xdp(struct xdp_md *ctx, struct semr_packet *packet)
{
	return packet ? answer_reset(ctx, SEMR_HOOK_XDP, packet) : XDP_DROP;
}

SEMR_STAGE int semr_reset_tc(struct __sk_buff *ctx, struct semr_packet *packet)
{
	return packet ? answer_reset(ctx, SEMR_HOOK_TC, packet) : TC_ACT_SHOT;
}

SEMR_STAGE int semr_error_xdp(struct xdp_md *ctx, struct semr_packet *packet)
{
	return packet ? answer_error(ctx, SEMR_HOOK_XDP, packet) : XDP_DROP;
}

SEMR_STAGE int semr_error_tc(struct __sk_buff *ctx, struct semr_packet *packet)
{
	return packet ? answer_error(ctx, SEMR_HOOK_TC, packet) : TC_ACT_SHOT;
}

/* Carries out a reject or an echo reply. The hook's action. */
static __always_inline int
answer(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	bool tc = hook == SEMR_HOOK_TC;

	switch (semr_answer(packet)) {
	case SEMR_ECHO:
		return tc ? semr_echo_tc(ctx, packet) :
			    semr_echo_xdp(ctx, packet);
	case SEMR_RESET:
		return tc ? semr_reset_tc(ctx, packet) :
			    semr_reset_xdp(ctx, packet);
	case SEMR_ERROR:
		return tc ? semr_error_tc(ctx, packet) :
			    semr_error_xdp(ctx, packet);
	default:
		return drop(hook);
	}
}

#endif
