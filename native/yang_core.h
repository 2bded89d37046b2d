// One libyang context with its data trees. Lives and dies on its lane's thread: libyang keeps errors per thread, and a
// tree must not outlive its context. Nothing here knows JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "yang_builder.h"
#include "yang_document.h"
#include "yang_fault.h"
#include "yang_operation.h"
#include "yang_origin.h"
#include "yang_selection.h"

struct ly_ctx;
struct lyd_node;

namespace semrd {

struct YangModuleRequest {
  std::string name;
  std::string revision;  // "" for the newest
  std::vector<std::string> features;
};

struct YangModuleState {
  std::string name, revision, name_space, prefix;
  bool implemented;
  std::vector<std::string> features;  // that are on
  std::vector<std::pair<std::string, std::string>> submodules;  // with revision
};

struct ParseRequestText {
  std::string text;
  YangFormat format;
  bool validate;
  bool state;
};

enum class YangDefaults { kExplicit, kTrim, kAll, kAllTagged, kImplicitTagged };
enum class YangContent { kAll, kConfig, kNonConfig };

// Trees are known by number, so that no pointer into libyang leaves the lane. Numbers are never reused; 0 is no tree.
using TreeNumber = uint64_t;

struct PrintOrigin {
  TreeNumber intended, applied;
  OriginChoice choice;
};

struct PrintRequest {
  YangFormat format;
  YangDefaults defaults;
  bool indent;
  YangContent content;
  // What of the tree: by a subtree filter or by paths; all of it without either.
  std::optional<std::string> filter = {};
  std::optional<std::vector<PathPattern>> keep = {};
  uint32_t levels = 0;  // of what was selected, or of all; 0 for all of them
  std::optional<PrintOrigin> origin = {};
};

struct KeptTree {
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

  const ly_ctx* context() const { return context_; }
  std::vector<YangModuleState> Modules() const;
  std::string PrintSchema(const std::string& module, bool as_tree) const;
  // Text of a module or submodule as its file has it; "" for the newest revision.
  std::string Source(const std::string& name, const std::string& revision) const;

  KeptTree Parse(const ParseRequestText& request);
  KeptTree Edit(TreeNumber number, std::string text, YangFormat format, EditOperation operation);
  KeptTree Validate(TreeNumber number, bool state);
  // `drop`: not what stands there in the first.
  KeptTree Merge(TreeNumber number, TreeNumber other, const std::vector<PathPattern>& drop);
  KeptTree Select(TreeNumber number, const std::vector<PathPattern>& paths, bool others);
  KeptTree Restrict(TreeNumber number, const std::vector<Verdict>& verdicts);
  KeptTree Filter(TreeNumber number, std::string xml);
  // `prefixes` to namespaces or names of modules.
  // `levels`: as those of PrintRequest.
  KeptTree XPath(TreeNumber number, const std::string& expression,
                 const std::vector<std::pair<std::string, std::string>>& prefixes, uint32_t levels);
  // Paths of the topmost nodes that are selected, as JSON.
  std::vector<std::string> XPathNodes(TreeNumber number, const std::string& expression,
                                      const std::vector<std::pair<std::string, std::string>>& prefixes);
  KeptTree Library(const std::string& content_id);
  // JSON of a YangMatch for each node.
  std::vector<std::string> Matches(TreeNumber number, const PathPattern& path, bool defaults, YangContent content);
  std::string Print(TreeNumber number, const PrintRequest& request) const;
  // Whether that is the work of a fraction of a millisecond. Takes less than that to find out.
  bool IsSmall(TreeNumber number, const PrintRequest& request) const;

  KeptTree Keep(OwnedTree tree);
  // Null for an empty tree, and for number 0.
  const lyd_node* Tree(TreeNumber number) const;
  void Free(TreeNumber number) { trees_.erase(number); }
  size_t trees() const { return trees_.size(); }

 private:
  std::vector<const lyd_node*> Selected(const lyd_node* tree, const std::string& expression, const std::string& shown);
  Selection SelectionOf(const lyd_node* tree, const std::vector<PathPattern>& paths) const;
  OwnedTree Built(OwnedTree tree, std::string text, YangFormat format, EditOperation operation);
  [[noreturn]] void Fail(const std::string& doing) const;

  ly_ctx* context_ = nullptr;
  std::unordered_map<TreeNumber, OwnedTree> trees_;
  TreeNumber last_ = 0;
};

}  // namespace semrd
