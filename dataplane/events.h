/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What user space is told of single packets, where it asked for it. */
#ifndef SEMR_EVENTS_H
#define SEMR_EVENTS_H

#include "spread.h"

/* A full ring loses the event; nobody waits. */
SEMR_STAGE int semr_tell(struct semr_packet *packet, __u32 kind)
{
	struct semr_event *event;

	if (!packet)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_coarse_ns();
	event->flow = kind == SEMR_EVENT_FLOW ? key_of(packet) : packet->flow;
	event->ifindex = packet->ifindex;
	event->next_hop = packet->next_hop;
	event->length = packet->length;
	event->tenant = packet->port.tenant;
	event->kind = kind;
	event->verdict = packet->verdict;
	event->tcp_flags = packet->tcp_flags;
	event->decapsulated = packet->decapsulated;
	event->tag = packet->tag;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* @count: how often there was this verdict on this processor. */
static __always_inline void tell(struct semr_packet *packet, __u64 count)
{
	if (packet->new_flow) {
		__u32 mask = semr_settings.flow_mask;

		if (mask != SEMR_TELL_NONE && !(packet->hash >> 12 & mask))
			semr_tell(packet, SEMR_EVENT_FLOW);
	} else if (packet->verdict >= SEMR_REJECT_NO_ROUTE) {
		__u32 mask = semr_settings.refused_mask;

		if (mask != SEMR_TELL_NONE && !(count & mask))
			semr_tell(packet, SEMR_EVENT_PACKET);
	}
}

#endif
