/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Token buckets of one processor. */
#ifndef SEMR_BUCKET_H
#define SEMR_BUCKET_H

#include <stdbool.h>
#include "maps.h"

#define SEMR_SECOND 1000000000ULL

/* One of the tokens that @bucket gets, @per_second of them up to @burst? */
static __always_inline bool take_from(struct semr_bucket *bucket,
				      __u32 per_second, __u32 burst)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 elapsed = now - bucket->refilled;
	__u64 fresh;

	if (!bucket->refilled) {
		bucket->tokens = burst;
		bucket->refilled = now;
	} else {
		if (elapsed > 4 * SEMR_SECOND)
			elapsed = 4 * SEMR_SECOND;
		fresh = elapsed * per_second / SEMR_SECOND;
		if (fresh) {
			bucket->tokens += fresh;
			bucket->refilled = now;
		}
		if (bucket->tokens > burst)
			bucket->tokens = burst;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens -= 1;
	return true;
}

#endif
