// Subtree filtering. @see RFC 6241 section 6.2
#include <libyang/libyang.h>

#include "yang_selection.h"
#include "yang_wording.h"

namespace semrd {

namespace {

bool IsContentMatch(const Element& element) { return element.first == nullptr && !Trimmed(element.text).empty(); }

class Filter {
 public:
  Filter(const ly_ctx* context, Selection& selection, Budget* budget)
      : values_(context, YangFormat::kXml), selection_(selection), budget_(budget) {}

  // What the children of `holder` select among `first` and its siblings; false when nothing.
  bool Siblings(const Element& holder, const lyd_node* parent, const lyd_node* first) {
    bool only_content = holder.first != nullptr, any = false;
    for (const Element* element = holder.first; element != nullptr; element = element->next) {
      if (!IsContentMatch(*element)) {
        only_content = false;
      } else if (!HoldsContent(*element, first)) {
        return false;  // section 6.2.5: all of them must match
      }
    }
    if (only_content && parent != nullptr) {
      Add(parent);
      return true;
    }
    for (const Element* element = holder.first; element != nullptr; element = element->next)
      any = One(*element, first, only_content) || any;
    return any;
  }

 private:
  void Add(const lyd_node* node) {
    if (budget_ == nullptr || budget_->Covers(node)) selection_.AddWhole(node);
  }

  // For each node that is looked at.
  bool IsTooMuch() {
    if (budget_ == nullptr) return false;
    budget_->Spend();
    return budget_->exceeded();
  }

  bool One(const Element& element, const lyd_node* first, bool all) {
    bool content = IsContentMatch(element), any = false;
    if (HasAttributes(element)) return false;  // section 6.2.2: no data has any
    if (const lyd_node* entry = nullptr; KeyedEntry(element, first, entry))
      return entry != nullptr && Siblings(element, entry, lyd_child(entry));
    for (auto node = first; node != nullptr; node = node->next) {
      if (IsTooMuch()) return any;
      if (all && content) {
        Add(node);
        any = true;
        continue;
      }
      if (!IsNamed(element, node)) continue;
      if (content ? HasValue(element, node) : element.first == nullptr) {
        Add(node);
        any = true;
      } else if (element.first != nullptr && (node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)) != 0) {
        any = Siblings(element, node, lyd_child(node)) || any;
      }
    }
    return any;
  }

  static bool HasAttributes(const Element& element) {
    for (auto one = element.attributes; one != nullptr; one = one->next)
      if (one->space != "xmlns") return true;
    return false;
  }

  // Section 6.2.1: an element in no namespace is of any.
  bool IsNamed(const Element& element, const lyd_node* node) {
    if (node->schema == nullptr || element.name != node->schema->name) return false;
    return element.space.empty() || element.space == node->schema->module->ns;
  }

  bool HoldsContent(const Element& element, const lyd_node* first) {
    if (HasAttributes(element)) return false;
    for (auto node = first; node != nullptr && !IsTooMuch(); node = node->next)
      if (IsNamed(element, node) && HasValue(element, node)) return true;
    return false;
  }

  bool HasValue(const Element& element, const lyd_node* node) {
    if ((node->schema->nodetype & LYD_NODE_TERM) == 0) return false;
    std::string_view trimmed = Trimmed(element.text);
    if (trimmed == lyd_get_value(node)) return true;
    std::string text = values_.Text(element, trimmed, node->schema);
    bool same = lyd_value_compare(reinterpret_cast<const lyd_node_term*>(node), text.c_str(), text.size()) == LY_SUCCESS;
    if (!same) ForgetFaults(LYD_CTX(node));
    return same;
  }

  // An element that gives all keys of a list means one entry, which is looked up.
  bool KeyedEntry(const Element& element, const lyd_node* first, const lyd_node*& entry) {
    if (element.first == nullptr || first == nullptr || element.space.empty()) return false;
    const lys_module* module = values_.Module(element.space);
    if (module == nullptr) return false;
    auto parent = lyd_parent(first);
    auto schema = lys_find_child(parent == nullptr ? nullptr : parent->schema, module, element.name.data(),
                                 element.name.size(), LYS_LIST, 0);
    if (schema == nullptr || (schema->flags & LYS_KEYLESS) != 0) return false;
    std::string predicates;
    for (auto key = lysc_node_child(schema); key != nullptr && lysc_is_key(key); key = key->next) {
      const Element* given = element.first;
      while (given != nullptr && (given->name != key->name || !IsContentMatch(*given) || HasAttributes(*given)))
        given = given->next;
      if (given == nullptr) return false;
      std::string text = values_.Text(*given, Trimmed(given->text), key);
      char quote = text.find('\'') == std::string::npos ? '\'' : '"';
      if (text.find(quote) != std::string::npos) return false;
      predicates += std::string("[") + key->name + "=" + quote + text + quote + "]";
    }
    lyd_node* match = nullptr;
    lyd_find_sibling_val(first, schema, predicates.c_str(), predicates.size(), &match);
    ForgetFaults(LYD_CTX(first));
    entry = match;
    return true;
  }

  ValueReader values_;
  Selection& selection_;
  Budget* budget_;  // null: as much as it takes
};

}  // namespace

Selection SelectByFilter(const ly_ctx* context, const lyd_node* top, const Document& filter, Budget* budget) {
  Selection selection;
  const Element* holder = &filter.root();
  // The element `filter` itself, of NETCONF, or `subtree-filter`, of RFC 8526 and RFC 8641.
  if (const Element* only = holder->first; only != nullptr && only->next == nullptr &&
                                           (only->name == "filter" || only->name == "subtree-filter"))
    holder = only;
  Filter(context, selection, budget).Siblings(*holder, nullptr, top);
  return selection;
}

}  // namespace semrd
