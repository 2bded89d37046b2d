#include "yang_module.h"

#include "yang_arguments.h"
#include "yang_context.h"
#include "yang_tree.h"

namespace semrd {

// createContext(searchPaths: string[], modules: YangModule[]): Promise<YangContext>
namespace {

Napi::Value CreateContext(const Napi::CallbackInfo& info) {
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
  return Queue<std::vector<YangModuleState>>(
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

}  // namespace

Napi::Object YangModule(Napi::Env env) {
  YangContext::Define(env);
  YangTree::Define(env);
  auto yang = Napi::Object::New(env);
  yang.Set("createContext", Napi::Function::New(env, Exported<CreateContext>, "createContext"));
  yang.Set("libraryVersion", SEMRD_LIBYANG_VERSION);
  return yang;
}

}  // namespace semrd
