/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What lies between the outer IPv6 header of a tunnel and the inner packet:
 * nothing, a segment routing header, or UDP, VXLAN and Ethernet.
 */
#ifndef SEMR_TUNNEL_H
#define SEMR_TUNNEL_H

#include "parse.h"

#define SEMR_SEGMENTS_TYPE 4		/* RFC 8754 section 2 */
#define SEMR_SEGMENTS_READ 16		/* of a header that is taken off */
/* Outer IPv6 header and the largest segment routing header. */
#define SEMR_TUNNEL_MAX (40 + 8 + 16 * SEMR_SEGMENTS_READ)
#define SEMR_VXLAN_VALID 0x08000000	/* RFC 7348 section 5: the I flag */

struct routing_header {
	__u8 next;
	__u8 length;			/* in units of 8 octets, without 8 */
	__u8 type;
	__u8 segments_left;
	__u8 rest[4];
};

/* In words of two octets: the Ethernet header makes it no multiple of four. */
struct vxlan_headers {
	__be16 source;
	__be16 destination;
	__be16 length;
	__be16 check;
	__be32 flags;
	__be32 vni;
	__u16 macs[6];
	__be16 type;
} __attribute__((packed, aligned(2)));
_Static_assert(sizeof(struct vxlan_headers) == SEMR_VXLAN_HEADERS, "VXLAN");

/* Octets that the tunnel puts in front of the packet. */
static __always_inline __u32 tunnel_headers(const struct semr_packet *packet)
{
	return sizeof(struct ipv6hdr) + packet->further;
}

/* Of a super-packet that is larger nobody reads it before it is cut. */
static __always_inline __be16 tunnel_length(__u32 length)
{
	return bpf_htons(length > 0xffff ? 0xffff : length);
}

static __always_inline struct semr_encapsulation *encapsulation_at(__u32 index)
{
	return bpf_map_lookup_elem(&encapsulations, &index);
}

/* What goes in front of a packet to the router @hop. */
static __always_inline void
into_tunnel(struct semr_packet *packet, const struct semr_next_hop *hop)
{
	__u32 index = *(const volatile __u32 *)&hop->encapsulation;
	const struct semr_encapsulation *encapsulation;

	__builtin_memcpy(packet->to, hop->address, 16);
	if (!index)
		return;
	encapsulation = encapsulation_at(index);
	if (!encapsulation)
		return;
	packet->encapsulation = index;
	packet->further = encapsulation->length;
	packet->outer = encapsulation->protocol;
	__builtin_memcpy(packet->to, encapsulation->to, 16);
}

/*
 * UDP of a tunnel: the source port tells flows apart, out of the range that RFC
 * 7348 section 5 asks for. No checksum, which RFC 6935 section 5 allows to
 * tunnels: the receiver compares the addresses with the routers it knows, and
 * the inner packet has its own. Super-packets could have no other.
 */
static __always_inline void
finish_vxlan(const struct semr_packet *packet, struct vxlan_headers *headers)
{
	headers->source = bpf_htons(0xc000 | (packet->hash >> 12 & 0x3fff));
	headers->length = tunnel_length(packet->length + sizeof(*headers));
}

/* Writes what is further than the outer IPv6 header, which has room for it. */
static __always_inline bool
write_further(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	const struct semr_encapsulation *encapsulation;
	struct vxlan_headers vxlan;
	struct cursor c;
	__u32 length;

	encapsulation = encapsulation_at(packet->encapsulation);
	if (!encapsulation)
		return false;
	c = open_frame(ctx, hook);
	if (encapsulation->protocol == IPPROTO_UDP) {
		struct vxlan_headers *at;

		__builtin_memcpy(&vxlan, encapsulation->headers,
				 sizeof(vxlan));
		finish_vxlan(packet, &vxlan);
		if (hook == SEMR_HOOK_TC)
			return !bpf_skb_store_bytes(ctx, SEMR_L4, &vxlan,
						    sizeof(vxlan), 0);
		if (!take(&c, SEMR_L4))
			return false;
		at = take(&c, sizeof(*at));
		if (at)
			*at = vxlan;
		return at != NULL;
	}
	length = packet->further;
	/* clang would compare something else than the verifier looks at */
	asm volatile("" : "+r"(length));
	if (!length || length > sizeof(encapsulation->headers))
		return false;
	if (hook == SEMR_HOOK_TC)
		return !bpf_skb_store_bytes(ctx, SEMR_L4,
					    encapsulation->headers, length, 0);
	if (!take(&c, SEMR_L4))
		return false;
	for (__u32 i = 0; i < sizeof(encapsulation->headers) / 8; i++) {
		__u64 *at;

		if (i * 8 >= length)
			break;
		at = take(&c, sizeof(*at));
		if (!at)
			return false;
		__builtin_memcpy(at, &encapsulation->headers[i * 8], 8);
	}
	return true;
}

SEMR_STAGE_AT_HOOKS(semr_further, write_further,
		    const struct semr_packet, false)

static __always_inline bool may_be_tunnelled(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_IPV6 ||
	       packet->flow.protocol == IPPROTO_UDP ||
	       packet->flow.protocol == IPPROTO_ROUTING;
}

/*
 * The router that sent an encapsulated packet, NULL when it is none of ours. A
 * second tunnel begins at its "deliver or reject" address.
 */
static __always_inline const struct semr_node *
node_of(struct semr_packet *packet)
{
	const struct semr_node *node;
	struct semr_node_key key;

	__builtin_memcpy(key.locator, packet->flow.client, 16);
	node = bpf_map_lookup_elem(&nodes, &key);
	if (node)
		return node;
	packet->last_leg = true;
	key.locator[SEMR_LAST_LEG_OCTET] ^= SEMR_LAST_LEG_BIT;
	return bpf_map_lookup_elem(&nodes, &key);
}

/*
 * Behind a segment routing header whose last segment is this router (RFC 8754
 * section 4.3.1, RFC 8986 section 4.6). Segments that are left lead further,
 * which is the stack's business where it is configured, but not with a locator.
 */
static __always_inline int
behind_segments(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	struct routing_header *routing;
	__u32 size;

	if (!take(&c, SEMR_L4))
		return -SEMR_DROP_TRUNCATED;
	routing = take(&c, sizeof(*routing));
	if (!routing)
		return -SEMR_DROP_TRUNCATED;
	if (routing->type != SEMR_SEGMENTS_TYPE ||
	    routing->next != IPPROTO_IPV6)
		return SEMR_PASSED;
	size = sizeof(struct ipv6hdr) + 8 + routing->length * 8;
	if (packet->length > frame_payload(ctx, hook) || packet->length < size)
		return -SEMR_DROP_TRUNCATED;
	if (!node_of(packet))
		return -SEMR_DROP_UNKNOWN_NODE;
	if (routing->segments_left || size > SEMR_TUNNEL_MAX)
		return -SEMR_DROP_SEGMENTS;
	return size;
}

/* Another router lives: its tunnel is not silent before that has run out. */
static __always_inline int
hear(struct semr_packet *packet, const struct semr_beat *beat)
{
	__u64 hold = (__u64)bpf_ntohs(beat->hold) * 1000000;
	const struct semr_node *node;
	struct semr_next_hop *hop;
	__u32 index, until;

	if (beat->magic != bpf_htonl(SEMR_BEAT_MAGIC) ||
	    beat->version != SEMR_BEAT_VERSION)
		return SEMR_PASSED;
	node = node_of(packet);
	if (!node || packet->last_leg)
		return -SEMR_DROP_UNKNOWN_NODE;
	index = node->next_hop;
	hop = bpf_map_lookup_elem(&next_hops, &index);
	if (index && hop && hop->kind == SEMR_TUNNEL) {
		/* that one itself, of which a part is over, is still vouched for */
		until = bpf_jiffies64() + (hold + semr_tick - 1) / semr_tick;
		hop->silent_after = until ? until : 1;
	}
	return -SEMR_HEARTBEAT;
}

/* Behind VXLAN, if it is from a router of which it is expected. */
static __always_inline int
behind_vxlan(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct cursor c = open_frame(ctx, hook);
	const struct semr_node *node;
	struct vxlan_headers *vxlan;

	if (!take(&c, SEMR_L4))
		return SEMR_PASSED;
	vxlan = take(&c, sizeof(*vxlan));
	if (vxlan && vxlan->destination == bpf_htons(SEMR_BEAT_PORT)) {
		struct udphdr *udp = (void *)vxlan;
		struct semr_beat *beat;

		c = open_frame(ctx, hook);
		if (!take(&c, SEMR_L4))
			return SEMR_PASSED;
		udp = take(&c, sizeof(*udp));
		beat = take(&c, sizeof(*beat));
		if (!udp || !beat ||
		    packet->length < SEMR_L4 - SEMR_L3 + sizeof(*udp) +
					     sizeof(*beat))
			return SEMR_PASSED;
		return hear(packet, beat);
	}
	if (!vxlan || vxlan->destination != bpf_htons(SEMR_VXLAN_PORT))
		return SEMR_PASSED;
	node = node_of(packet);
	if (!node || !node->vni)
		return SEMR_PASSED;
	if (packet->length > frame_payload(ctx, hook) ||
	    bpf_ntohs(vxlan->length) < sizeof(*vxlan) ||
	    bpf_ntohs(vxlan->length) > packet->length - sizeof(struct ipv6hdr))
		return -SEMR_DROP_TRUNCATED;
	if (!(vxlan->flags & bpf_htonl(SEMR_VXLAN_VALID)) ||
	    bpf_ntohl(vxlan->vni) >> 8 != node->vni)
		return -SEMR_DROP_VNI;
	if (vxlan->type != bpf_htons(ETH_P_IPV6))
		return -SEMR_DROP_NOT_CAPABILITY;
	return sizeof(struct ipv6hdr) + sizeof(*vxlan);
}

/*
 * Octets in front of the inner packet; 0 when it is none of ours, else the
 * verdict below zero.
 */
static __always_inline int
read_outer(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	if (packet->flow.protocol == IPPROTO_IPV6) {
		if (packet->length > frame_payload(ctx, hook))
			return -SEMR_DROP_TRUNCATED;
		return node_of(packet) ? (int)sizeof(struct ipv6hdr) :
					 -SEMR_DROP_UNKNOWN_NODE;
	}
	if (packet->flow.protocol == IPPROTO_ROUTING) {
		bring_together(ctx, hook,
			       SEMR_L3 + SEMR_TUNNEL_MAX +
				       sizeof(struct ipv6hdr));
		return behind_segments(ctx, hook, packet);
	}
	bring_together(ctx, hook,
		       SEMR_L4 + sizeof(struct vxlan_headers) +
			       sizeof(struct ipv6hdr));
	return behind_vxlan(ctx, hook, packet);
}

SEMR_STAGE_AT_HOOKS(semr_outer, read_outer, struct semr_packet, SEMR_PASSED)

#endif
