/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Fragments: RFC 8200 section 4.5. */
#ifndef SEMR_FRAGMENT_H
#define SEMR_FRAGMENT_H

#include "parse.h"

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;			/* in units of 8 octets, and 3 flags */
	__be32 id;
	__be16 ports[4];		/* UDP, or how TCP begins; of the first */
};

#define SEMR_FRAGMENT_HEADER offsetof(struct fragment_header, ports)

/*
 * Facts of a fragment whose header is behind packet->extensions octets of
 * others; from then on it is one of these. The first one of TCP or UDP says
 * whose it is. False for all but UDP: those go nowhere.
 */
static __always_inline int
read_fragment(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	__u32 payload = packet->length - sizeof(struct ipv6hdr) -
			packet->extensions;
	struct cursor c = open_frame(ctx, hook);
	struct fragment_header *header;

	if (!take(&c, l4_of(packet)))
		return false;
	header = take(&c, SEMR_FRAGMENT_HEADER);
	if (!header || payload < SEMR_FRAGMENT_HEADER)
		return false;
	packet->fragment = header->id;
	if (header->offset & bpf_htons(0xfff8)) {
		packet->later_fragment = true;
	} else {
		if ((header->next != IPPROTO_UDP &&
		     header->next != IPPROTO_TCP) ||
		    payload < sizeof(*header) ||
		    !take(&c, sizeof(header->ports)))
			return false;
		packet->flow.client_port = header->ports[0];
		packet->flow.capability_port = header->ports[1];
		packet->first_fragment = true;
	}
	packet->flow.protocol = header->next;
	packet->l4_header = sizeof(struct udphdr);
	packet->extensions += SEMR_FRAGMENT_HEADER;
	return header->next == IPPROTO_UDP;
}

SEMR_STAGE_AT_HOOKS(semr_fragment, read_fragment, struct semr_packet, false)

static __always_inline void
fragment_key(const struct semr_packet *packet, struct semr_fragment *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	__builtin_memcpy(key->agent, packet->flow.client, 16);
	__builtin_memcpy(key->client, packet->flow.capability, 16);
	key->id = packet->fragment;
}

/* What the first fragment of the same answer said; NULL: it was not here. */
static __always_inline struct semr_fragment_ends *
said_before(const struct semr_packet *packet, __u32 now)
{
	struct semr_fragment_ends *ends;
	struct semr_fragment key;

	fragment_key(packet, &key);
	ends = bpf_map_lookup_elem(&fragments, &key);
	return ends && now - ends->seen <= SEMR_FRAGMENT_AGE ? ends : NULL;
}

static __always_inline void
say_for_later(const struct semr_packet *packet, __u32 now, bool refused)
{
	struct semr_fragment_ends ends = {
		.agent_port = packet->flow.client_port,
		.client_port = packet->flow.capability_port,
		.seen = now,
		.refused = refused,
	};
	struct semr_fragment key;

	fragment_key(packet, &key);
	bpf_map_update_elem(&fragments, &key, &ends, BPF_ANY);
}

#endif
