#include "arguments.h"

#include <climits>
#include <cmath>
#include <cstring>

namespace semrd {

namespace {

[[noreturn]] void WrongType(Napi::Env env, const char* name, const char* expected) {
  throw Napi::TypeError::New(env, std::string(name) + " must be " + expected);
}

}  // namespace

std::span<uint8_t> Octets(Napi::Value value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    WrongType(value.Env(), name, "a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

std::span<uint8_t> Octets(Napi::Value value, const char* name, size_t length) {
  auto octets = Octets(value, name);
  if (octets.size() != length)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must have " + std::to_string(length) +
                                                 " octets, not " + std::to_string(octets.size()));
  return octets;
}

std::string Text(Napi::Value value, const char* name) {
  if (!value.IsString()) WrongType(value.Env(), name, "a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.empty() || text.find('\0') != std::string::npos)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must be neither empty nor contain NUL");
  return text;
}

std::string Text(Napi::Value value, const char* name, size_t capacity) {
  std::string text = Text(value, name);
  if (text.size() >= capacity)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must be shorter than " + std::to_string(capacity) +
                                                 " octets, not " + std::to_string(text.size()));
  return text;
}

int64_t Whole(Napi::Value value, const char* name, int64_t minimum, int64_t maximum) {
  if (!value.IsNumber()) WrongType(value.Env(), name, "a number");
  double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
      std::trunc(number) != number)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must be a whole number from " +
                                                 std::to_string(minimum) + " to " + std::to_string(maximum));
  return static_cast<int64_t>(number);
}

int DescriptorNumber(Napi::Value value) { return static_cast<int>(Whole(value, "fd", 0, INT_MAX)); }

int InterfaceIndex(Napi::Value value) { return static_cast<int>(Whole(value, "ifindex", 1, INT_MAX)); }

bool Boolean(Napi::Value value, const char* name) {
  if (!value.IsBoolean()) WrongType(value.Env(), name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Function Callback(Napi::Value value, const char* name) {
  if (!value.IsFunction()) WrongType(value.Env(), name, "a function");
  return value.As<Napi::Function>();
}

std::optional<Napi::Object> Options(Napi::Value value, const char* name) {
  if (value.IsUndefined()) return std::nullopt;
  if (!value.IsObject() || value.IsArray() || value.IsFunction()) WrongType(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

bool Flag(const std::optional<Napi::Object>& options, const char* name) {
  if (!options) return false;
  Napi::Value value = options->Get(name);
  return value.IsUndefined() ? false : Boolean(value, name);
}

std::optional<std::string> OptionalText(const std::optional<Napi::Object>& options, const char* name) {
  if (!options) return std::nullopt;
  Napi::Value value = options->Get(name);
  if (value.IsUndefined()) return std::nullopt;
  return Text(value, name);
}

std::vector<std::pair<std::string, Napi::Value>> Members(Napi::Value value, const char* name) {
  std::vector<std::pair<std::string, Napi::Value>> members;
  auto object = Options(value, name);
  if (!object) return members;
  Napi::Array names = object->GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    Napi::Value key = names[i];
    members.emplace_back(Text(key.ToString(), name), object->Get(key));
  }
  return members;
}

std::vector<std::string> Texts(Napi::Value value, const char* name) {
  if (!value.IsArray()) WrongType(value.Env(), name, "an array of strings");
  auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(Text(array.Get(i), name));
  return texts;
}

Napi::Uint8Array CopyOut(Napi::Env env, const void* octets, size_t length) {
  auto copy = Napi::Uint8Array::New(env, length);
  if (length > 0) std::memcpy(copy.Data(), octets, length);
  return copy;
}

Napi::Error ErrorOf(Napi::Env env, const SystemCallFailure& failure) {
  auto error = Napi::Error::New(env, failure.what());
  error.Set("code", CodeOf(failure.number()));
  error.Set("errno", Napi::Number::New(env, -failure.number()));  // negative, as Node's own errors have it
  error.Set("syscall", failure.call());
  return error;
}

}  // namespace semrd
