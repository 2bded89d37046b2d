/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* TCP that cannot be served is refused at once. */
#ifndef SEMR_RESET_H
#define SEMR_RESET_H

#include "reply.h"

/* RFC 9293 section 3.10.7.1, in place of the segment. */
static __always_inline int
answer_reset(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	bool partial = is_unfinished(ctx, hook, packet, 0);
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

SEMR_STAGE_AT_HOOKS(semr_reset, answer_reset, struct semr_packet, drop(hook))

#endif
