/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Replaces one end of a TCP or UDP packet. */
#ifndef SEMR_TRANSLATE_H
#define SEMR_TRANSLATE_H

#include "checksum.h"

/* Which end: offsets of its address and port in the frame. */
static __always_inline __u32 address_offset(enum semr_verdict verdict)
{
	return SEMR_L3 + (verdict == SEMR_RETURNED ?
				  offsetof(struct ipv6hdr, saddr) :
				  offsetof(struct ipv6hdr, daddr));
}

static __always_inline __u32 port_offset(enum semr_verdict verdict)
{
	return SEMR_L4 + (verdict == SEMR_RETURNED ? 0 : 2);
}

static __always_inline const __u8 *
translated_address(const struct semr_packet *packet, bool back)
{
	return back ? packet->flow.client : packet->flow.capability;
}

static __always_inline __be16
translated_port(const struct semr_packet *packet, bool back)
{
	return back ? packet->flow.client_port : packet->flow.capability_port;
}

#define QUOTED_L4 (SEMR_QUOTE + 40)	/* transport header in a quote */

static __always_inline bool
put(void *ctx, enum semr_hook hook, __u32 offset, const void *from, __u32 size)
{
	struct cursor c;
	__be16 *at;

	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_store_bytes(ctx, offset, from, size,
					    BPF_F_RECOMPUTE_CSUM);
	c = open_frame(ctx, hook);
	at = c.at + offset;
	if ((void *)at + size > c.end)
		return false;
	__builtin_memcpy(at, from, size);
	return true;
}

/*
 * The socket buffer's own state (unfinished, complete) is kept right by the
 * helpers: an address is part of skb->csum and of the pseudo-header; a port is
 * under the checksum, so that the two changes cancel out.
 */
static __always_inline bool
translate_skb(struct __sk_buff *skb, const struct semr_packet *packet,
	      enum semr_verdict verdict, const __u8 *from, __be16 from_port)
{
	__u8 protocol = packet->flow.protocol;
	__u32 skipped = l4_of(packet) - SEMR_L4;
	__u32 check = checksum_offset(protocol) + skipped;
	__u64 flags = protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__s64 change;

	change = bpf_csum_diff((void *)from, 16, (void *)packet->to, 16, 0);
	if (change < 0 ||
	    bpf_l4_csum_replace(skb, check, 0, change,
				flags | BPF_F_PSEUDO_HDR) ||
	    bpf_l4_csum_replace(skb, check, from_port, packet->to_port,
				flags | 2) ||
	    bpf_skb_store_bytes(skb, address_offset(verdict), packet->to, 16,
				BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, port_offset(verdict) + skipped,
				&packet->to_port, 2, 0))
		return false;
	return true;
}

/* RFC 1624 equation 3; RFC 8200 section 8.1 for a UDP result of zero. */
static __always_inline void
change_checksum(__sum16 *check, __u64 addresses, __u64 ports, bool partial,
		__u8 protocol)
{
	if (partial) {
		*check = fold(addresses + *check);
	} else if (*check || protocol == IPPROTO_TCP) {
		*check = ~fold(addresses + ports + (__u16)~*check);
		if (!*check && protocol == IPPROTO_UDP)
			*check = 0xffff;
	}
}

/* In words: the address lies at an odd multiple of two octets in the frame. */
static __always_inline void put_address(__u8 *at, const __u8 *address)
{
	__u32 words[4];

	__builtin_memcpy(words, address, sizeof(words));
	((__u32 *)at)[0] = words[0];
	((__u32 *)at)[1] = words[1];
	((__u32 *)at)[2] = words[2];
	((__u32 *)at)[3] = words[3];
}

SEMR_STAGE int
semr_translate_xdp(struct xdp_md *ctx, const struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, SEMR_HOOK_XDP);
	enum semr_verdict verdict;
	__sum16 *check, *port;
	const __u8 *from;
	__be16 from_port;
	__u32 skipped;
	__u64 change;
	bool partial;

	if (!packet || c.at + SEMR_L4 > c.end)
		return false;
	verdict = packet->verdict;
	from = translated_address(packet, verdict == SEMR_RETURNED);
	from_port = translated_port(packet, verdict == SEMR_RETURNED);
	if (packet->later_fragment) {
		put_address(c.at + address_offset(verdict), packet->to);
		return true;
	}
	skipped = l4_of(packet) - SEMR_L4;
	check = checksum_field(c, packet->flow.protocol, skipped);
	port = field_at(c, port_offset(verdict) + skipped);
	if (!check || !port)
		return false;
	change = sum_address(packet->to) + 4 * 0xffffffffULL -
		 sum_address(from);
	partial = is_unfinished(ctx, SEMR_HOOK_XDP, packet, skipped);
	change_checksum(check, change, packet->to_port + (__u16)~from_port,
			partial, packet->flow.protocol);
	put_address(c.at + address_offset(verdict), packet->to);
	*port = packet->to_port;
	return true;
}

/*
 * An ICMPv6 error about a packet that was translated: to its receiver it looks
 * as if that had never happened (RFC 5508 REQ-4 and REQ-5). Its source on the
 * way back is the capability too, whoever sent it. What changes inside the quote
 * is made up for by the quoted checksum, if there is one; so the error's own
 * changes by the outer address only. The quoted one may be unfinished: whoever
 * sent the error summed it as it is. All fields keep skb->csum right.
 */
static __always_inline bool
translate_quote(void *ctx, enum semr_hook hook,
		const struct semr_packet *packet)
{
	bool back = packet->verdict == SEMR_RETURNED;
	__be16 from_port = translated_port(packet, back);
	bool udp = packet->flow.protocol == IPPROTO_UDP;
	struct cursor c = open_frame(ctx, hook);
	__u64 to, quote, whole;
	struct ipv6hdr *outer;
	__sum16 *field, check, quoted;
	struct icmp6hdr *icmp;

	if (!ethernet_of(&c))
		return false;
	outer = take(&c, sizeof(*outer));
	if (!outer)
		return false;
	icmp = take(&c, sizeof(*icmp));
	if (!icmp)
		return false;
	if (!take(&c, sizeof(struct ipv6hdr)))
		return false;
	field = field_at(c, udp ? offsetof(struct udphdr, check) :
				  offsetof(struct tcphdr, check));
	if (!field)
		return false;
	to = sum_address(packet->to) + 4 * 0xffffffffULL;
	quote = to - sum_address(translated_address(packet, back)) +
		packet->to_port + (__u16)~from_port;
	whole = to - sum_address(back ? &outer->saddr : &outer->daddr);
	quoted = *field;
	if (udp && !quoted) {
		whole += quote;
	} else {
		quoted = ~fold(quote + (__u16)~quoted);
		if (udp && !quoted)
			quoted = 0xffff;
	}
	check = ~fold(whole + (__u16)~icmp->icmp6_cksum);
	return put(ctx, hook, address_offset(packet->verdict), packet->to,
		   16) &&
	       put(ctx, hook,
		   SEMR_L4 + offsetof(struct icmp6hdr, icmp6_cksum), &check,
		   2) &&
	       put(ctx, hook,
		   SEMR_QUOTE + (back ? offsetof(struct ipv6hdr, daddr) :
					offsetof(struct ipv6hdr, saddr)),
		   packet->to, 16) &&
	       put(ctx, hook, QUOTED_L4 + (back ? 2 : 0), &packet->to_port,
		   2) &&
	       put(ctx, hook,
		   QUOTED_L4 + (udp ? offsetof(struct udphdr, check) :
				      offsetof(struct tcphdr, check)),
		   &quoted, 2);
}

SEMR_STAGE_AT_HOOKS(semr_quote, translate_quote, struct semr_packet, false)

static __always_inline bool
translate(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	  enum semr_verdict verdict)
{
	bool back = verdict == SEMR_RETURNED;

	if (packet->quoted)	/* done before: see semr.bpf.c */
		return true;
	if (hook == SEMR_HOOK_XDP)
		return semr_translate_xdp(ctx, packet);
	if (packet->later_fragment)	/* its checksum is in the first */
		return put(ctx, hook, address_offset(verdict), packet->to, 16);
	return translate_skb(ctx, packet, verdict,
			     translated_address(packet, back),
			     translated_port(packet, back));
}

#endif
