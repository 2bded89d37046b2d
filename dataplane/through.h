/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Core ports: what comes from a capability and goes on to its client. */
#ifndef SEMR_THROUGH_H
#define SEMR_THROUGH_H

#include "choose.h"
#include "clamp.h"
#include "forward.h"

/* The router behind which the flow's instance is. False: none, or this one. */
static __always_inline bool find_site(struct semr_packet *packet)
{
	struct semr_next_hop *hop;

	if (!semr_find(packet) && !semr_aggregate(packet))
		return false;
	/* which site that was, nobody knows */
	if (spread_of(packet) & SEMR_BY_TURN || !find_hash(packet))
		return false;
	packet->next_hop = semr_choose(packet);
	hop = next_hop_at(packet->next_hop);
	if (!hop || hop->kind != SEMR_TUNNEL)
		return false;
	into_tunnel(packet, hop);
	return true;
}

/*
 * The stack forwards it, but its "too big" would go to the capability's address
 * by the kernel's routes, which know none. So the pass says it, through the
 * tunnel that the client's own packets take. An enum semr_verdict.
 */
static __always_inline enum semr_verdict
through(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct bpf_fib_lookup fib = {};

	if ((packet->flow.protocol != IPPROTO_TCP &&
	     packet->flow.protocol != IPPROTO_UDP) ||
	    packet->length > frame_payload(ctx, hook) ||
	    !read_l4(ctx, hook, packet))
		return SEMR_PASSED;
	if (is_clamped(packet)) {
		turn_round(&packet->flow);
		if (find_site(packet))
			clamp_mss(ctx, hook, packet);
		return SEMR_PASSED;
	}
	if (packet->segment <= SEMR_MIN_MTU || packet->hop_limit <= 1)
		return SEMR_PASSED;
	fib.family = SEMR_AF_INET6;
	fib.tot_len = packet->segment;
	fib.ifindex = packet->ifindex;
	fib.l4_protocol = packet->flow.protocol;
	fib.sport = packet->flow.client_port;
	fib.dport = packet->flow.capability_port;
	fib.flowinfo = packet->first_word & bpf_htonl(0x0fffffff);
	__builtin_memcpy(fib.ipv6_src, packet->flow.client, 16);
	__builtin_memcpy(fib.ipv6_dst, packet->flow.capability, 16);
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) !=
	    BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return SEMR_PASSED;
	turn_round(&packet->flow);
	if (!find_site(packet))
		return SEMR_PASSED;
	packet->mtu = fib.mtu_result;
	packet->on_way_back = true;
	return SEMR_REJECT_TOO_BIG;
}

SEMR_STAGE_AT_HOOKS(semr_through, through, struct semr_packet, SEMR_PASSED)

#endif
