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

/* Whose way it is: what each hook may do there differs. */
static __always_inline __u32
arrival_of(enum semr_hook hook, const struct semr_packet *packet)
{
	return packet->ifindex | (hook == SEMR_HOOK_TC ? SEMR_WAY_TC : 0);
}

static __always_inline bool is_fresh(const struct semr_way *way)
{
	return bpf_jiffies64() - way->asked < SEMR_WAY_JIFFIES;
}

/* XDP: does a frame that is redirected there go out? */
static __always_inline bool takes_frames(__u32 ifindex)
{
	struct semr_port *port = bpf_map_lookup_elem(&ports, &ifindex);

	return port && port->flags & SEMR_PORT_DIRECT;
}

/*
 * Asks the kernel's routes for a packet of @size octets; the answer goes to @way,
 * to be used again if it is whole. A BPF_FIB_LKUP_RET_*.
 */
static __always_inline int
ask(void *ctx, enum semr_hook hook, struct bpf_fib_lookup *fib,
    struct semr_way *way, __u32 size)
{
	struct semr_exit *exit = &way->exit;
	int rc;

	fib->family = SEMR_AF_INET6;
	fib->tot_len = size;
	fib->ifindex = way->from & ~SEMR_WAY_TC;
	rc = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	exit->ifindex = fib->ifindex;
	exit->mtu = fib->mtu_result;
	__builtin_memcpy(&exit->macs[0], fib->dmac, ETH_ALEN);
	__builtin_memcpy(&exit->macs[3], fib->smac, ETH_ALEN);
	__builtin_memcpy(exit->next, fib->ipv6_dst, 16);
	exit->family = 0;
	way->asked = 0;
	if (rc != BPF_FIB_LKUP_RET_SUCCESS)
		return rc;
	if (hook == SEMR_HOOK_TC || takes_frames(exit->ifindex))
		exit->family = SEMR_AF_INET6;
	way->asked = bpf_jiffies64();
	return rc;
}

static __always_inline int
ask_tunnel(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	   struct semr_way *way, __u32 size)
{
	struct bpf_fib_lookup fib;

	__builtin_memset(&fib, 0, sizeof(fib));
	__builtin_memcpy(way->to, packet->to, 16);
	way->word = way_word(packet);
	way->from = arrival_of(hook, packet);
	fib.l4_protocol = IPPROTO_IPV6;
	fib.flowinfo = way->word;
	copy_locator(fib.ipv6_src);
	__builtin_memcpy(fib.ipv6_dst, packet->to, 16);
	return ask(ctx, hook, &fib, way, size);
}

SEMR_STAGE int
semr_ask_tunnel_xdp(struct xdp_md *ctx, const struct semr_packet *packet,
		    struct semr_way *way, __u32 size)
{
	return packet && way ? ask_tunnel(ctx, SEMR_HOOK_XDP, packet, way,
					  size) :
			       BPF_FIB_LKUP_RET_NOT_FWDED;
}

SEMR_STAGE int
semr_ask_tunnel_tc(struct __sk_buff *ctx, const struct semr_packet *packet,
		   struct semr_way *way, __u32 size)
{
	return packet && way ? ask_tunnel(ctx, SEMR_HOOK_TC, packet, way,
					  size) :
			       BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* The way of an encapsulated packet, as it was a moment ago. */
static __always_inline int
find_tunnel(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	    struct semr_way *way, __u32 size)
{
	__u64 to[2];

	__builtin_memcpy(to, packet->to, 16);
	if (is_fresh(way) && way->to[0] == to[0] && way->to[1] == to[1] &&
	    way->word == way_word(packet) && way->from == arrival_of(hook, packet))
		return BPF_FIB_LKUP_RET_SUCCESS;
	return hook == SEMR_HOOK_TC ?
		       semr_ask_tunnel_tc(ctx, packet, way, size) :
		       semr_ask_tunnel_xdp(ctx, packet, way, size);
}

/* Both ends of a translated packet as it leaves. */
struct ends {
	__u64 source[2];
	__u64 to[2];
	__be16 ports[2];
};

static __always_inline struct ends ends_of(const struct semr_packet *packet)
{
	bool back = packet->verdict == SEMR_RETURNED;
	struct ends ends;

	__builtin_memcpy(ends.source, back ? packet->to : packet->flow.client,
			 16);
	__builtin_memcpy(ends.to, back ? packet->flow.capability : packet->to,
			 16);
	ends.ports[0] = back ? packet->to_port : packet->flow.client_port;
	ends.ports[1] = back ? packet->flow.capability_port : packet->to_port;
	return ends;
}

/*
 * tc: may such a packet go to the other end of the veth @ifindex itself? Not what
 * the edge changes where it leaves: calls of an agent to itself, and what is for
 * an IPv4 host.
 */
static __always_inline bool
skips_link(__u32 ifindex, const struct ends *ends)
{
	struct semr_port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct semr_edge *now;

	if (!port || !(port->flags & SEMR_PORT_PEER) ||
	    (ends->source[0] == ends->to[0] && ends->source[1] == ends->to[1]))
		return false;
	now = edge_now();
	return !now || !in_prefix(now, ends->to);
}

static __always_inline struct semr_flow_way *
place_of_flow(const struct semr_packet *packet)
{
	struct ends ends = ends_of(packet);
	__u64 mixed = ends.source[1] ^ ends.to[1] ^
		      (ends.ports[0] | (__u64)ends.ports[1] << 16);
	__u32 at = mixed * SEMR_HOME_MULTIPLIER >> 40 & (SEMR_FLOW_WAYS - 1);

	return bpf_map_lookup_elem(&flow_ways, &at);
}

/* The way of a translated packet, as it was a moment ago. */
static __always_inline int
find_flow(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	  struct semr_flow_way *known, __u32 size)
{
	struct semr_way *way = &known->way;
	struct ends ends = ends_of(packet);
	struct bpf_fib_lookup fib;
	int rc;

	if (is_fresh(way) && way->to[0] == ends.to[0] &&
	    way->to[1] == ends.to[1] && known->source[0] == ends.source[0] &&
	    known->source[1] == ends.source[1] &&
	    known->ports[0] == ends.ports[0] &&
	    known->ports[1] == ends.ports[1] &&
	    known->protocol == packet->flow.protocol &&
	    way->word == packet->first_word && way->from == arrival_of(hook, packet))
		return BPF_FIB_LKUP_RET_SUCCESS;
	known->source[0] = ends.source[0];
	known->source[1] = ends.source[1];
	known->ports[0] = ends.ports[0];
	known->ports[1] = ends.ports[1];
	known->protocol = packet->flow.protocol;
	way->to[0] = ends.to[0];
	way->to[1] = ends.to[1];
	way->word = packet->first_word;
	way->from = arrival_of(hook, packet);
	__builtin_memset(&fib, 0, sizeof(fib));
	fib.l4_protocol = packet->flow.protocol;
	fib.flowinfo = packet->first_word & bpf_htonl(0x0fffffff);
	fib.sport = ends.ports[0];
	fib.dport = ends.ports[1];
	__builtin_memcpy(fib.ipv6_src, ends.source, 16);
	__builtin_memcpy(fib.ipv6_dst, ends.to, 16);
	rc = ask(ctx, hook, &fib, way, size);
	if (hook == SEMR_HOOK_TC && rc == BPF_FIB_LKUP_RET_SUCCESS &&
	    skips_link(way->exit.ifindex, &ends))
		way->exit.ifindex |= SEMR_EXIT_PEER;
	return rc;
}

SEMR_STAGE int
semr_find_flow_xdp(struct xdp_md *ctx, const struct semr_packet *packet,
		   struct semr_flow_way *known, __u32 size)
{
	return packet && known ? find_flow(ctx, SEMR_HOOK_XDP, packet, known,
					   size) :
				 BPF_FIB_LKUP_RET_NOT_FWDED;
}

SEMR_STAGE int
semr_find_flow_tc(struct __sk_buff *ctx, const struct semr_packet *packet,
		  struct semr_flow_way *known, __u32 size)
{
	return packet && known ? find_flow(ctx, SEMR_HOOK_TC, packet, known,
					   size) :
				 BPF_FIB_LKUP_RET_NOT_FWDED;
}

#endif
