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
read_exit(struct semr_exit *exit, const struct bpf_fib_lookup *fib)
{
	exit->ifindex = fib->ifindex;
	exit->mtu = fib->mtu_result;
	__builtin_memcpy(&exit->macs[0], fib->dmac, ETH_ALEN);
	__builtin_memcpy(&exit->macs[3], fib->smac, ETH_ALEN);
}

static __always_inline __be32 way_word(const struct semr_packet *packet)
{
	return (packet->first_word & bpf_htonl(0x0ff00000)) |
	       bpf_htonl(packet->hash >> 30);	/* of SEMR_WAY_PARTS */
}

static __always_inline struct semr_way *
place_of_way(const struct semr_packet *packet)
{
	__u32 part = packet->hash >> 30;
	__u32 at = (packet->next_hop * SEMR_WAY_PARTS + part) & (SEMR_WAYS - 1);

	return bpf_map_lookup_elem(&ways, &at);
}

/* Asks the kernel for the way of an encapsulated packet. False: there is none. */
static __always_inline int
ask_way(void *ctx, const struct semr_packet *packet)
{
	struct semr_way *way = place_of_way(packet);
	struct bpf_fib_lookup fib;

	if (!way)
		return false;
	__builtin_memset(&fib, 0, sizeof(fib));
	fib.family = SEMR_AF_INET6;
	fib.tot_len = SEMR_MIN_MTU;
	fib.ifindex = packet->ifindex;
	fib.l4_protocol = IPPROTO_IPV6;
	fib.flowinfo = way_word(packet);
	copy_locator(fib.ipv6_src);
	__builtin_memcpy(fib.ipv6_dst, packet->to, 16);
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) !=
	    BPF_FIB_LKUP_RET_SUCCESS)
		return false;
	way->asked = bpf_jiffies64();
	__builtin_memcpy(way->to, packet->to, 16);
	way->word = way_word(packet);
	way->from = packet->ifindex;
	read_exit(&way->exit, &fib);
	return true;
}

SEMR_STAGE int
semr_ask_way_xdp(struct xdp_md *ctx, const struct semr_packet *packet)
{
	return packet && ask_way(ctx, packet);
}

SEMR_STAGE int
semr_ask_way_tc(struct __sk_buff *ctx, const struct semr_packet *packet)
{
	return packet && ask_way(ctx, packet);
}

/* The way of an encapsulated packet, as it was a moment ago. NULL: no way. */
static __always_inline const struct semr_exit *
way_of_tunnel(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	struct semr_way *known = place_of_way(packet);
	__u64 to[2];

	if (!known)
		return NULL;
	__builtin_memcpy(to, packet->to, 16);
	if (bpf_jiffies64() - known->asked < SEMR_WAY_JIFFIES &&
	    known->to[0] == to[0] && known->to[1] == to[1] &&
	    known->word == way_word(packet) &&
	    known->from == packet->ifindex)
		return &known->exit;
	if (hook == SEMR_HOOK_TC ? semr_ask_way_tc(ctx, packet) :
				   semr_ask_way_xdp(ctx, packet))
		return &known->exit;
	return NULL;
}

/*
 * The kernel's route for the packet as it will leave, of @size octets. A
 * BPF_FIB_LKUP_RET_*.
 */
static __always_inline int
find_way(void *ctx, const struct semr_packet *packet, struct semr_exit *exit,
	 __u32 size)
{
	enum semr_verdict verdict = packet->verdict;
	struct bpf_fib_lookup fib;
	long rc;

	__builtin_memset(&fib, 0, sizeof(fib));
	fib.family = SEMR_AF_INET6;
	fib.tot_len = size;
	fib.ifindex = packet->ifindex;
	fib.l4_protocol = packet->flow.protocol;
	if (verdict == SEMR_ENCAPSULATED) {
		fib.l4_protocol = IPPROTO_IPV6;
		fib.flowinfo = tunnel_word(packet) & bpf_htonl(0x0fffffff);
		copy_locator(fib.ipv6_src);
		__builtin_memcpy(fib.ipv6_dst, packet->to, 16);
	} else {
		fib.flowinfo = packet->first_word & bpf_htonl(0x0fffffff);
		if (verdict == SEMR_RETURNED) {
			fib.sport = packet->to_port;
			fib.dport = packet->flow.capability_port;
			__builtin_memcpy(fib.ipv6_src, packet->to, 16);
			__builtin_memcpy(fib.ipv6_dst,
					 packet->flow.capability, 16);
		} else {
			fib.sport = packet->flow.client_port;
			fib.dport = packet->to_port;
			__builtin_memcpy(fib.ipv6_src, packet->flow.client,
					 16);
			__builtin_memcpy(fib.ipv6_dst, packet->to, 16);
		}
	}
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	read_exit(exit, &fib);
	return rc;
}

SEMR_STAGE int
semr_find_way_xdp(struct xdp_md *ctx, const struct semr_packet *packet,
		  struct semr_exit *exit, __u32 size)
{
	return packet && exit ? find_way(ctx, packet, exit, size) :
			       BPF_FIB_LKUP_RET_NOT_FWDED;
}

SEMR_STAGE int
semr_find_way_tc(struct __sk_buff *ctx, const struct semr_packet *packet,
		 struct semr_exit *exit, __u32 size)
{
	return packet && exit ? find_way(ctx, packet, exit, size) :
			       BPF_FIB_LKUP_RET_NOT_FWDED;
}

#endif
