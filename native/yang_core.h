// One libyang context with its data trees. Lives and dies on its lane's thread: libyang keeps errors per thread, and a
// tree must not outlive its context. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "yang_fault.h"

struct ly_ctx;
struct lyd_node;

namespace semrd {

struct YangModuleRequest {
  std::string name;
  std::string revision;  // "" for the newest
  std::vector<std::string> features;
};

struct YangModuleState {
  std::string name;
  std::string revision;
  bool implemented;
};

enum class YangFormat { kJson, kXml };

struct ParseRequest {
  std::string text;
  YangFormat format;
  bool validate;
  bool state;
};

enum class YangDefaults { kExplicit, kTrim, kAll, kAllTagged };

struct PrintRequest {
  YangFormat format;
  YangDefaults defaults;
  bool indent;
};

// Trees are known by number, so that no pointer into libyang leaves the lane. Numbers are never reused.
using TreeNumber = uint64_t;

struct ParsedTree {
  TreeNumber number;
  bool empty;
};

class YangCore {
 public:
  // Throws YangFailure when a module cannot be loaded.
  YangCore(const std::vector<std::string>& search_paths, const std::vector<YangModuleRequest>& modules);
  ~YangCore();
  YangCore(const YangCore&) = delete;
  YangCore& operator=(const YangCore&) = delete;

  std::vector<YangModuleState> Modules() const;
  ParsedTree Parse(const ParseRequest& request);
  std::string Print(TreeNumber number, const PrintRequest& request);
  std::string PrintSchema(const std::string& module, bool as_tree);
  void Free(TreeNumber number);

 private:
  lyd_node* Tree(TreeNumber number) const;
  [[noreturn]] void Fail(const std::string& doing) const;

  ly_ctx* context_ = nullptr;
  std::unordered_map<TreeNumber, lyd_node*> trees_;
  TreeNumber last_ = 0;
};

}  // namespace semrd
