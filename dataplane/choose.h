/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From a capability address to a group, from a group to a next hop. */
#ifndef SEMR_CHOOSE_H
#define SEMR_CHOOSE_H

#include "bucket.h"
#include "spread.h"

static __always_inline bool
slot_matches(struct semr_capability *slot, __u64 key, __be16 selector,
	     struct semr_packet *packet)
{
	union {
		__u64 word;
		__u32 groups[2];
	} both;
	__u32 policy;
	__u8 flags;

	if (READ_ONCE(slot->key) != key || slot->selector != selector)
		return false;
	both.word = READ_ONCE(*(__u64 *)&slot->group);
	policy = READ_ONCE(slot->policy);
	flags = READ_ONCE(slot->flags);
	if (READ_ONCE(slot->key) != key)	/* replaced meanwhile */
		return false;
	packet->policy = policy;
	packet->flags = flags;
	packet->group = both.groups[0];
	packet->local_group = both.groups[1];
	return true;
}

/* 1 or 0 */
static __always_inline __u64
differs(const struct semr_capability *slot, __u64 key, __be16 selector)
{
	__u64 other = (READ_ONCE(slot->key) ^ key) |
		      (READ_ONCE(slot->selector) ^ selector);
	__u64 negative = -other;

	/* clang would see what it is, and branch */
	asm("" : "+r"(negative));
	return (other | negative) >> 63;
}

/* The key of a capability, as the table has it, and where the search begins. */
struct semr_sought {
	__u64 key;
	__be16 selector;
	__u32 home;
};

static __always_inline struct semr_sought
sought_by(const struct semr_packet *packet)
{
	struct semr_sought sought;
	__u64 words[2], mixed;

	__builtin_memcpy(words, packet->flow.capability, 16);
	/* octets 6 to 13 and 14 to 15, out of two aligned words */
	sought.key = words[0] >> 48 | words[1] << 16;
	sought.selector = words[1] >> 48;
	mixed = sought.key ^ sought.key >> 32 ^ (__u64)sought.selector << 16;
	sought.home = mixed * SEMR_HOME_MULTIPLIER >> 40;
	return sought;
}

static __always_inline bool is_key(__u64 key)
{
	return key != SEMR_KEY_EMPTY && key != SEMR_KEY_TOMBSTONE;
}

static __always_inline bool
has(struct semr_capability_line *line, const struct semr_sought *sought,
    struct semr_packet *packet)
{
	struct semr_capability *slot;

	/* which of the two it is no processor could foretell */
	slot = &line->slots[differs(&line->slots[0], sought->key,
				    sought->selector)];
	return slot_matches(slot, sought->key, sought->selector, packet);
}

/* Exact lookup of the packet's destination. 0: no such capability. */
SEMR_STAGE int semr_find(struct semr_packet *packet)
{
	struct semr_sought sought;

	if (!packet)
		return 0;
	sought = sought_by(packet);
	if (!is_key(sought.key))
		return 0;
	for (int i = 0; i < SEMR_CAPABILITY_PROBES; i++) {
		__u32 at = (sought.home + i) & semr_capability_mask;
		struct semr_capability_line *line;

		line = bpf_map_lookup_elem(&capabilities, &at);
		if (!line)
			return 0;
		if (has(line, &sought, packet))
			return 1;
		if (line->slots[1].key == SEMR_KEY_EMPTY)
			return 0;
	}
	return 0;
}

/*
 * The same for almost all packets, without a call, whose return costs as much
 * as a load where processors need Safe RET. False: semr_find knows more.
 */
static __always_inline bool is_at_home(struct semr_packet *packet)
{
	struct semr_sought sought = sought_by(packet);
	__u32 at = sought.home & semr_capability_mask;
	struct semr_capability_line *line;

	line = bpf_map_lookup_elem(&capabilities, &at);
	return line && is_key(sought.key) && has(line, &sought, packet);
}

/*
 * Where there is no such capability: sites that know others of the family, or of
 * the tenant. Their entries decide, so what came out of a tunnel ends here. 0:
 * nobody.
 */
SEMR_STAGE int semr_aggregate(struct semr_packet *packet)
{
	struct semr_aggregate_key key = { .prefix_length = 32 };
	struct semr_aggregate *aggregate;

	if (!packet || packet->decapsulated)
		return 0;
	__builtin_memcpy(&key.tenant, packet->flow.capability + 6, 4);
	aggregate = bpf_map_lookup_elem(&aggregates, &key);
	if (!aggregate)
		return 0;
	packet->group = aggregate->group;
	packet->policy = aggregate->policy;
	return 1;
}

static __always_inline struct semr_next_hop *next_hop_at(__u32 index)
{
	return index ? bpf_map_lookup_elem(&next_hops, &index) : NULL;
}

static __always_inline struct semr_group *group_at(__u32 index)
{
	return index ? bpf_map_lookup_elem(&groups, &index) : NULL;
}

static __always_inline struct semr_slot
slot_at(struct semr_group *group, __u32 slot)
{
	union {
		__u32 word;
		struct semr_slot slot;
	} both;

	slot &= SEMR_GROUP_SLOTS - 1;
	both.word = READ_ONCE(*(__u32 *)&group->slots[slot]);
	return both.slot;
}

/* The @n-th candidate for a flow: slots from @slot on, then the backup. */
static __always_inline __u32
candidate(struct semr_group *group, __u32 slot, __u32 n)
{
	if (n >= SEMR_GROUP_PROBES)
		return group->backup;
	return slot_at(group, slot + n).current;
}

/*
 * Has a router that sent heartbeats fallen silent? Asked only while nobody else
 * judges: a control plane that lives clears the word again and again.
 */
static __always_inline bool is_silent(struct semr_next_hop *hop)
{
	__u32 after;

	if (hop->kind != SEMR_TUNNEL)
		return false;
	after = READ_ONCE(hop->silent_after);
	return after && (__s32)((__u32)bpf_jiffies64() - after) > 0;
}

/*
 * The first candidate that is up and of that kind; 0 when none is. Where all
 * that are up are silent, it is rather this router that hears nobody.
 */
static __always_inline __u32
first_up(struct semr_group *group, __u32 slot, __u32 kind)
{
	__u32 silent = 0;

	for (__u32 n = 0; n <= SEMR_GROUP_PROBES; n++) {
		__u32 index = candidate(group, slot, n);
		struct semr_next_hop *hop = next_hop_at(index);

		if (!hop || READ_ONCE(hop->state) != SEMR_UP ||
		    (kind && hop->kind != kind))
			continue;
		if (!is_silent(hop))
			return index;
		if (!silent)
			silent = index;
	}
	return silent;
}

/* The same where packets are few, for the verifier: it looks at this once. */
SEMR_STAGE int semr_first_up(__u32 group_index, __u32 slot, __u32 kind)
{
	struct semr_group *group = group_at(group_index);

	return group ? first_up(group, slot, kind) : 0;
}

/* Up or draining; everything else is down. */
static __always_inline bool has_flows(const struct semr_next_hop *hop)
{
	__u32 state = READ_ONCE(hop->state);

	return state == SEMR_UP || state == SEMR_DRAINING;
}

/* May a flow that is already there stay with @index? @kind 0: any. */
static __always_inline bool keeps_flows(__u32 index, __u32 kind)
{
	struct semr_next_hop *hop = next_hop_at(index);

	return hop && has_flows(hop) &&
	       (!kind || hop->kind == kind) && !is_silent(hop);
}

/* The next hop of a remembered flow; 0 when it may not be followed any more. */
static __always_inline __u32 remembered(const struct semr_flow *flow)
{
	struct semr_next_hop *hop;

	if (!flow)
		return 0;
	hop = next_hop_at(flow->next_hop);
	if (!hop || !has_flows(hop) ||
	    hop->generation != flow->generation || is_silent(hop))
		return 0;
	return flow->next_hop;
}

static __always_inline struct semr_flow flow_to(__u32 index)
{
	struct semr_next_hop *hop = next_hop_at(index);
	struct semr_flow flow = { .next_hop = index };

	if (hop)
		flow.generation = hop->generation;
	return flow;
}

/*
 * May one more connection begin with a new owner while the former one lives?
 * Each takes a place in `transitions`, and a flood of them must not take the
 * places of those that are there: the others begin with the former owner,
 * whose they are without a place.
 */
static __always_inline bool may_begin(void)
{
	struct semr_beginnings *mine;
	__u32 zero = 0;

	mine = bpf_map_lookup_elem(&beginnings, &zero);
	if (!mine)
		return false;
	if (take_from(&mine->bucket, semr_beginnings_per_second,
		      semr_beginnings_per_second))
		return true;
	mine->deferred++;
	return false;
}

/*
 * A slot that changed its owner: flows that began with the previous one stay
 * there while it lives. Only these packets touch a flow table.
 */
static __always_inline __u32
choose_in_transition(const struct semr_packet *packet, __u32 slot,
		     __u32 previous, __u32 kind)
{
	struct semr_flow_key key = key_of(packet);
	struct semr_flow flow;
	__u32 index;

	index = remembered(bpf_map_lookup_elem(&transitions, &key));
	if (index && (!kind || keeps_flows(index, kind)))
		return index;
	/* It fades: who is not remembered is the owner's */
	if (!previous)
		return semr_first_up(packet->group, slot, kind);
	if (keeps_flows(previous, kind) &&
	    (!is_syn(packet) || !may_begin()))
		index = previous;
	else
		index = semr_first_up(packet->group, slot, kind);
	if (!index || (index == previous && is_syn(packet)))
		return index;
	flow = flow_to(index);
	bpf_map_update_elem(&transitions, &key, &flow, BPF_ANY);
	return index;
}

/* The site that a flow goes to; 0 when nobody serves the capability. */
SEMR_STAGE int semr_choose(struct semr_packet *packet)
{
	struct semr_group *group;
	struct semr_slot slot;
	__u32 number;

	if (!packet)
		return 0;
	group = group_at(packet->group);
	if (!group)
		return 0;
	number = packet->hash & (SEMR_GROUP_SLOTS - 1);
	slot = slot_at(group, number);
	if (slot.current != slot.previous &&
	    !(spread_of(packet) & SEMR_BY_TURN))
		return choose_in_transition(packet, number, slot.previous, 0);
	return first_up(group, number, 0);
}

/*
 * The same for almost all packets, without a call: nothing of the slot moves,
 * and its owner is up. NULL: semr_choose knows more.
 */
static __always_inline struct semr_next_hop *
owner_if_up(const struct semr_packet *packet, __u32 *index)
{
	struct semr_group *group = group_at(packet->group);
	struct semr_next_hop *hop;
	struct semr_slot slot;

	if (!group)
		return NULL;
	slot = slot_at(group, packet->hash);
	if (slot.current != slot.previous)
		return NULL;
	*index = slot.current;
	hop = next_hop_at(*index);
	if (!hop || READ_ONCE(hop->state) != SEMR_UP || is_silent(hop))
		return NULL;
	return hop;
}

#endif
