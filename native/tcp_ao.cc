#include "tcp_ao.h"

#include <netinet/in.h>
#include <string.h>

#include <cerrno>
#include <cstring>

#include "descriptor.h"
#include "failure.h"

namespace semrd {

namespace {

// Debian 12 has no header of Linux 6.7: numbers and layouts of include/uapi/linux/tcp.h.
constexpr int kAddKey = 38;
constexpr int kDeleteKey = 39;
constexpr int kInfo = 40;
constexpr uint8_t kMacLength = 12;  // both algorithms are cut to 96 bits (RFC 5926 §3.2)

struct AddRequest {
  sockaddr_storage addr;
  char alg_name[64];
  int32_t ifindex;
  uint32_t set_current : 1;
  uint32_t set_rnext : 1;
  uint32_t reserved : 30;
  uint16_t reserved2;
  uint8_t prefix;
  uint8_t sndid;
  uint8_t rcvid;
  uint8_t maclen;
  uint8_t keyflags;
  uint8_t keylen;
  uint8_t key[kLongestAoKey];
} __attribute__((aligned(8)));
static_assert(sizeof(AddRequest) == 288);

struct DeleteRequest {
  sockaddr_storage addr;
  int32_t ifindex;
  uint32_t set_current : 1;
  uint32_t set_rnext : 1;
  uint32_t del_async : 1;
  uint32_t reserved : 29;
  uint16_t reserved2;
  uint8_t prefix;
  uint8_t sndid;
  uint8_t rcvid;
  uint8_t current_key;
  uint8_t rnext;
  uint8_t keyflags;
} __attribute__((aligned(8)));
static_assert(sizeof(DeleteRequest) == 144);

struct InfoRequest {
  uint32_t set_current : 1;
  uint32_t set_rnext : 1;
  uint32_t ao_required : 1;
  uint32_t set_counters : 1;
  uint32_t accept_icmps : 1;
  uint32_t reserved : 27;
  uint16_t reserved2;
  uint8_t current_key;
  uint8_t rnext;
  uint64_t pkt_good;
  uint64_t pkt_bad;
  uint64_t pkt_key_not_found;
  uint64_t pkt_ao_required;
  uint64_t pkt_dropped_icmp;
} __attribute__((aligned(8)));
static_assert(sizeof(InfoRequest) == 48);

}  // namespace

bool HasTcpAo() {
  Descriptor probe(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) ThrowErrno("socket", "TCP-AO probe");
  // Too short on purpose: a kernel that knows the option says EINVAL, one that does not ENOPROTOOPT. (Less than an integer
  // is EINVAL for both.)
  int nothing = 0;
  if (setsockopt(probe.get(), IPPROTO_TCP, kAddKey, &nothing, sizeof(nothing)) == 0) return true;
  return errno != ENOPROTOOPT;
}

void AddAoKey(int fd, const SocketAddress& peer, uint8_t prefix_length, const AoKey& key, bool use) {
  if (key.key.size() > kLongestAoKey) throw SystemCallFailure(EINVAL, "setsockopt", "TCP-AO key is too long");
  AddRequest request = {};
  request.addr = AsPeerOf(fd, peer).storage;
  strncpy(request.alg_name, key.algorithm, sizeof(request.alg_name) - 1);
  request.set_current = use ? 1 : 0;
  request.set_rnext = use ? 1 : 0;
  request.prefix = prefix_length;
  request.sndid = key.send_id;
  request.rcvid = key.receive_id;
  request.maclen = kMacLength;
  request.keylen = static_cast<uint8_t>(key.key.size());
  if (!key.key.empty()) std::memcpy(request.key, key.key.data(), key.key.size());
  int result = setsockopt(fd, IPPROTO_TCP, kAddKey, &request, sizeof(request));
  int number = errno;
  explicit_bzero(&request, sizeof(request));
  if (result != 0) throw SystemCallFailure(number, "setsockopt", "TCP_AO_ADD_KEY");
}

void DeleteAoKey(int fd, const SocketAddress& peer, uint8_t prefix_length, AoKeyName key,
                 std::optional<AoKeyName> instead) {
  DeleteRequest request = {};
  request.addr = AsPeerOf(fd, peer).storage;
  request.prefix = prefix_length;
  request.sndid = key.send_id;
  request.rcvid = key.receive_id;
  request.del_async = instead ? 0 : 1;
  if (instead) {
    request.set_current = request.set_rnext = 1;
    request.current_key = instead->send_id;
    request.rnext = instead->receive_id;
  }
  if (setsockopt(fd, IPPROTO_TCP, kDeleteKey, &request, sizeof(request)) != 0)
    ThrowErrno("setsockopt", "TCP_AO_DEL_KEY");
}

void UseAoKey(int fd, AoKeyName key) {
  InfoRequest request = {};
  // What is not set by a flag is taken as it is given: both of these are as the kernel has them by itself.
  request.ao_required = 0;
  request.accept_icmps = 0;
  request.set_current = request.set_rnext = 1;
  request.current_key = key.send_id;
  request.rnext = key.receive_id;
  if (setsockopt(fd, IPPROTO_TCP, kInfo, &request, sizeof(request)) != 0) ThrowErrno("setsockopt", "TCP_AO_INFO");
}

}  // namespace semrd
