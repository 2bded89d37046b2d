/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A capability answers ping while somebody serves it. */
#ifndef SEMR_ECHO_H
#define SEMR_ECHO_H

#include "reply.h"

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

SEMR_STAGE_AT_HOOKS(semr_echo, answer_echo, struct semr_packet, drop(hook))

#endif
