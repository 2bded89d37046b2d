#include "yang_tree.h"

namespace semrd {

namespace {

// Frees a tree. Never fails: a context that closes first frees what is left.
class FreeJob final : public YangJob {
 public:
  // `deferred` is absent when nobody waits.
  explicit FreeJob(TreeNumber number, std::optional<Napi::Promise::Deferred> deferred)
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

}  // namespace

void TreeHold::Free(std::optional<Napi::Promise::Deferred> done) {
  if (number_ == 0) return;
  lane_->Post(std::make_unique<FreeJob>(number_, done));
  number_ = 0;
}

std::vector<YangTree::PropertyDescriptor> YangTree::Properties(Napi::Env env) {
  return {Method<&YangTree::Share>("share"), Method<&YangTree::Dispose>("dispose"),
          SymbolMethod<&YangTree::Dispose>(env, "asyncDispose")};
}

YangTree::YangTree(const Napi::CallbackInfo& info) : Wrapped(info) {
  parts_ = std::move(PartsOf<Parts>(info));
  auto empty = Napi::Boolean::New(info.Env(), parts_.empty);
  auto number = Napi::Number::New(info.Env(), static_cast<double>(parts_.hold->number()));
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("empty", empty, napi_enumerable));
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("number", number, napi_enumerable));
}

TreeNumber YangTree::On(Napi::Env env, const std::shared_ptr<YangLane>& lane) const {
  if (parts_.hold == nullptr) throw Napi::Error::New(env, "the tree is disposed");
  if (parts_.hold->lane() != lane) throw Napi::TypeError::New(env, "the tree belongs to another context");
  return parts_.hold->number();
}

// share(): YangTree
Napi::Value YangTree::Share(const Napi::CallbackInfo& info) {
  if (parts_.hold == nullptr) throw Napi::Error::New(info.Env(), "the tree is disposed");
  return Make(info.Env(), Parts{parts_});
}

// dispose(): Promise<void>
Napi::Value YangTree::Dispose(const Napi::CallbackInfo& info) {
  auto deferred = Napi::Promise::Deferred::New(info.Env());
  if (parts_.hold.use_count() == 1)
    parts_.hold->Free(deferred);
  else
    deferred.Resolve(info.Env().Undefined());
  parts_.hold.reset();
  return deferred.Promise();
}

}  // namespace semrd
