/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SEMR_COUNT_H
#define SEMR_COUNT_H

#include "parse.h"

/* Returns how often, this one included; 0 for a verdict that is none. */
static __always_inline __u64 count_verdict(enum semr_verdict verdict)
{
	__u32 at = verdict;
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &at);

	if (!counter)
		return 0;
	*counter += 1;
	return *counter;
}

/* One packet, or all segments of a super-packet, given to a next hop. */
static __always_inline void
count_next_hop(struct semr_packet *packet, __u32 index, bool new_flow)
{
	struct semr_next_hop_counters *counters;

	packet->next_hop = index;
	packet->new_flow = new_flow;
	counters = bpf_map_lookup_elem(&next_hop_counters, &index);
	if (!counters)
		return;
	counters->packets += packet->packets;
	counters->octets += packet->length;
	counters->flows += new_flow;
}

#endif
