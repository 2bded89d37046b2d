/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Between IPv4 and IPv6: what both directions share. RFC 7915, RFC 7757 */
#ifndef SEMR_CROSS_H
#define SEMR_CROSS_H

#include <linux/ip.h>
#include "deliver.h"

#define SEMR_IPV4_LENGTH 20

/* RFC 792, RFC 1122 section 3.2.2.1: <linux/icmp.h> brings a libc with it */
#define ICMP_ECHOREPLY 0
#define ICMP_DEST_UNREACH 3
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_NET_UNREACH 0
#define ICMP_HOST_UNREACH 1
#define ICMP_PROT_UNREACH 2
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_SR_FAILED 5
#define ICMP_NET_UNKNOWN 6
#define ICMP_HOST_UNKNOWN 7
#define ICMP_HOST_ISOLATED 8
#define ICMP_NET_ANO 9
#define ICMP_HOST_ANO 10
#define ICMP_NET_UNR_TOS 11
#define ICMP_HOST_UNR_TOS 12
#define ICMP_PKT_FILTERED 13
#define ICMP_PREC_CUTOFF 15

#define SEMR_DUMMY_ROUTER 0xc0000008	/* 192.0.0.8, RFC 7600 */
#define SEMR_GUEST_PROBES 8
#define SEMR_IP_FRAGMENT 0x3fff		/* offset and "more" */

/* One packet, as it is called on either side. */
struct semr_crossing {
	/* of IPv6, one behind the other: summed at once */
	__u8 source[16] __attribute__((aligned(8)));
	__u8 destination[16];
	__be32 from;			/* of IPv4, likewise */
	__be32 to;
	__u32 length;			/* behind the header that changes */
	__u8 protocol;
	__u8 traffic_class;
	__u8 hop_limit;
};

/* The head of an ICMP message, either version. */
struct semr_icmp {
	__u8 type;
	__u8 code;
	__sum16 check;
	__be32 rest;
};

static __always_inline void count_edge(__u32 verdict)
{
	__u64 *counter = bpf_map_lookup_elem(&edge_verdicts, &verdict);

	if (counter)
		*counter += 1;
}

/* RFC 6052 section 2.2, a prefix of 96 bits */
static __always_inline void
embed(const struct semr_edge *now, __be32 from, __u8 *address)
{
	__builtin_memcpy(address, now->prefix, 12);
	__builtin_memcpy(address + 12, &from, 4);
}

/* One that no single other host has. RFC 6890 section 2.2.2, RFC 1112 */
static __always_inline bool is_bad_ipv4(__be32 address)
{
	__u32 first = bpf_ntohl(address) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

static __always_inline struct semr_pool *pool_of(__be32 address)
{
	struct semr_pool_key key = { .prefix_length = 32, .address = address };

	return bpf_map_lookup_elem(&pools, &key);
}

/*
 * The IPv4 address of a capability. One that nobody has stands in an address
 * of family 0, which no capability is in: see to_capability.
 */
static __always_inline __be32 ipv4_of_capability(const __u8 *capability)
{
	struct semr_pool_slot key;
	__be32 *found, address;
	__u16 family;

	__builtin_memcpy(key.address, capability, 16);
	found = bpf_map_lookup_elem(&pool_addresses, &key);
	if (found)
		return *found;
	__builtin_memcpy(&family, capability + 8, 2);
	__builtin_memcpy(&address, capability + 10, 4);
	return family ? 0 : address;
}

/*
 * Which capability has this address of a pool. Nobody's becomes an address of
 * the tenant that no capability has either, so that the pass says what it says
 * of any such.
 */
static __always_inline void
to_capability(const struct semr_pool *pool, __be32 address, __u8 *capability)
{
	__u32 at = pool->first + bpf_ntohl(address) - pool->base;
	struct semr_pool_slot *slot = bpf_map_lookup_elem(&pool_slots, &at);
	__u32 high;
	__u16 low;

	if (slot && *(__u64 *)slot->address) {
		__builtin_memcpy(capability, slot->address, 16);
		return;
	}
	high = *(const volatile __u32 *)&semr_domain[0];
	low = *(const volatile __u16 *)&semr_domain[4];
	__builtin_memset(capability, 0, 16);
	__builtin_memcpy(capability, &high, 4);
	__builtin_memcpy(capability + 4, &low, 2);
	__builtin_memcpy(capability + 6, &pool->tenant, 2);
	__builtin_memcpy(capability + 10, &address, 4);
}

/*
 * The IPv4 address by which agents know the IPv6 client @client: the one it has
 * already, else one that is free, else one that nobody used for longer than a
 * translator must remember a flow (RFC 5382 REQ-5). 0: there is none.
 */
static __always_inline __be32 guest_of(const __u8 *client)
{
	struct semr_edge *now = edge_now();
	struct semr_guest fresh = {};
	struct semr_guest *there;
	__be32 address, free = 0, stale = 0;
	__u32 count, hash, seen;
	__u64 words[2];

	if (!now)
		return 0;
	count = READ_ONCE(now->guests);
	if (!count)
		return 0;
	seen = coarse_now();
	__builtin_memcpy(words, client, 16);
	hash = ((words[0] ^ words[1] * 0x9e3779b97f4a7c15ULL) *
		0xbf58476d1ce4e5b9ULL) >> 32;
	for (__u32 n = 0; n < SEMR_GUEST_PROBES; n++) {
		address = bpf_htonl(now->first_guest + (hash + n) % count);
		there = bpf_map_lookup_elem(&guests, &address);
		if (!there) {
			free = free ? free : address;
			continue;
		}
		if (same_octets(there->client, client)) {
			if (there->seen != seen)
				there->seen = seen;
			return address;
		}
		if (seen - READ_ONCE(there->seen) > SEMR_IDLE_TCP && !stale)
			stale = address;
	}
	if (!free) {
		if (!stale)
			return 0;
		bpf_map_delete_elem(&guests, &stale);
		free = stale;
	}
	__builtin_memcpy(fresh.client, words, 16);
	fresh.seen = seen;
	/* somebody else's meanwhile: the sender will try again */
	if (bpf_map_update_elem(&guests, &free, &fresh, BPF_NOEXIST))
		return 0;
	return free;
}

#endif
