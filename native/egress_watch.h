// class EgressWatch of api.ts.
#pragma once

#include <mutex>
#include <thread>

#include "egress_events.h"
#include "wrapped.h"

namespace semrd {

class EgressWatch final : public Wrapped<EgressWatch> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d656772000001};
  static constexpr const char* kName = "EgressWatch";
  struct Parts {
    Napi::Function touched;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit EgressWatch(const Napi::CallbackInfo& info);
  ~EgressWatch() override;

 private:
  friend class Wrapped<EgressWatch>;

  Napi::Value Dispose(const Napi::CallbackInfo& info);

  void Read();                                         // the thread
  void Deliver(Napi::Env env, Napi::Function touched);  // the main thread
  void Stop();

  std::optional<EgressEvents> events_;
  Descriptor stop_, poll_;
  std::mutex mutex_;
  TouchedLinks touched_;  // since the main thread had its turn
  std::thread thread_;
  Napi::ThreadSafeFunction announce_;
  Napi::Env::CleanupHook<void (*)(EgressWatch*), EgressWatch> at_exit_;
};

}  // namespace semrd
