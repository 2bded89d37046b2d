/* What the addon's tests load: one map of each kind they touch. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 verdict = XDP_PASS;
const volatile __u64 step = 1;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 4);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} counters SEC(".maps");

struct two_words {
	__u64 words[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct two_words);
	__uint(max_entries, 20000);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 8);
} ports SEC(".maps");

SEC("xdp")
int count_xdp(struct xdp_md *ctx)
{
	__u32 index = 0;
	__u32 *cell = bpf_map_lookup_elem(&shared, &index);
	__u32 *counter = bpf_map_lookup_elem(&counters, &index);
	__u32 ifindex = ctx->ingress_ifindex;

	if (cell)
		__sync_fetch_and_add(cell, step);
	if (counter)
		(*counter)++;
	bpf_ringbuf_output(&events, &ifindex, sizeof(ifindex), 0);
	return verdict;
}

SEC("xdp")
int grow_xdp(struct xdp_md *ctx)
{
	__u8 *data;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + 4 > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	data[0] = 's';
	data[1] = 'e';
	data[2] = 'm';
	data[3] = 'r';
	return bpf_redirect_map(&ports, 0, XDP_TX);
}

SEC("tc")
int count_tc(struct __sk_buff *skb)
{
	__u32 index = 1;
	__u32 *cell = bpf_map_lookup_elem(&shared, &index);

	if (cell)
		__sync_fetch_and_add(cell, 1);
	return skb->ifindex == 1 ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual MIT/GPL";
