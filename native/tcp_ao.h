// TCP Authentication Option of a socket. Nothing here knows JavaScript. @see RFC 5925
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "socket_calls.h"

namespace semrd {

constexpr size_t kLongestAoKey = 80;  // TCP_AO_MAXKEYLEN

// One master key tuple. Both ends have it with the identifiers the other way round. @see RFC 5925 §3.1
struct AoKey {
  const char* algorithm;  // the kernel's word: "hmac(sha1)", "cmac(aes128)"
  uint8_t send_id;
  uint8_t receive_id;
  std::span<const uint8_t> key;
};

// Whether the kernel has TCP-AO at all (Linux 6.7 with CONFIG_TCP_AO).
bool HasTcpAo();

// Adds a key for a prefix of peers. `use`: what is sent is signed with it from now on, and the peer is asked to do so.
void AddAoKey(int fd, const SocketAddress& peer, uint8_t prefix_length, const AoKey& key, bool use);

// The identifiers of one, which tell it from the others of a connection.
struct AoKeyName {
  uint8_t send_id;
  uint8_t receive_id;
};

// Removes one. `instead` signs from now on, and is what the peer is asked for: the kernel does not let go of a key in use. A
// listener uses none, and no segment can be on its way with it, so that it goes at once.
void DeleteAoKey(int fd, const SocketAddress& peer, uint8_t prefix_length, AoKeyName key,
                 std::optional<AoKeyName> instead);

// What is sent on a connection is signed with this one of its keys from now on, and the peer is asked to do so.
void UseAoKey(int fd, AoKeyName key);

}  // namespace semrd
