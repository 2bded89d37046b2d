// What BFD takes from and gives to JavaScript, as values.
#pragma once

#include <napi.h>

#include "bfd_loop.h"

namespace semrd {

BfdSessionOptions SessionOptionsOf(Napi::Value value);
BfdTimes TimesOf(Napi::Value value);
// Nothing for undefined, as the next.
std::optional<BfdBinding> BindingOf(Napi::Value value);
std::optional<TcpConnection> ConnectionOf(Napi::Value value);

Napi::Object EventValue(Napi::Env env, const BfdEvent& event);
Napi::Object StatusValue(Napi::Env env, const BfdStatus& status);
// The reasons that were met, by name.
Napi::Object DiscardedValue(Napi::Env env, const BfdCounters& counters);

}  // namespace semrd
