// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

/* Odd, so that multiplying by it is a bijection of 64-bit numbers. */
#define SPREAD 0x9e3779b97f4a7c15ull

enum {
	ORIGIN = 1,
	AS_PATH = 2,
	MULTI_EXIT_DISC = 4,
	COMMUNITIES = 8,
	MP_REACH = 14,
	MP_UNREACH = 15,
	EXTENDED = 16,
	LARGE = 32,
	SEMANTIC = 255,
};

struct set *sets;
uint32_t set_count;
static uint32_t *sets_of_routes;

/* The finaliser of SplitMix64. */
uint64_t mixed(uint64_t a, uint64_t b)
{
	uint64_t z = a * SPREAD + b + SPREAD;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t inverse_of_spread(void)
{
	uint64_t inverse = SPREAD;

	for (int i = 0; i < 6; i++)
		inverse *= 2 - SPREAD * inverse;
	return inverse;
}

/* Sizes are spread as evenly over the powers of two as tables of the Internet
 * have them: most sets are small, a few are many times the mean.
 */
void make_sets(const struct plan *plan)
{
	uint32_t mean = plan->routes / plan->sets;
	uint32_t at = 0;

	if (mean == 0)
		mean = 1;
	sets = must(calloc(plan->routes, sizeof(*sets)));
	sets_of_routes = must(calloc(plan->routes, sizeof(uint32_t)));
	for (set_count = 0; at < plan->routes; set_count++) {
		uint32_t count = 1;

		if (mean > 1) {
			/* mean/4, mean/2, mean or 2.25 mean: mean on average. */
			uint64_t dice = mixed(set_count, 1);
			uint32_t quarter = mean > 4 ? mean / 4 : 1;

			count = (uint32_t[]){ 1, 2, 4, 9 }[dice & 3] * quarter;
			count = count - quarter / 2 + (dice >> 8) % (quarter + 1);
			count = count == 0 ? 1 : count;
		}
		if (count > plan->routes - at)
			count = plan->routes - at;
		sets[set_count] = (struct set){ at, count };
		for (uint32_t i = 0; i < count; i++)
			sets_of_routes[at + i] = set_count;
		at += count;
	}
}

uint32_t winner_of(const struct plan *plan, uint32_t set)
{
	return (uint32_t)(mixed(set, 2) % plan->senders);
}

uint32_t set_of(uint32_t route)
{
	return sets_of_routes[route];
}

uint32_t afi_safi(enum family family)
{
	return family == CAPABILITY ? 2 << 8 | 251 : 2 << 8 | 1;
}

size_t key_length(enum family family)
{
	return family == CAPABILITY ? 30 : 17;
}

static void put_key(struct octets *out, const struct plan *plan, uint32_t route)
{
	/* A capability site (DESIGN 4.1): type, length, distinguisher. */
	static const uint8_t site[10] = { 2, 28, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1 };
	static const uint8_t prefix[9] = { 128, 0x20, 1, 0x0d, 0xb8, 0, 0x5b };
	uint8_t *at = grow(out, key_length(plan->family));
	uint64_t code = (route + 1ull) * SPREAD;

	if (plan->family == IPV6_UNICAST) {
		memcpy(at, prefix, 9);
		store64(at + 9, code);
		return;
	}
	memcpy(at, site, 10);
	store64(at + 10, code);
	store64(at + 18, ~code);
	store32(at + 26, 0x0a0b0c0d); /* originator */
}

uint32_t route_of(const struct plan *plan, const uint8_t *at,
		  const uint8_t *end, size_t *length)
{
	static uint64_t inverse;
	size_t whole = key_length(plan->family);
	uint64_t route;

	if (inverse == 0)
		inverse = inverse_of_spread();
	*length = 0;
	if (at >= end || (size_t)(end - at) < whole)
		return UINT32_MAX;
	*length = whole;
	route = load64(plan->family == CAPABILITY ? at + 10 : at + 9) * inverse - 1;
	return route < plan->routes ? (uint32_t)route : UINT32_MAX;
}

static void put_attribute(struct octets *out, uint32_t flags, uint32_t code,
			  const uint8_t *value, size_t length)
{
	put8(out, length > 255 ? flags | 0x10 : flags);
	put8(out, code);
	if (length > 255)
		put16(out, (uint32_t)length);
	else
		put8(out, (uint32_t)length);
	put(out, value, length);
}

static size_t begin(struct octets *out)
{
	size_t at = out->length;

	memset(grow(out, 23), 0xff, 23);
	out->at[at + 18] = 2; /* UPDATE */
	store32(out->at + at + 19, 0);
	return at;
}

static void finish(struct octets *out, size_t at)
{
	store16(out->at + at + 16, (uint32_t)(out->length - at));
	store16(out->at + at + 21, (uint32_t)(out->length - at - 23));
}

/* Length of an attribute with a two-octet length that begins at `at`. */
static void close_attribute(struct octets *out, size_t at)
{
	store16(out->at + at + 2, (uint32_t)(out->length - at - 4));
}

static void put_path(struct octets *out, const struct plan *plan,
		     uint32_t sender, uint32_t set)
{
	uint8_t value[2 + 4 * 8];
	uint64_t dice = mixed(set, 3);
	uint32_t hops = 2 + (uint32_t)(dice & 3);

	if (sender != winner_of(plan, set))
		hops += 1 + (uint32_t)(mixed(set, 100 + sender) & 1);
	value[0] = 2;
	value[1] = (uint8_t)hops;
	store32(value + 2, plan->sender_as + sender);
	for (uint32_t i = 1; i < hops; i++)
		store32(value + 2 + 4 * i,
			70000 + (uint32_t)(mixed(dice + i, sender) % 30000));
	put_attribute(out, 0x40, AS_PATH, value, 2 + 4 * hops);
}

/* SEMANTIC with a score and a lease: some thirty values, as DESIGN 4.2 asks. */
static void put_semantic(struct octets *out, uint32_t set)
{
	uint8_t value[4 + 24 + 24];
	uint64_t dice = mixed(set, 9);
	uint8_t *lease = value + 4;
	uint8_t *class = lease + 24;

	memcpy(value, "SEMR", 4);
	store32(lease, 7 << 16 | 20);
	store64(lease + 4, 1);
	store64(lease + 12, 4000000000u);
	store32(lease + 20, 600);
	store32(class, 5 << 16 | 1);
	class[4] = (uint8_t)(dice & 15);
	store32(class + 5, 6 << 16 | 1);
	class[9] = (uint8_t)(dice >> 4 & 1);
	put_attribute(out, 0x80, SEMANTIC, value, 4 + 24 + 10);
}

static void put_announcement(struct octets *out, const struct plan *plan,
		      uint32_t sender, const uint8_t next_hop[16],
		      uint32_t set, uint32_t generation, uint32_t first,
		      uint32_t count)
{
	static const uint8_t target[8] = { 0, 2, 0xfd, 0xe8, 0, 0, 0, 1 };
	uint8_t value[64];
	uint64_t dice = mixed(set, 4);
	uint32_t items = 1 + (uint32_t)(dice % 6);
	size_t at = begin(out);
	size_t reach = out->length;

	put16(out, 0x90 << 8 | MP_REACH);
	put16(out, 0);
	put8(out, 0);
	put16(out, afi_safi(plan->family));
	put8(out, 16);
	put(out, next_hop, 16);
	put8(out, 0);
	for (uint32_t i = 0; i < count; i++)
		put_key(out, plan, first + i);
	close_attribute(out, reach);
	value[0] = dice % 10 == 0 ? 2 : 0;
	put_attribute(out, 0x40, ORIGIN, value, 1);
	put_path(out, plan, sender, set);
	if ((dice >> 8) % 3 == 0) {
		store32(value, (uint32_t)(dice >> 16 & 0xff));
		put_attribute(out, 0x80, MULTI_EXIT_DISC, value, 4);
	}
	for (uint32_t i = 0; i < items; i++)
		store32(value + 4 * i, 65100u << 16 |
			(uint32_t)(mixed(set, 20 + i) & 0xfff));
	put_attribute(out, 0xc0, COMMUNITIES, value, 4 * items);
	if (plan->family == CAPABILITY)
		put_attribute(out, 0xc0, EXTENDED, target, 8);
	for (uint32_t i = 0; i < 3; i++) {
		store32(value + 12 * i, i == 0 ? GENERATION_AS : 4200900100u + i);
		store32(value + 12 * i + 4, set);
		store32(value + 12 * i + 8, i == 0 ? generation :
			(uint32_t)mixed(set, 30 + i));
	}
	put_attribute(out, 0xc0, LARGE, value, 36);
	if (plan->family == CAPABILITY)
		put_semantic(out, set);
	finish(out, at);
}

void put_set(struct octets *out, const struct plan *plan, uint32_t sender,
	     const uint8_t next_hop[16], uint32_t set, uint32_t generation)
{
	uint32_t left = sets[set].count;
	uint32_t at = sets[set].first;

	while (left > 0) {
		uint32_t count = left > plan->pack ? plan->pack : left;

		put_announcement(out, plan, sender, next_hop, set, generation,
				 at, count);
		at += count;
		left -= count;
	}
}

void put_withdrawal(struct octets *out, const struct plan *plan,
		    uint32_t first, uint32_t count)
{
	size_t at = begin(out);
	size_t unreach = out->length;

	put16(out, 0x90 << 8 | MP_UNREACH);
	put16(out, 0);
	put8(out, 0);
	put16(out, afi_safi(plan->family));
	for (uint32_t i = 0; i < count; i++)
		put_key(out, plan, first + i);
	close_attribute(out, unreach);
	finish(out, at);
}

void put_end_of_rib(struct octets *out, const struct plan *plan)
{
	put_withdrawal(out, plan, 0, 0);
}
