#include "bfd_thread.h"

#include <sys/eventfd.h>

#include <cstring>

#include "bfd_values.h"

namespace semrd {

BfdEngine::BfdEngine(bool realtime, size_t event_bound, std::function<void()> announce)
    : wake_(eventfd(0, EFD_CLOEXEC)), announce_(std::move(announce)) {
  if (!wake_) ThrowErrno("eventfd", "BFD");
  loop_ = std::make_unique<BfdLoop>(realtime, event_bound, wake_.get());
  relay_ = std::thread(&BfdEngine::Relay, this);
}

BfdEngine::~BfdEngine() {
  loop_.reset();
  ending_ = true;
  eventfd_write(wake_.get(), 1);
  relay_.join();
}

void BfdEngine::Relay() {
  eventfd_t count;
  while (eventfd_read(wake_.get(), &count) == 0 && !ending_) announce_();
}

std::vector<BfdThread::PropertyDescriptor> BfdThread::Properties(Napi::Env env) {
  return {
      Method<&BfdThread::OpenSession>("openSession"), Getter<&BfdThread::GetPriority>("priority"),
      Getter<&BfdThread::GetDropped>("dropped"),      Getter<&BfdThread::GetDiscarded>("discarded"),
      SymbolMethod<&BfdThread::Dispose>(env, "dispose"),
  };
}

BfdThread::BfdThread(const Napi::CallbackInfo& info) : Wrapped(info) {
  Napi::Env env = info.Env();
  Parts& parts = PartsOf<Parts>(info);
  announce_ = Napi::ThreadSafeFunction::New(env, parts.change, "semrd.bfd", 0, 1);
  announce_.Unref(env);  // sessions alone keep no process alive
  auto announce = [this] {
    announce_.NonBlockingCall(
        this, [](Napi::Env on, Napi::Function change, BfdThread* owner) { owner->Deliver(on, change); });
  };
  try {
    engine_ = std::make_shared<BfdEngine>(parts.realtime, parts.bound, announce);
  } catch (const SystemCallFailure& failure) {
    announce_.Abort();
    throw ErrorOf(env, failure);
  }
  // Hooks run last in, first out: the threads are gone before Node takes `announce_` down.
  at_exit_ = env.AddCleanupHook(+[](BfdThread* self) { self->Stop(); }, this);
  Ref();  // lives until disposed, held or not
}

BfdThread::~BfdThread() { Stop(); }

BfdLoop& BfdThread::Loop(Napi::Env env) {
  if (!engine_) throw Napi::Error::New(env, "the BFD thread is disposed");
  return engine_->loop();
}

// openSession(options: BfdSessionOptions): BfdSession
Napi::Value BfdThread::OpenSession(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  BfdLoop& loop = Loop(env);
  uint32_t number = loop.Add(SessionOptionsOf(info[0]));
  return BfdSession::Make(env, BfdSession::Parts{engine_, number});
}

// priority: { realtime: boolean, reason?: string }
Napi::Value BfdThread::GetPriority(const Napi::CallbackInfo& info) {
  int error = Loop(info.Env()).scheduling_error();
  auto priority = Napi::Object::New(info.Env());
  priority.Set("realtime", error == 0);
  if (error > 0) priority.Set("reason", CodeOf(error));
  return priority;
}

Napi::Value BfdThread::GetDropped(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Loop(info.Env()).dropped_events()));
}

Napi::Value BfdThread::GetDiscarded(const Napi::CallbackInfo& info) {
  return DiscardedValue(info.Env(), Loop(info.Env()).counters());
}

void BfdThread::Deliver(Napi::Env env, Napi::Function change) {
  BfdEvent event;
  while (engine_ && engine_->loop().PopEvent(event)) {
    Napi::HandleScope scope(env);
    try {
      change.Call({EventValue(env, event)});
    } catch (...) {
      // The rest is delivered after Node has dealt with the exception.
      if (engine_)
        announce_.NonBlockingCall(
            this, [](Napi::Env on, Napi::Function again, BfdThread* owner) { owner->Deliver(on, again); });
      throw;
    }
  }
}

void BfdThread::Stop() {
  if (!engine_) return;
  engine_.reset();
  announce_.Abort();
}

Napi::Value BfdThread::Dispose(const Napi::CallbackInfo& info) {
  if (!engine_) return info.Env().Undefined();
  Stop();
  at_exit_.Remove(info.Env());
  Unref();
  return info.Env().Undefined();
}

std::vector<BfdSession::PropertyDescriptor> BfdSession::Properties(Napi::Env env) {
  return {
      Getter<&BfdSession::GetNumber>("session"),     Getter<&BfdSession::GetStatus>("status"),
      Method<&BfdSession::SetTimes>("setTimes"),     Method<&BfdSession::SetAdminDown>("setAdminDown"),
      Method<&BfdSession::Bind>("bind"),             Method<&BfdSession::Watch>("watch"),
      SymbolMethod<&BfdSession::Dispose>(env, "dispose"),
  };
}

BfdSession::BfdSession(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (info[0].IsExternal()) parts_ = std::move(PartsOf<Parts>(info));
}

BfdSession::~BfdSession() {
  if (auto engine = parts_.engine.lock()) engine->loop().Remove(parts_.number);
}

std::shared_ptr<BfdEngine> BfdSession::Engine(Napi::Env env) {
  auto engine = parts_.engine.lock();
  if (!engine) throw Napi::Error::New(env, "the BFD session is disposed");
  return engine;
}

Napi::Value BfdSession::GetNumber(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), parts_.number);
}

Napi::Value BfdSession::GetStatus(const Napi::CallbackInfo& info) {
  auto status = Engine(info.Env())->loop().StatusOf(parts_.number);
  if (!status) throw Napi::Error::New(info.Env(), "the BFD session is disposed");
  return StatusValue(info.Env(), *status);
}

// setTimes(times: BfdTimes): void
Napi::Value BfdSession::SetTimes(const Napi::CallbackInfo& info) {
  auto engine = Engine(info.Env());
  engine->loop().SetTimes(parts_.number, TimesOf(info[0]));
  return info.Env().Undefined();
}

// setAdminDown(down: boolean): void
Napi::Value BfdSession::SetAdminDown(const Napi::CallbackInfo& info) {
  auto engine = Engine(info.Env());
  engine->loop().SetAdminDown(parts_.number, Boolean(info[0], "down"));
  return info.Env().Undefined();
}

// bind(onDown?: BfdBinding): void
Napi::Value BfdSession::Bind(const Napi::CallbackInfo& info) {
  auto engine = Engine(info.Env());
  engine->loop().Bind(parts_.number, BindingOf(info[0]));
  return info.Env().Undefined();
}

// watch(connection?: TcpConnectionEnds): void
Napi::Value BfdSession::Watch(const Napi::CallbackInfo& info) {
  auto engine = Engine(info.Env());
  engine->loop().Watch(parts_.number, ConnectionOf(info[0]));
  return info.Env().Undefined();
}

Napi::Value BfdSession::Dispose(const Napi::CallbackInfo& info) {
  if (auto engine = parts_.engine.lock()) engine->loop().Remove(parts_.number);
  parts_.engine.reset();
  return info.Env().Undefined();
}

namespace {

// start(options: BfdThreadOptions): BfdThread
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto options = Options(info[0], "options");
  if (!options) throw Napi::TypeError::New(info.Env(), "options must be an object");
  auto bound = static_cast<size_t>(Whole(options->Get("bound"), "options.bound", 1, 1 << 16));
  bool realtime = options->Get("realtime").IsUndefined() || Flag(options, "realtime");
  return BfdThread::Make(info.Env(), BfdThread::Parts{realtime, bound, Callback(options->Get("change"), "options.change")});
}

}  // namespace

Napi::Object BfdModule(Napi::Env env) {
  BfdThread::Define(env);
  BfdSession::Define(env);
  auto bfd = Napi::Object::New(env);
  bfd.Set("start", Napi::Function::New(env, Exported<Start>, "start"));
  return bfd;
}

}  // namespace semrd
