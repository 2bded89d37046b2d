// Classes BfdThread and BfdSession of api.ts.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "bfd_loop.h"
#include "wrapped.h"

namespace semrd {

// The loop with a second thread, of normal priority, that carries its events on: the real-time one never takes a lock
// of the event loop's.
class BfdEngine {
 public:
  // Throws SystemCallFailure. `announce` is called on the second thread.
  BfdEngine(bool realtime, size_t event_bound, std::function<void()> announce);
  ~BfdEngine();

  BfdLoop& loop() { return *loop_; }

 private:
  void Relay();

  Descriptor wake_;
  std::atomic<bool> ending_ = false;
  std::function<void()> announce_;
  std::unique_ptr<BfdLoop> loop_;
  std::thread relay_;
};

class BfdThread final : public Wrapped<BfdThread> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6266, 0x642d746872656164};
  static constexpr const char* kName = "BfdThread";
  struct Parts {
    bool realtime;
    size_t bound;
    Napi::Function change;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BfdThread(const Napi::CallbackInfo& info);
  ~BfdThread() override;

 private:
  friend class Wrapped<BfdThread>;

  Napi::Value OpenSession(const Napi::CallbackInfo& info);
  Napi::Value GetPriority(const Napi::CallbackInfo& info);
  Napi::Value GetDropped(const Napi::CallbackInfo& info);
  Napi::Value GetDiscarded(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  BfdLoop& Loop(Napi::Env env);
  void Deliver(Napi::Env env, Napi::Function change);
  void Stop();

  std::shared_ptr<BfdEngine> engine_;
  Napi::ThreadSafeFunction announce_;
  Napi::Env::CleanupHook<void (*)(BfdThread*), BfdThread> at_exit_;
};

class BfdSession final : public Wrapped<BfdSession> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6266, 0x642d73657373696f};
  static constexpr const char* kName = "BfdSession";
  struct Parts {
    std::weak_ptr<BfdEngine> engine;
    uint32_t number;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BfdSession(const Napi::CallbackInfo& info);
  ~BfdSession() override;

 private:
  friend class Wrapped<BfdSession>;

  Napi::Value GetNumber(const Napi::CallbackInfo& info);
  Napi::Value GetStatus(const Napi::CallbackInfo& info);
  Napi::Value SetTimes(const Napi::CallbackInfo& info);
  Napi::Value SetAdminDown(const Napi::CallbackInfo& info);
  Napi::Value Bind(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<BfdEngine> Engine(Napi::Env env);

  Parts parts_;
};

// { start(options): BfdThread }
Napi::Object BfdModule(Napi::Env env);

}  // namespace semrd
