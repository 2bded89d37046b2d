// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define HEADER 19

enum { OPEN = 1, UPDATE = 2, NOTIFICATION = 3, KEEPALIVE = 4 };

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "bgp-load: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

static void put_header(struct octets *out, uint32_t length, uint32_t type)
{
	memset(grow(out, 16), 0xff, 16);
	put16(out, length);
	put8(out, type);
}

/* RFC 4271 section 4.2, with the capabilities of RFC 4760 and RFC 6793. */
static void put_open(struct octets *out, const struct session *session)
{
	uint32_t as = session->as;

	put_header(out, HEADER + 10 + 14, OPEN);
	put8(out, 4);
	put16(out, as > 0xffff ? 23456 : as);
	put16(out, session->hold_time);
	put32(out, 0x0a640000 | load16(session->local.s6_addr + 14));
	put8(out, 14);
	put8(out, 2);
	put8(out, 12);
	put16(out, 1 << 8 | 4);
	put16(out, session->afi_safi >> 8);
	put16(out, session->afi_safi & 0xff);
	put16(out, 65 << 8 | 4);
	put32(out, as);
}

static void watch(struct network *network, struct session *session,
		  int operation, bool out)
{
	struct epoll_event event = {
		.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = session,
	};

	session->want_out = out;
	if (epoll_ctl(network->epoll, operation, session->fd, &event) != 0)
		fail("epoll: %s", strerror(errno));
}

void open_session(struct network *network, struct session *session)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6,
				     .sin6_addr = session->local };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(179),
				   .sin6_addr = network->device };
	int one = 1;

	session->fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (session->fd < 0 ||
	    bind(session->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		fail("an address of the generator is not there: %s", strerror(errno));
	if (connect(session->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(session->fd);
		session->fd = -1;
		return;
	}
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (session->in == NULL)
		session->in = must(malloc(BUFFER));
	session->in_start = session->in_end = 0;
	session->out.length = session->out_at = 0;
	session->up = false;
	session->longest_silence = 0;
	watch(network, session, EPOLL_CTL_ADD, false);
	put_open(&session->out, session);
	send_small(network, session);
}

static void drop(struct session *session, const char *why)
{
	if (session->up)
		fail("the device ended a session: %s", why);
	close(session->fd);
	session->fd = -1;
}

static void flush(struct network *network, struct session *session)
{
	while (session->fd >= 0) {
		bool small = session->out_at < session->out.length;
		const uint8_t *at = small ? session->out.at + session->out_at :
					    session->stream;
		size_t left = small ? session->out.length - session->out_at :
				      session->stream_left;
		ssize_t sent;

		if (left == 0)
			break;
		sent = send(session->fd, at, left > BUFFER ? BUFFER : left,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			if (!session->want_out)
				watch(network, session, EPOLL_CTL_MOD, true);
			return;
		}
		if (sent < 0) {
			drop(session, strerror(errno));
			return;
		}
		session->last_sent = seconds();
		if (!small) {
			session->stream += sent;
			session->stream_left -= (size_t)sent;
			continue;
		}
		session->out_at += (size_t)sent;
		if (session->out_at == session->out.length)
			session->out_at = session->out.length = 0;
	}
	if (session->want_out && session->fd >= 0)
		watch(network, session, EPOLL_CTL_MOD, false);
}

void send_small(struct network *network, struct session *session)
{
	flush(network, session);
}

void send_stream(struct network *network, struct session *session,
		 const uint8_t *octets, size_t length)
{
	session->stream = octets;
	session->stream_left = length;
	flush(network, session);
}

static void heard(struct session *session, double now)
{
	double silence = now - session->last_heard;

	if (session->last_heard > 0 && silence > session->longest_silence)
		session->longest_silence = silence;
	session->last_heard = now;
}

static void message(struct network *network, struct session *session,
		    uint32_t type, const uint8_t *body, size_t length, double now)
{
	char text[64];

	switch (type) {
	case OPEN:
		put_header(&session->out, HEADER, KEEPALIVE);
		flush(network, session);
		break;
	case KEEPALIVE:
		session->up = true;
		heard(session, now);
		break;
	case UPDATE:
		if (session->update != NULL)
			session->update(session, body, length, now);
		break;
	case NOTIFICATION:
		snprintf(text, sizeof(text), "NOTIFICATION %u/%u", body[0], body[1]);
		drop(session, text);
		break;
	default:
		break;
	}
}

static void receive(struct network *network, struct session *session)
{
	size_t room;
	ssize_t got;
	double now;

	memmove(session->in, session->in + session->in_start,
		session->in_end - session->in_start);
	session->in_end -= session->in_start;
	session->in_start = 0;
	room = BUFFER - session->in_end;
	got = recv(session->fd, session->in + session->in_end, room, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		drop(session, got == 0 ? "closed" : strerror(errno));
		return;
	}
	session->in_end += (size_t)got;
	now = seconds();
	while (session->fd >= 0 && session->in_end - session->in_start >= HEADER) {
		const uint8_t *at = session->in + session->in_start;
		size_t length = load16(at + 16);

		if (length < HEADER)
			fail("a message of %zu octets", length);
		if (session->in_end - session->in_start < length)
			break;
		session->in_start += length;
		message(network, session, at[18], at + HEADER, length - HEADER, now);
	}
}

void turn(struct network *network, struct session **all, size_t count,
	  int milliseconds)
{
	struct epoll_event events[64];
	double now = seconds();
	int ready;

	for (size_t i = 0; i < count; i++) {
		struct session *session = all[i];

		if (!session->up || now - session->last_sent < session->hold_time / 3.0)
			continue;
		if (session->stream_left > 0 || session->out.length > 0)
			continue;
		put_header(&session->out, HEADER, KEEPALIVE);
		flush(network, session);
	}
	ready = epoll_wait(network->epoll, events, 64, milliseconds);
	for (int i = 0; i < ready; i++) {
		struct session *session = events[i].data.ptr;

		if (session->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			receive(network, session);
		if (session->fd >= 0 && events[i].events & EPOLLOUT)
			flush(network, session);
	}
}

void await_sessions(struct network *network, struct session **sessions,
		    size_t count, double limit)
{
	double end = seconds() + limit;
	size_t up = 0;

	for (size_t i = 0; i < count; i++)
		sessions[i]->fd = -1;
	while (up < count) {
		if (seconds() > end)
			fail("%zu of %zu sessions came up", up, count);
		for (size_t i = 0; i < count; i++)
			if (sessions[i]->fd < 0)
				open_session(network, sessions[i]);
		turn(network, sessions, count, 50);
		up = 0;
		for (size_t i = 0; i < count; i++)
			up += sessions[i]->up;
	}
}
