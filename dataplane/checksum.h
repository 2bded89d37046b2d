/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* One's complement sums, in the byte order of memory throughout (RFC 1071). */
#ifndef SEMR_CHECKSUM_H
#define SEMR_CHECKSUM_H

#include "parse.h"

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline __u64 sum_address(const void *address)
{
	__u32 words[4];

	__builtin_memcpy(words, address, sizeof(words));
	return (__u64)words[0] + words[1] + words[2] + words[3];
}

/* RFC 8200 section 8.1 */
static __always_inline __u64
pseudo_header(const void *source, const void *destination, __u32 length,
	      __u8 protocol)
{
	return sum_address(source) + sum_address(destination) +
	       bpf_htonl(length) + bpf_htonl(protocol);
}

/* Of the checksum field in the transport header. */
static __always_inline __u32 checksum_offset(__u8 protocol)
{
	return SEMR_L4 + (protocol == IPPROTO_TCP ?
				  offsetof(struct tcphdr, check) :
				  offsetof(struct udphdr, check));
}

static __always_inline __sum16 *field_at(struct cursor c, __u32 offset)
{
	__u8 *at = c.at + offset;

	return (void *)(at + sizeof(__sum16)) > c.end ? NULL : (__sum16 *)at;
}

/* The checksum field of the packet behind @skipped octets of extensions. */
static __always_inline __sum16 *
checksum_field(struct cursor c, __u8 protocol, __u32 skipped)
{
	return field_at(c, checksum_offset(protocol) + skipped);
}

/*
 * A packet that came from a socket of this host over veth may carry only the
 * sum of the pseudo-header in its checksum field; a device, or nobody, finishes
 * it later (CHECKSUM_PARTIAL). XDP does not say which packets do: there, on
 * ports that may see them, a field that holds exactly this sum is taken for
 * one; 1 of 65536 finished packets is mistaken, arrives with a wrong checksum
 * and is sent again by its sender. tc: a socket buffer in that state keeps its
 * field when the helper is told of a change that is no pseudo-header.
 */
static __always_inline bool
is_unfinished(void *ctx, enum semr_hook hook, const struct semr_packet *packet,
	      __u32 skipped)
{
	__u8 protocol = packet->flow.protocol;
	struct cursor c = open_frame(ctx, hook);
	__sum16 before, *check;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) ||
	    is_fragment(packet))
		return false;
	check = checksum_field(c, protocol, skipped);
	if (!check)
		return false;
	before = *check;
	if (hook == SEMR_HOOK_XDP) {
		__u64 pseudo;

		if (!(packet->port.flags & SEMR_PORT_PARTIAL))
			return false;
		pseudo = pseudo_header(packet->flow.client,
				       packet->flow.capability,
				       packet->length - skipped -
					       sizeof(struct ipv6hdr),
				       protocol);
		return before == fold(pseudo);
	}
	bpf_l4_csum_replace(ctx, checksum_offset(protocol) + skipped, 0, 1, 2);
	c = open_frame(ctx, hook);
	check = checksum_field(c, protocol, skipped);
	if (!check || *check == before)
		return check != NULL;
	*check = before;
	return false;
}

#endif
