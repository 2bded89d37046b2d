// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One TCP stream, as plain as can be.
 *
 *   stream sink PORT                    takes connections one after the other
 *   stream send ADDRESS PORT MILLISECONDS   sends for so long
 *
 * The sink says "ready", then of each connection the octets, the nanoseconds
 * from the first of them to the end, and those that it had a processor; the
 * sender says those that it had one. Congestion control is CUBIC (RFC 9438)
 * whatever the machine's: BBR would pace the stream, and it is the way that is
 * measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char octets[1 << 18];

static void fail(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static uint64_t now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t had(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void take(int listener)
{
	unsigned long long taken = 0;
	uint64_t begin = 0, before = had();
	ssize_t got;
	int stream = accept(listener, NULL, NULL);

	if (stream < 0)
		fail("accept");
	while ((got = recv(stream, octets, sizeof(octets), 0)) > 0) {
		if (!begin)
			begin = now();
		taken += got;
	}
	if (got < 0)
		fail("recv");
	printf("%llu %llu %llu\n", taken, (unsigned long long)(now() - begin),
	       (unsigned long long)(had() - before));
	fflush(stdout);
	close(stream);
}

static int sink(unsigned short port)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6,
				     .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (void *)&here, sizeof(here)) ||
	    listen(listener, 8))
		fail("listen");
	puts("ready");
	fflush(stdout);
	for (;;)
		take(listener);
}

static int send_for(const char *address, unsigned short port, uint64_t time)
{
	struct sockaddr_in6 there = { .sin6_family = AF_INET6,
				      .sin6_port = htons(port) };
	int stream = socket(AF_INET6, SOCK_STREAM, 0);
	uint64_t end;

	if (inet_pton(AF_INET6, address, &there.sin6_addr) != 1)
		fail(address);
	if (stream < 0 ||
	    setsockopt(stream, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) ||
	    connect(stream, (void *)&there, sizeof(there)))
		fail("connect");
	end = now() + time;
	while (now() < end)
		if (send(stream, octets, sizeof(octets), 0) < 0)
			fail("send");
	close(stream);
	printf("%llu\n", (unsigned long long)had());
	return 0;
}

int main(int count, char **words)
{
	if (count == 3 && !strcmp(words[1], "sink"))
		return sink(atoi(words[2]));
	if (count == 5 && !strcmp(words[1], "send"))
		return send_for(words[2], atoi(words[3]),
				strtoull(words[4], NULL, 10) * 1000000);
	fprintf(stderr, "usage: stream sink PORT | "
			"stream send ADDRESS PORT MILLISECONDS\n");
	return 2;
}
