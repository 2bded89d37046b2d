#include "bpf_object.h"

#include <climits>

#include "bpf_map.h"
#include "bpf_program.h"
#include "promise_work.h"

namespace semrd {

namespace {

// A JavaScript Map, filled through its own `set`.
class Dictionary {
 public:
  explicit Dictionary(Napi::Env env)
      : map_(env.Global().Get("Map").As<Napi::Function>().New({})), set_(map_.Get("set").As<Napi::Function>()) {}
  void Set(const std::string& name, Napi::Value value) {
    set_.Call(map_, {Napi::String::New(value.Env(), name), value});
  }
  Napi::Object value() const { return map_; }

 private:
  Napi::Object map_;
  Napi::Function set_;
};

LoadRequest ReadRequest(const Napi::CallbackInfo& info) {
  LoadRequest request;
  request.path = Text(info[0], "path", PATH_MAX);
  auto options = Options(info[1], "options");
  if (!options) return request;
  for (const auto& [name, value] : Members(options->Get("constants"), "options.constants")) {
    auto octets = Octets(value, "options.constants");
    request.constants[name].assign(octets.begin(), octets.end());
  }
  for (const auto& [name, value] : Members(options->Get("maxEntries"), "options.maxEntries"))
    request.max_entries[name] = static_cast<uint32_t>(Whole(value, "options.maxEntries", 1, UINT32_MAX));
  for (const auto& [name, value] : Members(options->Get("pins"), "options.pins"))
    request.pins[name] = Text(value, "options.pins", PATH_MAX);
  for (const auto& [name, value] : Members(options->Get("inherit"), "options.inherit"))
    request.inherit[name] = Text(value, "options.inherit", PATH_MAX);
  return request;
}

}  // namespace

std::vector<BpfObject::PropertyDescriptor> BpfObject::Properties(Napi::Env env) {
  return {SymbolMethod<&BpfObject::Dispose>(env, "dispose")};
}

BpfObject::BpfObject(const Napi::CallbackInfo& info) : Wrapped(info) {
  Napi::Env env = info.Env();
  LoadedObject loaded = std::move(PartsOf<Parts>(info));
  Dictionary programs(env);
  for (auto& program : loaded.programs) {
    descriptors_.push_back(program.descriptor);
    programs.Set(program.shape.name, BpfProgram::Make(env, BpfProgram::Parts{program.shape, program.descriptor}));
  }
  Dictionary maps(env);
  for (auto& map : loaded.maps) {
    descriptors_.push_back(map.descriptor);
    maps.Set(map.shape.name, BpfMap::Make(env, BpfMap::Parts{map.shape, map.descriptor}));
  }
  auto names = [&](const std::vector<std::string>& of) {
    auto list = Napi::Array::New(env);
    for (const auto& name : of) list.Set(list.Length(), Napi::String::New(env, name));
    return list;
  };

  auto self = info.This().As<Napi::Object>();
  self.DefineProperties({
      Napi::PropertyDescriptor::Value("programs", programs.value(), napi_enumerable),
      Napi::PropertyDescriptor::Value("maps", maps.value(), napi_enumerable),
      Napi::PropertyDescriptor::Value("adopted", names(loaded.adopted), napi_enumerable),
      Napi::PropertyDescriptor::Value("inherited", names(loaded.inherited), napi_enumerable),
  });
}

Napi::Value BpfObject::Dispose(const Napi::CallbackInfo& info) {
  for (auto& descriptor : descriptors_) descriptor->Close();
  return info.Env().Undefined();
}

Napi::Value LoadBpfObject(const Napi::CallbackInfo& info) {
  return PromiseWork<LoadedObject>::Start(
      info.Env(), "semrd.bpf.load", [request = ReadRequest(info)] { return LoadObject(request); },
      [](Napi::Env env, LoadedObject& loaded) -> Napi::Value { return BpfObject::Make(env, std::move(loaded)); });
}

}  // namespace semrd
