// The `yang` member of the addon.
#pragma once

#include <napi.h>

namespace semrd {

Napi::Object YangModule(Napi::Env env);

}  // namespace semrd
