// class YangTree of api.ts.
#pragma once

#include "wrapped.h"
#include "yang_lane.h"

namespace semrd {

// A tree of a lane, for as long as any handle holds it.
class TreeHold {
 public:
  TreeHold(std::shared_ptr<YangLane> lane, TreeNumber number) : lane_(std::move(lane)), number_(number) {}
  ~TreeHold() { Free(std::nullopt); }
  TreeHold(const TreeHold&) = delete;
  TreeHold& operator=(const TreeHold&) = delete;

  const std::shared_ptr<YangLane>& lane() const { return lane_; }
  TreeNumber number() const { return number_; }
  // Once; `done` is resolved when the memory is free.
  void Free(std::optional<Napi::Promise::Deferred> done);

 private:
  std::shared_ptr<YangLane> lane_;
  TreeNumber number_;
};

class YangTree final : public Wrapped<YangTree> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d7961, 0x6e672d7472656501};
  static constexpr const char* kName = "YangTree";
  struct Parts {
    std::shared_ptr<TreeHold> hold;
    bool empty;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit YangTree(const Napi::CallbackInfo& info);

  // The number to use on `lane`; throws when the tree is disposed or of another context.
  TreeNumber On(Napi::Env env, const std::shared_ptr<YangLane>& lane) const;

 private:
  friend class Wrapped<YangTree>;

  Napi::Value Share(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  Parts parts_;
};

}  // namespace semrd
