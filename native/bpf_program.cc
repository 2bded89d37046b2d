#include "bpf_program.h"

#include <climits>

namespace semrd {

std::vector<BpfProgram::PropertyDescriptor> BpfProgram::Properties(Napi::Env) {
  return {Method<&BpfProgram::PinAt>("pin"), Getter<&BpfProgram::GetFd>("fd")};
}

BpfProgram::BpfProgram(const Napi::CallbackInfo& info) : Wrapped(info) {
  parts_ = std::move(PartsOf<Parts>(info));
  Napi::Env env = info.Env();
  auto self = info.This().As<Napi::Object>();
  using Property = Napi::PropertyDescriptor;
  self.DefineProperties({
      Property::Value("name", Napi::String::New(env, parts_.shape.name), napi_enumerable),
      Property::Value("id", Napi::Number::New(env, parts_.shape.id), napi_enumerable),
      Property::Value("type", Napi::Number::New(env, parts_.shape.type), napi_enumerable),
      Property::Value("verifiedInstructions", Napi::Number::New(env, parts_.shape.verified_instructions),
                      napi_enumerable),
  });
}

int BpfProgram::Fd(Napi::Env env) const {
  if (!*parts_.descriptor) throw Napi::Error::New(env, "the program \"" + parts_.shape.name + "\" is disposed");
  return parts_.descriptor->get();
}

void BpfProgram::Require(Napi::Env env, uint32_t type, const char* kind) const {
  if (parts_.shape.type != type)
    throw Napi::TypeError::New(env, "the program \"" + parts_.shape.name + "\" must be of type " + kind);
}

// pin(path: string): void
Napi::Value BpfProgram::PinAt(const Napi::CallbackInfo& info) {
  int fd = Fd(info.Env());
  Pin(fd, Text(info[0], "path", PATH_MAX));
  return info.Env().Undefined();
}

Napi::Value BpfProgram::GetFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Fd(info.Env()));
}

}  // namespace semrd
