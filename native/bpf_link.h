// class BpfLink of api.ts.
#pragma once

#include <string>
#include <vector>

#include "bpf_hooks.h"
#include "wrapped.h"

namespace semrd {

class BpfLink final : public Wrapped<BpfLink> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d6c696e6b0001};
  static constexpr const char* kName = "BpfLink";
  struct Parts {
    Attachment attachment;
    std::vector<std::string> pins;  // as far as we know
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BpfLink(const Napi::CallbackInfo& info);

 private:
  friend class Wrapped<BpfLink>;

  Napi::Value PinAt(const Napi::CallbackInfo& info);
  Napi::Value Update(const Napi::CallbackInfo& info);
  Napi::Value IsThere(const Napi::CallbackInfo& info);
  Napi::Value Detach(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  bool IsClsact() const { return parts_.attachment.mode == HookMode::kClsact; }
  void RequireOpen(Napi::Env env) const;

  Parts parts_;
  bool open_ = true;
};

}  // namespace semrd
