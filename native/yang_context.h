// class YangContext of api.ts.
#pragma once

#include "wrapped.h"
#include "yang_lane.h"

namespace semrd {

class YangContext final : public Wrapped<YangContext> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d7961, 0x6e672d6374780001};
  static constexpr const char* kName = "YangContext";
  struct Parts {
    std::shared_ptr<YangLane> lane;
    std::vector<YangModuleState> modules;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit YangContext(const Napi::CallbackInfo& info);

 private:
  friend class Wrapped<YangContext>;

  Napi::Value Parse(const Napi::CallbackInfo& info);
  Napi::Value Edit(const Napi::CallbackInfo& info);
  Napi::Value Validate(const Napi::CallbackInfo& info);
  Napi::Value Diff(const Napi::CallbackInfo& info);
  Napi::Value Merge(const Napi::CallbackInfo& info);
  Napi::Value Keep(const Napi::CallbackInfo& info);
  Napi::Value Drop(const Napi::CallbackInfo& info);
  Napi::Value Restrict(const Napi::CallbackInfo& info);
  Napi::Value Filter(const Napi::CallbackInfo& info);
  Napi::Value Select(const Napi::CallbackInfo& info);
  Napi::Value XPath(const Napi::CallbackInfo& info);
  Napi::Value XPathNodes(const Napi::CallbackInfo& info);
  Napi::Value Print(const Napi::CallbackInfo& info);
  Napi::Value PrintOctets(const Napi::CallbackInfo& info);
  Napi::Value ParseRequest(const Napi::CallbackInfo& info);
  Napi::Value CheckInput(const Napi::CallbackInfo& info);
  Napi::Value PrintOutput(const Napi::CallbackInfo& info);
  Napi::Value PrintNotification(const Napi::CallbackInfo& info);
  Napi::Value MatchNotification(const Napi::CallbackInfo& info);
  Napi::Value Schema(const Napi::CallbackInfo& info);
  Napi::Value Source(const Napi::CallbackInfo& info);
  Napi::Value Library(const Napi::CallbackInfo& info);
  Napi::Value PrintSchema(const Napi::CallbackInfo& info);
  Napi::Value TreeCount(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  Napi::Value PrintAs(const Napi::CallbackInfo& info, YangPromiseJob<std::string>::Finish finish) const;
  PrintRequest PrintRequested(const Napi::CallbackInfo& info) const;
  Napi::Value SelectTrees(const Napi::CallbackInfo& info, bool others);
  // The number of a tree, 0 where undefined is allowed and given.
  TreeNumber Number(const Napi::CallbackInfo& info, size_t argument, bool may_be_absent = false) const;

  // Queues a job; what it gives is turned into a value by `finish`, a YangTree without one. `here`: it is small, and the
  // lane idle, so it is done at once.
  template <typename Result>
  Napi::Value Post(Napi::Env env, std::function<Result(YangCore&)> work,
                   typename YangPromiseJob<Result>::Finish finish, bool here = false) const;
  Napi::Value PostTree(Napi::Env env, std::function<KeptTree(YangCore&)> work) const;

  std::shared_ptr<YangLane> lane_;
  Napi::ObjectReference closed_;  // the promise of the first dispose
};

template <typename Result>
Napi::Value YangContext::Post(Napi::Env env, std::function<Result(YangCore&)> work,
                              typename YangPromiseJob<Result>::Finish finish, bool here) const {
  return Queue<Result>(
      env, lane_, [work = std::move(work)](std::unique_ptr<YangCore>& core) { return work(*core); }, std::move(finish),
      nullptr, here);
}

}  // namespace semrd
