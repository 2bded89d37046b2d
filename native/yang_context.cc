#include "yang_context.h"

#include "yang_arguments.h"
#include "yang_diff.h"
#include "yang_schema_walk.h"
#include "yang_tree.h"

namespace semrd {

namespace {

Napi::Value ListValue(Napi::Env env, std::vector<std::string>& texts) { return ParsedList(env, std::move(texts)); }

Napi::Value ModulesValue(Napi::Env env, const std::vector<YangModuleState>& modules) {
  auto list = Napi::Array::New(env);
  for (const auto& module : modules) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", module.name);
    entry.Set("revision", module.revision);
    entry.Set("namespace", module.name_space);
    entry.Set("prefix", module.prefix);
    entry.Set("implemented", module.implemented);
    auto features = Napi::Array::New(env);
    for (const auto& feature : module.features) features.Set(features.Length(), feature);
    entry.Set("features", features);
    auto submodules = Napi::Array::New(env);
    for (const auto& [name, revision] : module.submodules) {
      auto submodule = Napi::Object::New(env);
      submodule.Set("name", name);
      submodule.Set("revision", revision);
      submodules.Set(submodules.Length(), submodule);
    }
    entry.Set("submodules", submodules);
    list.Set(list.Length(), entry);
  }
  return list;
}

}  // namespace

std::vector<YangContext::PropertyDescriptor> YangContext::Properties(Napi::Env env) {
  return {
      Method<&YangContext::Parse>("parse"),
      Method<&YangContext::Edit>("edit"),
      Method<&YangContext::Validate>("validate"),
      Method<&YangContext::Diff>("diff"),
      Method<&YangContext::Merge>("merge"),
      Method<&YangContext::Keep>("keep"),
      Method<&YangContext::Drop>("drop"),
      Method<&YangContext::Restrict>("restrict"),
      Method<&YangContext::Filter>("filter"),
      Method<&YangContext::Select>("select"),
      Method<&YangContext::XPath>("xpath"),
      Method<&YangContext::XPathNodes>("xpathNodes"),
      Method<&YangContext::Print>("print"),
      Method<&YangContext::PrintOctets>("printOctets"),
      Method<&YangContext::ParseRequest>("parseRequest"),
      Method<&YangContext::CheckInput>("checkInput"),
      Method<&YangContext::PrintOutput>("printOutput"),
      Method<&YangContext::PrintNotification>("printNotification"),
      Method<&YangContext::MatchNotification>("matchNotification"),
      Method<&YangContext::Schema>("schema"),
      Method<&YangContext::Source>("source"),
      Method<&YangContext::Library>("library"),
      Method<&YangContext::PrintSchema>("printSchema"),
      Method<&YangContext::TreeCount>("treeCount"),
      SymbolMethod<&YangContext::Dispose>(env, "asyncDispose"),
  };
}

YangContext::YangContext(const Napi::CallbackInfo& info) : Wrapped(info) {
  Parts parts = std::move(PartsOf<Parts>(info));
  lane_ = std::move(parts.lane);
  auto modules = ModulesValue(info.Env(), parts.modules);
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("modules", modules, napi_enumerable));
}

Napi::Value YangContext::PostTree(Napi::Env env, std::function<KeptTree(YangCore&)> work) const {
  return Post<KeptTree>(env, std::move(work), [lane = lane_](Napi::Env on, KeptTree& tree) -> Napi::Value {
    return YangTree::Make(on, YangTree::Parts{std::make_shared<TreeHold>(lane, tree.number), tree.empty});
  });
}

TreeNumber YangContext::Number(const Napi::CallbackInfo& info, size_t argument, bool may_be_absent) const {
  if (may_be_absent && info[argument].IsUndefined()) return 0;
  return YangTree::From(info[argument], "tree").On(info.Env(), lane_);
}

// parse(text: string, format: YangFormat, options?: { validate?: boolean, state?: boolean }): Promise<YangTree>
Napi::Value YangContext::Parse(const Napi::CallbackInfo& info) {
  ParseRequestText request = {PlainText(info[0], "text"), Format(info[1]), true, false};
  auto options = Options(info[2], "options");
  if (options && !options->Get("validate").IsUndefined()) request.validate = Flag(options, "validate");
  request.state = Flag(options, "state");
  return PostTree(info.Env(), [request = std::move(request)](YangCore& core) { return core.Parse(request); });
}

// edit(tree: YangTree | undefined, text: string, format: YangFormat, options?: YangEditOptions): Promise<YangTree>
Napi::Value YangContext::Edit(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0, true);
  YangFormat format = Format(info[2]);
  auto options = Options(info[3], "options");
  auto operation = EditOperation::kMerge;
  if (options && !options->Get("defaultOperation").IsUndefined()) {
    constexpr EditOperation kAll[] = {EditOperation::kMerge, EditOperation::kReplace, EditOperation::kNone};
    operation = kAll[OneOf(options->Get("defaultOperation"), "options.defaultOperation", {"merge", "replace", "none"})];
  }
  return PostTree(info.Env(), [number, text = PlainText(info[1], "text"), format, operation](YangCore& core) {
    return core.Edit(number, text, format, operation);
  });
}

// validate(tree: YangTree, options?: { state?: boolean }): Promise<YangTree>
Napi::Value YangContext::Validate(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  bool state = Flag(Options(info[1], "options"), "state");
  return PostTree(info.Env(), [number, state](YangCore& core) { return core.Validate(number, state); });
}

// diff(old: YangTree | undefined, new: YangTree | undefined): Promise<readonly YangChange[]>
Napi::Value YangContext::Diff(const Napi::CallbackInfo& info) {
  TreeNumber before = Number(info, 0, true), after = Number(info, 1, true);
  return Post<std::vector<std::string>>(
      info.Env(), [before, after](YangCore& core) { return DiffTrees(core.Tree(before), core.Tree(after)); },
      ListValue);
}

// merge(tree: YangTree, other: YangTree, options?: { drop?: YangPath[] }): Promise<YangTree>
Napi::Value YangContext::Merge(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0), other = Number(info, 1);
  std::vector<PathPattern> drop;
  auto options = Options(info[2], "options");
  if (options && !options->Get("drop").IsUndefined()) drop = Paths(options->Get("drop"), "options.drop");
  return PostTree(info.Env(), [number, other, drop = std::move(drop)](YangCore& core) {
    return core.Merge(number, other, drop);
  });
}

// keep(tree: YangTree, paths: YangPath[]), drop(tree: YangTree, paths: YangPath[]): Promise<YangTree>
Napi::Value YangContext::Keep(const Napi::CallbackInfo& info) { return SelectTrees(info, false); }
Napi::Value YangContext::Drop(const Napi::CallbackInfo& info) { return SelectTrees(info, true); }

Napi::Value YangContext::SelectTrees(const Napi::CallbackInfo& info, bool others) {
  TreeNumber number = Number(info, 0);
  return PostTree(info.Env(), [number, paths = Paths(info[1], "paths"), others](YangCore& core) {
    return core.Select(number, paths, others);
  });
}

// restrict(tree: YangTree, verdicts: YangVerdict[]): Promise<YangTree>
Napi::Value YangContext::Restrict(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  return PostTree(info.Env(), [number, verdicts = Verdicts(info[1])](YangCore& core) {
    return core.Restrict(number, verdicts);
  });
}

// filter(tree: YangTree, xml: string): Promise<YangTree>
Napi::Value YangContext::Filter(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  return PostTree(info.Env(),
                  [number, xml = PlainText(info[1], "xml")](YangCore& core) { return core.Filter(number, xml); });
}

// select(tree: YangTree, path: YangPath, options?): Promise<readonly YangMatch[]>
Napi::Value YangContext::Select(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  PrintRequest options = PrintOptions(Napi::String::New(info.Env(), "json"), info[2]);
  return Post<std::vector<std::string>>(
      info.Env(),
      [number, path = Path(info[1], "path"), options](YangCore& core) {
        return core.Matches(number, path, options.defaults != YangDefaults::kExplicit, options.content);
      },
      ListValue);
}

// xpath(tree, expression: string, prefixes?: Record<string, string>, levels?: number): Promise<YangTree>
Napi::Value YangContext::XPath(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  auto prefixes = Prefixes(info[2]);
  uint32_t levels = Levels(info[3]);
  return PostTree(info.Env(), [number, expression = Text(info[1], "expression"), prefixes, levels](YangCore& core) {
    return core.XPath(number, expression, prefixes, levels);
  });
}

// xpathNodes(tree, expression: string, prefixes?: Record<string, string>): Promise<readonly YangPath[]>
Napi::Value YangContext::XPathNodes(const Napi::CallbackInfo& info) {
  TreeNumber number = Number(info, 0);
  return Post<std::vector<std::string>>(
      info.Env(),
      [number, expression = Text(info[1], "expression"), prefixes = Prefixes(info[2])](YangCore& core) {
        return core.XPathNodes(number, expression, prefixes);
      },
      ListValue);
}

PrintRequest YangContext::PrintRequested(const Napi::CallbackInfo& info) const {
  PrintRequest request = PrintOptions(info[1], info[2]);
  auto options = Options(info[2], "options");
  auto origin = options ? Options(options->Get("origin"), "options.origin") : std::nullopt;
  if (!origin) return request;
  auto number = [&](const char* name) { return YangTree::From(origin->Get(name), name).On(info.Env(), lane_); };
  request.origin = {number("intended"),
                    number("applied"),
                    {Flag(origin, "annotate"), Origins(origin->Get("only")), Origins(origin->Get("others"))}};
  return request;
}

namespace {

// V8 is told of its size by the array buffer, or it would see no reason to collect it.
Napi::Value OctetsValue(Napi::Env env, std::string& text) {
  auto* kept = new std::string(std::move(text));
  auto buffer = Napi::ArrayBuffer::New(
      env, kept->data(), kept->size(), [](Napi::Env, void*, std::string* owned) { delete owned; }, kept);
  return Napi::Uint8Array::New(env, kept->size(), buffer, 0);
}

}  // namespace

Napi::Value YangContext::PrintAs(const Napi::CallbackInfo& info, YangPromiseJob<std::string>::Finish finish) const {
  TreeNumber number = Number(info, 0);
  PrintRequest request = PrintRequested(info);
  YangCore* idle = lane_->Idle();
  bool here = idle != nullptr && idle->IsSmall(number, request);
  return Post<std::string>(
      info.Env(), [number, request](YangCore& core) { return core.Print(number, request); }, std::move(finish), here);
}

// print(tree: YangTree, format: YangFormat, options?: YangPrintOptions): Promise<string>
Napi::Value YangContext::Print(const Napi::CallbackInfo& info) {
  return PrintAs(info, TextValue);
}

// printOctets(tree: YangTree, format: YangFormat, options?: YangPrintOptions): Promise<Uint8Array>
Napi::Value YangContext::PrintOctets(const Napi::CallbackInfo& info) {
  return PrintAs(info, OctetsValue);
}

// schema(): Promise<readonly YangSchemaNode[]>
Napi::Value YangContext::Schema(const Napi::CallbackInfo& info) {
  return Post<std::string>(
      info.Env(), [](YangCore& core) { return WalkSchema(core.context()); }, JsonValue);
}

// source(name: string, revision?: string): Promise<string>
Napi::Value YangContext::Source(const Napi::CallbackInfo& info) {
  std::string revision = info[1].IsUndefined() ? "" : PlainText(info[1], "revision");
  return Post<std::string>(
      info.Env(), [name = Text(info[0], "name"), revision](YangCore& core) { return core.Source(name, revision); },
      TextValue);
}

// library(contentId: string): Promise<YangTree>
Napi::Value YangContext::Library(const Napi::CallbackInfo& info) {
  return PostTree(info.Env(),
                  [content_id = Text(info[0], "contentId")](YangCore& core) { return core.Library(content_id); });
}

// printSchema(module: string, format: "yang" | "tree"): Promise<string>
Napi::Value YangContext::PrintSchema(const Napi::CallbackInfo& info) {
  bool as_tree = OneOf(info[1], "format", {"yang", "tree"}) == 1;
  return Post<std::string>(
      info.Env(),
      [module = Text(info[0], "module"), as_tree](YangCore& core) { return core.PrintSchema(module, as_tree); },
      TextValue);
}

// treeCount(): Promise<number>
Napi::Value YangContext::TreeCount(const Napi::CallbackInfo& info) {
  return Post<size_t>(
      info.Env(), [](YangCore& core) { return core.trees(); },
      [](Napi::Env env, size_t& count) -> Napi::Value { return Napi::Number::New(env, static_cast<double>(count)); });
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

}  // namespace semrd
