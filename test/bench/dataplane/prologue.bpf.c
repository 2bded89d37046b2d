// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the pass is measured with through BPF_PROG_RUN: prologues that undo what
 * the run before did to the frame, draw a flow and tail-call the program under
 * test; the floors; and the yardstick, a forwarder made of bpf_fib_lookup.
 */
#include <linux/pkt_cls.h>
#include "draw.h"

#define AF_INET6 10

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_target SEC(".maps");

SEC("xdp")
int prologue_xdp(struct xdp_md *ctx)
{
	__u32 length = ctx->data_end - ctx->data;
	void *frame;

	if (length > BENCH_FRAME &&
	    bpf_xdp_adjust_head(ctx, length - BENCH_FRAME))
		return XDP_ABORTED;
	frame = (void *)(long)ctx->data;
	if (frame + BENCH_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_flow(frame);
	bpf_tail_call(ctx, &xdp_target, 0);
	return XDP_ABORTED;
}

SEC("tc")
int prologue_tc(struct __sk_buff *skb)
{
	__s32 longer = skb->len - BENCH_FRAME;
	void *frame;

	if (longer > 0 && bpf_skb_adjust_room(skb, -longer, BPF_ADJ_ROOM_MAC,
					      BPF_F_ADJ_ROOM_FIXED_GSO))
		return TC_ACT_SHOT;
	frame = (void *)(long)skb->data;
	if (frame + BENCH_FRAME > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	write_flow(frame);
	bpf_tail_call(skb, &tc_target, 0);
	return TC_ACT_SHOT;
}

SEC("xdp")
int empty_xdp(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

/* The least that an encapsulation can be: room, and 54 octets in it. */
SEC("xdp")
int room_xdp(struct xdp_md *ctx)
{
	__u64 *words;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct ipv6hdr)))
		return XDP_ABORTED;
	words = (void *)(long)ctx->data;
	if ((void *)words + BENCH_L4 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	words[0] = words[1] = words[2] = words[3] = 0x0102030405060708ULL;
	words[4] = words[5] = 0x0102030405060708ULL;
	return XDP_TX;
}

static __always_inline long
look_up(void *ctx, __u32 ifindex, void *frame, struct bpf_fib_lookup *fib)
{
	struct ipv6hdr *ip = frame + ETH_HLEN;
	__u16 *ports = frame + BENCH_L4;

	fib->family = AF_INET6;
	fib->tot_len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	fib->ifindex = ifindex;
	fib->l4_protocol = ip->nexthdr;
	fib->flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
	fib->sport = ports[0];
	fib->dport = ports[1];
	__builtin_memcpy(fib->ipv6_src, &ip->saddr, 16);
	__builtin_memcpy(fib->ipv6_dst, &ip->daddr, 16);
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

SEC("xdp")
int fib_xdp(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	struct ethhdr *ethernet = frame;
	struct bpf_fib_lookup fib = {};
	struct ipv6hdr *ip = frame + ETH_HLEN;

	if (frame + BENCH_L4 + 8 > (void *)(long)ctx->data_end ||
	    ethernet->h_proto != bpf_htons(ETH_P_IPV6) || ip->hop_limit <= 1)
		return XDP_PASS;
	if (look_up(ctx, ctx->ingress_ifindex, frame, &fib) !=
	    BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	ip->hop_limit--;
	__builtin_memcpy(ethernet->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, fib.smac, ETH_ALEN);
	return bpf_redirect(fib.ifindex, 0);
}

SEC("tc")
int fib_tc(struct __sk_buff *skb)
{
	void *frame = (void *)(long)skb->data;
	struct ethhdr *ethernet = frame;
	struct bpf_fib_lookup fib = {};
	struct ipv6hdr *ip = frame + ETH_HLEN;

	if (frame + BENCH_L4 + 8 > (void *)(long)skb->data_end ||
	    ethernet->h_proto != bpf_htons(ETH_P_IPV6) || ip->hop_limit <= 1)
		return TC_ACT_OK;
	if (look_up(skb, skb->ifindex, frame, &fib) !=
	    BPF_FIB_LKUP_RET_SUCCESS)
		return TC_ACT_OK;
	ip->hop_limit--;
	return bpf_redirect_neigh(fib.ifindex, NULL, 0, 0);
}

char _license[] SEC("license") = "GPL";
