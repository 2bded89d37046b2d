// SPDX-License-Identifier: Apache-2.0
#include "sink.h"

#include <math.h>

#define NOBODY 0xff
#define UNKNOWN 0xfe
#define MOST_LATENCIES 4000000

static void hold(struct sink *sink, uint32_t route, uint8_t sender)
{
	uint8_t before = sink->holds[route];
	uint32_t best = winner_of(sink->plan, set_of(route));

	if (before == sender)
		return;
	sink->right -= before == best;
	sink->right += sender == best;
	sink->present += before == NOBODY;
	sink->present -= sender == NOBODY;
	sink->holds[route] = sender;
}

static void confirm(struct sink *sink, uint32_t route, uint32_t generation,
		    double now)
{
	uint32_t set = set_of(route);

	if (sink->seen == NULL || sink->seen[route] == generation)
		return;
	/* Generations that were overtaken by the next one count as well. */
	sink->confirmed += generation - sink->seen[route];
	sink->seen[route] = generation;
	if (generation == sink->expected[set] && sink->latency_count < MOST_LATENCIES)
		sink->latencies[sink->latency_count++] =
			(float)(now - sink->sent_at[set]);
}

struct attributes {
	uint8_t sender;
	uint32_t generation;
	const uint8_t *reach, *reach_end;
	const uint8_t *unreach, *unreach_end;
};

static uint8_t sender_in(const struct plan *plan, const uint8_t *at,
			 const uint8_t *end)
{
	while (end - at >= 2) {
		for (uint32_t i = 0; i < at[1] && at + 6 + 4 * i <= end; i++) {
			uint32_t as = load32(at + 2 + 4 * i) - plan->sender_as;

			if (as < plan->senders)
				return (uint8_t)as;
		}
		at += 2 + 4 * at[1];
	}
	return UNKNOWN;
}

static void read_attributes(const struct plan *plan, const uint8_t *at,
			    const uint8_t *end, struct attributes *found)
{
	while (end - at >= 3) {
		bool is_long = at[0] & 0x10;
		size_t length = is_long ? load16(at + 2) : at[2];
		const uint8_t *value = at + (is_long ? 4 : 3);

		if (length > (size_t)(end - value))
			fail("the device sent a broken attribute");
		switch (at[1]) {
		case 2:
			found->sender = sender_in(plan, value, value + length);
			break;
		case 14:
			found->reach = value;
			found->reach_end = value + length;
			break;
		case 15:
			found->unreach = value;
			found->unreach_end = value + length;
			break;
		case 32:
			for (size_t i = 0; i + 12 <= length; i += 12)
				if (load32(value + i) == GENERATION_AS)
					found->generation = load32(value + i + 8);
			break;
		default:
			break;
		}
		at = value + length;
	}
}

static void on_update(struct session *session, const uint8_t *body,
		      size_t length, double now)
{
	struct sink *sink = session->owner;
	const struct plan *plan = sink->plan;
	struct attributes found = { .sender = UNKNOWN };
	size_t withdrawn = load16(body);
	size_t attributes = load16(body + 2 + withdrawn);
	const uint8_t *first = body + 4 + withdrawn;
	size_t used;

	if (4 + withdrawn + attributes > length)
		fail("the device sent an UPDATE that is too short");
	sink->updates++;
	read_attributes(plan, first, first + attributes, &found);
	if (found.unreach != NULL)
		for (const uint8_t *at = found.unreach + 3; at < found.unreach_end; at += used) {
			uint32_t route = route_of(plan, at, found.unreach_end, &used);

			if (used == 0)
				fail("the device withdrew a broken route");
			sink->withdrawn++;
			if (route != UINT32_MAX)
				hold(sink, route, NOBODY);
		}
	if (found.reach == NULL)
		return;
	for (const uint8_t *at = found.reach + 5 + found.reach[3]; at < found.reach_end; at += used) {
		uint32_t route = route_of(plan, at, found.reach_end, &used);

		if (used == 0)
			fail("the device announced a broken route");
		sink->announced++;
		if (sink->first_at == 0)
			sink->first_at = now;
		if (route == UINT32_MAX)
			continue;
		hold(sink, route, found.sender);
		confirm(sink, route, found.generation, now);
	}
}

void sink_open(struct sink *sink, const struct plan *plan)
{
	sink->plan = plan;
	sink->session.owner = sink;
	sink->session.update = on_update;
	sink->holds = must(malloc(plan->routes));
	memset(sink->holds, NOBODY, plan->routes);
}

void sink_begin(struct sink *sink)
{
	sink->updates = sink->announced = sink->withdrawn = 0;
	sink->first_at = 0;
	sink->latency_count = 0;
	sink->confirmed = 0;
}

void sink_watch(struct sink *sink)
{
	if (sink->seen != NULL)
		return;
	sink->seen = must(calloc(sink->plan->routes, sizeof(uint32_t)));
	sink->expected = must(calloc(set_count, sizeof(uint32_t)));
	sink->sent_at = must(calloc(set_count, sizeof(double)));
	sink->latencies = must(malloc(MOST_LATENCIES * sizeof(float)));
}

uint32_t sink_expect(struct sink *sink, uint32_t set, double now)
{
	sink->sent_at[set] = now;
	return ++sink->expected[set];
}

static int ascending(const void *a, const void *b)
{
	float difference = *(const float *)a - *(const float *)b;

	return difference < 0 ? -1 : difference > 0;
}

double sink_latency(struct sink *sink, double part)
{
	if (sink->latency_count == 0)
		return 0;
	qsort(sink->latencies, sink->latency_count, sizeof(float), ascending);
	return sink->latencies[(size_t)floor(part * (double)(sink->latency_count - 1))];
}
