#include "socket_module.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <climits>

#include "arguments.h"
#include "socket_calls.h"
#include "tcp_ao.h"

namespace semrd {

namespace {

SocketAddress Address(Napi::Value text, uint16_t port) {
  auto address = ParseSocketAddress(Text(text, "address"), port);
  if (!address) throw Napi::RangeError::New(text.Env(), "address must be an IPv4 or IPv6 address");
  return *address;
}

uint16_t Port(Napi::Value value) { return static_cast<uint16_t>(Whole(value, "port", 0, UINT16_MAX)); }

template <typename Number>
Number OneOf(Napi::Value value, const char* name, std::initializer_list<std::pair<const char*, Number>> words) {
  std::string word = Text(value, name);
  std::string all;
  for (auto [known, number] : words) {
    if (word == known) return number;
    all += std::string(all.empty() ? "" : ", ") + known;
  }
  throw Napi::RangeError::New(value.Env(), std::string(name) + " must be one of " + all);
}

Napi::Object EndpointValue(Napi::Env env, const Endpoint& endpoint) {
  auto result = Napi::Object::New(env);
  result.Set("address", endpoint.address);
  result.Set("port", Napi::Number::New(env, endpoint.port));
  return result;
}

// socket(options: SocketOptions): number
Napi::Value Socket(const Napi::CallbackInfo& info) {
  auto options = Options(info[0], "options");
  if (!options) throw Napi::TypeError::New(info.Env(), "options must be an object");
  int family = OneOf<int>(options->Get("family"), "family", {{"ipv4", AF_INET}, {"ipv6", AF_INET6}});
  int type = OneOf<int>(options->Get("type"), "type",
                        {{"stream", SOCK_STREAM}, {"datagram", SOCK_DGRAM}, {"raw", SOCK_RAW}});
  int protocol = 0;
  if (auto value = options->Get("protocol"); !value.IsUndefined())
    protocol = static_cast<int>(Whole(value, "protocol", 0, 262));  // 262: IPPROTO_MPTCP, the highest
  std::string place = OptionalText(options, "namespace").value_or("");
  return Napi::Number::New(info.Env(), OpenSocket(family, type, protocol, place).Release());
}

// bind(fd, address, port, options?: { reuseAddress, reusePort, v6Only, freeBind }): void
Napi::Value Bind(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  SocketAddress address = Address(info[1], Port(info[2]));
  auto options = Options(info[3], "options");
  bool v6 = GetSocketOption(fd, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN") == AF_INET6;
  if (Flag(options, "reuseAddress")) SetSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (Flag(options, "reusePort")) SetSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (Flag(options, "freeBind")) SetSocketOption(fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND");
  if (options && v6 && !options->Get("v6Only").IsUndefined())
    SetSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, Flag(options, "v6Only") ? 1 : 0, "IPV6_V6ONLY");
  if (bind(fd, address.get(), address.length) != 0)
    ThrowErrno("bind", info[1].As<Napi::String>().Utf8Value() + " port " + info[2].ToString().Utf8Value());
  return info.Env().Undefined();
}

// listen(fd, backlog): void
Napi::Value Listen(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  if (listen(fd, static_cast<int>(Whole(info[1], "backlog", 0, INT_MAX))) != 0) ThrowErrno("listen", "");
  return info.Env().Undefined();
}

// connect(fd, address, port): void
Napi::Value Connect(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  SocketAddress address = Address(info[1], Port(info[2]));
  if (connect(fd, address.get(), address.length) != 0 && errno != EINPROGRESS)
    ThrowErrno("connect", info[1].As<Napi::String>().Utf8Value() + " port " + info[2].ToString().Utf8Value());
  return info.Env().Undefined();
}

// accept(fd): { fd, address, port } | undefined
Napi::Value Accept(const Napi::CallbackInfo& info) {
  auto accepted = AcceptSocket(DescriptorNumber(info[0]));
  if (!accepted) return info.Env().Undefined();
  Napi::Object result = EndpointValue(info.Env(), accepted->peer);
  result.Set("fd", Napi::Number::New(info.Env(), accepted->socket.Release()));
  return result;
}

// close(fd): void
Napi::Value Close(const Napi::CallbackInfo& info) {
  if (close(DescriptorNumber(info[0])) != 0) ThrowErrno("close", "");
  return info.Env().Undefined();
}

// duplicate(fd): number
Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Descriptor::Duplicate(DescriptorNumber(info[0])).Release());
}

// setInteger(fd, level, option, value): void
Napi::Value SetInteger(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  int level = static_cast<int>(Whole(info[1], "level", 0, INT_MAX));
  int option = static_cast<int>(Whole(info[2], "option", 0, INT_MAX));
  int value = static_cast<int>(Whole(info[3], "value", INT_MIN, INT_MAX));
  std::string what = "level " + std::to_string(level) + " option " + std::to_string(option);
  SetSocketOption(fd, level, option, value, what.c_str());
  return info.Env().Undefined();
}

// getInteger(fd, level, option): number
Napi::Value GetInteger(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  int level = static_cast<int>(Whole(info[1], "level", 0, INT_MAX));
  int option = static_cast<int>(Whole(info[2], "option", 0, INT_MAX));
  std::string what = "level " + std::to_string(level) + " option " + std::to_string(option);
  return Napi::Number::New(info.Env(), GetSocketOption(fd, level, option, what.c_str()));
}

// setMd5(fd, address, prefixLength, key: Uint8Array): void
Napi::Value SetMd5(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  SocketAddress peer = Address(info[1], 0);
  int bits = peer.storage.ss_family == AF_INET ? 32 : 128;
  auto prefix_length = static_cast<uint8_t>(Whole(info[2], "prefixLength", 0, bits));
  auto key = Octets(info[3], "key");
  if (key.size() > kLongestMd5Key)
    throw Napi::RangeError::New(info.Env(), "key must have at most " + std::to_string(kLongestMd5Key) + " octets");
  SetMd5Key(fd, peer, prefix_length, key);
  return info.Env().Undefined();
}

// hasTcpAo(): boolean
Napi::Value HasTcpAoHere(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), HasTcpAo()); }

struct AoPeer {
  SocketAddress address;
  uint8_t prefix_length;
};

AoPeer AoPeerOf(const Napi::Value& address, const Napi::Value& prefix_length) {
  SocketAddress peer = Address(address, 0);
  int bits = peer.storage.ss_family == AF_INET ? 32 : 128;
  return AoPeer{peer, static_cast<uint8_t>(Whole(prefix_length, "prefixLength", 0, bits))};
}

AoKeyName AoKeyNameOf(const Napi::Object& key) {
  return AoKeyName{static_cast<uint8_t>(Whole(key.Get("sendId"), "sendId", 0, UINT8_MAX)),
                   static_cast<uint8_t>(Whole(key.Get("receiveId"), "receiveId", 0, UINT8_MAX))};
}

Napi::Object AoKeyObject(const Napi::Value& value) {
  auto key = Options(value, "key");
  if (!key) throw Napi::TypeError::New(value.Env(), "key must be an object");
  return *key;
}

// addAoKey(fd, address, prefixLength, key: TcpAoKey, use: boolean): void
Napi::Value AddAoKeyOf(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  Napi::Object key = AoKeyObject(info[3]);
  AoPeer peer = AoPeerOf(info[1], info[2]);
  AoKeyName name = AoKeyNameOf(key);
  auto algorithm = OneOf<const char*>(key.Get("algorithm"), "algorithm",
                                      {{"hmac-sha-1-96", "hmac(sha1)"}, {"aes-128-cmac-96", "cmac(aes128)"}});
  auto octets = Octets(key.Get("key"), "key");
  if (octets.empty() || octets.size() > kLongestAoKey)
    throw Napi::RangeError::New(info.Env(), "key must have 1 to " + std::to_string(kLongestAoKey) + " octets");
  if (!info[4].IsBoolean()) throw Napi::TypeError::New(info.Env(), "use must be a boolean");
  AddAoKey(fd, peer.address, peer.prefix_length, AoKey{algorithm, name.send_id, name.receive_id, octets},
           info[4].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

// deleteAoKey(fd, address, prefixLength, key: { sendId, receiveId }, instead: { sendId, receiveId } | undefined): void
Napi::Value DeleteAoKeyOf(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  AoPeer peer = AoPeerOf(info[1], info[2]);
  AoKeyName key = AoKeyNameOf(AoKeyObject(info[3]));
  std::optional<AoKeyName> instead;
  if (info.Length() > 4 && !info[4].IsUndefined()) instead = AoKeyNameOf(AoKeyObject(info[4]));
  DeleteAoKey(fd, peer.address, peer.prefix_length, key, instead);
  return info.Env().Undefined();
}

// useAoKey(fd, key: { sendId, receiveId }): void
Napi::Value UseAoKeyOf(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  UseAoKey(fd, AoKeyNameOf(AoKeyObject(info[1])));
  return info.Env().Undefined();
}

// setTtlSecurity(fd, minimum): void
Napi::Value SetTtlSecurityOf(const Napi::CallbackInfo& info) {
  SetTtlSecurity(DescriptorNumber(info[0]), static_cast<int>(Whole(info[1], "minimum", 1, 255)));
  return info.Env().Undefined();
}

// setHopLimit(fd, hops): void
Napi::Value SetHopLimitOf(const Napi::CallbackInfo& info) {
  SetHopLimit(DescriptorNumber(info[0]), static_cast<int>(Whole(info[1], "hops", 1, 255)));
  return info.Env().Undefined();
}

// bindToDevice(fd, name): void
Napi::Value BindToDevice(const Napi::CallbackInfo& info) {
  int fd = DescriptorNumber(info[0]);
  std::string name = Text(info[1], "name", IFNAMSIZ);
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.c_str(), static_cast<socklen_t>(name.size() + 1)) != 0)
    ThrowErrno("setsockopt", "SO_BINDTODEVICE " + name);
  return info.Env().Undefined();
}

Napi::Value LocalAddress(const Napi::CallbackInfo& info) {
  return EndpointValue(info.Env(), LocalEndpoint(DescriptorNumber(info[0])));
}

Napi::Value RemoteAddress(const Napi::CallbackInfo& info) {
  return EndpointValue(info.Env(), RemoteEndpoint(DescriptorNumber(info[0])));
}

// interfaceIndex(name): number | undefined
Napi::Value IndexOfInterface(const Napi::CallbackInfo& info) {
  unsigned index = if_nametoindex(Text(info[0], "name", IFNAMSIZ).c_str());
  if (index == 0) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), index);
}

// interfaceList(): InterfaceInfo[]
Napi::Value InterfaceList(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto list = Napi::Array::New(env);
  for (const auto& found : Interfaces()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", found.name);
    entry.Set("index", Napi::Number::New(env, found.index));
    entry.Set("mtu", Napi::Number::New(env, found.mtu));
    entry.Set("up", found.up);
    entry.Set("running", found.running);
    entry.Set("driver", found.driver);
    entry.Set("hardwareAddress", found.hardware_address);
    list.Set(list.Length(), entry);
  }
  return list;
}

// peerProcess(fd: number): PeerProcess
Napi::Value PeerProcessAt(const Napi::CallbackInfo& info) {
  PeerProcess peer = PeerProcessOf(DescriptorNumber(info[0]));
  auto value = Napi::Object::New(info.Env());
  value.Set("pid", peer.pid);
  value.Set("user", peer.user);
  value.Set("group", peer.group);
  return value;
}

// sendLocal(path: string, text: string): void
Napi::Value SendLocalTo(const Napi::CallbackInfo& info) {
  SendLocal(Text(info[0], "path", sizeof(sockaddr_un::sun_path)), Text(info[1], "text", kLongestLocal));
  return info.Env().Undefined();
}

// prepareDiscovery(fd: number, interface: string, types: Uint8Array): void
Napi::Value PrepareDiscovery(const Napi::CallbackInfo& info) {
  PrepareNeighborDiscovery(DescriptorNumber(info[0]), Text(info[1], "interface", IFNAMSIZ), Octets(info[2], "types"));
  return info.Env().Undefined();
}

// receive(fd: number): Received | undefined
Napi::Value Receive(const Napi::CallbackInfo& info) {
  auto found = ReceiveDatagram(DescriptorNumber(info[0]));
  if (!found) return info.Env().Undefined();
  auto value = Napi::Object::New(info.Env());
  value.Set("octets", CopyOut(info.Env(), found->octets.data(), found->octets.size()));
  value.Set("source", found->source);
  if (found->hop_limit >= 0) value.Set("hopLimit", Napi::Number::New(info.Env(), found->hop_limit));
  if (found->fragmented) value.Set("fragmented", true);
  return value;
}

// send(fd: number, octets: Uint8Array, to: string): void
Napi::Value Send(const Napi::CallbackInfo& info) {
  SendDatagram(DescriptorNumber(info[0]), Octets(info[1], "octets"), Address(info[2], 0));
  return info.Env().Undefined();
}

}  // namespace

Napi::Object SocketModule(Napi::Env env) {
  auto sock = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) { sock.Set(name, Napi::Function::New(env, function, name)); };
  add("socket", Exported<Socket>);
  add("bind", Exported<Bind>);
  add("listen", Exported<Listen>);
  add("connect", Exported<Connect>);
  add("accept", Exported<Accept>);
  add("close", Exported<Close>);
  add("duplicate", Exported<Duplicate>);
  add("setInteger", Exported<SetInteger>);
  add("getInteger", Exported<GetInteger>);
  add("setMd5", Exported<SetMd5>);
  add("hasTcpAo", Exported<HasTcpAoHere>);
  add("addAoKey", Exported<AddAoKeyOf>);
  add("deleteAoKey", Exported<DeleteAoKeyOf>);
  add("useAoKey", Exported<UseAoKeyOf>);
  add("setTtlSecurity", Exported<SetTtlSecurityOf>);
  add("setHopLimit", Exported<SetHopLimitOf>);
  add("bindToDevice", Exported<BindToDevice>);
  add("localAddress", Exported<LocalAddress>);
  add("remoteAddress", Exported<RemoteAddress>);
  add("peerProcess", Exported<PeerProcessAt>);
  add("sendLocal", Exported<SendLocalTo>);
  add("prepareDiscovery", Exported<PrepareDiscovery>);
  add("receive", Exported<Receive>);
  add("send", Exported<Send>);
  add("interfaceIndex", Exported<IndexOfInterface>);
  add("interfaceList", Exported<InterfaceList>);
  return sock;
}

}  // namespace semrd
