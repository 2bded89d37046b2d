// The interfaces of the thread's network namespace.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "socket_calls.h"

namespace semrd {

namespace {

struct FreeNames {
  void operator()(struct if_nameindex* names) const { if_freenameindex(names); }
};

// False when the interface has gone meanwhile, or has no answer to the question.
bool Ask(int fd, unsigned long question, ifreq& request) {
  if (ioctl(fd, question, &request) == 0) return true;
  if (errno == ENODEV || errno == EOPNOTSUPP || errno == EINVAL) return false;
  ThrowErrno("ioctl", request.ifr_name);
}

std::string DriverOf(int fd, ifreq request) {
  ethtool_drvinfo info = {};
  info.cmd = ETHTOOL_GDRVINFO;
  request.ifr_data = reinterpret_cast<char*>(&info);
  if (!Ask(fd, SIOCETHTOOL, request)) return "";
  return {info.driver, strnlen(info.driver, sizeof(info.driver))};
}

// "02:00:00:00:00:01"; "" for what has none (tunnels).
std::string HardwareAddressOf(int fd, ifreq request) {
  if (!Ask(fd, SIOCGIFHWADDR, request)) return "";
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER && request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK) return "";
  auto octets = reinterpret_cast<const unsigned char*>(request.ifr_hwaddr.sa_data);
  char text[18];
  std::snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3],
                octets[4], octets[5]);
  return text;
}

}  // namespace

std::vector<InterfaceState> Interfaces() {
  Descriptor asking = OpenSocket(AF_INET, SOCK_DGRAM, 0, "");
  std::unique_ptr<struct if_nameindex, FreeNames> names(if_nameindex());
  if (!names) ThrowErrno("if_nameindex", "");

  std::vector<InterfaceState> interfaces;
  for (auto name = names.get(); name->if_index != 0; name++) {
    ifreq request = {};
    std::strncpy(request.ifr_name, name->if_name, IFNAMSIZ - 1);
    ifreq flags = request, mtu = request;
    if (!Ask(asking.get(), SIOCGIFFLAGS, flags) || !Ask(asking.get(), SIOCGIFMTU, mtu)) continue;
    interfaces.push_back({name->if_name, static_cast<int>(name->if_index), mtu.ifr_mtu,
                          (flags.ifr_flags & IFF_UP) != 0, (flags.ifr_flags & IFF_RUNNING) != 0,
                          DriverOf(asking.get(), request), HardwareAddressOf(asking.get(), request)});
  }
  return interfaces;
}

}  // namespace semrd
