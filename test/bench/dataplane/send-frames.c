// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sends live frames (BPF_PROG_RUN with BPF_F_TEST_XDP_LIVE_FRAMES) out of an
 * interface, from one processor, until COUNT are sent or SIGTERM comes.
 * A process of its own because the call blocks and the sender lives in another
 * network namespace. The program counts what it sent; here are only the times:
 * nanoseconds by the clock, and those that this process had the processor, which
 * also carries, forwards and counts the frames before the call goes on.
 *
 *   send-frames PROGRAM INTERFACE COUNT PROCESSOR      both times to stdout
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME = 94,
	BATCH = 64,	/* one NAPI poll: nothing overflows on the way */
	CHUNK = 1 << 17,
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(__NR_bpf, command, attributes, sizeof(*attributes));
}

static void fail(const char *what)
{
	fprintf(stderr, "send-frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int open_program(const char *path)
{
	union bpf_attr attributes;
	int fd;

	memset(&attributes, 0, sizeof(attributes));
	attributes.pathname = (uintptr_t)path;
	fd = bpf(BPF_OBJ_GET, &attributes);
	if (fd < 0)
		fail(path);
	return fd;
}

static void send_chunk(int program, unsigned int ifindex, unsigned int count)
{
	static unsigned char frame[FRAME];
	struct xdp_md context;
	union bpf_attr attributes;

	memset(&context, 0, sizeof(context));
	context.data_end = FRAME;
	context.ingress_ifindex = ifindex;
	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = program;
	attributes.test.data_in = (uintptr_t)frame;
	attributes.test.data_size_in = FRAME;
	attributes.test.ctx_in = (uintptr_t)&context;
	attributes.test.ctx_size_in = sizeof(context);
	attributes.test.repeat = count;
	attributes.test.batch_size = BATCH;
	attributes.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	if (bpf(BPF_PROG_TEST_RUN, &attributes) && errno != EINTR)
		fail("BPF_PROG_RUN with live frames");
}

int main(int count, char **words)
{
	struct sigaction action = { .sa_handler = stop };
	unsigned long long left;
	unsigned int ifindex;
	cpu_set_t processors;
	uint64_t begin, before;
	int program;

	if (count != 5) {
		fprintf(stderr,
			"usage: send-frames PROGRAM INTERFACE COUNT PROCESSOR\n");
		return 2;
	}
	program = open_program(words[1]);
	ifindex = if_nametoindex(words[2]);
	if (!ifindex)
		fail(words[2]);
	left = strtoull(words[3], NULL, 10);
	CPU_ZERO(&processors);
	CPU_SET(atoi(words[4]), &processors);
	if (sched_setaffinity(0, sizeof(processors), &processors))
		fail("sched_setaffinity");
	setpriority(PRIO_PROCESS, 0, -20);	/* as far as it is allowed */
	sigaction(SIGTERM, &action, NULL);
	before = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	begin = read_clock(CLOCK_MONOTONIC);
	while (left && !stopped) {
		unsigned int chunk = left < CHUNK ? left : CHUNK;

		send_chunk(program, ifindex, chunk);
		left -= chunk;
	}
	printf("%llu %llu\n",
	       (unsigned long long)(read_clock(CLOCK_MONOTONIC) - begin),
	       (unsigned long long)(read_clock(CLOCK_PROCESS_CPUTIME_ID) -
				    before));
	return 0;
}
