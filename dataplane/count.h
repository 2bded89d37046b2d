/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SEMR_COUNT_H
#define SEMR_COUNT_H

#include "parse.h"

static __always_inline void count_verdict(enum semr_verdict verdict)
{
	__u32 at = verdict;
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &at);

	if (counter)
		*counter += 1;
}

/* One packet, or all segments of a super-packet, given to a next hop. */
static __always_inline void
count_next_hop(const struct semr_packet *packet, __u32 index, bool new_flow)
{
	struct semr_next_hop_counters *counters;

	counters = bpf_map_lookup_elem(&next_hop_counters, &index);
	if (!counters)
		return;
	counters->packets += packet->packets;
	counters->octets += packet->length;
	counters->flows += new_flow;
}

#endif
