/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Datagrams that are not spread by their flows, where a capability says so. */
#ifndef SEMR_SPREAD_H
#define SEMR_SPREAD_H

#include "parse.h"

/* SEMR_BY_... of this packet: TCP knows no other way than its connections. */
static __always_inline __u8 spread_of(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_UDP ? packet->flags : 0;
}

/* What the packet's flow is remembered by. */
static __always_inline struct semr_flow_key
key_of(const struct semr_packet *packet)
{
	struct semr_flow_key key = packet->flow;

	if (spread_of(packet) & SEMR_BY_ADDRESSES) {
		key.client_port = 0;
		key.capability_port = 0;
	}
	return key;
}

/*
 * The packet's hash where its capability has flags. False for an error about a
 * datagram that took its turn: nobody knows where that came from.
 */
SEMR_STAGE int semr_spread(struct semr_packet *packet)
{
	struct semr_flow_key key;
	__u32 zero = 0, *turn;

	if (!packet)
		return false;
	if (spread_of(packet) & SEMR_BY_TURN) {
		turn = bpf_map_lookup_elem(&turns, &zero);
		if (packet->quoted || !turn)
			return false;
		packet->hash = *turn * SEMR_TURN_MULTIPLIER;
		*turn += 1;
		return true;
	}
	key = key_of(packet);
	packet->hash = flow_hash(&key);
	return true;
}

static __always_inline bool find_hash(struct semr_packet *packet)
{
	if (packet->flags)
		return semr_spread(packet);
	packet->hash = flow_hash(&packet->flow);
	return true;
}

#endif
