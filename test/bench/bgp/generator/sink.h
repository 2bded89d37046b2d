/* SPDX-License-Identifier: Apache-2.0 */
/* What a neighbour has been told by the router under test. */
#ifndef SINK_H
#define SINK_H

#include "routes.h"
#include "session.h"

struct sink {
	struct session session;
	const struct plan *plan;
	/* By route: the sender whose path it is, NOBODY without one. */
	uint8_t *holds;
	uint32_t present;
	/* Routes that have the path which is the best one. */
	uint32_t right;
	/* Since sink_begin. */
	uint32_t updates;
	uint32_t announced;
	uint32_t withdrawn;
	double first_at;
	/* By route: the generation that was seen last. By set: that was sent last, and when. */
	uint32_t *seen;
	uint32_t *expected;
	double *sent_at;
	uint64_t confirmed;
	float *latencies;
	size_t latency_count;
};

void sink_open(struct sink *sink, const struct plan *plan);
void sink_begin(struct sink *sink);
/* From now on generations are looked at. */
void sink_watch(struct sink *sink);
/* The generation with which the set has to be announced now. */
uint32_t sink_expect(struct sink *sink, uint32_t set, double now);
/* Seconds that this part of the flaps took at most. */
double sink_latency(struct sink *sink, double part);

#endif
