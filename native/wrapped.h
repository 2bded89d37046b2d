// Base of the classes JavaScript sees: only we can construct them, and a foreign object is never mistaken for one.
#pragma once

#include <napi.h>

#include <string>
#include <unordered_map>

#include "arguments.h"

namespace semrd {

// What belongs to one JavaScript environment (each worker thread has its own).
struct Environment {
  std::unordered_map<const void*, Napi::FunctionReference> constructors;  // by type tag
};

// `T` has: `static constexpr napi_type_tag kTag`, `static constexpr const char* kName`, a type `Parts` that its
// constructor takes over, and `static std::vector<...> Properties(Napi::Env)`.
template <typename T>
class Wrapped : public Napi::ObjectWrap<T> {
 public:
  static void Define(Napi::Env env) {
    Napi::Function constructor = T::DefineClass(env, T::kName, T::Properties(env));
    env.GetInstanceData<Environment>()->constructors[&T::kTag] = Napi::Persistent(constructor);
  }

  template <typename Parts>
  static Napi::Object Make(Napi::Env env, Parts parts) {
    auto& constructor = env.GetInstanceData<Environment>()->constructors.at(&T::kTag);
    return constructor.New({Napi::External<Parts>::New(env, &parts)});
  }

  static T& From(Napi::Value value, const char* name) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::kTag))
      throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a " + T::kName);
    return *T::Unwrap(value.As<Napi::Object>());
  }

 protected:
  explicit Wrapped(const Napi::CallbackInfo& info) : Napi::ObjectWrap<T>(info) {
    if (!info[0].IsExternal())
      throw Napi::TypeError::New(info.Env(), std::string(T::kName) + " cannot be constructed directly");
    info.This().template As<Napi::Object>().TypeTag(&T::kTag);
  }

  template <typename Parts>
  static Parts& PartsOf(const Napi::CallbackInfo& info) {
    return *info[0].template As<Napi::External<Parts>>().Data();
  }

  // A method or getter of T, with the receiver checked and failed system calls turned into JavaScript errors.
  template <auto Fn>
  Napi::Value Guarded(const Napi::CallbackInfo& info) {
    try {
      return (From(info.This(), "this").*Fn)(info);
    } catch (const SystemCallFailure& failure) {
      throw ErrorOf(info.Env(), failure);
    }
  }

  template <auto Fn>
  static auto Method(const char* name) {
    return T::InstanceMethod(name, &T::template Guarded<Fn>);
  }

  template <auto Fn>
  static auto Getter(const char* name) {
    return T::InstanceAccessor(name, &T::template Guarded<Fn>, nullptr, napi_enumerable);
  }

  // `name` is a well-known symbol: "dispose" or "asyncDispose".
  template <auto Fn>
  static auto SymbolMethod(Napi::Env env, const char* name) {
    auto symbol = env.Global().Get("Symbol").template As<Napi::Object>().Get(name);
    return T::InstanceMethod(symbol.template As<Napi::Symbol>(), &T::template Guarded<Fn>);
  }
};

}  // namespace semrd
