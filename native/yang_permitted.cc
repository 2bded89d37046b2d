// A tree without what somebody may not see.
#include <libyang/libyang.h>

#include <unordered_set>

#include "yang_selection.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr uint32_t kCopy = LYD_DUP_WITH_FLAGS | LYD_DUP_NO_META;

class Permitted {
 public:
  Permitted(const ly_ctx* context, const std::vector<Verdict>& verdicts) {
    for (const auto& verdict : verdicts) {
      const lysc_node* schema = nullptr;
      for (const auto& step : verdict.path) {
        auto module = step.module.empty() ? (schema == nullptr ? nullptr : schema->module)
                                          : ly_ctx_get_module_implemented(context, step.module.c_str());
        if (schema != nullptr) inside_.insert(schema);
        schema = module == nullptr ? nullptr : lys_find_child(schema, module, step.name.c_str(), step.name.size(), 0, 0);
        if (schema == nullptr) break;  // nothing of it can be in a tree
      }
      if (schema != nullptr) verdicts_[schema] = &verdict;
    }
  }

  void Copy(const lyd_node* node, lyd_node* parent, lyd_node** top) const {
    if (parent != nullptr && lysc_is_key(node->schema)) return;  // came with its entry
    auto verdict = verdicts_.find(node->schema);
    if (verdict != verdicts_.end() && !Allows(*verdict->second, node)) return;
    bool whole = inside_.find(node->schema) == inside_.end();
    lyd_node* copy = nullptr;
    LY_ERR error = lyd_dup_single(node, reinterpret_cast<lyd_node_inner*>(parent),
                                  whole ? LYD_DUP_RECURSIVE | kCopy : kCopy, &copy);
    if (error == LY_SUCCESS && parent == nullptr) error = lyd_insert_sibling(*top, copy, top);
    if (error != LY_SUCCESS) throw YangFailure("copying", TakeFaults(LYD_CTX(node)));
    if (whole) return;
    for (auto child = lyd_child(node); child != nullptr; child = child->next) Copy(child, copy, nullptr);
  }

 private:
  static bool Allows(const Verdict& verdict, const lyd_node* node) {
    std::vector<const lyd_node*> line(verdict.path.size());
    for (size_t i = line.size(); i-- > 0; node = lyd_parent(node)) line[i] = node;
    for (const auto& one : verdict.cases) {
      bool fits = one.path.size() <= line.size();
      for (size_t i = 0; fits && i < one.path.size(); i++) fits = FitsStep(line[i], one.path[i]);
      if (fits) return one.permit;
    }
    return verdict.permit;
  }

  std::unordered_map<const lysc_node*, const Verdict*> verdicts_;
  std::unordered_set<const lysc_node*> inside_;  // have nodes with verdicts in them
};

}  // namespace

OwnedTree CopyPermitted(const ly_ctx* context, const lyd_node* top, const std::vector<Verdict>& verdicts) {
  Permitted permitted(context, verdicts);
  lyd_node* copy = nullptr;
  for (auto node = top; node != nullptr; node = node->next) permitted.Copy(node, nullptr, &copy);
  return OwnedTree(copy);
}

}  // namespace semrd
