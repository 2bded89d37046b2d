// Nodes by a path with wildcards.
#include <libyang/libyang.h>

#include <string_view>

#include "yang_selection.h"
#include "yang_wording.h"

namespace semrd {

namespace {

class Finder {
 public:
  Finder(const ly_ctx* context, const PathPattern& path, std::vector<const lyd_node*>& found)
      : context_(context), path_(path), found_(found) {}

  void Siblings(const lyd_node* first, const lyd_node* parent, const lysc_node* above, size_t step) {
    const PathStep& wanted = path_[step];
    if (wanted.name == "...") {
      // No level at all, or one more: the rest of the path decides.
      if (step + 1 < path_.size()) Siblings(first, parent, above, step + 1);
      for (auto node = first; node != nullptr; node = node->next) {
        if (step + 1 == path_.size()) found_.push_back(node);
        else Siblings(lyd_child(node), node, node->schema, step);
      }
      return;
    }
    if (wanted.name == "*") {
      for (auto node = first; node != nullptr; node = node->next)
        if (FitsStep(node, wanted)) Take(node, step);
      return;
    }
    auto schema = SchemaOf(wanted, above, step);
    if (schema == nullptr) return;
    if (const lyd_node* exact = nullptr; Exact(first, schema, wanted, exact)) {
      if (exact != nullptr) Take(exact, step);
      return;
    }
    for (auto node = first; node != nullptr; node = node->next)
      if (node->schema == schema && FitsStep(node, wanted)) Take(node, step);
  }

 private:
  void Take(const lyd_node* node, size_t step) {
    if (step + 1 == path_.size())
      found_.push_back(node);
    else
      Siblings(lyd_child(node), node, node->schema, step + 1);
  }

  const lysc_node* SchemaOf(const PathStep& step, const lysc_node* above, size_t place) const {
    const lys_module* module = above == nullptr ? nullptr : above->module;
    if (!step.module.empty()) module = ly_ctx_get_module_implemented(context_, step.module.c_str());
    bool behind_any = place > 0 && (path_[place - 1].name == "..." || path_[place - 1].name == "*");
    if (module == nullptr) {
      if (behind_any) return nullptr;
      YangFault fault;
      fault.tag = "unknown-namespace";
      fault.message = step.module.empty() ? step.name + " has no module" : "there is no module " + step.module;
      fault.bad_element = step.name;
      fault.bad_namespace = step.module;
      throw YangFailure("finding", {fault});
    }
    auto schema = lys_find_child(above, module, step.name.c_str(), step.name.size(), 0, 0);
    if (schema == nullptr && !behind_any) {
      YangFault fault;
      fault.tag = "unknown-element";
      fault.message = "there is no " + step.name + " in the model " + (above == nullptr ? "at the top" : "there");
      fault.bad_element = step.name;
      throw YangFailure("finding", {fault});
    }
    return schema;
  }

  // Where at most one node can be meant, it is looked up.
  static bool Exact(const lyd_node* first, const lysc_node* schema, const PathStep& wanted, const lyd_node*& node) {
    lyd_node* match = nullptr;
    if ((schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) == 0) {
      if (first != nullptr) lyd_find_sibling_val(first, schema, nullptr, 0, &match);
      node = match;
      return true;
    }
    if (schema->nodetype != LYS_LIST || first == nullptr || (schema->flags & LYS_KEYLESS) != 0) return false;
    std::string predicates;
    for (auto key = lysc_node_child(schema); key != nullptr && lysc_is_key(key); key = key->next) {
      const std::string* value = nullptr;
      for (const auto& [name, given] : wanted.keys)
        if (name == key->name) value = &given;
      if (value == nullptr || *value == "*") return false;
      char quote = value->find('\'') == std::string::npos ? '\'' : '"';
      if (value->find(quote) != std::string::npos) return false;  // with both it is compared one by one
      predicates += std::string("[") + key->name + "=" + quote + *value + quote + "]";
    }
    lyd_find_sibling_val(first, schema, predicates.c_str(), predicates.size(), &match);
    ForgetFaults(LYD_CTX(first));  // a value that the key cannot have is in no entry
    node = match;
    return true;
  }

  const ly_ctx* context_;
  const PathPattern& path_;
  std::vector<const lyd_node*>& found_;
};

}  // namespace

static const lyd_node* Key(const lyd_node* node, const std::string& name) {
  const lyd_node* key = node->schema->nodetype == LYS_LIST ? lyd_child(node) : nullptr;
  while (key != nullptr && (!lysc_is_key(key->schema) || name != key->schema->name)) key = key->next;
  return key;
}

bool FitsStep(const lyd_node* node, const PathStep& wanted) {
  if (node->schema == nullptr) return false;
  if (wanted.value && *wanted.value != "*" &&
      (node->schema->nodetype != LYS_LEAFLIST || *wanted.value != lyd_get_value(node)))
    return false;
  for (const auto& [name, value] : wanted.keys) {
    if (value == "*") continue;
    const lyd_node* key = Key(node, name);
    if (key == nullptr || value != lyd_get_value(key)) return false;
  }
  for (const auto& [name, start] : wanted.starts) {
    const lyd_node* key = Key(node, name);
    if (key == nullptr || !std::string_view(lyd_get_value(key)).starts_with(start)) return false;
  }
  return true;
}

std::vector<const lyd_node*> FindNodes(const ly_ctx* context, const lyd_node* top, const PathPattern& path) {
  std::vector<const lyd_node*> found;
  if (path.empty())
    for (auto node = top; node != nullptr; node = node->next) found.push_back(node);
  else
    Finder(context, path, found).Siblings(top, nullptr, nullptr, 0);
  return found;
}

}  // namespace semrd
