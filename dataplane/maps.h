/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Tables and load-time constants. What they hold is in abi.h. */
#ifndef SEMR_MAPS_H
#define SEMR_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

/* aligned, so that they are read in whole words */
const volatile __u8 semr_domain[6] __attribute__((aligned(8))) = {};
const volatile __u8 semr_locator[16] __attribute__((aligned(8))) = {};
const volatile __u32 semr_hash_seed = 0;
const volatile __u32 semr_capability_mask = 1023;
const volatile __u32 semr_tunnel_mtu = 1500;
const volatile __u32 semr_answers_per_second = 1000;
const volatile __u32 semr_answers_burst = 100;
const volatile __u32 semr_beginnings_per_second = 500;
const volatile __u32 semr_tick = 4000000;

/* One 4-octet store each, by whoever holds the section's map. */
volatile struct semr_settings semr_settings = {
	.flow_mask = SEMR_TELL_NONE,
	.refused_mask = SEMR_TELL_NONE,
};

/*
 * Every map of a kind is as the others of it but for size and types. Sizes are
 * what a small router needs; the loader sets others.
 */
#define SEMR_MAP(name, kind, flags, count, key_type, value_type)	\
struct {								\
	__uint(type, BPF_MAP_TYPE_##kind);				\
	__uint(map_flags, flags);					\
	__uint(max_entries, count);					\
	__type(key, key_type);						\
	__type(value, value_type);					\
} name SEC(".maps");

/* written by user space without a system call */
#define SEMR_ARRAY(name, count, value) \
	SEMR_MAP(name, ARRAY, BPF_F_MMAPABLE, count, __u32, value)
#define SEMR_PERCPU_ARRAY(name, count, value) \
	SEMR_MAP(name, PERCPU_ARRAY, 0, count, __u32, value)
#define SEMR_HASH(name, flags, count, key, value) \
	SEMR_MAP(name, HASH, flags, count, key, value)
#define SEMR_LRU_HASH(name, count, key, value) \
	SEMR_MAP(name, LRU_HASH, 0, count, key, value)
#define SEMR_LPM_TRIE(name, count, key, value) \
	SEMR_MAP(name, LPM_TRIE, BPF_F_NO_PREALLOC, count, key, value)

SEMR_ARRAY(capabilities, 1024, struct semr_capability_line)
SEMR_ARRAY(groups, 4096, struct semr_group)
SEMR_ARRAY(next_hops, 4096, struct semr_next_hop)
SEMR_ARRAY(encapsulations, 64, struct semr_encapsulation)
SEMR_PERCPU_ARRAY(next_hop_counters, 4096, struct semr_next_hop_counters)
SEMR_HASH(nodes, 0, 4096, struct semr_node_key, struct semr_node)
SEMR_ARRAY(ports, 65536, struct semr_port)
SEMR_LPM_TRIE(sources, 65536, struct semr_source_key, struct semr_source)
SEMR_LPM_TRIE(aggregates, 4096, struct semr_aggregate_key,
	      struct semr_aggregate)
SEMR_ARRAY(policies, 4096, struct semr_policy)
SEMR_ARRAY(meters, 4096, struct semr_meter)
SEMR_PERCPU_ARRAY(policy_uses, 4096, struct semr_policy_uses)
SEMR_HASH(allowed, BPF_F_NO_PREALLOC, 1048576, struct semr_allowed_key,
	  struct semr_allowed)
SEMR_PERCPU_ARRAY(tenant_counters, SEMR_TENANTS / SEMR_TENANTS_IN_BLOCK,
		  struct semr_tenant_block)
SEMR_PERCPU_ARRAY(tag_counters, SEMR_TAGS, struct semr_tag_counters)
SEMR_LRU_HASH(flows, 131072, struct semr_flow_key, struct semr_delivery)
SEMR_LRU_HASH(returns, 131072, struct semr_return_key, struct semr_return)
SEMR_LRU_HASH(transitions, 65536, struct semr_flow_key, struct semr_flow)
SEMR_PERCPU_ARRAY(verdicts, SEMR_VERDICTS, __u64)
SEMR_PERCPU_ARRAY(answers, 1, struct semr_bucket)
SEMR_PERCPU_ARRAY(turns, 1, __u32)
SEMR_PERCPU_ARRAY(beginnings, 1, struct semr_beginnings)
SEMR_PERCPU_ARRAY(ways, SEMR_WAYS, struct semr_way)
SEMR_PERCPU_ARRAY(flow_ways, SEMR_FLOW_WAYS, struct semr_flow_way)

/* Not pinned: each load of the pass tells its own process. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events SEC(".maps");

SEMR_ARRAY(edge, 1, struct semr_edge)
SEMR_LPM_TRIE(pools, 256, struct semr_pool_key, struct semr_pool)
SEMR_ARRAY(pool_slots, 65536, struct semr_pool_slot)
SEMR_HASH(pool_addresses, BPF_F_NO_PREALLOC, 65536,
	  struct semr_pool_slot, __u32)
SEMR_HASH(guests, BPF_F_NO_PREALLOC, 65536, __u32, struct semr_guest)
SEMR_LRU_HASH(fragments, 4096, struct semr_fragment, struct semr_fragment_ends)
SEMR_PERCPU_ARRAY(edge_verdicts, SEMR_EDGE_VERDICTS, __u64)

#endif
