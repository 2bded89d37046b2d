/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * QUIC (RFC 9000) says itself where its packets belong, whatever addresses they
 * have: draft-ietf-quic-load-balancers, with the server id in plain text.
 */
#ifndef SEMR_CONNECTION_H
#define SEMR_CONNECTION_H

#include "choose.h"

#define SEMR_QUIC_LONG 0x80		/* RFC 9000 section 17.2 */

/* What a connection id calls a site, or an instance at @port. See abi.h. */
static __always_inline __u32 name_of(const void *address, __be16 port)
{
	__u64 words[2];
	__u32 name;

	__builtin_memcpy(words, address, sizeof(words));
	name = ((words[0] ^ words[1] * 0x9e3779b97f4a7c15ULL ^
		 (__u64)port << 16) *
		0xbf58476d1ce4e5b9ULL) >> 32;
	return name ? name : 1;
}

/* Notes where the connection id of a packet with a short header leads. */
static __always_inline int
read_connection(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct semr_connection *connection;
	struct cursor c;

	if (packet->quoted || is_fragment(packet) ||
	    packet->length < sizeof(struct ipv6hdr) + packet->extensions +
				     sizeof(struct udphdr) +
				     sizeof(*connection))
		return 0;
	bring_together(ctx, hook,
		       l4_of(packet) + sizeof(struct udphdr) +
			       sizeof(*connection));
	c = open_frame(ctx, hook);
	if (!take(&c, l4_of(packet)) || !take(&c, sizeof(struct udphdr)))
		return 0;
	connection = take(&c, sizeof(*connection));
	if (!connection || connection->form & SEMR_QUIC_LONG ||
	    connection->first & SEMR_CONNECTION_CONFIG)
		return 0;
	packet->site = bpf_ntohl(connection->site);
	packet->endpoint = bpf_ntohl(connection->endpoint);
	return 0;
}

SEMR_STAGE_AT_HOOKS(semr_connection, read_connection, struct semr_packet, 0)

SEMR_STAGE int semr_is_called(__u32 index, __u32 name)
{
	struct semr_next_hop *hop = next_hop_at(index);

	if (!hop || !has_flows(hop) || is_silent(hop))
		return false;
	if (hop->kind == SEMR_LOCAL) {
		__u64 locator[2];

		copy_locator(locator);
		return name_of(locator, 0) == name;
	}
	return name_of(hop->address,
		       hop->kind == SEMR_INSTANCE ? hop->port : 0) == name;
}

/*
 * The member of a group that a connection id names, from @slot on: mostly the
 * first, which the flow was given when it began. Former owners of slots in
 * transition are members still. 0: it names none, so that nobody is reached who
 * does not serve the capability.
 */
SEMR_STAGE int semr_named(__u32 group_index, __u32 slot, __u32 name)
{
	struct semr_group *group = group_at(group_index);

	if (!group || !name)
		return 0;
	for (__u32 n = 0; n < SEMR_GROUP_SLOTS; n++) {
		struct semr_slot at = slot_at(group, slot + n);

		if (semr_is_called(at.current, name))
			return at.current;
		if (at.previous != at.current && semr_is_called(at.previous, name))
			return at.previous;
	}
	return 0;
}

#endif
