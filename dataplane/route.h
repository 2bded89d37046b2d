/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Which way the kernel's routes and neighbours send a packet */
#ifndef SEMR_ROUTE_H
#define SEMR_ROUTE_H

#include "parse.h"

#define SEMR_AF_INET6 10
#define SEMR_MIN_MTU 1280		/* RFC 8200 section 5 */
#define SEMR_FLOW_LABEL 0x000fffff
#define SEMR_TAG_SHIFT 12		/* of a tag in the flow label */

/* Version 6, the traffic class of the packet, its tag, 12 bits of its hash. */
static __always_inline __be32 tunnel_word(const struct semr_packet *packet)
{
	return (packet->first_word & ~bpf_htonl(SEMR_FLOW_LABEL)) |
	       bpf_htonl((__u32)packet->tag << SEMR_TAG_SHIFT |
			 packet->hash >> 20);
}

static __always_inline void
read_way(struct semr_way *way, const struct bpf_fib_lookup *fib)
{
	way->ifindex = fib->ifindex;
	way->mtu = fib->mtu_result;
	__builtin_memcpy(&way->macs[0], fib->dmac, ETH_ALEN);
	__builtin_memcpy(&way->macs[3], fib->smac, ETH_ALEN);
}

/* The way of an encapsulated packet, as it was a moment ago. NULL: no way. */
static __always_inline const struct semr_way *
way_of_tunnel(void *ctx, const struct semr_packet *packet)
{
	__u32 part = packet->hash >> 30;	/* of SEMR_WAY_PARTS */
	struct bpf_fib_lookup fib;
	struct semr_way *known;
	__u64 to[2], now;
	__be32 word;
	__u32 at;

	__builtin_memcpy(to, packet->to, 16);
	word = (packet->first_word & bpf_htonl(0x0ff00000)) |
	       bpf_htonl(part);
	at = (packet->next_hop * SEMR_WAY_PARTS + part) & (SEMR_WAYS - 1);
	known = bpf_map_lookup_elem(&ways, &at);
	if (!known)
		return NULL;
	now = bpf_jiffies64();
	if (now - known->asked < SEMR_WAY_JIFFIES && known->to[0] == to[0] &&
	    known->to[1] == to[1] && known->word == word &&
	    known->from == packet->ifindex)
		return known;
	__builtin_memset(&fib, 0, sizeof(fib));
	fib.family = SEMR_AF_INET6;
	fib.tot_len = SEMR_MIN_MTU;
	fib.ifindex = packet->ifindex;
	fib.l4_protocol = IPPROTO_IPV6;
	fib.flowinfo = word;
	copy_locator(fib.ipv6_src);
	__builtin_memcpy(fib.ipv6_dst, to, 16);
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) !=
	    BPF_FIB_LKUP_RET_SUCCESS)
		return NULL;
	known->asked = now;
	known->to[0] = to[0];
	known->to[1] = to[1];
	known->word = word;
	known->from = packet->ifindex;
	read_way(known, &fib);
	return known;
}

/* The kernel's route for the packet as it will leave. A BPF_FIB_LKUP_RET_*. */
static __always_inline long
find_route(void *ctx, const struct semr_packet *packet,
	   enum semr_verdict verdict, __u32 size, struct bpf_fib_lookup *fib)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->family = SEMR_AF_INET6;
	fib->tot_len = size;
	fib->ifindex = packet->ifindex;
	fib->l4_protocol = packet->flow.protocol;
	if (verdict == SEMR_ENCAPSULATED) {
		fib->l4_protocol = IPPROTO_IPV6;
		fib->flowinfo = tunnel_word(packet) & bpf_htonl(0x0fffffff);
		copy_locator(fib->ipv6_src);
		__builtin_memcpy(fib->ipv6_dst, packet->to, 16);
	} else {
		fib->flowinfo = packet->first_word & bpf_htonl(0x0fffffff);
		if (verdict == SEMR_RETURNED) {
			fib->sport = packet->to_port;
			fib->dport = packet->flow.capability_port;
			__builtin_memcpy(fib->ipv6_src, packet->to, 16);
			__builtin_memcpy(fib->ipv6_dst,
					 packet->flow.capability, 16);
		} else {
			fib->sport = packet->flow.client_port;
			fib->dport = packet->to_port;
			__builtin_memcpy(fib->ipv6_src, packet->flow.client,
					 16);
			__builtin_memcpy(fib->ipv6_dst, packet->to, 16);
		}
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

#endif
