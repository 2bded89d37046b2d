/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What an ICMP message is called in the other version. RFC 7915 */
#ifndef SEMR_CROSS_ICMP_H
#define SEMR_CROSS_ICMP_H

#include "cross.h"

#define SEMR_GROWTH 20			/* an IPv6 header over an IPv4 one */

/* RFC 1191 section 7.1: what a router that does not say may have meant */
static __always_inline __u32 plateau_below(__u32 length)
{
	return length > 32000 ? 32000 :
	       length > 17914 ? 17914 :
	       length > 8166  ? 8166 :
	       length > 4352  ? 4352 :
	       length > 2002  ? 2002 :
	       length > 1492  ? 1492 :
				SEMR_MIN_MTU;
}

/* RFC 7915 section 4.2; @quoted is the length of the packet in question */
static __always_inline bool
icmp_to_ipv6(struct semr_icmp *icmp, __u32 quoted)
{
	__u32 mtu, pointer;

	switch (icmp->type) {
	case ICMP_DEST_UNREACH:
		switch (icmp->code) {
		case ICMP_PROT_UNREACH:
			icmp->type = ICMPV6_PARAMPROB;
			icmp->code = ICMPV6_UNK_NEXTHDR;
			icmp->rest = bpf_htonl(6);
			return true;
		case ICMP_FRAG_NEEDED:
			mtu = bpf_ntohl(icmp->rest) & 0xffff;
			if (!mtu)
				mtu = plateau_below(quoted);
			mtu += SEMR_GROWTH;
			if (mtu < SEMR_MIN_MTU)
				mtu = SEMR_MIN_MTU;
			icmp->type = ICMPV6_PKT_TOOBIG;
			icmp->code = 0;
			icmp->rest = bpf_htonl(mtu);
			return true;
		case ICMP_PORT_UNREACH:
			icmp->code = ICMPV6_PORT_UNREACH;
			break;
		case ICMP_NET_ANO:
		case ICMP_HOST_ANO:
		case ICMP_PKT_FILTERED:
		case ICMP_PREC_CUTOFF:
			icmp->code = ICMPV6_ADM_PROHIBITED;
			break;
		case ICMP_NET_UNREACH:
		case ICMP_HOST_UNREACH:
		case ICMP_SR_FAILED:
		case ICMP_NET_UNKNOWN:
		case ICMP_HOST_UNKNOWN:
		case ICMP_HOST_ISOLATED:
		case ICMP_NET_UNR_TOS:
		case ICMP_HOST_UNR_TOS:
			icmp->code = ICMPV6_NOROUTE;
			break;
		default:
			return false;
		}
		icmp->type = ICMPV6_DEST_UNREACH;
		icmp->rest = 0;
		return true;
	case ICMP_TIME_EXCEEDED:
		icmp->type = ICMPV6_TIME_EXCEED;
		icmp->rest = 0;
		return icmp->code <= 1;
	case ICMP_PARAMETERPROB:
		pointer = bpf_ntohl(icmp->rest) >> 24;
		if ((icmp->code != 0 && icmp->code != 2) || pointer >= 20 ||
		    (pointer >= 4 && pointer < 8) ||
		    (pointer >= 10 && pointer < 12))
			return false;
		pointer = pointer < 2	? pointer :
			  pointer < 4	? 4 :
			  pointer == 8	? 7 :
			  pointer == 9	? 6 :
			  pointer < 16	? 8 :
					  24;
		icmp->type = ICMPV6_PARAMPROB;
		icmp->code = ICMPV6_HDR_FIELD;
		icmp->rest = bpf_htonl(pointer);
		return true;
	default:
		return false;
	}
}

/* RFC 7915 section 5.2 */
static __always_inline bool icmp_to_ipv4(struct semr_icmp *icmp)
{
	__u32 value = bpf_ntohl(icmp->rest);

	switch (icmp->type) {
	case ICMPV6_DEST_UNREACH:
		icmp->type = ICMP_DEST_UNREACH;
		icmp->rest = 0;
		switch (icmp->code) {
		case ICMPV6_ADM_PROHIBITED:
			icmp->code = ICMP_HOST_ANO;
			return true;
		case ICMPV6_PORT_UNREACH:
			icmp->code = ICMP_PORT_UNREACH;
			return true;
		case ICMPV6_NOROUTE:
		case ICMPV6_NOT_NEIGHBOUR:
		case ICMPV6_ADDR_UNREACH:
			icmp->code = ICMP_HOST_UNREACH;
			return true;
		}
		return false;
	case ICMPV6_PKT_TOOBIG:
		if (value < SEMR_MIN_MTU)
			value = SEMR_MIN_MTU;
		if (value > 0xffff)
			value = 0xffff;
		icmp->type = ICMP_DEST_UNREACH;
		icmp->code = ICMP_FRAG_NEEDED;
		icmp->rest = bpf_htonl(value - SEMR_GROWTH);
		return true;
	case ICMPV6_TIME_EXCEED:
		icmp->type = ICMP_TIME_EXCEEDED;
		icmp->rest = 0;
		return icmp->code <= 1;
	case ICMPV6_PARAMPROB:
		if (icmp->code == ICMPV6_UNK_NEXTHDR) {
			icmp->type = ICMP_DEST_UNREACH;
			icmp->code = ICMP_PROT_UNREACH;
			icmp->rest = 0;
			return true;
		}
		if (icmp->code != ICMPV6_HDR_FIELD || value >= 40 ||
		    value == 2 || value == 3)
			return false;
		value = value < 2   ? value :
			value < 6   ? 2 :
			value == 6  ? 9 :
			value == 7  ? 8 :
			value < 24  ? 12 :
				      16;
		icmp->type = ICMP_PARAMETERPROB;
		icmp->code = 0;
		icmp->rest = bpf_htonl(value << 24);
		return true;
	default:
		return false;
	}
}

#endif
