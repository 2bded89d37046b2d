// What the methods of YangContext take and give.
#pragma once

#include <napi.h>

#include "arguments.h"
#include "yang_core.h"

namespace semrd {

// The place of `value` among `words`.
size_t OneOf(Napi::Value value, const char* name, std::initializer_list<const char*> words);
YangFormat Format(Napi::Value value);
// Text that may be empty.
std::string PlainText(Napi::Value value, const char* name);
PathPattern Path(Napi::Value value, const char* name);
std::vector<PathPattern> Paths(Napi::Value value, const char* name);
std::vector<Verdict> Verdicts(Napi::Value value);
CalledNode Called(Napi::Value target, Napi::Value name);
// Levels below what was selected; undefined: 0, all of them.
uint32_t Levels(Napi::Value value);
std::optional<std::vector<Origin>> Origins(Napi::Value value);
// Without `origin`, whose trees only their context knows.
PrintRequest PrintOptions(Napi::Value format, Napi::Value options);
// Namespaces or names of modules by prefix; absent for none.
std::vector<std::pair<std::string, std::string>> Prefixes(Napi::Value value);
// RFC 7951 JSON of a value.
std::string JsonOf(Napi::Value value, const char* name);

Napi::Value Parsed(Napi::Env env, const std::string& json);
// As YangPromiseJob wants them.
inline Napi::Value TextValue(Napi::Env env, std::string& text) { return Napi::String::New(env, text); }
inline Napi::Value JsonValue(Napi::Env env, std::string& text) { return Parsed(env, text); }
// An array of what each text says. Many are read over several turns of the event loop, and then it is a promise.
Napi::Value ParsedList(Napi::Env env, std::vector<std::string> texts);

}  // namespace semrd
