// Parts of a tree: which nodes are meant, and a copy of only those.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "yang_builder.h"
#include "yang_document.h"

namespace semrd {

// One step of a path pattern, as YangStep.
struct PathStep {
  std::string module;  // "" for that of the step before
  std::string name;    // "*" one node, "..." any number of them
  std::vector<std::pair<std::string, std::string>> keys;
  std::vector<std::pair<std::string, std::string>> starts;  // of keys; in verdicts only
  std::optional<std::string> value;
};
using PathPattern = std::vector<PathStep>;

// Nodes of one tree, each as a whole or only as what another one stands in.
class Selection {
 public:
  void AddWhole(const lyd_node* node);
  bool empty() const { return nodes_.empty(); }
  // With keys, and the nodes above; of what is in the selection as a whole so many levels (1: the node alone, with its
  // keys), or all of them with 0.
  OwnedTree Copy(const lyd_node* top, uint32_t levels = 0) const;
  // All of the tree but what is in the selection as a whole; keys of a list stay with it.
  OwnedTree CopyOthers(const lyd_node* top) const;

 private:
  void CopyPart(const lyd_node* node, lyd_node* parent, lyd_node** top) const;
  void CopyLevels(const lyd_node* node, uint32_t levels, uint32_t left, lyd_node* parent, lyd_node** top) const;
  void CopyOther(const lyd_node* node, lyd_node* parent, lyd_node** top) const;

  std::unordered_map<const lyd_node*, bool> nodes_;  // true: whole
};

// What decides about instances of one schema node: the first of `cases` that fits the node, or what it stands in.
struct Verdict {
  struct Case {
    PathPattern path;  // as long as that of the verdict, or shorter
    bool permit;
  };
  PathPattern path;  // names only
  std::vector<Case> cases;
  bool permit;  // where none fits
};

// A copy without what is not permitted, and without what stands in that. Keys stay with their entry; a node without
// a verdict is permitted.
OwnedTree CopyPermitted(const ly_ctx* context, const lyd_node* top, const std::vector<Verdict>& verdicts);

// Whether a node fits keys and value of a step, whose name is not looked at.
bool FitsStep(const lyd_node* node, const PathStep& wanted);

// In the order of the tree. Throws YangFailure for a step that no model has.
std::vector<const lyd_node*> FindNodes(const ly_ctx* context, const lyd_node* top, const PathPattern& path);

// Nodes that are looked at before work counts as large.
class Budget {
 public:
  bool exceeded() const { return left_ == 0; }
  void Spend() {
    if (left_ > 0) left_--;
  }
  // `node` with all below it; false when that is too much.
  bool Covers(const lyd_node* node);
  bool CoversSiblings(const lyd_node* first);

 private:
  size_t left_ = 500;
};

// What a subtree filter selects; of no use once `budget` is exceeded. @see RFC 6241 section 6
Selection SelectByFilter(const ly_ctx* context, const lyd_node* top, const Document& filter, Budget* budget = nullptr);

// A copy of `node`, alone or with all that is in it, at the end of the children of `parent` or of the nodes at `*top`.
lyd_node* CopyNode(const lyd_node* node, bool whole, lyd_node* parent, lyd_node** top);
OwnedTree CopyTree(const lyd_node* top);
// Without the nodes that only validation has added: an edit asks for what is configured.
OwnedTree CopyExplicit(const lyd_node* top);
// Only configuration, or only state with what it stands in.
OwnedTree CopyContent(const lyd_node* top, bool config);

}  // namespace semrd
