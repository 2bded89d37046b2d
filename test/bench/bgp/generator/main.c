// SPDX-License-Identifier: Apache-2.0
/*
 * bgp-load: neighbours of a router under test. Senders announce, sinks see
 * what is passed on, idle ones only listen to keepalives.
 *
 *   bgp-load DEVICE FIRST-SENDER FIRST-SINK FIRST-IDLE SENDERS SINKS IDLE
 *            FAMILY ROUTES SETS
 *
 * Reads one command a line (load, dump, churn SECONDS WINDOW, paced SECONDS
 * RATE, withdraw, silence) and answers each with one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "routes.h"
#include "sink.h"

#define SENDER_AS 4200000100u
#define SINK_AS 4200000900u
#define IDLE_AS 4200001000u
/* As many octets of withdrawn routes as an UPDATE holds with room to spare. */
#define WITHDRAWN_AT_ONCE 3900

static struct plan plan;
static struct network network;
static struct session *senders, *idle;
static struct sink *sinks;
static uint32_t sink_count, idle_count;
static struct session *all[4096];
static size_t all_count;
/* Seconds without any progress after which something is wrong. */
static double limit = 300;

static struct in6_addr numbered(const char *first, uint32_t number)
{
	struct in6_addr address;

	if (inet_pton(AF_INET6, first, &address) != 1)
		fail("%s is no address", first);
	store16(address.s6_addr + 14, load16(address.s6_addr + 14) + number);
	return address;
}

static void join(struct session *session, const char *first, uint32_t number,
		 uint32_t as, uint32_t hold_time)
{
	session->local = numbered(first, number);
	session->as = as;
	session->afi_safi = afi_safi(plan.family);
	session->hold_time = hold_time;
	session->fd = -1;
	all[all_count++] = session;
}

/* By all sinks so far, the late one among them. */
static uint64_t heard(void)
{
	uint64_t routes = 0;

	for (uint32_t i = 0; i <= sink_count; i++)
		routes += (uint64_t)sinks[i].announced + sinks[i].withdrawn;
	return routes;
}

static void run_until(bool (*done)(void))
{
	double end = seconds() + limit;
	uint64_t routes = 0;

	while (!done()) {
		uint64_t now = heard();

		if (routes != now)
			end = seconds() + limit;
		routes = now;
		if (seconds() > end)
			fail("not finished after %.0f s: %u of %u routes are there, %u as they should be",
			     limit, sinks[0].present, plan.routes, sinks[0].right);
		turn(&network, all, all_count, 10);
	}
}

static bool sinks_are_full(void)
{
	for (uint32_t i = 0; i < sink_count; i++)
		if (sinks[i].right < plan.routes)
			return false;
	for (uint32_t i = 0; i < plan.senders; i++)
		if (senders[i].stream_left > 0)
			return false;
	return true;
}

static bool sinks_are_empty(void)
{
	for (uint32_t i = 0; i < sink_count; i++)
		if (sinks[i].present > 0)
			return false;
	return true;
}

static void report(const char *phase, double took, const struct sink *sink,
		   double began)
{
	printf("{\"phase\":\"%s\",\"seconds\":%.4f,\"first\":%.4f,\"updates\":%u,\"routes\":%u}\n",
	       phase, took, sink->first_at > 0 ? sink->first_at - began : 0,
	       sink->updates, sink->announced + sink->withdrawn);
}

/* Each sender begins at another place of the table. */
static void load(void)
{
	struct octets *streams = must(calloc(plan.senders, sizeof(*streams)));
	double began;

	for (uint32_t p = 0; p < plan.senders; p++) {
		uint32_t from = (uint32_t)((uint64_t)set_count * p / plan.senders);

		for (uint32_t i = 0; i < set_count; i++)
			put_set(&streams[p], &plan, p, senders[p].local.s6_addr,
				(from + i) % set_count, 0);
		put_end_of_rib(&streams[p], &plan);
	}
	for (uint32_t i = 0; i < sink_count; i++)
		sink_begin(&sinks[i]);
	began = seconds();
	for (uint32_t p = 0; p < plan.senders; p++)
		send_stream(&network, &senders[p], streams[p].at, streams[p].length);
	run_until(sinks_are_full);
	report("load", seconds() - began, &sinks[0], began);
	for (uint32_t p = 0; p < plan.senders; p++)
		free(streams[p].at);
	free(streams);
}

static void withdraw(void)
{
	uint32_t most = (uint32_t)(WITHDRAWN_AT_ONCE / key_length(plan.family));
	struct octets stream = { 0 };
	double began;

	for (uint32_t at = 0; at < plan.routes; at += most) {
		uint32_t left = plan.routes - at;

		if (left > most)
			left = most;
		put_withdrawal(&stream, &plan, at, left);
	}
	for (uint32_t i = 0; i < sink_count; i++)
		sink_begin(&sinks[i]);
	began = seconds();
	for (uint32_t p = 0; p < plan.senders; p++)
		send_stream(&network, &senders[p], stream.at, stream.length);
	run_until(sinks_are_empty);
	report("withdraw", seconds() - began, &sinks[0], began);
	free(stream.at);
}

/* The last sink is the late one: it comes when it is called. */
static struct sink *late;

static bool late_is_full(void)
{
	return late->right == plan.routes;
}

static void dump(void)
{
	struct session *session = &late->session;
	double began;

	sink_begin(late);
	all[all_count++] = session;
	await_sessions(&network, &session, 1, 30);
	began = seconds();
	run_until(late_is_full);
	report("dump", seconds() - began, late, began);
}

/* Sets of sender 0 are announced again and again with another generation. */
static void again(const char *phase, double lasts, uint32_t window, double rate)
{
	struct sink *sink = &sinks[0];
	double began = seconds();
	double now = began;
	struct octets out = { 0 };
	uint32_t set = 0;
	uint64_t sent = 0;

	sink_begin(sink);
	sink_watch(sink);
	while (now - began < lasts || sink->confirmed < sent) {
		uint64_t due = (uint64_t)((now - began) * rate);

		if (now - began > lasts + 30)
			fail("%s: %llu of %llu flaps were seen", phase,
			     (unsigned long long)sink->confirmed,
			     (unsigned long long)sent);
		if (senders[0].stream_left == 0 && now - began < lasts) {
			out.length = 0;
			while (sent - sink->confirmed < window && out.length < 1 << 17 &&
			       (rate == 0 || sent < due)) {
				uint32_t generation = sink_expect(sink, set, now);

				put_set(&out, &plan, 0, senders[0].local.s6_addr, set,
					generation);
				sent += sets[set].count;
				set = (set + 1) % set_count;
			}
			if (out.length > 0)
				send_stream(&network, &senders[0], out.at, out.length);
		}
		turn(&network, all, all_count, rate == 0 ? 10 : 1);
		now = seconds();
	}
	printf("{\"phase\":\"%s\",\"seconds\":%.4f,\"flaps\":%llu,\"p50\":%.6f,\"p99\":%.6f,\"updates\":%u}\n",
	       phase, now - began, (unsigned long long)sink->confirmed,
	       sink_latency(sink, 0.5), sink_latency(sink, 0.99), sink->updates);
	free(out.at);
}

static void silence(void)
{
	double longest = 0;

	for (uint32_t i = 0; i < idle_count; i++)
		if (idle[i].longest_silence > longest)
			longest = idle[i].longest_silence;
	printf("{\"phase\":\"silence\",\"seconds\":%.3f,\"peers\":%u}\n", longest,
	       idle_count);
}

/* Commands are read while sessions go on. */
static bool next_command(char *line, size_t room)
{
	size_t length = 0;

	while (true) {
		struct pollfd input = { .fd = 0, .events = POLLIN };

		turn(&network, all, all_count, 5);
		while (poll(&input, 1, 0) > 0) {
			if (length + 1 == room || read(0, line + length, 1) != 1)
				return false;
			if (line[length] == '\n') {
				line[length] = 0;
				return true;
			}
			length++;
		}
	}
}

int main(int argc, char **argv)
{
	char line[128];
	double lasts, amount;

	if (argc != 11)
		fail("ten arguments wanted, see the head of main.c");
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	plan.senders = (uint32_t)atoi(argv[5]);
	plan.sender_as = SENDER_AS;
	plan.family = strcmp(argv[8], "capability") == 0 ? CAPABILITY : IPV6_UNICAST;
	plan.routes = (uint32_t)atoi(argv[9]);
	plan.sets = (uint32_t)atoi(argv[10]);
	plan.pack = 32;
	sink_count = (uint32_t)atoi(argv[6]);
	idle_count = (uint32_t)atoi(argv[7]);
	network.device = numbered(argv[1], 0);
	network.epoll = epoll_create1(0);
	make_sets(&plan);

	senders = must(calloc(plan.senders, sizeof(*senders)));
	idle = must(calloc(idle_count + 1, sizeof(*idle)));
	sinks = must(calloc(sink_count + 1, sizeof(*sinks)));
	for (uint32_t i = 0; i < plan.senders; i++)
		join(&senders[i], argv[2], i, SENDER_AS + i, 240);
	for (uint32_t i = 0; i < sink_count; i++) {
		join(&sinks[i].session, argv[3], i, SINK_AS + i, 240);
		sink_open(&sinks[i], &plan);
	}
	for (uint32_t i = 0; i < idle_count; i++)
		join(&idle[i], argv[4], i, IDLE_AS + i, 9);
	await_sessions(&network, all, all_count, 60);
	late = &sinks[sink_count];
	join(&late->session, argv[3], sink_count, SINK_AS + sink_count, 240);
	all_count--;
	sink_open(late, &plan);
	printf("{\"ready\":true,\"sets\":%u}\n", set_count);

	while (next_command(line, sizeof(line))) {
		if (strcmp(line, "load") == 0)
			load();
		else if (strcmp(line, "dump") == 0)
			dump();
		else if (sscanf(line, "churn %lf %lf", &lasts, &amount) == 2)
			again("churn", lasts, (uint32_t)amount, 0);
		else if (sscanf(line, "paced %lf %lf", &lasts, &amount) == 2)
			again("paced", lasts, UINT32_MAX, amount);
		else if (strcmp(line, "withdraw") == 0)
			withdraw();
		else if (strcmp(line, "silence") == 0)
			silence();
		else
			fail("unknown command %s", line);
	}
	return 0;
}
