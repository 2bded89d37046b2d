/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Stages 1 and 2: out of a tunnel, and whether a packet may be there at all. */
#ifndef SEMR_ADMIT_H
#define SEMR_ADMIT_H

#include "extension.h"
#include "forward.h"
#include "police.h"

/* Stage 1, core ports: takes the outer header off a packet from a router. */
static __always_inline enum semr_verdict
decapsulate(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct ipv6hdr *inner;
	struct cursor c;
	int headers;

	headers = semr_outer(ctx, hook, packet);
	if (headers <= 0)
		return -headers;
	if (headers > SEMR_TUNNEL_MAX ||
	    packet->length < headers + sizeof(struct ipv6hdr))
		return SEMR_DROP_TRUNCATED;
	packet->tag = bpf_ntohl(packet->first_word) >> SEMR_TAG_SHIFT;
	c = open_frame(ctx, hook);
	if (!take(&c, SEMR_L3 + headers))
		return SEMR_DROP_TRUNCATED;
	inner = take(&c, sizeof(*inner));
	if (!inner || !read_ipv6(packet, inner))
		return SEMR_DROP_TRUNCATED;
	if (!in_domain(packet->flow.capability))
		return SEMR_DROP_NOT_CAPABILITY;
	if (!strip(ctx, hook, headers))
		return SEMR_DROP_NO_HEADROOM;
	pull_headers(ctx, hook);
	packet->decapsulated = true;
	return SEMR_DELIVERED;
}

/* A source that no packet may have which is forwarded. RFC 4291 section 2 */
static __always_inline bool is_bad_source(const __u8 *address)
{
	__u64 words[2];

	__builtin_memcpy(words, address, 16);
	return address[0] == 0xff ||
	       (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) ||
	       (!words[0] && (!words[1] || words[1] == bpf_cpu_to_be64(1))) ||
	       in_domain(address);
}

/* Stage 2. SEMR_PASSED stands for "go on". */
static __always_inline enum semr_verdict
admit(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	__be16 tenant;

	if (packet->length > frame_payload(ctx, hook))
		return SEMR_DROP_TRUNCATED;
	if (is_bad_source(packet->flow.client))
		return SEMR_DROP_SOURCE;
	if (packet->port.flags & SEMR_PORT_SOURCES && !semr_place(packet))
		return SEMR_DROP_SPOOFED;
	if (is_transport(packet->flow.protocol)) {
		if (!read_l4(ctx, hook, packet))
			return SEMR_DROP_TRUNCATED;
	} else if (is_extension(packet->flow.protocol)) {
		int verdict = semr_skip(ctx, hook, packet);

		if (verdict != SEMR_PASSED)
			return verdict;
	} else if (packet->flow.protocol == IPPROTO_FRAGMENT) {
		if (!semr_fragment(ctx, hook, packet))
			return SEMR_DROP_FRAGMENT;
	} else if (!read_l4(ctx, hook, packet)) {
		return SEMR_DROP_TRUNCATED;
	}
	if (packet->hop_limit <= 1)
		return SEMR_REJECT_HOP_LIMIT;
	__builtin_memcpy(&tenant, packet->flow.capability + 6, 2);
	packet->policed = !packet->decapsulated &&
			  (packet->port.role != SEMR_ROLE_CORE ||
			   !is_icmp_error(packet));
	packet->foreign = packet->policed && tenant != packet->port.tenant;
	if (is_icmp_error(packet) && !read_quote(ctx, hook, packet))
		return SEMR_DROP_UNANSWERABLE;
	return SEMR_PASSED;
}

#endif
