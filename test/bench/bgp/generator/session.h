/* SPDX-License-Identifier: Apache-2.0 */
/* BGP sessions of the generator: enough of RFC 4271 to be a good neighbour. */
#ifndef SESSION_H
#define SESSION_H

#include <netinet/in.h>
#include <stdbool.h>

#include "octets.h"

struct session {
	struct in6_addr local;
	uint32_t as;
	uint32_t afi_safi;
	uint32_t hold_time;
	int fd;
	bool up;
	bool want_out;
	/* What comes. */
	uint8_t *in;
	size_t in_start;
	size_t in_end;
	/* What goes: small messages first, then the stream. */
	struct octets out;
	size_t out_at;
	const uint8_t *stream;
	size_t stream_left;
	double last_sent;
	/* KEEPALIVEs or UPDATEs heard, and the longest silence between two. */
	double last_heard;
	double longest_silence;
	void *owner;
	void (*update)(struct session *session, const uint8_t *body,
		       size_t length, double now);
};

struct network {
	struct in6_addr device;
	int epoll;
};

double seconds(void);
void open_session(struct network *network, struct session *session);
/* Waits until all of them are established; exits where that does not happen. */
void await_sessions(struct network *network, struct session **sessions,
		    size_t count, double limit);
void send_stream(struct network *network, struct session *session,
		 const uint8_t *octets, size_t length);
void send_small(struct network *network, struct session *session);
/* One turn of the event loop; keepalives are due for `all` of them. */
void turn(struct network *network, struct session **all, size_t count,
	  int milliseconds);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
