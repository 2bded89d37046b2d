/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What a rejected packet's sender is told, and whether. */
#ifndef SEMR_ANSWER_H
#define SEMR_ANSWER_H

#include "bucket.h"
#include "echo.h"
#include "error.h"
#include "reset.h"

/* May one more ICMPv6 error go out on this processor? */
static __always_inline bool take_token(void)
{
	struct semr_bucket *bucket;
	__u32 zero = 0;

	bucket = bpf_map_lookup_elem(&answers, &zero);
	return bucket && take_from(bucket, semr_answers_per_second,
				   semr_answers_burst);
}

static __always_inline bool is_reset(const struct semr_packet *packet)
{
	return packet->flow.protocol == IPPROTO_TCP && !packet->extensions &&
	       (packet->verdict == SEMR_REJECT_EMPTY_GROUP ||
		packet->verdict == SEMR_REJECT_COLLISION ||
		packet->verdict == SEMR_REJECT_LOST_STATE ||
		packet->verdict == SEMR_REJECT_PORT);
}

/* RFC 4443 section 2.4 e; nothing answers a RST. */
static __always_inline bool is_unanswerable(const struct semr_packet *packet)
{
	if (packet->quoted)
		return true;
	if (packet->first_fragment)
		return false;
	if (packet->flow.protocol == IPPROTO_TCP)
		return packet->tcp_flags & SEMR_TCP_RST;
	return is_icmp_error(packet) ||
	       (packet->flow.protocol == IPPROTO_ICMPV6 &&
		packet->icmp_type == SEMR_ICMP_REDIRECT);
}

enum semr_answer {
	SEMR_SILENT,
	SEMR_ECHO,
	SEMR_RESET,
	SEMR_ERROR,
};

/* How to answer. The verdict changes when the reject stays silent. */
SEMR_STAGE int semr_answer(struct semr_packet *packet)
{
	if (!packet)
		return SEMR_SILENT;
	if (packet->verdict == SEMR_ANSWERED_ECHO)
		return SEMR_ECHO;
	if (is_unanswerable(packet)) {
		packet->verdict = SEMR_DROP_UNANSWERABLE;
		return SEMR_SILENT;
	}
	if (is_reset(packet))
		return SEMR_RESET;
	if (take_token())
		return SEMR_ERROR;
	packet->verdict = SEMR_DROP_RATE_LIMITED;
	return SEMR_SILENT;
}

/* Carries out a reject or an echo reply. The hook's action. */
static __always_inline int
answer(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	switch (semr_answer(packet)) {
	case SEMR_ECHO:
		return semr_echo(ctx, hook, packet);
	case SEMR_RESET:
		return semr_reset(ctx, hook, packet);
	case SEMR_ERROR:
		return semr_error(ctx, hook, packet);
	default:
		return drop(hook);
	}
}

#endif
