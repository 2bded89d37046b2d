/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What TypeScript and the pass agree on: values and keys of every map, the
 * constants set at load, the names of the verdicts. `src/dataplane/abi.ts` is
 * its mirror; a test compares sizes and offsets. A change of layout raises
 * SEMR_ABI_VERSION, which is part of the pin folder's name. The next version
 * finds in the tables of this one what it knows by name: a member that means
 * something else gets another name, what is new means "as before" where it is
 * 0, numbers of an enum are never given again, and reserved octets are called
 * `reserved`.
 *
 * Octets that come from packets stay in network order (__be16, __u8[]); all
 * else is in host order. Array indices 0 of groups and next hops mean "none".
 */
#ifndef SEMR_ABI_H
#define SEMR_ABI_H

#include <linux/types.h>

#define SEMR_ABI_VERSION 4

#define SEMR_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), #type " changed its size")

#include "abi_plan.h"
#include "abi_policy.h"
#include "abi_memory.h"
#include "abi_verdicts.h"
#include "abi_edge.h"

#endif
