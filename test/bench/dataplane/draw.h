/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Draws one of many flows and writes its packet, so that capability, slot,
 * next hop and counter differ from one packet to the next. `world.ts` makes
 * the same capability addresses.
 */
#ifndef BENCH_DRAW_H
#define BENCH_DRAW_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BENCH_L4 54
#define BENCH_PAYLOAD 40	/* behind the IPv6 header */
#define BENCH_FRAME (BENCH_L4 + BENCH_PAYLOAD)
#define BENCH_TCP_ACK 0x5010	/* data offset 5 */
#define BENCH_TCP_SYN 0x5002

const volatile __u8 bench_domain[6] __attribute__((aligned(8))) = {};
const volatile __u8 bench_source[8] __attribute__((aligned(8))) = {};
/* destination, then source */
const volatile __u8 bench_macs[12] __attribute__((aligned(4))) = {};
const volatile __u16 bench_tenant = 0;		/* network order */
const volatile __u32 bench_capabilities = 1;
const volatile __u32 bench_flows = 1;
const volatile __u32 bench_protocol = IPPROTO_UDP;
const volatile __u32 bench_tcp = BENCH_TCP_ACK;
/* of 65536 packets, how many are of a flow that was never seen */
const volatile __u32 bench_new = 0;

__u64 bench_state = 88172645463325252ULL;

/* Bijective, so that no two capabilities share an address. */
static __always_inline __u32 mix(__u32 x)
{
	x = (x ^ x >> 16) * 0x7feb352d;
	x = (x ^ x >> 15) * 0x846ca68b;
	return x ^ x >> 16;
}

/* 0 to @below - 1 */
static __always_inline __u32 scale(__u32 random, __u32 below)
{
	return (__u64)random * below >> 32;
}

static __always_inline __u64 draw(void)
{
	__u64 x = bench_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	bench_state = x;
	return x;
}

/* Writes all headers of a frame of BENCH_FRAME octets. */
static __always_inline void write_flow(void *frame)
{
	struct ethhdr *ethernet = frame;
	struct ipv6hdr *ip = frame + ETH_HLEN;
	__u64 random = draw();
	__u32 low = mix(random), high, capability, tag;
	__u16 *words = frame + BENCH_L4;

	if ((random & 0xffff) < bench_new)
		high = random >> 32;
	else
		low = mix(high = scale(random >> 32, bench_flows));
	capability = scale(low, bench_capabilities);
	tag = mix(capability);
	((__u32 *)frame)[0] = *(const volatile __u32 *)&bench_macs[0];
	((__u32 *)frame)[1] = *(const volatile __u32 *)&bench_macs[4];
	((__u32 *)frame)[2] = *(const volatile __u32 *)&bench_macs[8];
	ethernet->h_proto = bpf_htons(ETH_P_IPV6);
	*(__u32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(BENCH_PAYLOAD);
	ip->nexthdr = bench_protocol;
	ip->hop_limit = 64;
	*(__u64 *)&ip->saddr = *(const volatile __u64 *)bench_source;
	ip->saddr.s6_addr32[2] = low;
	ip->saddr.s6_addr32[3] = high;
	ip->daddr.s6_addr32[0] = *(const volatile __u32 *)&bench_domain[0];
	ip->daddr.s6_addr16[2] = *(const volatile __u16 *)&bench_domain[4];
	ip->daddr.s6_addr16[3] = bench_tenant;
	ip->daddr.s6_addr32[2] = tag;
	ip->daddr.s6_addr16[6] = mix(capability ^ 0x5bd1e995);
	ip->daddr.s6_addr16[7] = 0;
	words[0] = high | 1;
	words[1] = bpf_htons(443);
	if (bench_protocol == IPPROTO_TCP) {
		words[6] = bpf_htons(bench_tcp);
	} else {
		words[2] = bpf_htons(BENCH_PAYLOAD);
		words[3] = 0xffff;
	}
}

#endif
