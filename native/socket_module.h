// The `sock` member of the addon.
#pragma once

#include <napi.h>

namespace semrd {

Napi::Object SocketModule(Napi::Env env);

}  // namespace semrd
