/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Extension headers of what clients send: RFC 8200 section 4. */
#ifndef SEMR_EXTENSION_H
#define SEMR_EXTENSION_H

#include "fragment.h"

struct extension {
	__u8 next;
	__u8 length;			/* in units of 8 octets, without 8 */
	__u8 type;
	__u8 segments_left;		/* of a routing header */
	__u8 rest[4];
};

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_ROUTING;
}

/*
 * Goes past them to the transport header: facts as read_l4. Hop-by-hop options
 * come first or not at all (section 4.1), a routing header has been followed to
 * its end (section 4.4). SEMR_PASSED stands for "go on".
 */
static __always_inline int
skip_extensions(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	__u32 payload = packet->length - sizeof(struct ipv6hdr);
	__u8 next = packet->flow.protocol;
	__u32 skipped = 0;

	bring_together(ctx, hook, SEMR_PULL + SEMR_EXTENSIONS_MAX);
	for (int i = 0; i < SEMR_EXTENSIONS && is_extension(next); i++) {
		struct cursor c = open_frame(ctx, hook);
		struct extension *header;

		if (skipped > SEMR_EXTENSIONS_MAX ||
		    !take(&c, SEMR_L4 + skipped))
			return SEMR_DROP_TRUNCATED;
		header = take(&c, sizeof(*header));
		if (!header || payload < skipped + sizeof(*header))
			return SEMR_DROP_TRUNCATED;
		if (next == IPPROTO_HOPOPTS && i)
			return SEMR_DROP_EXTENSION;
		if (next == IPPROTO_ROUTING && header->segments_left)
			return SEMR_DROP_SEGMENTS;
		next = header->next;
		skipped += sizeof(*header) + header->length * 8;
		if (skipped > SEMR_EXTENSIONS_MAX || skipped > payload)
			return SEMR_DROP_EXTENSION;
	}
	if (is_extension(next))
		return SEMR_DROP_EXTENSION;
	packet->flow.protocol = next;
	packet->extensions = skipped;
	if (next == IPPROTO_FRAGMENT)
		return semr_fragment(ctx, hook, packet) ? SEMR_PASSED :
							  SEMR_DROP_FRAGMENT;
	if (!read_l4_behind(ctx, hook, packet, l4_of(packet) - SEMR_L4))
		return SEMR_DROP_TRUNCATED;
	return SEMR_PASSED;
}

SEMR_STAGE_AT_HOOKS(semr_skip, skip_extensions,
		    struct semr_packet, SEMR_DROP_TRUNCATED)

#endif
