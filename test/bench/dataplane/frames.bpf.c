// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Live frames over veth: where they begin, where they end, and the floor. */
#include "draw.h"

#define BENCH_PROCESSORS 256

enum bench_place {
	BENCH_GENERATED,
	BENCH_SINK_ONE,
	BENCH_SINK_TWO,
	BENCH_DROPPED,
	BENCH_GIVEN_UP,	/* were not seen again */
	BENCH_PLACES,
};

#define BENCH_PATIENCE 10000000000ULL	/* nanoseconds */

struct bench_count {
	__u64 packets;
	__u64 last;	/* monotonic nanoseconds, where bench_stamp is set */
	__u64 gap;	/* the longest between two, likewise */
};

const volatile __u32 bench_sink_one = 0;	/* ifindex */
const volatile __u32 bench_link = 0;		/* ifindex at the router */
const volatile __u32 bench_stamp = 0;
/* how many frames may be under way at a time; 0: all that there are */
const volatile __u32 bench_window = 0;
/* one line a processor */
struct bench_count bench_counts[BENCH_PROCESSORS][BENCH_PLACES];
/* when the processor's last one arrived that it saw from here, and how many */
struct bench_count bench_arrived[BENCH_PROCESSORS];

static __always_inline void count(__u32 place)
{
	__u32 processor = bpf_get_smp_processor_id();
	struct bench_count *at;
	__u64 now;

	if (processor >= BENCH_PROCESSORS)
		return;
	at = &bench_counts[processor][place];
	at->packets++;
	if (!bench_stamp)
		return;
	now = bpf_ktime_get_ns();
	if (at->last && now - at->last > at->gap)
		at->gap = now - at->last;
	at->last = now;
}

/*
 * Whether fewer frames are under way than a queue on it takes: then none can be
 * lost because the sender outran a router that had to wait for its processor.
 * Where none has been seen for ten seconds, those are given up, and stay lost.
 */
static __always_inline int may_send(void)
{
	__u32 processor = bpf_get_smp_processor_id();
	struct bench_count *at, *seen;
	__u64 arrived, under_way, now;

	if (!bench_window)
		return 1;
	if (processor >= BENCH_PROCESSORS)
		return 0;
	at = bench_counts[processor];
	seen = &bench_arrived[processor];
	arrived = at[BENCH_SINK_ONE].packets + at[BENCH_SINK_TWO].packets +
		  at[BENCH_DROPPED].packets;
	under_way = at[BENCH_GENERATED].packets - arrived -
		    at[BENCH_GIVEN_UP].packets;
	if (under_way < bench_window)
		return 1;
	now = bpf_ktime_get_ns();
	if (seen->packets != arrived || !seen->last) {
		seen->packets = arrived;
		seen->last = now;
	} else if (now - seen->last > BENCH_PATIENCE) {
		at[BENCH_GIVEN_UP].packets += under_way;
	}
	return 0;
}

/* Pages come back from the receiver with what it wrote: write every header. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;

	if (frame + BENCH_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!may_send())
		return XDP_DROP;	/* not this time */
	write_flow(frame);
	count(BENCH_GENERATED);
	return XDP_TX;
}

static __always_inline int is_ours(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	struct ipv6hdr *ip = frame + ETH_HLEN;

	if (frame + BENCH_L4 > (void *)(long)ctx->data_end)
		return 0;
	return ip->nexthdr == IPPROTO_IPV6 || ip->nexthdr == bench_protocol;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	if (!is_ours(ctx))
		return XDP_PASS;
	count(ctx->ingress_ifindex == bench_sink_one ? BENCH_SINK_ONE :
						       BENCH_SINK_TWO);
	return XDP_DROP;
}

SEC("xdp")
int floor_xdp(struct xdp_md *ctx)
{
	if (!is_ours(ctx))
		return XDP_PASS;
	count(BENCH_DROPPED);
	return XDP_DROP;
}

/* The least that forwarding can be: no look at the frame. */
SEC("xdp")
int redirect_xdp(struct xdp_md *ctx)
{
	return bpf_redirect(bench_link, 0);
}

/* The kernel's own forwarding, entered in the same way as ours. */
SEC("xdp")
int to_kernel(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
