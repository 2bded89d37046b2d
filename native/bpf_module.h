// The `bpf` member of the addon.
#pragma once

#include <napi.h>

namespace semrd {

Napi::Object BpfModule(Napi::Env env);

Napi::Value TestRun(const Napi::CallbackInfo& info);

}  // namespace semrd
