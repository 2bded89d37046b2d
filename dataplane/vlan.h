/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* VLAN tags (IEEE 802.1Q), on ports that take frames with them. */
#ifndef SEMR_VLAN_H
#define SEMR_VLAN_H

#include "forward.h"

#define SEMR_ETH_8021Q 0x8100
#define SEMR_ETH_8021AD 0x88a8

static __always_inline bool is_vlan(__be16 type)
{
	return type == bpf_htons(SEMR_ETH_8021Q) ||
	       type == bpf_htons(SEMR_ETH_8021AD);
}

/* tc: the outermost tag lies beside the frame. */
static __always_inline bool has_tag_aside(void *ctx, enum semr_hook hook)
{
	return hook == SEMR_HOOK_TC && ((struct __sk_buff *)ctx)->vlan_present;
}

/*
 * Notes the tags of the frame and says how many. 0: none, more than SEMR_VLANS,
 * or no IPv6 behind them; then the frame is the stack's.
 */
static __always_inline __u32
read_tags(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	__u32 n = 0;

	if (has_tag_aside(ctx, hook)) {
		struct __sk_buff *skb = ctx;

		packet->vlans[0].type = skb->vlan_proto;
		packet->vlans[0].control = skb->vlan_tci;
		n = 1;
	}
	for (__u32 i = 0; i <= SEMR_VLANS; i++) {
		struct cursor c = open_frame(ctx, hook);
		__be16 *type, *control;

		if (!take(&c, 2 * ETH_ALEN + i * sizeof(struct semr_vlan)))
			return 0;
		type = take(&c, sizeof(*type));
		if (!type)
			return 0;
		if (*type == bpf_htons(ETH_P_IPV6))
			return n;
		control = take(&c, sizeof(*control));
		if (!control || !is_vlan(*type) || n >= SEMR_VLANS)
			return 0;
		packet->vlans[n & (SEMR_VLANS - 1)].type = *type;
		packet->vlans[n & (SEMR_VLANS - 1)].control =
			bpf_ntohs(*control);
		n += 1;
	}
	return 0;
}

/* Moves the addresses of the frame by @octets, over tags or to make room. */
static __always_inline bool shift_macs(struct xdp_md *ctx, int octets)
{
	struct cursor c = open_frame(ctx, SEMR_HOOK_XDP);
	__u16 saved[6], *macs = take(&c, sizeof(saved));

	if (!macs)
		return false;
	__builtin_memcpy(saved, macs, sizeof(saved));
	if (bpf_xdp_adjust_head(ctx, octets))
		return false;
	c = open_frame(ctx, SEMR_HOOK_XDP);
	macs = take(&c, sizeof(saved));
	if (!macs)
		return false;
	__builtin_memcpy(macs, saved, sizeof(saved));
	return true;
}

enum untagged {
	SEMR_NOT_OURS,
	SEMR_UNTAGGED,
	SEMR_UNTAG_FAILED,
};

/* Takes the tags off a frame with IPv6, where the port says so. */
static __always_inline enum untagged
take_tags_off(void *ctx, enum semr_hook hook, struct semr_packet *packet)
{
	struct semr_port *port = bpf_map_lookup_elem(&ports, &packet->ifindex);
	__u32 n;

	if (!port || !(port->flags & SEMR_PORT_VLANS))
		return SEMR_NOT_OURS;
	n = read_tags(ctx, hook, packet);
	if (!n)
		return SEMR_NOT_OURS;
	packet->tags = n;
	if (hook == SEMR_HOOK_XDP)
		return shift_macs(ctx, n * sizeof(struct semr_vlan)) ?
			       SEMR_UNTAGGED :
			       SEMR_UNTAG_FAILED;
	for (__u32 i = 0; i < SEMR_VLANS && i < n; i++)
		if (bpf_skb_vlan_pop(ctx))
			return SEMR_UNTAG_FAILED;
	return SEMR_UNTAGGED;
}

/* Puts them back, the innermost first. */
static __always_inline bool
put_tags_on(void *ctx, enum semr_hook hook, const struct semr_packet *packet)
{
	__u32 n = packet->tags;
	struct cursor c;

	if (hook == SEMR_HOOK_XDP &&
	    !shift_macs(ctx, -(int)(n * sizeof(struct semr_vlan))))
		return false;
	for (__u32 i = SEMR_VLANS; i-- > 0;) {
		__be16 type = packet->vlans[i].type;
		__u16 control = packet->vlans[i].control;
		struct semr_vlan *at;

		if (i >= n)
			continue;
		if (hook == SEMR_HOOK_TC) {
			if (bpf_skb_vlan_push(ctx, type, control))
				return false;
			continue;
		}
		c = open_frame(ctx, hook);
		if (!take(&c, 2 * ETH_ALEN + i * sizeof(*at)))
			return false;
		at = take(&c, sizeof(*at));
		if (!at)
			return false;
		at->type = type;
		at->control = bpf_htons(control);
	}
	return true;
}

SEMR_STAGE_AT_HOOKS(semr_untag, take_tags_off,
		    struct semr_packet, SEMR_NOT_OURS)

SEMR_STAGE_AT_HOOKS(semr_retag, put_tags_on, const struct semr_packet, false)

/*
 * A frame that had tags gets them back where it goes on over the same link: to
 * the stack, which has devices for them, or as an answer. What leaves through
 * another port has those of that port's device, if any.
 */
static __always_inline int
retag(void *ctx, enum semr_hook hook, struct semr_packet *packet, int action,
      bool back)
{
	bool elsewhere = hook == SEMR_HOOK_TC ?
			       action == TC_ACT_SHOT ||
				       (action == TC_ACT_REDIRECT && !back) :
			       action == XDP_DROP || action == XDP_REDIRECT;

	if (elsewhere)
		return action;
	if (semr_retag(ctx, hook, packet))
		return action;
	return refuse(hook, packet, SEMR_DROP_NO_HEADROOM);
}

#endif
