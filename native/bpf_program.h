// class BpfProgram of api.ts.
#pragma once

#include "bpf_kernel.h"
#include "descriptor.h"
#include "wrapped.h"

namespace semrd {

class BpfProgram final : public Wrapped<BpfProgram> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d70726f670001};
  static constexpr const char* kName = "BpfProgram";
  struct Parts {
    ProgramShape shape;
    SharedDescriptor descriptor;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BpfProgram(const Napi::CallbackInfo& info);

  // The open descriptor; throws when the object the program belongs to is disposed.
  int Fd(Napi::Env env) const;
  const ProgramShape& shape() const { return parts_.shape; }
  // Throws a TypeError unless the program is of that BPF_PROG_TYPE_*, e.g. called `kind`.
  void Require(Napi::Env env, uint32_t type, const char* kind) const;

 private:
  friend class Wrapped<BpfProgram>;

  Napi::Value PinAt(const Napi::CallbackInfo& info);
  Napi::Value GetFd(const Napi::CallbackInfo& info);

  Parts parts_;
};

}  // namespace semrd
