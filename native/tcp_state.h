// What the kernel says about a TCP connection that somebody else in this process owns.
#pragma once

#include "descriptor.h"
#include "socket_calls.h"

namespace semrd {

struct TcpConnection {
  SocketAddress local, remote;
};

enum class TcpLife {
  kAlive,    // as far as the kernel knows
  kEnded,    // the peer has closed or reset it, so its host was alive and its process is gone
  kUnknown,  // the kernel does not say
};

// A socket for questions; never blocks.
Descriptor OpenTcpDiagnosis();
TcpLife LifeOf(const TcpConnection& connection, int diagnosis);

}  // namespace semrd
