#include "bfd_values.h"

#include <bpf/bpf.h>

#include "arguments.h"
#include "bpf_map.h"

namespace semrd {

namespace {

constexpr int64_t kShortestInterval = 1'000;  // microseconds; what a timer of a busy kernel still keeps
constexpr int64_t kLongestInterval = 60'000'000;

Napi::Object Required(Napi::Value value, const char* name) {
  auto object = Options(value, name);
  if (!object) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an object");
  return *object;
}

uint16_t Family(const SocketAddress& address) { return address.storage.ss_family; }

SocketAddress AddressOf(Napi::Object from, const char* name, uint16_t port) {
  Napi::Value value = from.Get(name);
  auto address = ParseSocketAddress(Text(value, name), port);
  if (!address) throw Napi::RangeError::New(value.Env(), std::string(name) + " must be an IPv4 or IPv6 address");
  return *address;
}

SocketAddress EndOf(Napi::Object from, const char* name) {
  Napi::Object end = Required(from.Get(name), name);
  return AddressOf(end, "address", static_cast<uint16_t>(Whole(end.Get("port"), "port", 1, UINT16_MAX)));
}

Napi::Number Count(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

void RequireSameFamily(Napi::Env env, const SocketAddress& a, const SocketAddress& b) {
  if (Family(a) != Family(b)) throw Napi::RangeError::New(env, "both addresses must be of one family");
}

}  // namespace

// { desiredMinTx, requiredMinRx, detectMultiplier }: microseconds
BfdTimes TimesOf(Napi::Value value) {
  Napi::Object times = Required(value, "times");
  auto interval = [&](const char* name) {
    return static_cast<uint32_t>(Whole(times.Get(name), name, kShortestInterval, kLongestInterval));
  };
  return {interval("desiredMinTx"), interval("requiredMinRx"),
          static_cast<uint8_t>(Whole(times.Get("detectMultiplier"), "detectMultiplier", 1, UINT8_MAX))};
}

BfdSessionOptions SessionOptionsOf(Napi::Value value) {
  Napi::Object options = Required(value, "options");
  BfdSessionOptions result;
  result.multihop = Boolean(options.Get("multihop"), "multihop");
  uint16_t port = result.multihop ? kMultihopPort : kSingleHopPort;
  result.local = AddressOf(options, "local", port);
  result.remote = AddressOf(options, "remote", port);
  RequireSameFamily(value.Env(), result.local, result.remote);
  result.times = TimesOf(value);
  Napi::Value minimum = options.Get("minimumTtl");
  if (!result.multihop && !minimum.IsUndefined())
    throw Napi::RangeError::New(value.Env(), "minimumTtl is for multihop sessions: others take 255 only");
  result.minimum_ttl = !result.multihop ? 255
                       : minimum.IsUndefined()
                           ? 1
                           : static_cast<uint8_t>(Whole(minimum, "minimumTtl", 1, UINT8_MAX));
  return result;
}

// { map, offset, down, up? }
std::optional<BfdBinding> BindingOf(Napi::Value value) {
  auto binding = Options(value, "binding");
  if (!binding) return std::nullopt;
  BpfMap& map = BpfMap::From(binding->Get("map"), "map");
  const MapShape& shape = map.shape();
  if (shape.type != BPF_MAP_TYPE_ARRAY || (shape.flags & BPF_F_MMAPABLE) == 0)
    throw Napi::TypeError::New(value.Env(), "map must be an array with BPF_F_MMAPABLE");
  auto size = (static_cast<int64_t>(shape.value_size) + 7) / 8 * 8 * shape.max_entries;
  int64_t offset = Whole(binding->Get("offset"), "offset", 0, size - 4);
  if (offset % 4 != 0) throw Napi::RangeError::New(value.Env(), "offset must be a multiple of 4");
  auto down = static_cast<uint32_t>(Whole(binding->Get("down"), "down", 0, UINT32_MAX));
  std::optional<uint32_t> up;
  if (!binding->Get("up").IsUndefined()) up = static_cast<uint32_t>(Whole(binding->Get("up"), "up", 0, UINT32_MAX));
  return BfdBinding{MappedWord(map.Fd(value.Env()), static_cast<uint64_t>(offset)), down, up};
}

// { local: { address, port }, remote: { address, port } }
std::optional<TcpConnection> ConnectionOf(Napi::Value value) {
  auto connection = Options(value, "connection");
  if (!connection) return std::nullopt;
  TcpConnection result = {EndOf(*connection, "local"), EndOf(*connection, "remote")};
  RequireSameFamily(value.Env(), result.local, result.remote);
  return result;
}

Napi::Object EventValue(Napi::Env env, const BfdEvent& event) {
  auto value = Napi::Object::New(env);
  value.Set("session", Napi::Number::New(env, event.session));
  value.Set("state", NameOf(event.state));
  value.Set("before", NameOf(event.before));
  value.Set("diagnostic", Napi::Number::New(env, event.diagnostic));
  value.Set("remoteState", NameOf(event.remote_state));
  value.Set("remoteIndependent", event.remote_independent);
  value.Set("failed", event.failed);
  value.Set("peerEnded", event.peer_ended);
  value.Set("stored", event.stored);
  value.Set("at", Napi::Number::New(env, static_cast<double>(event.at) / 1000));
  return value;
}

Napi::Object DiscardedValue(Napi::Env env, const BfdCounters& counters) {
  auto discarded = Napi::Object::New(env);
  for (size_t reason = 0; reason < counters.discarded.size(); reason++)
    if (counters.discarded[reason] > 0)
      discarded.Set(NameOf(static_cast<BfdDiscard>(reason)), Count(env, counters.discarded[reason]));
  return discarded;
}

Napi::Object StatusValue(Napi::Env env, const BfdStatus& status) {
  auto value = Napi::Object::New(env);
  value.Set("state", NameOf(status.state));
  value.Set("remoteState", NameOf(status.remote_state));
  value.Set("diagnostic", Napi::Number::New(env, status.diagnostic));
  value.Set("remoteDiagnostic", Napi::Number::New(env, status.remote_diagnostic));
  value.Set("remoteDiscriminator", Napi::Number::New(env, status.remote_discriminator));
  value.Set("remoteIndependent", status.remote_independent);
  value.Set("polling", status.polling);
  value.Set("desiredMinTx", Napi::Number::New(env, status.times.desired_min_tx));
  value.Set("requiredMinRx", Napi::Number::New(env, status.times.required_min_rx));
  value.Set("detectMultiplier", Napi::Number::New(env, status.times.detect_multiplier));
  if (status.transmit) value.Set("transmitInterval", Napi::Number::New(env, *status.transmit));
  if (status.detection != 0) value.Set("detectionTime", Count(env, status.detection));
  const BfdCounters& counters = status.counters;
  value.Set("sent", Count(env, counters.sent));
  value.Set("sendErrors", Count(env, counters.send_errors));
  value.Set("received", Count(env, counters.received));
  value.Set("downs", Count(env, counters.downs));
  value.Set("late", Count(env, counters.late));
  value.Set("latest", Count(env, counters.latest));
  value.Set("stalls", Count(env, counters.stalls));
  value.Set("discarded", DiscardedValue(env, counters));
  return value;
}

}  // namespace semrd
