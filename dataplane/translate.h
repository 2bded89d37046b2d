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
	__u32 check = checksum_offset(protocol);
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
	    bpf_skb_store_bytes(skb, port_offset(verdict), &packet->to_port, 2,
				0))
		return false;
	return true;
}

/* RFC 1624 equation 3; RFC 8200 section 8.1 for a UDP result of zero. */
static __always_inline bool
translate_xdp(struct xdp_md *ctx, const struct semr_packet *packet,
	      enum semr_verdict verdict, const __u8 *from, __be16 from_port)
{
	__u8 protocol = packet->flow.protocol;
	bool partial = is_unfinished(ctx, SEMR_HOOK_XDP, packet);
	struct cursor c = open_frame(ctx, SEMR_HOOK_XDP);
	__sum16 *check = checksum_field(c, protocol);
	__u8 *frame = c.at;
	__u64 change;

	if (!check)
		return false;
	change = sum_address(packet->to) + 4 * 0xffffffffULL -
		 sum_address(from);
	if (partial) {
		*check = fold(change + *check);
	} else if (*check || protocol == IPPROTO_TCP) {
		change += packet->to_port + (__u16)~from_port;
		*check = ~fold(change + (__u16)~*check);
		if (!*check && protocol == IPPROTO_UDP)
			*check = 0xffff;
	}
	__builtin_memcpy(frame + address_offset(verdict), packet->to, 16);
	__builtin_memcpy(frame + port_offset(verdict), &packet->to_port, 2);
	return true;
}

static __always_inline bool
translate(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	  enum semr_verdict verdict)
{
	bool back = verdict == SEMR_RETURNED;
	const __u8 *from = back ? packet->flow.client :
				  packet->flow.capability;
	__be16 port = back ? packet->flow.client_port :
			     packet->flow.capability_port;

	if (hook == SEMR_HOOK_XDP)
		return translate_xdp(ctx, packet, verdict, from, port);
	return translate_skb(ctx, packet, verdict, from, port);
}

#endif
