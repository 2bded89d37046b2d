/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* TCP is told early what a tunnel carries: the MSS option of SYNs. */
#ifndef SEMR_CLAMP_H
#define SEMR_CLAMP_H

#include "translate.h"
#include "tunnel.h"

#define SEMR_TCP_OPTIONS 10		/* that are looked at */
#define SEMR_TCP_MAX 60
#define SEMR_OPTION_END 0
#define SEMR_OPTION_NOTHING 1
#define SEMR_OPTION_MSS 2

/* Sums are of words: an option at an odd place has its octets in two of them. */
static __always_inline __be16 as_summed(__be16 value, bool odd)
{
	return odd ? __builtin_bswap16(value) : value;
}

/* Replaces the MSS at @at in the TCP header, checksum right (RFC 1624). */
static __always_inline bool
put_mss(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	__u32 at, __be16 before, __be16 after)
{
	__u32 skipped = l4_of(packet) - SEMR_L4;
	__u32 offset = l4_of(packet) + at;
	__be16 from = as_summed(before, at & 1), to = as_summed(after, at & 1);
	struct cursor c;
	__sum16 *check;
	__be16 *mss;

	if (hook == SEMR_HOOK_TC)
		return !bpf_l4_csum_replace(ctx,
					    checksum_offset(IPPROTO_TCP) +
						    skipped,
					    from, to, 2) &&
		       !bpf_skb_store_bytes(ctx, offset, &after, 2, 0);
	if (!is_unfinished(ctx, hook, packet, skipped)) {
		check = checksum_field(open_frame(ctx, hook), IPPROTO_TCP,
				       skipped);
		if (!check)
			return false;
		*check = ~fold((__u64)(__u16)~*check + (__u16)~from + to);
	}
	c = open_frame(ctx, hook);
	mss = field_at(c, offset);
	if (mss)
		*mss = after;
	return mss != NULL;
}

/*
 * Lowers the MSS to what fits into the tunnel of @packet without extension
 * headers and options (RFC 6691 section 2). Leaves options that are none alone.
 */
static __always_inline int
clamp(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	__u32 most = semr_tunnel_mtu - tunnel_headers(packet) -
		     sizeof(struct ipv6hdr) - sizeof(struct tcphdr);

	packet->option = sizeof(struct tcphdr);
	for (int i = 0; i < SEMR_TCP_OPTIONS; i++) {
		struct cursor c = open_frame(ctx, hook);
		/* from memory, so that the verifier sees one way, not many */
		__u32 at = *(volatile __u8 *)&packet->option;
		__u8 *option;

		if (at > SEMR_TCP_MAX - 4 || at + 4 > packet->l4_header)
			return 0;
		option = c.at + l4_of(packet) + at;
		if ((void *)(option + 4) > c.end)
			return 0;
		if (option[0] == SEMR_OPTION_NOTHING) {
			packet->option = at + 1;
		} else if (option[0] == SEMR_OPTION_END || option[1] < 2) {
			return 0;
		} else if (option[0] != SEMR_OPTION_MSS) {
			if (at + option[1] > SEMR_TCP_MAX)
				return 0;
			packet->option = at + option[1];
		} else if (option[1] == 4 &&
			   (__u32)(option[2] << 8 | option[3]) > most) {
			__be16 before;

			__builtin_memcpy(&before, option + 2, 2);
			return put_mss(ctx, hook, packet, at + 2, before,
				       bpf_htons(most));
		} else {
			return 0;
		}
	}
	return 0;
}

SEMR_STAGE_AT_HOOKS(semr_clamp, clamp, struct semr_packet, 0)

/* Is the packet, which goes through a tunnel, to be looked at? */
static __always_inline bool is_clamped(const struct semr_packet *packet)
{
	return packet->port.flags & SEMR_PORT_CLAMP &&
	       packet->tcp_flags & SEMR_TCP_SYN;
}

static __always_inline void
clamp_mss(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	if (hook == SEMR_HOOK_TC)
		semr_clamp_tc(ctx, packet);
	else
		semr_clamp_xdp(ctx, packet);
}

#endif
