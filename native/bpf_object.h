// class BpfObject of api.ts, and the load that makes one.
#pragma once

#include "bpf_loader.h"
#include "wrapped.h"

namespace semrd {

class BpfObject final : public Wrapped<BpfObject> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d6f626a000001};
  static constexpr const char* kName = "BpfObject";
  using Parts = LoadedObject;
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BpfObject(const Napi::CallbackInfo& info);

 private:
  friend class Wrapped<BpfObject>;

  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::vector<SharedDescriptor> descriptors_;
};

// load(path: string, options?: LoadOptions): Promise<BpfObject>
Napi::Value LoadBpfObject(const Napi::CallbackInfo& info);

}  // namespace semrd
