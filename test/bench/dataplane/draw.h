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
const volatile __u8 bench_macs[12] __attribute__((aligned(8))) = {};
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

/* Words that lie anywhere, and that clang does not put together of pieces. */
typedef __u64 __attribute__((may_alias)) bench_word64;
typedef __u32 __attribute__((may_alias)) bench_word32;

/*
 * Writes all headers of a frame of BENCH_FRAME octets. In whole words, as wide as
 * any reader's: out of several narrow stores that are still on their way to the
 * cache no processor puts a wide load together, and whoever reads in words would
 * be made to wait. What comes from a network card is in memory.
 */
static __always_inline void write_flow(void *frame)
{
	__u64 random = draw();
	__u32 low = mix(random), high, capability, tag;
	__u16 *words = frame + BENCH_L4;
	bench_word64 *ip = frame + ETH_HLEN;
	__u16 *type = frame + 2 * ETH_ALEN;

	asm("" : "+r"(ip));
	if ((random & 0xffff) < bench_new)
		high = random >> 32;
	else
		low = mix(high = scale(random >> 32, bench_flows));
	capability = scale(low, bench_capabilities);
	tag = mix(capability);
	*(bench_word64 *)frame = *(const volatile __u64 *)&bench_macs[0];
	*(bench_word32 *)(frame + 8) = *(const volatile __u32 *)&bench_macs[8];
	*type = bpf_htons(ETH_P_IPV6);
	ip[0] = bpf_htonl(0x60000000) |
		(__u64)bpf_htons(BENCH_PAYLOAD) << 32 |
		(__u64)(bench_protocol & 0xff) << 48 | 64ULL << 56;
	ip[1] = *(const volatile __u64 *)bench_source;
	ip[2] = low | (__u64)high << 32;
	ip[3] = *(const volatile __u32 *)&bench_domain[0] |
		(__u64)*(const volatile __u16 *)&bench_domain[4] << 32 |
		(__u64)bench_tenant << 48;
	ip[4] = tag | (__u64)(mix(capability ^ 0x5bd1e995) & 0xffff) << 32;
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
