// Many entries of `capabilities` at once, as JavaScript sees it.
#pragma once

#include <napi.h>

namespace semrd {

Napi::Value FillCapabilities(const Napi::CallbackInfo& info);

}  // namespace semrd
