// Class PathWatch of api.ts.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "path_watch.h"
#include "wrapped.h"

namespace semrd {

// The watch with a second thread, of normal priority, that carries its events on: the real-time one never takes a lock
// of the event loop's.
class PathEngine {
 public:
  // Throws SystemCallFailure. `announce` is called on the second thread.
  PathEngine(bool realtime, std::function<void()> announce);
  ~PathEngine();

  PathWatch& watch() { return *watch_; }

 private:
  void Relay();

  Descriptor wake_;
  std::atomic<bool> ending_ = false;
  std::function<void()> announce_;
  std::unique_ptr<PathWatch> watch_;
  std::thread relay_;
};

class PathThread final : public Wrapped<PathThread> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d7061, 0x74682d7468726561};
  static constexpr const char* kName = "PathThread";
  struct Parts {
    bool realtime;
    Napi::Function change;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit PathThread(const Napi::CallbackInfo& info);
  ~PathThread() override;

 private:
  friend class Wrapped<PathThread>;

  Napi::Value Beat(const Napi::CallbackInfo& info);
  Napi::Value Bind(const Napi::CallbackInfo& info);
  Napi::Value Judge(const Napi::CallbackInfo& info);
  Napi::Value GetPriority(const Napi::CallbackInfo& info);
  Napi::Value GetBeats(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  PathWatch& Watch(Napi::Env env);
  void Deliver(Napi::Env env, Napi::Function change);
  void Stop();

  std::shared_ptr<PathEngine> engine_;
  Napi::ThreadSafeFunction announce_;
  Napi::Env::CleanupHook<void (*)(PathThread*), PathThread> at_exit_;
};

// { start(options): PathThread }
Napi::Object PathModule(Napi::Env env);

}  // namespace semrd
