/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Another site, for what nobody behind this router takes. */
#ifndef SEMR_GO_ON_H
#define SEMR_GO_ON_H

#include "deliver.h"

/* The next slot of @group from @slot on that another than its own owner has. */
SEMR_STAGE int semr_next_owner(__u32 group_index, __u32 slot)
{
	struct semr_group *group = group_at(group_index);
	__u16 owner;
	__u32 n = 1;

	if (!group)
		return slot;
	owner = slot_at(group, slot).current;
	for (; n < SEMR_GROUP_SLOTS; n++)
		if (slot_at(group, slot + n).current != owner)
			break;
	return slot + n;
}

/*
 * Another site, for a flow that nobody here takes. All of the group is looked
 * at: most of it may be this router. A connection is remembered in `flows`, so
 * that its segments follow; a datagram is chosen for each time, and goes home
 * when an instance is back. An enum semr_verdict.
 */
SEMR_STAGE int semr_go_on(struct semr_packet *packet)
{
	struct semr_group *group;
	struct semr_flow_key key;
	struct semr_slot slot;
	__u32 number;

	if (!packet)
		return SEMR_REJECT_EMPTY_GROUP;
	group = group_at(packet->group);
	if (!group)
		return SEMR_REJECT_EMPTY_GROUP;
	number = packet->hash & (SEMR_GROUP_SLOTS - 1);
	slot = slot_at(group, number);
	if (!keeps_flows(slot.current, SEMR_TUNNEL))
		number = semr_next_owner(packet->group, number);
	if (slot.current != slot.previous &&
	    !(spread_of(packet) & SEMR_BY_TURN))
		packet->next_hop = choose_in_transition(packet, number,
							slot.previous,
							SEMR_TUNNEL);
	else
		packet->next_hop = semr_first_up(packet->group, number,
						 SEMR_TUNNEL);
	if (!packet->next_hop)
		return SEMR_REJECT_EMPTY_GROUP;
	if (packet->flow.protocol == IPPROTO_TCP) {
		struct semr_delivery fresh = {
			.to = flow_to(packet->next_hop),
			.octets = packet->length,
			.packets = packet->packets,
			.began = coarse_now(),
		};

		key = packet->flow;
		if (bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY))
			return SEMR_DROP_STATE_FULL;
	}
	return SEMR_ENCAPSULATED;
}

#endif
