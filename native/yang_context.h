// classes YangContext and YangTree of api.ts.
#pragma once

#include "wrapped.h"
#include "yang_lane.h"

namespace semrd {

class YangTree final : public Wrapped<YangTree> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d7961, 0x6e672d7472656501};
  static constexpr const char* kName = "YangTree";
  struct Parts {
    std::shared_ptr<YangLane> lane;
    ParsedTree tree;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit YangTree(const Napi::CallbackInfo& info);
  ~YangTree() override;

  // The number to use on `lane`; throws when the tree is disposed or of another context.
  TreeNumber On(Napi::Env env, const std::shared_ptr<YangLane>& lane) const;

 private:
  friend class Wrapped<YangTree>;

  Napi::Value Dispose(const Napi::CallbackInfo& info);

  Parts parts_;
  bool disposed_ = true;
};

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
  Napi::Value Print(const Napi::CallbackInfo& info);
  Napi::Value PrintSchema(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<YangLane> lane_;
  Napi::ObjectReference closed_;  // the promise of the first dispose
};

// The `yang` member of the addon.
Napi::Object YangModule(Napi::Env env);

}  // namespace semrd
