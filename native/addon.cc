// Entry of the addon: `{ bfd, bpf, paths, sock, sources, yang }` as api.ts describes it.
#include <napi.h>

#include "bfd_thread.h"
#include "bpf_module.h"
#include "path_module.h"
#include "socket_module.h"
#include "wrapped.h"
#include "yang_module.h"

namespace semrd {

extern const char kSources[];  // made by tools/build-native.mjs

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment());
  exports.Set("bpf", BpfModule(env));
  exports.Set("bfd", BfdModule(env));
  exports.Set("paths", PathModule(env));
  exports.Set("sock", SocketModule(env));
  exports.Set("sources", Napi::String::New(env, kSources));
  exports.Set("yang", YangModule(env));
  return exports;
}

}  // namespace semrd

NAPI_MODULE_INIT() { return Napi::RegisterModule(env, exports, semrd::Initialise); }
