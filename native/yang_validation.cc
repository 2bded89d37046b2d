#include "yang_validation.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <set>

#include "yang_selection.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr size_t kMostRounds = 50, kFewestRounds = 3;
constexpr size_t kNodesToVisit = 2'000'000;  // by all rounds together: each visits every node

size_t CountNodes(const lyd_node* top) {
  size_t count = 0;
  for (auto root = top; root != nullptr; root = root->next) {
    const lyd_node* node;
    LYD_TREE_DFS_BEGIN(root, node) {
      count++;
      LYD_TREE_DFS_END(root, node);
    }
  }
  return count;
}

lyd_node* NodeAt(const lyd_node* top, const std::string& path) {
  lyd_node* found = nullptr;
  if (top == nullptr || path.empty() || lyd_find_path(top, path.c_str(), 0, &found) != LY_SUCCESS) return nullptr;
  return found;
}

// Takes one fault after the other out of a copy. What only follows from what was taken out is told apart by looking at
// the whole tree.
class Diagnosis {
 public:
  Diagnosis(const ly_ctx* context, const lyd_node* whole, uint32_t options)
      : context_(context), whole_(CopyTree(whole)), rest_(CopyTree(whole)), options_(options) {
    With(whole_, [&](lyd_node** top) { return lyd_new_implicit_all(top, context, LYD_IMPLICIT_NO_STATE, nullptr); });
    ForgetFaults(context);
  }

  std::vector<YangFault> Run() {
    size_t rounds = std::clamp(kNodesToVisit / std::max<size_t>(1, CountNodes(whole_.get())), kFewestRounds, kMostRounds);
    for (size_t round = 0; round < rounds; round++) {
      if (With(rest_, [&](lyd_node** top) { return lyd_validate_all(top, context_, options_, nullptr); }) == LY_SUCCESS)
        return Done();
      std::vector<YangFault> said = TakeFaults(context_);
      bool went = false;
      for (YangFault& fault : said) went = Take(fault) || went;
      if (!went || rest_ == nullptr) return Done();
    }
    return Ending("only the first " + std::to_string(faults_.size()) + " faults were looked for");
  }

 private:
  std::vector<YangFault> Done() {
    if (hides_) return Ending("others are looked for once this is right: nothing can be looked at without it");
    return std::move(faults_);
  }
  std::vector<YangFault> Ending(std::string message) {
    YangFault more;
    more.message = std::move(message);
    more.tag = "too-big";
    faults_.push_back(more);
    return std::move(faults_);
  }

  // For what may change the first node of a tree.
  template <typename Work>
  static LY_ERR With(OwnedTree& tree, Work work) {
    lyd_node* top = tree.release();
    LY_ERR error = work(&top);
    tree.reset(top);
    return error;
  }

  // Reports `fault` and takes its place out of the rest; false when there is nothing to take out.
  bool Take(YangFault& fault) {
    if (fault.message.starts_with("Mandatory ") || fault.message.starts_with("Too few ")) return TakeMissing(fault);
    lyd_node* node = NodeAt(rest_.get(), fault.path);
    ForgetFaults(context_);
    if (node == nullptr) {
      Report(fault);
      return false;
    }
    if (!Follows(node, fault)) Report(fault);
    TakeOut(node);
    return true;
  }

  bool Follows(const lyd_node* node, const YangFault& fault) {
    lyd_node* original = NodeAt(whole_.get(), fault.path);
    ForgetFaults(context_);
    if (original == nullptr || taken_ == 0) return false;
    if (fault.app_tag == "instance-required") {
      const char* value = lyd_get_value(node);
      return removed_values_.contains(value == nullptr ? "" : value);
    }
    auto musts = lysc_node_musts(original->schema);
    if (musts == nullptr || !IsMust(fault, musts)) return false;
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(musts, i) {
      ly_bool holds = 0;
      if (lyd_eval_xpath3(original, original->schema->module, lyxp_get_expr(musts[i].cond), LY_VALUE_SCHEMA_RESOLVED,
                          musts[i].prefixes, nullptr, &holds) != LY_SUCCESS ||
          !holds) {
        ForgetFaults(context_);
        return false;
      }
    }
    return true;
  }
  static bool IsMust(const YangFault& fault, const lysc_must* musts) {
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(musts, i) {
      if (musts[i].emsg != nullptr ? fault.message == musts[i].emsg : fault.message.starts_with("Must condition"))
        return true;
    }
    return false;
  }

  // libyang names the schema node that is missing: it is looked for in every parent.
  bool TakeMissing(YangFault& fault) {
    size_t begin = fault.message.find('"');
    size_t end = fault.message.find('"', begin + 1);
    std::string name = begin == std::string::npos ? "" : fault.message.substr(begin + 1, end - begin - 1);
    auto schema = lys_find_path(context_, nullptr, SchemaPath(fault.path, name).c_str(), 0);
    ForgetFaults(context_);
    std::vector<lyd_node*> parents;
    if (schema != nullptr) Lacking(rest_.get(), schema, parents);
    if (parents.empty()) {
      Report(fault);
      return false;
    }
    for (lyd_node* parent : parents) {
      lyd_node* original = NodeAt(whole_.get(), PathOf(parent));
      ForgetFaults(context_);
      if (original == nullptr || Lacks(original, schema)) {
        YangFault one = fault;
        one.path = PathOf(parent) + "/" +
                   (schema->module != parent->schema->module ? schema->module->name + std::string(":") : "") + name;
        one.bad_element = name;
        Report(one);
      }
    }
    std::set<lyd_node*> holders;
    for (lyd_node* parent : parents) holders.insert(Holder(parent));
    for (lyd_node* holder : holders) {
      hides_ = hides_ || lyd_parent(holder) == nullptr;
      TakeOut(holder);
    }
    return true;
  }
  // What can be without: a container that is there by itself is there again as soon as what holds it is validated.
  static lyd_node* Holder(lyd_node* node) {
    while (node->schema->nodetype == LYS_CONTAINER && lysc_is_np_cont(node->schema) && lyd_parent(node) != nullptr)
      node = lyd_parent(node);
    return node;
  }
  // The path of the schema node itself, from one of it or of data above it.
  static std::string SchemaPath(const std::string& path, const std::string& name) {
    std::string plain;
    char quote = 0;
    size_t inside = 0;
    for (char octet : path) {
      if (quote != 0) {
        if (octet == quote) quote = 0;
      } else if (inside > 0 && (octet == '\'' || octet == '"')) {
        quote = octet;
      } else if (octet == '[') {
        inside++;
      } else if (octet == ']') {
        inside--;
      } else if (inside == 0) {
        plain += octet;
      }
    }
    size_t last = plain.find_last_of("/:");
    return last != std::string::npos && plain.substr(last + 1) == name ? plain : plain + "/" + name;
  }
  static const lysc_node* DataParent(const lysc_node* schema) {
    auto parent = schema->parent;
    while (parent != nullptr && (parent->nodetype & (LYS_CHOICE | LYS_CASE)) != 0) parent = parent->parent;
    return parent;
  }
  static bool Within(const lysc_node* schema, const lysc_node* above) {
    for (; schema != nullptr; schema = schema->parent)
      if (schema == above) return true;
    return false;
  }
  static bool Lacks(const lyd_node* parent, const lysc_node* schema) {
    size_t count = 0;
    for (auto child = lyd_child(parent); child != nullptr; child = child->next)
      if (Within(child->schema, schema) && (child->flags & LYD_DEFAULT) == 0) count++;
    size_t least = schema->nodetype == LYS_LIST       ? reinterpret_cast<const lysc_node_list*>(schema)->min
                   : schema->nodetype == LYS_LEAFLIST ? reinterpret_cast<const lysc_node_leaflist*>(schema)->min
                                                      : 1;
    return count < least;
  }
  static void Lacking(lyd_node* top, const lysc_node* schema, std::vector<lyd_node*>& parents) {
    auto wanted = DataParent(schema);
    for (auto root = top; root != nullptr; root = root->next) {
      lyd_node* node;
      LYD_TREE_DFS_BEGIN(root, node) {
        if (node->schema == wanted && Lacks(node, schema)) parents.push_back(node);
        LYD_TREE_DFS_END(root, node);
      }
    }
  }

  void TakeOut(lyd_node* node) {
    while (lysc_is_key(node->schema)) node = lyd_parent(node);  // a list entry is nothing without its key
    lyd_node* each;
    LYD_TREE_DFS_BEGIN(node, each) {
      if ((each->schema->nodetype & LYD_NODE_TERM) != 0) removed_values_.insert(lyd_get_value(each));
      LYD_TREE_DFS_END(node, each);
    }
    if (rest_.get() == node) {
      lyd_node* next = node->next;
      (void)rest_.release();
      rest_.reset(next);
    }
    lyd_free_tree(node);
    taken_++;
  }

  void Report(const YangFault& fault) { faults_.push_back(fault); }

  const ly_ctx* context_;
  OwnedTree whole_, rest_;
  uint32_t options_;
  std::vector<YangFault> faults_;
  std::set<std::string> removed_values_;
  size_t taken_ = 0;
  bool hides_ = false;  // a whole tree was taken out, with whatever else is wrong in it
};

}  // namespace

OwnedTree ValidateTree(const ly_ctx* context, const lyd_node* tree, bool state) {
  uint32_t options = state ? 0 : LYD_VALIDATE_NO_STATE;
  OwnedTree copy = CopyTree(tree);
  lyd_node* raw = copy.release();
  LY_ERR error = lyd_validate_all(&raw, context, options, nullptr);
  copy.reset(raw);
  if (error == LY_SUCCESS) return copy;
  YangFailure first("validating", TakeFaults(context));
  std::vector<YangFault> faults = Diagnosis(context, tree, options).Run();
  // A fault that went away while it was looked for is still one: libyang has refused the tree.
  if (faults.empty()) throw first;
  throw YangFailure("validating", std::move(faults));
}

}  // namespace semrd
