#include "path_module.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <sys/eventfd.h>

#include "arguments.h"
#include "bpf_map.h"

namespace semrd {

namespace {

constexpr int64_t kShortestInterval = 1'000, kLongestInterval = 60'000'000;  // microseconds

SocketAddress AddressOf(Napi::Value value, const char* name, uint16_t port) {
  auto address = ParseSocketAddress(Text(value, name), port);
  if (!address || address->storage.ss_family != AF_INET6)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must be an IPv6 address");
  return *address;
}

std::string TextOf(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, text, sizeof(text));
  return text;
}

Napi::Array List(Napi::Value value, const char* name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an array");
  return value.As<Napi::Array>();
}

// { from, to: [], port, interval, hold }
std::optional<BeatOptions> BeatOptionsOf(Napi::Value value) {
  auto options = Options(value, "options");
  if (!options) return std::nullopt;
  BeatOptions result;
  result.from = AddressOf(options->Get("from"), "from", 0);
  auto port = static_cast<uint16_t>(Whole(options->Get("port"), "port", 1, UINT16_MAX));
  for (const std::string& to : Texts(options->Get("to"), "to")) {
    auto address = ParseSocketAddress(to, port);
    if (!address || address->storage.ss_family != AF_INET6)
      throw Napi::RangeError::New(value.Env(), "to must hold IPv6 addresses");
    result.to.push_back(*address);
  }
  result.interval =
      static_cast<uint32_t>(Whole(options->Get("interval"), "interval", kShortestInterval, kLongestInterval));
  result.hold = static_cast<uint32_t>(Whole(options->Get("hold"), "hold", 1, UINT16_MAX));
  return result;
}

// { map, noWay, up, paths: [{ to, state, silentAfter, lost }] }
std::optional<PathWords> WordsOf(Napi::Value value) {
  auto words = Options(value, "words");
  if (!words) return std::nullopt;
  Napi::Env env = value.Env();
  BpfMap& map = BpfMap::From(words->Get("map"), "map");
  const MapShape& shape = map.shape();
  if (shape.type != BPF_MAP_TYPE_ARRAY || (shape.flags & BPF_F_MMAPABLE) == 0)
    throw Napi::TypeError::New(env, "map must be an array with BPF_F_MMAPABLE");
  auto size = (static_cast<int64_t>(shape.value_size) + 7) / 8 * 8 * shape.max_entries;
  PathWords result;
  result.no_way = static_cast<uint32_t>(Whole(words->Get("noWay"), "noWay", 0, UINT32_MAX));
  result.up = static_cast<uint32_t>(Whole(words->Get("up"), "up", 0, UINT32_MAX));
  Napi::Array paths = List(words->Get("paths"), "paths");
  for (uint32_t i = 0; i < paths.Length(); i++) {
    auto path = Options(paths.Get(i), "path");
    if (!path) throw Napi::TypeError::New(env, "a path must be an object");
    auto offset = [&](const char* name) {
      int64_t at = Whole(path->Get(name), name, 0, size - 4);
      if (at % 4 != 0) throw Napi::RangeError::New(env, std::string(name) + " must be a multiple of 4");
      return static_cast<uint64_t>(at);
    };
    result.paths.push_back({AddressOf(path->Get("to"), "to", 0), offset("state"), offset("silentAfter"), offset("lost")});
  }
  result.array = std::make_shared<MappedArray>(map.Fd(env), static_cast<size_t>(size));
  return result;
}

// start(options: { realtime?, change }): PathThread
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto options = Options(info[0], "options");
  if (!options) throw Napi::TypeError::New(info.Env(), "options must be an object");
  bool realtime = options->Get("realtime").IsUndefined() || Flag(options, "realtime");
  return PathThread::Make(info.Env(), PathThread::Parts{realtime, Callback(options->Get("change"), "options.change")});
}

}  // namespace

PathEngine::PathEngine(bool realtime, std::function<void()> announce)
    : wake_(eventfd(0, EFD_CLOEXEC)), announce_(std::move(announce)) {
  if (!wake_) ThrowErrno("eventfd", "paths");
  watch_ = std::make_unique<PathWatch>(realtime, wake_.get());
  relay_ = std::thread(&PathEngine::Relay, this);
}

PathEngine::~PathEngine() {
  watch_.reset();
  ending_ = true;
  eventfd_write(wake_.get(), 1);
  relay_.join();
}

void PathEngine::Relay() {
  eventfd_t count;
  while (eventfd_read(wake_.get(), &count) == 0 && !ending_) announce_();
}

std::vector<PathThread::PropertyDescriptor> PathThread::Properties(Napi::Env env) {
  return {
      Method<&PathThread::Beat>("beat"),         Method<&PathThread::Bind>("bind"),
      Method<&PathThread::Judge>("judge"),       Getter<&PathThread::GetPriority>("priority"),
      Getter<&PathThread::GetBeats>("beats"),    SymbolMethod<&PathThread::Dispose>(env, "dispose"),
  };
}

PathThread::PathThread(const Napi::CallbackInfo& info) : Wrapped(info) {
  Napi::Env env = info.Env();
  Parts& parts = PartsOf<Parts>(info);
  announce_ = Napi::ThreadSafeFunction::New(env, parts.change, "semrd.paths", 0, 1);
  announce_.Unref(env);
  auto announce = [this] {
    announce_.NonBlockingCall(
        this, [](Napi::Env on, Napi::Function change, PathThread* owner) { owner->Deliver(on, change); });
  };
  try {
    engine_ = std::make_shared<PathEngine>(parts.realtime, announce);
  } catch (const SystemCallFailure& failure) {
    announce_.Abort();
    throw ErrorOf(env, failure);
  }
  // Hooks run last in, first out: the threads are gone before Node takes `announce_` down.
  at_exit_ = env.AddCleanupHook(+[](PathThread* self) { self->Stop(); }, this);
  Ref();  // lives until disposed, held or not
}

PathThread::~PathThread() { Stop(); }

PathWatch& PathThread::Watch(Napi::Env env) {
  if (!engine_) throw Napi::Error::New(env, "the path thread is disposed");
  return engine_->watch();
}

Napi::Value PathThread::Beat(const Napi::CallbackInfo& info) {
  Watch(info.Env()).Beat(BeatOptionsOf(info[0]));
  return info.Env().Undefined();
}

Napi::Value PathThread::Bind(const Napi::CallbackInfo& info) {
  Watch(info.Env()).Bind(WordsOf(info[0]));
  return info.Env().Undefined();
}

Napi::Value PathThread::Judge(const Napi::CallbackInfo& info) {
  Watch(info.Env()).Judge(Boolean(info[0], "here"));
  return info.Env().Undefined();
}

// priority: { realtime: boolean, reason?: string }
Napi::Value PathThread::GetPriority(const Napi::CallbackInfo& info) {
  int error = Watch(info.Env()).scheduling_error();
  auto priority = Napi::Object::New(info.Env());
  priority.Set("realtime", error == 0);
  if (error > 0) priority.Set("reason", CodeOf(error));
  return priority;
}

Napi::Value PathThread::GetBeats(const Napi::CallbackInfo& info) {
  BeatCounters counters = Watch(info.Env()).counters();
  auto value = Napi::Object::New(info.Env());
  auto add = [&](const char* name, uint64_t count) { value.Set(name, Napi::Number::New(info.Env(), static_cast<double>(count))); };
  add("sent", counters.sent);
  add("sendErrors", counters.send_errors);
  add("late", counters.late);
  add("latest", counters.latest);
  return value;
}

void PathThread::Deliver(Napi::Env env, Napi::Function change) {
  PathEvent event;
  while (engine_ && engine_->watch().PopEvent(event)) {
    Napi::HandleScope scope(env);
    auto value = Napi::Object::New(env);
    value.Set("to", TextOf(event.to));
    value.Set("lost", event.lost);
    value.Set("stored", event.stored);
    value.Set("at", Napi::Number::New(env, static_cast<double>(event.at) / 1000));
    try {
      change.Call({value});
    } catch (...) {
      // The rest is delivered after Node has dealt with the exception.
      if (engine_)
        announce_.NonBlockingCall(
            this, [](Napi::Env on, Napi::Function again, PathThread* owner) { owner->Deliver(on, again); });
      throw;
    }
  }
}

void PathThread::Stop() {
  if (!engine_) return;
  engine_.reset();
  announce_.Abort();
}

Napi::Value PathThread::Dispose(const Napi::CallbackInfo& info) {
  if (!engine_) return info.Env().Undefined();
  Stop();
  at_exit_.Remove(info.Env());
  Unref();
  return info.Env().Undefined();
}

Napi::Object PathModule(Napi::Env env) {
  PathThread::Define(env);
  auto paths = Napi::Object::New(env);
  paths.Set("start", Napi::Function::New(env, Exported<Start>, "start"));
  return paths;
}

}  // namespace semrd
