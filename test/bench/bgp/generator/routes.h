/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that everybody is given: route i has a key that looks random,
 * and shares its attributes with the others of its set.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "octets.h"

enum family { IPV6_UNICAST, CAPABILITY };

struct plan {
	enum family family;
	uint32_t routes;
	/* About this many attribute sets; equal to routes: one each. */
	uint32_t sets;
	uint32_t senders;
	uint32_t sender_as;
	/* Most routes in an UPDATE. */
	uint32_t pack;
};

/* One set of a plan: routes first to first + count - 1. */
struct set {
	uint32_t first;
	uint32_t count;
};

extern struct set *sets;
extern uint32_t set_count;

void make_sets(const struct plan *plan);
/* The sender whose path for this set is the shortest. */
uint32_t winner_of(const struct plan *plan, uint32_t set);
uint32_t set_of(uint32_t route);

/* The UPDATEs that announce a set. */
void put_set(struct octets *out, const struct plan *plan, uint32_t sender,
	     const uint8_t next_hop[16], uint32_t set, uint32_t generation);
void put_withdrawal(struct octets *out, const struct plan *plan,
		    uint32_t first, uint32_t count);
/* End-of-RIB of the family (RFC 4724 section 2). */
void put_end_of_rib(struct octets *out, const struct plan *plan);

size_t key_length(enum family family);
/* The route of a key, or UINT32_MAX; *length is set to the key's length. */
uint32_t route_of(const struct plan *plan, const uint8_t *at,
		  const uint8_t *end, size_t *length);

uint32_t afi_safi(enum family family);
uint64_t mixed(uint64_t a, uint64_t b);

/* Generation of a set travels in a LARGE_COMMUNITY of this administrator. */
#define GENERATION_AS 4200900001u

#endif
