#include "yang_arguments.h"

#include <memory>

namespace semrd {

size_t OneOf(Napi::Value value, const char* name, std::initializer_list<const char*> words) {
  std::string word = Text(value, name), list;
  size_t place = 0;
  for (const char* candidate : words) {
    if (word == candidate) return place;
    list += (place++ == 0 ? "\"" : ", \"") + std::string(candidate) + "\"";
  }
  throw Napi::RangeError::New(value.Env(), std::string(name) + " must be one of " + list);
}

YangFormat Format(Napi::Value value) {
  return OneOf(value, "format", {"json", "xml"}) == 1 ? YangFormat::kXml : YangFormat::kJson;
}

std::string PlainText(Napi::Value value, const char* name) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

PathPattern Path(Napi::Value value, const char* name) {
  Napi::Env env = value.Env();
  if (!value.IsArray()) throw Napi::TypeError::New(env, std::string(name) + " must be an array of steps");
  auto given = value.As<Napi::Array>();
  PathPattern path;
  for (uint32_t i = 0; i < given.Length(); i++) {
    auto from = Options(given.Get(i), "step");
    if (!from) throw Napi::TypeError::New(env, std::string(name) + " must be an array of steps");
    PathStep step;
    step.name = Text(from->Get("name"), "step.name");
    if (size_t colon = step.name.find(':'); colon != std::string::npos) {
      step.module = step.name.substr(0, colon);
      step.name.erase(0, colon + 1);
    }
    if (auto keys = from->Get("keys"); !keys.IsUndefined())
      for (auto& [key, text] : Members(keys, "step.keys")) step.keys.emplace_back(key, PlainText(text, "step.keys"));
    if (auto starts = from->Get("starts"); !starts.IsUndefined())
      for (auto& [key, text] : Members(starts, "step.starts"))
        step.starts.emplace_back(key, PlainText(text, "step.starts"));
    if (auto one = from->Get("value"); !one.IsUndefined()) step.value = PlainText(one, "step.value");
    path.push_back(std::move(step));
  }
  return path;
}

std::vector<PathPattern> Paths(Napi::Value value, const char* name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an array");
  auto given = value.As<Napi::Array>();
  std::vector<PathPattern> paths;
  for (uint32_t i = 0; i < given.Length(); i++) paths.push_back(Path(given.Get(i), name));
  return paths;
}

std::vector<Verdict> Verdicts(Napi::Value value) {
  Napi::Env env = value.Env();
  if (!value.IsArray()) throw Napi::TypeError::New(env, "verdicts must be an array");
  auto given = value.As<Napi::Array>();
  std::vector<Verdict> verdicts;
  for (uint32_t i = 0; i < given.Length(); i++) {
    auto from = Options(given.Get(i), "verdict");
    if (!from || !from->Get("cases").IsArray()) throw Napi::TypeError::New(env, "a verdict has path, cases and permit");
    Verdict verdict = {Path(from->Get("path"), "verdict.path"), {}, Boolean(from->Get("permit"), "verdict.permit")};
    auto cases = from->Get("cases").As<Napi::Array>();
    for (uint32_t j = 0; j < cases.Length(); j++) {
      auto one = Options(cases.Get(j), "case");
      if (!one) throw Napi::TypeError::New(env, "a case of a verdict has path and permit");
      verdict.cases.push_back({Path(one->Get("path"), "case.path"), Boolean(one->Get("permit"), "case.permit")});
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

CalledNode Called(Napi::Value target, Napi::Value name) { return {Path(target, "target"), Text(name, "name")}; }

uint32_t Levels(Napi::Value value) {
  if (value.IsUndefined()) return 0;
  double levels = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (levels < 1 || levels > 65535 || levels != static_cast<uint32_t>(levels))
    throw Napi::RangeError::New(value.Env(), "levels must be a whole number from 1 to 65535");
  return static_cast<uint32_t>(levels);
}

std::optional<std::vector<Origin>> Origins(Napi::Value value) {
  if (value.IsUndefined()) return std::nullopt;
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "origins must be an array");
  auto given = value.As<Napi::Array>();
  std::vector<Origin> origins;
  for (uint32_t i = 0; i < given.Length(); i++)
    origins.push_back(static_cast<Origin>(OneOf(given.Get(i), "origin", {"intended", "default", "learned", "unknown"})));
  return origins;
}

PrintRequest PrintOptions(Napi::Value format, Napi::Value given) {
  PrintRequest request = {Format(format), YangDefaults::kExplicit, false, YangContent::kAll};
  auto options = Options(given, "options");
  if (!options) return request;
  request.indent = Flag(options, "indent");
  if (auto defaults = options->Get("defaults"); !defaults.IsUndefined())
    request.defaults = static_cast<YangDefaults>(
        OneOf(defaults, "options.defaults", {"explicit", "trim", "report-all", "report-all-tagged", "implicit-tagged"}));
  if (auto content = options->Get("content"); !content.IsUndefined())
    request.content = static_cast<YangContent>(OneOf(content, "options.content", {"all", "config", "nonconfig"}));
  if (auto filter = options->Get("filter"); !filter.IsUndefined()) request.filter = PlainText(filter, "options.filter");
  if (auto keep = options->Get("keep"); !keep.IsUndefined()) request.keep = Paths(keep, "options.keep");
  if (auto levels = options->Get("levels"); !levels.IsUndefined()) request.levels = Levels(levels);
  return request;
}

static Napi::Function JsonFunction(Napi::Env env, const char* name) {
  return env.Global().Get("JSON").As<Napi::Object>().Get(name).As<Napi::Function>();
}

std::vector<std::pair<std::string, std::string>> Prefixes(Napi::Value value) {
  std::vector<std::pair<std::string, std::string>> prefixes;
  if (!value.IsUndefined())
    for (auto& [prefix, meant] : Members(value, "prefixes")) prefixes.emplace_back(prefix, PlainText(meant, "prefixes"));
  return prefixes;
}

std::string JsonOf(Napi::Value value, const char* name) {
  auto text = JsonFunction(value.Env(), "stringify").Call({value});
  if (!text.IsString()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be what JSON can say");
  return text.As<Napi::String>().Utf8Value();
}

Napi::Value Parsed(Napi::Env env, const std::string& json) {
  return JsonFunction(env, "parse").Call({Napi::String::New(env, json)});
}

namespace {

// Octets that are read in one turn: about a millisecond.
constexpr size_t kPortion = 100'000;

// A list that is read by and by.
struct Reading {
  Reading(Napi::Env env, std::vector<std::string> given)
      : texts(std::move(given)), list(Napi::Persistent(Napi::Array::New(env).As<Napi::Object>())), done(env) {}

  // One portion; true when all is read.
  bool Read(Napi::Env env) {
    auto into = list.Value().As<Napi::Array>();
    std::string portion = "[";
    size_t begin = next;
    for (; next < texts.size() && portion.size() < kPortion; next++) {
      if (next > begin) portion += ',';
      portion += texts[next];
      std::string().swap(texts[next]);
    }
    auto parsed = Parsed(env, portion + "]").As<Napi::Array>();
    for (uint32_t i = 0; i < parsed.Length(); i++) into.Set(static_cast<uint32_t>(begin) + i, parsed.Get(i));
    return next == texts.size();
  }

  std::vector<std::string> texts;
  size_t next = 0;
  Napi::ObjectReference list;
  Napi::Promise::Deferred done;
};

void ReadOn(Napi::Env env, std::shared_ptr<Reading> reading) {
  auto turn = Napi::Function::New(env, [reading](const Napi::CallbackInfo& info) {
    Napi::HandleScope scope(info.Env());
    if (reading->Read(info.Env()))
      reading->done.Resolve(reading->list.Value());
    else
      ReadOn(info.Env(), reading);
  });
  env.Global().Get("setImmediate").As<Napi::Function>().Call({turn});
}

}  // namespace

Napi::Value ParsedList(Napi::Env env, std::vector<std::string> texts) {
  auto reading = std::make_shared<Reading>(env, std::move(texts));
  if (reading->Read(env)) return reading->list.Value();
  ReadOn(env, reading);
  return reading->done.Promise();
}

}  // namespace semrd
