// What the kernel says about maps, programs and links, and layouts of bpf(2) that older headers lack.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace semrd {

constexpr uint32_t kAttachTcxIngress = 46;  // BPF_TCX_INGRESS, kernel 6.6
constexpr uint32_t kAttachTcxEgress = 47;   // BPF_TCX_EGRESS
constexpr uint32_t kTcxBefore = 1U << 3;    // BPF_F_BEFORE; without another program: before all
constexpr uint32_t kLinkTypeXdp = 6;        // BPF_LINK_TYPE_XDP
constexpr uint32_t kLinkTypeTcx = 11;       // BPF_LINK_TYPE_TCX

// The head of `struct bpf_link_info`; of XDP and tcx links the union begins with the interface index.
struct LinkInfo {
  uint32_t type;
  uint32_t id;
  uint32_t program_id;
  uint32_t padding;
  uint32_t ifindex;
  uint32_t attach_type;  // tcx only
  uint8_t rest[72];
};
static_assert(offsetof(LinkInfo, ifindex) == 16);

struct MapShape {
  std::string name;
  uint32_t type = 0;
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;
};

struct ProgramShape {
  uint32_t id = 0;
  std::string name;
  uint32_t type = 0;
  uint32_t verified_instructions = 0;
};

MapShape ShapeOfMap(int fd);
ProgramShape ShapeOfProgram(int fd);
LinkInfo InfoOfLink(int fd);

bool IsPerCpu(uint32_t map_type);
// Octets of one value as lookup and update exchange them.
size_t ExchangedValueSize(const MapShape& shape);

// bpf_obj_get / bpf_obj_pin with the path in the failure.
int OpenPinned(const std::string& path);
void Pin(int fd, const std::string& path);

uint32_t PossibleCpus();

}  // namespace semrd
