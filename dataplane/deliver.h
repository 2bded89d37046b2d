/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The egress: which instance serves a flow, and the memory of it. */
#ifndef SEMR_DELIVER_H
#define SEMR_DELIVER_H

#include "connection.h"
#include "count.h"

/* Monotonic time in the unit of `seen`. */
static __always_inline __u32 coarse_now(void)
{
	return bpf_ktime_get_coarse_ns() >> 30;
}

static __always_inline void
way_back(const struct semr_packet *packet, const struct semr_next_hop *hop,
	 struct semr_return_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	__builtin_memcpy(key->agent, hop->address, 16);
	__builtin_memcpy(key->client, packet->flow.client, 16);
	key->agent_port = hop->port;
	key->client_port = packet->flow.client_port;
	key->protocol = packet->flow.protocol;
}

/* Where a flow is delivered; NULL when nobody remembers it. */
static __always_inline struct semr_delivery *
delivery_of(const struct semr_flow_key *key)
{
	return bpf_map_lookup_elem(&flows, key);
}

static __always_inline __u32
remembered_at(const struct semr_delivery *delivery)
{
	return delivery ? remembered(&delivery->to) : 0;
}

static __always_inline void
count_delivery(const struct semr_packet *packet, struct semr_delivery *delivery)
{
	if (!delivery)
		return;
	delivery->packets += packet->packets;
	delivery->octets += packet->length;
}

/*
 * Does another capability flow still use this way back? Not when it was closed,
 * was idle for longer than a translator must remember it (RFC 4787 REQ-5,
 * RFC 5382 REQ-5), or is forgotten or sent elsewhere at the forward side, which
 * does not remember datagrams that take turns. One endpoint may serve several
 * capabilities, each as an instance of its own.
 */
static __always_inline bool
is_held(const struct semr_packet *packet, const struct semr_return *holder,
	const struct semr_next_hop *instance)
{
	struct semr_flow_key key = packet->flow;
	struct semr_next_hop *other;
	__u32 idle = coarse_now() - READ_ONCE(holder->seen);
	__u32 limit = packet->flow.protocol == IPPROTO_TCP ? SEMR_IDLE_TCP :
							     SEMR_IDLE_UDP;

	if ((holder->closed & SEMR_CLOSED) == SEMR_CLOSED || idle > limit)
		return false;
	if (holder->flags & SEMR_BY_TURN)
		return true;
	__builtin_memcpy(key.capability, holder->capability, 16);
	key.capability_port = holder->capability_port;
	if (holder->flags & SEMR_BY_ADDRESSES) {
		key.client_port = 0;
		key.capability_port = 0;
	}
	other = next_hop_at(remembered_at(delivery_of(&key)));
	return other && other->port == instance->port &&
	       same_octets(other->address, instance->address);
}

static __always_inline bool
is_ours(const struct semr_packet *packet, const struct semr_return *way)
{
	return way->capability_port == packet->flow.capability_port &&
	       same_octets(way->capability, packet->flow.capability);
}

/*
 * Did the connection end that this flow's next hop is remembered for? Then a
 * SYN begins another one, which may go elsewhere: its owner may be draining.
 */
static __always_inline bool
has_ended(const struct semr_packet *packet, __u32 index)
{
	struct semr_next_hop *hop = next_hop_at(index);
	struct semr_return_key key;
	struct semr_return *way;

	if (!hop)
		return false;
	way_back(packet, hop, &key);
	way = bpf_map_lookup_elem(&returns, &key);
	return way && (way->closed & SEMR_CLOSED) == SEMR_CLOSED &&
	       is_ours(packet, way);
}

enum claim {
	CLAIMED,
	HELD,
	FULL,
};

/*
 * Makes the way back from instance @index belong to this flow. An enum claim.
 * Of its own, or the verifier would look at it for each candidate and its ends.
 */
SEMR_STAGE int
semr_claim_way_back(const struct semr_packet *packet, __u32 index)
{
	struct semr_next_hop *hop = next_hop_at(index);
	struct semr_return value = {};
	struct semr_return *holder;
	struct semr_return_key key;

	if (!packet || !hop)
		return FULL;
	value.seen = coarse_now();
	value.flags = spread_of(packet);
	way_back(packet, hop, &key);
	holder = bpf_map_lookup_elem(&returns, &key);
	if (holder) {
		bool ours = is_ours(packet, holder);

		if (ours && !holder->closed && holder->flags == value.flags)
			return CLAIMED;
		if (!ours && is_held(packet, holder, hop))
			return HELD;
	}
	__builtin_memcpy(value.capability, packet->flow.capability, 16);
	value.capability_port = packet->flow.capability_port;
	if (bpf_map_update_elem(&returns, &key, &value, BPF_ANY))
		return FULL;
	return CLAIMED;
}

/* The client's FIN or RST: later the way back may be given to another flow. */
static __always_inline void
note_closing(const struct semr_packet *packet, const struct semr_next_hop *hop)
{
	struct semr_return_key key;
	struct semr_return *way;

	if (!(packet->tcp_flags & (SEMR_TCP_FIN | SEMR_TCP_RST)))
		return;
	way_back(packet, hop, &key);
	way = bpf_map_lookup_elem(&returns, &key);
	if (way)
		way->closed |= packet->tcp_flags & SEMR_TCP_RST ?
				       SEMR_CLOSED :
				       SEMR_CLOSED_BY_CLIENT;
}

static __always_inline enum semr_verdict
translate_to(struct semr_packet *packet, const struct semr_next_hop *hop)
{
	__builtin_memcpy(packet->to, hop->address, 16);
	packet->to_port = hop->port;
	return SEMR_DELIVERED;
}

/* Neither a beginning nor a datagram, or an error: only where it began. */
static __always_inline enum semr_verdict
follow(struct semr_packet *packet, __u32 index, struct semr_delivery *delivery)
{
	struct semr_next_hop *instance = next_hop_at(index);

	if (!instance)
		return SEMR_REJECT_LOST_STATE;
	if (instance->kind == SEMR_TUNNEL) {	/* semr_go_on sent it there */
		if (packet->last_leg)
			return SEMR_REJECT_LOST_STATE;
		count_delivery(packet, delivery);
		packet->next_hop = index;
		return SEMR_ENCAPSULATED;
	}
	note_closing(packet, instance);
	count_next_hop(packet, index, false);
	count_delivery(packet, delivery);
	return translate_to(packet, instance);
}

/* The flow of the packet begins at instance @index. False: no room. */
SEMR_STAGE int semr_remember(const struct semr_packet *packet, __u32 index)
{
	struct semr_delivery fresh = { .packets = 0 };
	struct semr_flow_key key;

	if (!packet)
		return false;
	key = key_of(packet);
	fresh.to = flow_to(index);
	fresh.octets = packet->length;
	fresh.packets = packet->packets;
	fresh.began = coarse_now();
	return !bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY);
}

/*
 * The first packet of a TCP connection, or any datagram: the instance @first if
 * there is one, which @known remembers or the packet itself asked for, else
 * members of the local group in their order. A datagram passes here each time
 * because nothing else would notice that its way back was forgotten.
 */
SEMR_STAGE int
semr_begin(struct semr_packet *packet, __u32 first, struct semr_delivery *known)
{
	enum semr_verdict verdict = SEMR_REJECT_EMPTY_GROUP;
	struct semr_group *group;
	bool kept;

	if (!packet)
		return SEMR_DROP_TRUNCATED;
	group = group_at(packet->local_group);
	kept = !(spread_of(packet) & SEMR_BY_TURN);
	for (__u32 n = 0; n <= SEMR_GROUP_PROBES + 1; n++) {
		struct semr_next_hop *hop;
		__u32 slot = packet->hash >> 6;
		bool fresh = n || !known;
		__u32 index;
		int claim;

		index = !n ? first : group ? candidate(group, slot, n - 1) : 0;
		hop = next_hop_at(index);
		if (!hop || hop->kind != SEMR_INSTANCE ||
		    (n && READ_ONCE(hop->state) != SEMR_UP))
			continue;
		if (hop->protocol != packet->flow.protocol ||
		    (hop->service_port != packet->flow.capability_port &&
		     !packet->later_fragment))
			return SEMR_REJECT_PORT;
		claim = packet->later_fragment ?
				CLAIMED :
				semr_claim_way_back(packet, index);
		if (claim == FULL)
			return SEMR_DROP_STATE_FULL;
		if (claim == HELD) {
			verdict = SEMR_REJECT_COLLISION;
			/* what else belongs to this one stays there */
			if (!n && spread_of(packet))
				return verdict;
			continue;
		}
		if (!fresh)
			count_delivery(packet, known);
		else if (kept && !semr_remember(packet, index))
			return SEMR_DROP_STATE_FULL;
		count_next_hop(packet, index, fresh && kept);
		return translate_to(packet, hop);
	}
	return verdict;
}

/* Stage 4. An enum semr_verdict. */
SEMR_STAGE int semr_deliver(struct semr_packet *packet)
{
	struct semr_delivery *delivery;
	struct semr_flow_key key;
	__u32 known, named = 0;

	if (!packet)
		return SEMR_DROP_TRUNCATED;
	key = key_of(packet);
	if (key.protocol == IPPROTO_ICMPV6 && !packet->extensions &&
	    packet->icmp_type == SEMR_ICMP_ECHO_REQUEST) {
		if (semr_first_up(packet->local_group, packet->hash >> 6,
				  SEMR_INSTANCE))
			return SEMR_ANSWERED_ECHO;
		return SEMR_REJECT_EMPTY_GROUP;
	}
	if (key.protocol != IPPROTO_TCP && key.protocol != IPPROTO_UDP)
		return SEMR_REJECT_PROTOCOL;
	delivery = spread_of(packet) & SEMR_BY_TURN ? NULL : delivery_of(&key);
	known = remembered_at(delivery);
	if (packet->endpoint)
		named = semr_named(packet->local_group, packet->hash >> 6,
				   packet->endpoint);
	if (is_syn(packet) && known && has_ended(packet, known))
		known = 0;
	if (!packet->quoted &&
	    (key.protocol == IPPROTO_UDP || is_syn(packet)))
		return semr_begin(packet, named ? named : known,
				  known && (!named || named == known) ?
					  delivery :
					  NULL);
	if (!known)
		return SEMR_REJECT_LOST_STATE;
	return follow(packet, known, delivery);
}

#endif
