// Checked reading of what JavaScript passed in. A wrong type is a TypeError, a wrong length or range a RangeError.
#pragma once

#include <napi.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "failure.h"

namespace semrd {

// `name` is what the message calls the value, e.g. "key" or "options.repeat".
std::span<uint8_t> Octets(Napi::Value value, const char* name);
std::span<uint8_t> Octets(Napi::Value value, const char* name, size_t length);

// Text without NUL, not empty.
std::string Text(Napi::Value value, const char* name);
// A path or other text that must fit a fixed buffer of the kernel, NUL included.
std::string Text(Napi::Value value, const char* name, size_t capacity);

// A whole number in [minimum, maximum].
int64_t Whole(Napi::Value value, const char* name, int64_t minimum, int64_t maximum);
int DescriptorNumber(Napi::Value value);
int InterfaceIndex(Napi::Value value);

bool Boolean(Napi::Value value, const char* name);
Napi::Function Callback(Napi::Value value, const char* name);

// An options object; absent when the argument is undefined.
std::optional<Napi::Object> Options(Napi::Value value, const char* name);
bool Flag(const std::optional<Napi::Object>& options, const char* name);
std::optional<std::string> OptionalText(const std::optional<Napi::Object>& options, const char* name);

// Own enumerable members of a record.
std::vector<std::pair<std::string, Napi::Value>> Members(Napi::Value value, const char* name);

std::vector<std::string> Texts(Napi::Value value, const char* name);

Napi::Uint8Array CopyOut(Napi::Env env, const void* octets, size_t length);
Napi::Error ErrorOf(Napi::Env env, const SystemCallFailure& failure);

// Wraps a free function so that a failed system call becomes a JavaScript error.
template <Napi::Value (*Fn)(const Napi::CallbackInfo&)>
Napi::Value Exported(const Napi::CallbackInfo& info) {
  try {
    return Fn(info);
  } catch (const SystemCallFailure& failure) {
    throw ErrorOf(info.Env(), failure);
  }
}

}  // namespace semrd
