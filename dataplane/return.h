/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The way back: what an instance answers gets its capability's address. */
#ifndef SEMR_RETURN_H
#define SEMR_RETURN_H

#include "deliver.h"
#include "fragment.h"

/*
 * How an instance answers what begins: its SYN and ACK, or a RST before it ever
 * said anything, or that it is unreachable. Counted for the control plane, which
 * takes an instance out that only refuses.
 */
static __always_inline bool
is_outcome(const struct semr_packet *packet, const struct semr_return *way)
{
	if (packet->quoted)
		return packet->icmp_type == SEMR_ICMP_UNREACHABLE;
	if (packet->flow.protocol != IPPROTO_TCP)
		return false;
	return (packet->tcp_flags & (SEMR_TCP_SYN | SEMR_TCP_ACK)) ==
		       (SEMR_TCP_SYN | SEMR_TCP_ACK) ||
	       (packet->tcp_flags & SEMR_TCP_RST && !way->packets);
}

SEMR_STAGE int
semr_note_outcome(const struct semr_packet *packet,
		  const struct semr_return *way)
{
	struct semr_next_hop_counters *counters;
	struct semr_flow_key key = {};
	__u32 index;

	if (!packet || !way)
		return 0;
	__builtin_memcpy(key.client, packet->flow.capability, 16);
	__builtin_memcpy(key.capability, way->capability, 16);
	key.client_port = packet->flow.capability_port;
	key.capability_port = way->capability_port;
	key.protocol = packet->flow.protocol;
	if (way->flags & SEMR_BY_ADDRESSES) {
		key.client_port = 0;
		key.capability_port = 0;
	}
	index = remembered_at(delivery_of(&key));
	counters = bpf_map_lookup_elem(&next_hop_counters, &index);
	if (!index || !counters)
		return 0;
	if (!packet->quoted && packet->tcp_flags & SEMR_TCP_SYN)
		counters->answered += 1;
	else
		counters->refused += 1;
	return 0;
}

SEMR_STAGE int semr_say_for_later(const struct semr_packet *packet)
{
	if (packet)
		say_for_later(packet, coarse_now(), false);
	return 0;
}

/* Stage 6. An enum semr_verdict. */
SEMR_STAGE int semr_give_back(struct semr_packet *packet)
{
	struct semr_return_key key = {};
	struct semr_return *way;
	__u32 now;

	if (!packet)
		return SEMR_PASSED;
	/* source and destination of a packet on its way back */
	__builtin_memcpy(key.agent, packet->flow.client, 16);
	__builtin_memcpy(key.client, packet->flow.capability, 16);
	key.agent_port = packet->flow.client_port;
	key.client_port = packet->flow.capability_port;
	key.protocol = packet->flow.protocol;
	way = bpf_map_lookup_elem(&returns, &key);
	if (!way)
		return SEMR_PASSED;
	if (is_fragment(packet) && !(way->flags & SEMR_BY_ADDRESSES))
		return SEMR_DROP_FRAGMENT;
	if (packet->first_fragment)
		semr_say_for_later(packet);
	if (packet->hop_limit <= 1)
		return SEMR_REJECT_HOP_LIMIT;
	now = coarse_now();
	if (!packet->quoted && way->seen != now)	/* RFC 5508 REQ-6 */
		way->seen = now;
	if (is_outcome(packet, way))
		semr_note_outcome(packet, way);
	if (packet->tcp_flags & (SEMR_TCP_FIN | SEMR_TCP_RST))
		way->closed |= packet->tcp_flags & SEMR_TCP_RST ?
				       SEMR_CLOSED :
				       SEMR_CLOSED_BY_AGENT;
	way->packets += packet->packets;
	way->octets += packet->length;
	__builtin_memcpy(packet->to, way->capability, 16);
	packet->to_port = way->capability_port;
	return SEMR_RETURNED;
}

/*
 * The same for a fragment of an answer: of those behind the first nobody else
 * knows whose they are.
 */
SEMR_STAGE int semr_give_fragment_back(struct semr_packet *packet)
{
	struct semr_fragment_ends *ends;

	if (!packet)
		return SEMR_PASSED;
	if (packet->later_fragment) {
		/* the first one was of UDP, or it would not be known */
		if (packet->flow.protocol != IPPROTO_UDP)
			return SEMR_PASSED;
		ends = said_before(packet, coarse_now());
		if (!ends)
			return SEMR_PASSED;
		packet->flow.client_port = ends->agent_port;
		packet->flow.capability_port = ends->client_port;
	} else if (!packet->first_fragment) {
		return SEMR_PASSED;
	}
	return semr_give_back(packet);
}

#endif
