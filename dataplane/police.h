/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The ingress: who may be there and call what, how often, and with which mark */
#ifndef SEMR_POLICE_H
#define SEMR_POLICE_H

#include "choose.h"
#include "count.h"

#define SEMR_NANOSECONDS 1000000000ULL
#define SEMR_DSCP 0x0fc00000		/* in the first word of the header */
#define SEMR_DSCP_SHIFT 22

/*
 * Whose source it is, on a port that looks. 0: nobody's, so it is spoofed, which
 * counts for the tenant that the port has otherwise.
 */
SEMR_STAGE int semr_place(struct semr_packet *packet)
{
	struct semr_source_key key = { .prefix_length = 32 + 128 };
	struct semr_tenant_counters *counters;
	struct semr_source *source;

	if (!packet)
		return 0;
	key.ifindex = bpf_htonl(packet->ifindex);
	__builtin_memcpy(key.address, packet->flow.client, 16);
	source = bpf_map_lookup_elem(&sources, &key);
	if (source) {
		packet->port.tenant = source->tenant;
		packet->port.policy = source->policy;
		return 1;
	}
	counters = counters_of_tenant(packet);
	if (counters)
		counters->spoofed += packet->packets;
	return 0;
}

/* Takes what would be earned in @time, if that is not more than @burst ahead. */
static __always_inline bool
draw(__u64 *meter, __u64 time, __u64 burst, __u64 now)
{
	__u64 earned = READ_ONCE(*meter);

	if ((__s64)(earned - now) < 0) {
		__sync_val_compare_and_swap(meter, earned, now);
		earned = READ_ONCE(*meter);
	}
	/* one packet may be larger than the burst: then all of it must be there */
	if (burst < time)
		burst = time;
	if ((__s64)(earned + time - now) > (__s64)burst)
		return false;
	__sync_fetch_and_add(meter, time);
	return true;
}

/* Has this processor @wanted of the rate, or does it get them? */
static __always_inline bool
has_leased(__u64 *leased, __u64 *meter, const struct semr_rate *rate,
	   __u64 unit, __u32 wanted)
{
	__u64 per_second = rate->per_second;
	__u64 burst, lacking, lease, now;

	if (!per_second || *leased >= wanted)
		return true;
	lacking = wanted - *leased;
	lease = rate->lease > lacking ? rate->lease : lacking;
	burst = rate->burst * unit / per_second;
	now = bpf_ktime_get_ns();
	if (!draw(meter, lease * unit / per_second, burst, now)) {
		if (lease == lacking ||
		    !draw(meter, lacking * unit / per_second, burst, now))
			return false;
		lease = lacking;
	}
	*leased += lease;
	return true;
}

/* Applies policy @index. 0: the packet is over its rate. */
SEMR_STAGE int semr_apply(struct semr_packet *packet, __u32 index)
{
	struct semr_policy_uses *uses;
	struct semr_policy *policy;
	struct semr_meter *meter;

	if (!packet)
		return 0;
	policy = bpf_map_lookup_elem(&policies, &index);
	meter = bpf_map_lookup_elem(&meters, &index);
	uses = bpf_map_lookup_elem(&policy_uses, &index);
	if (!policy || !meter || !uses)
		return 1;
	if (!has_leased(&uses->leased_packets, &meter->packets,
			&policy->packets, SEMR_NANOSECONDS, packet->packets) ||
	    !has_leased(&uses->leased_octets, &meter->octets, &policy->octets,
			8 * SEMR_NANOSECONDS, packet->length)) {
		uses->limited += packet->packets;
		return 0;
	}
	if (policy->packets.per_second)
		uses->leased_packets -= packet->packets;
	if (policy->octets.per_second)
		uses->leased_octets -= packet->length;
	if (policy->flags & SEMR_POLICY_COUNTED) {
		uses->packets += packet->packets;
		uses->octets += packet->length;
	}
	if (policy->flags & SEMR_POLICY_DSCP) {
		packet->first_word &= ~bpf_htonl(SEMR_DSCP);
		packet->first_word |= bpf_htonl((__u32)policy->dscp
						<< SEMR_DSCP_SHIFT) &
				      bpf_htonl(SEMR_DSCP);
		packet->marked = true;
	}
	if (policy->tag)
		packet->tag = policy->tag;
	return 1;
}

static __always_inline bool is_allowed(const struct semr_packet *packet)
{
	struct semr_allowed_key key = {
		.policy = packet->policy,
		.tenant = packet->port.tenant,
	};

	return packet->policy && bpf_map_lookup_elem(&allowed, &key);
}

/* Of a capability whose datagrams do not stay together by addresses. */
static __always_inline bool
is_refused_fragment(const struct semr_packet *packet)
{
	return is_fragment(packet) && !(packet->flags & SEMR_BY_ADDRESSES);
}

/* What the policies say that concern the packet. SEMR_PASSED: go on. */
SEMR_STAGE int semr_police(struct semr_packet *packet)
{
	enum semr_verdict verdict = SEMR_PASSED;
	struct semr_tenant_counters *counters;

	if (!packet)
		return SEMR_REJECT_TENANT;
	if (packet->port.policy && !semr_apply(packet, packet->port.policy))
		verdict = SEMR_DROP_TENANT_RATE;
	else if (packet->foreign && !is_allowed(packet))
		verdict = is_fragment(packet) ? SEMR_DROP_FRAGMENT :
						SEMR_REJECT_TENANT;
	else if (is_refused_fragment(packet))
		return SEMR_DROP_FRAGMENT;
	else if (packet->policy && !semr_apply(packet, packet->policy))
		verdict = SEMR_DROP_CAPABILITY_RATE;
	if (verdict == SEMR_PASSED)
		return verdict;
	counters = counters_of_tenant(packet);
	if (!counters)
		return verdict;
	if (verdict == SEMR_REJECT_TENANT || verdict == SEMR_DROP_FRAGMENT)
		counters->denied += packet->packets;
	else
		counters->limited += packet->packets;
	return verdict;
}

#endif
