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

static __always_inline struct semr_tenant_counters *
counters_of_tenant(const struct semr_packet *packet)
{
	__u32 tenant = bpf_ntohs(packet->port.tenant);
	__u32 at = tenant / SEMR_TENANTS_IN_BLOCK;
	struct semr_tenant_block *block;

	block = bpf_map_lookup_elem(&tenant_counters, &at);
	if (!block)
		return NULL;
	return &block->tenants[tenant % SEMR_TENANTS_IN_BLOCK];
}

/* A packet that its tenant may send, to a capability that exists. */
static __always_inline void count_tenant(const struct semr_packet *packet)
{
	struct semr_tenant_counters *counters = counters_of_tenant(packet);

	if (!counters)
		return;
	counters->packets += packet->packets;
	counters->octets += packet->length;
}

/* A tagged packet that was delivered here. */
static __always_inline void count_tag(const struct semr_packet *packet)
{
	struct semr_tag_counters *counters;
	__u32 at = packet->tag;

	counters = bpf_map_lookup_elem(&tag_counters, &at);
	if (!counters)
		return;
	counters->packets += packet->packets;
	counters->octets += packet->length;
}

#endif
