#include "yang_context.h"

namespace semrd {

namespace {

// Frees a tree. Never fails: a context that closes first frees what is left.
class FreeJob final : public YangJob {
 public:
  // `deferred` is absent when nobody waits.
  explicit FreeJob(TreeNumber number, std::optional<Napi::Promise::Deferred> deferred = std::nullopt)
      : number_(number), deferred_(deferred) {}
  void Run(std::unique_ptr<YangCore>& core) override { core->Free(number_); }
  void Settle(Napi::Env env) override {
    if (deferred_) deferred_->Resolve(env.Undefined());
  }
  void Cancel(Napi::Env env) override { Settle(env); }

 private:
  TreeNumber number_;
  std::optional<Napi::Promise::Deferred> deferred_;
};

// One of two words.
bool IsSecond(Napi::Value value, const char* name, const char* first, const char* second) {
  std::string word = Text(value, name);
  if (word == first) return false;
  if (word == second) return true;
  throw Napi::RangeError::New(value.Env(), std::string(name) + " must be \"" + first + "\" or \"" + second + "\"");
}

// The place of `value` among `words`.
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
  return IsSecond(value, "format", "json", "xml") ? YangFormat::kXml : YangFormat::kJson;
}

template <typename Result>
Napi::Value Post(Napi::Env env, const std::shared_ptr<YangLane>& lane,
                 typename YangPromiseJob<Result>::Work work, typename YangPromiseJob<Result>::Finish finish,
                 typename YangPromiseJob<Result>::Failed failed = nullptr) {
  auto job = std::make_unique<YangPromiseJob<Result>>(env, std::move(work), std::move(finish), std::move(failed));
  Napi::Promise promise = job->promise();
  lane->Post(std::move(job));
  return promise;
}

Napi::Value TextValue(Napi::Env env, std::string& text) { return Napi::String::New(env, text); }

}  // namespace

std::vector<YangTree::PropertyDescriptor> YangTree::Properties(Napi::Env env) {
  return {Method<&YangTree::Dispose>("dispose"), SymbolMethod<&YangTree::Dispose>(env, "asyncDispose")};
}

YangTree::YangTree(const Napi::CallbackInfo& info) : Wrapped(info) {
  parts_ = std::move(PartsOf<Parts>(info));
  disposed_ = false;
  auto empty = Napi::Boolean::New(info.Env(), parts_.tree.empty);
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("empty", empty, napi_enumerable));
}

YangTree::~YangTree() {
  if (!disposed_) parts_.lane->Post(std::make_unique<FreeJob>(parts_.tree.number));
}

TreeNumber YangTree::On(Napi::Env env, const std::shared_ptr<YangLane>& lane) const {
  if (disposed_) throw Napi::Error::New(env, "the tree is disposed");
  if (parts_.lane != lane) throw Napi::TypeError::New(env, "the tree belongs to another context");
  return parts_.tree.number;
}

// dispose(): Promise<void>
Napi::Value YangTree::Dispose(const Napi::CallbackInfo& info) {
  auto deferred = Napi::Promise::Deferred::New(info.Env());
  if (disposed_)
    deferred.Resolve(info.Env().Undefined());
  else
    parts_.lane->Post(std::make_unique<FreeJob>(parts_.tree.number, deferred));
  disposed_ = true;
  return deferred.Promise();
}

std::vector<YangContext::PropertyDescriptor> YangContext::Properties(Napi::Env env) {
  return {
      Method<&YangContext::Parse>("parse"),
      Method<&YangContext::Print>("print"),
      Method<&YangContext::PrintSchema>("printSchema"),
      SymbolMethod<&YangContext::Dispose>(env, "asyncDispose"),
  };
}

YangContext::YangContext(const Napi::CallbackInfo& info) : Wrapped(info) {
  Parts parts = std::move(PartsOf<Parts>(info));
  lane_ = std::move(parts.lane);
  auto modules = Napi::Array::New(info.Env());
  for (const auto& module : parts.modules) {
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", module.name);
    entry.Set("revision", module.revision);
    entry.Set("implemented", module.implemented);
    modules.Set(modules.Length(), entry);
  }
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("modules", modules, napi_enumerable));
}

// parse(text: string, format: "json" | "xml", options?: { validate?: boolean, state?: boolean }): Promise<YangTree>
Napi::Value YangContext::Parse(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString()) throw Napi::TypeError::New(env, "text must be a string");
  ParseRequest request = {"", Format(info[1]), true, false};
  auto options = Options(info[2], "options");
  if (options && !options->Get("validate").IsUndefined()) request.validate = Flag(options, "validate");
  request.state = Flag(options, "state");
  request.text = info[0].As<Napi::String>().Utf8Value();
  return Post<ParsedTree>(
      env, lane_,
      [request = std::make_shared<ParseRequest>(std::move(request))](std::unique_ptr<YangCore>& core) {
        return core->Parse(*request);
      },
      [lane = lane_](Napi::Env on, ParsedTree& tree) -> Napi::Value {
        return YangTree::Make(on, YangTree::Parts{lane, tree});
      });
}

// print(tree: YangTree, format, options?: YangPrintOptions): Promise<string>
Napi::Value YangContext::Print(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  TreeNumber number = YangTree::From(info[0], "tree").On(env, lane_);
  PrintRequest request = {Format(info[1]), YangDefaults::kExplicit, false};
  auto options = Options(info[2], "options");
  request.indent = Flag(options, "indent");
  if (options && !options->Get("defaults").IsUndefined())
    request.defaults = static_cast<YangDefaults>(
        OneOf(options->Get("defaults"), "options.defaults", {"explicit", "trim", "report-all", "report-all-tagged"}));
  return Post<std::string>(
      env, lane_, [number, request](std::unique_ptr<YangCore>& core) { return core->Print(number, request); },
      TextValue);
}

// printSchema(module: string, format: "yang" | "tree"): Promise<string>
Napi::Value YangContext::PrintSchema(const Napi::CallbackInfo& info) {
  bool as_tree = IsSecond(info[1], "format", "yang", "tree");
  return Post<std::string>(
      info.Env(), lane_,
      [module = Text(info[0], "module"), as_tree](std::unique_ptr<YangCore>& core) {
        return core->PrintSchema(module, as_tree);
      },
      TextValue);
}

// [Symbol.asyncDispose](): Promise<void>
Napi::Value YangContext::Dispose(const Napi::CallbackInfo& info) {
  if (!closed_.IsEmpty()) return closed_.Value();
  auto last = std::make_unique<YangPromiseJob<bool>>(
      info.Env(),
      [](std::unique_ptr<YangCore>& core) {
        core.reset();
        return true;
      },
      [lane = lane_](Napi::Env env, bool&) {
        lane->Stop();
        return env.Undefined();
      });
  Napi::Promise promise = last->promise();
  closed_ = Napi::Persistent(promise.As<Napi::Object>());
  lane_->Close(std::move(last));
  return promise;
}

// createContext(searchPaths: string[], modules: YangModule[]): Promise<YangContext>
static Napi::Value CreateContext(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto paths = Texts(info[0], "searchPaths");
  if (!info[1].IsArray()) throw Napi::TypeError::New(env, "modules must be an array");
  auto given = info[1].As<Napi::Array>();
  std::vector<YangModuleRequest> modules;
  for (uint32_t i = 0; i < given.Length(); i++) {
    auto module = Options(given.Get(i), "modules");
    if (!module) throw Napi::TypeError::New(env, "modules must be an array of objects");
    YangModuleRequest request = {Text(module->Get("name"), "modules.name"), "", {}};
    if (auto revision = OptionalText(module, "revision")) request.revision = *revision;
    if (auto features = module->Get("features"); !features.IsUndefined())
      request.features = Texts(features, "features");
    modules.push_back(std::move(request));
  }

  auto lane = std::make_shared<YangLane>(env);
  return Post<std::vector<YangModuleState>>(
      env, lane,
      [paths, modules](std::unique_ptr<YangCore>& core) {
        core = std::make_unique<YangCore>(paths, modules);
        return core->Modules();
      },
      [lane](Napi::Env on, std::vector<YangModuleState>& loaded) -> Napi::Value {
        return YangContext::Make(on, YangContext::Parts{lane, std::move(loaded)});
      },
      [lane] { lane->Stop(); });
}

Napi::Object YangModule(Napi::Env env) {
  YangContext::Define(env);
  YangTree::Define(env);
  auto yang = Napi::Object::New(env);
  yang.Set("createContext", Napi::Function::New(env, Exported<CreateContext>, "createContext"));
  yang.Set("libraryVersion", SEMRD_LIBYANG_VERSION);
  return yang;
}

}  // namespace semrd
