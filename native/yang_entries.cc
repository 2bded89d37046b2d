// The part of TreeBuilder that finds, makes, moves and takes away nodes.
#include <libyang/libyang.h>

#include <cstring>

#include "yang_builder.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr size_t kMostKeys = 8;

const Element* ChildNamed(const Element& element, std::string_view space, std::string_view name) {
  for (const Element* child = element.first; child != nullptr; child = child->next)
    if (child->name == name && child->space == space) return child;
  return nullptr;
}

}  // namespace

lyd_node* TreeBuilder::Scratch(Level& level) {
  if (!level.has_scratch && level.parent != nullptr) {
    lyd_node* copy = nullptr;
    if (lyd_dup_single(level.parent, nullptr, LYD_DUP_NO_META, &copy) != LY_SUCCESS)
      throw YangFailure("editing", TakeFaults(context_));
    level.scratch.reset(copy);
    level.has_scratch = true;
  }
  return level.scratch.get();
}

OwnedTree TreeBuilder::NewEntry(const Element& element, const lysc_node* schema, Level& level) {
  std::string texts[kMostKeys];
  const char* keys[kMostKeys] = {};
  size_t count = 0;
  size_t before = faults_.size() + unsaid_;
  for (auto key = lysc_node_child(schema); key != nullptr && lysc_is_key(key); key = key->next, count++) {
    if (count == kMostKeys) throw YangFailure("editing", {{"a list with more than eight keys", "", "", 0}});
    const Element* given = ChildNamed(element, element.space, key->name);
    if (given == nullptr || (document_.format() == YangFormat::kJson && given->value == Element::Value::kObject)) {
      Report("missing-element", std::string("the entry has no ") + key->name + ", which is its key", level.parent,
             element.name, &element)
          .bad_element = key->name;
      continue;
    }
    if (document_.format() == YangFormat::kJson)
      if (auto wrong = ValueReader::WrongKind(*given, TypeOf(key))) {
        Report("invalid-value", *wrong, level.parent, element.name, given).path += "/" + std::string(key->name);
        continue;
      }
    texts[count] = values_.Text(*given, given->text, key);
    keys[count] = texts[count].c_str();
  }
  if (faults_.size() + unsaid_ > before) return nullptr;
  lyd_node* entry = nullptr;
  if (lyd_new_list(Scratch(level), schema->module, schema->name, mode_ == Mode::kOutput, &entry, keys[0], keys[1],
                   keys[2], keys[3], keys[4], keys[5], keys[6], keys[7]) != LY_SUCCESS) {
    ReportKeys(element, schema, keys, level);
    return nullptr;
  }
  lyd_unlink_tree(entry);
  return OwnedTree(entry);
}

// Which of the keys of an entry that libyang has refused are wrong.
void TreeBuilder::ReportKeys(const Element& element, const lysc_node* schema, const char* const* keys, Level& level) {
  YangFault said = TakeFault(context_);
  size_t before = faults_.size() + unsaid_, count = 0;
  for (auto key = lysc_node_child(schema); key != nullptr && lysc_is_key(key); key = key->next, count++) {
    LY_ERR error =
        lyd_value_validate(context_, key, keys[count], std::strlen(keys[count]), nullptr, nullptr, nullptr);
    if (error == LY_SUCCESS || error == LY_EINCOMPLETE) continue;
    YangFault why = TakeFault(context_);
    YangFault& fault = Report("invalid-value", why.message, level.parent, element.name, &element);
    fault.path += "/" + std::string(key->name);
    fault.app_tag = why.app_tag;
  }
  if (faults_.size() + unsaid_ > before) return;
  Report("invalid-value", said.message, level.parent, element.name, &element).app_tag = said.app_tag;
}

lyd_node* TreeBuilder::AddAncestor(const Element& element, const lysc_node* schema, lyd_node* parent) {
  lyd_node* top = nullptr;
  Level level{parent, parent == nullptr ? &top : nullptr, parent == nullptr ? nullptr : parent->schema, nullptr,
              false, {}, {}};
  if (schema->nodetype == LYS_LIST) {
    OwnedTree entry = NewEntry(element, schema, level);
    return entry ? Insert(std::move(entry), schema, level) : nullptr;
  }
  lyd_node* made = nullptr;
  if (lyd_new_inner(parent, schema->module, schema->name, 0, &made) == LY_SUCCESS) return made;
  ReportValue(element, level, element.name);
  return nullptr;
}

OwnedTree TreeBuilder::NewLeaf(const Element& element, const lysc_node* schema, Level& level) {
  if (document_.format() == YangFormat::kJson)
    if (auto wrong = ValueReader::WrongKind(element, TypeOf(schema))) {
      Report("invalid-value", *wrong, level.parent, element.name, &element);
      return nullptr;
    }
  std::string text = values_.Text(element, element.text, schema);
  lyd_node* made = nullptr;
  if (lyd_new_term(Scratch(level), schema->module, schema->name, text.c_str(), mode_ == Mode::kOutput, &made) !=
      LY_SUCCESS) {
    ReportValue(element, level, element.name);
    return nullptr;
  }
  lyd_unlink_tree(made);
  return OwnedTree(made);
}

lyd_node* TreeBuilder::Insert(OwnedTree node, const lysc_node* schema, Level& level) {
  EvictOtherCases(schema, level);
  LY_ERR error = level.parent != nullptr ? lyd_insert_child(level.parent, node.get())
                                         : lyd_insert_sibling(*level.top, node.get(), level.top);
  return error == LY_SUCCESS ? node.release() : nullptr;
}

void TreeBuilder::Remove(lyd_node* node, Level& level) {
  if (level.top != nullptr && *level.top == node) *level.top = node->next;
  level.entries.erase(node);
  lyd_free_tree(node);
}

// RFC 7950 section 7.9: a node of one case takes away those of all others.
void TreeBuilder::EvictOtherCases(const lysc_node* schema, Level& level) {
  if (mode_ != Mode::kEdit) return;
  for (const lysc_node* own = schema; own != nullptr && own != level.schema; own = own->parent) {
    if (own->nodetype != LYS_CASE) continue;
    auto choice = own->parent;
    lyd_node* next;
    for (lyd_node* node = level.first(); node != nullptr; node = next) {
      next = node->next;
      for (const lysc_node* other = node->schema; other != nullptr && other != level.schema; other = other->parent)
        if (other->nodetype == LYS_CASE && other->parent == choice && other != own) {
          Remove(node, level);
          break;
        }
    }
  }
}

// @see RFC 7950 sections 7.7.9 and 7.8.6
bool TreeBuilder::Place(lyd_node* entry, bool is_new, const Element& element, Level& level, const Wish& wish) {
  if (wish.insert == nullptr) {
    if (wish.key != nullptr || wish.value != nullptr)
      Report("missing-attribute", "a neighbour without insert", level.parent, element.name, &element).bad_attribute =
          "insert";
    return true;
  }
  std::string_view where = wish.insert->value;
  const lysc_node* schema = entry->schema;
  lyd_node* other = nullptr;
  if (where == "first" || where == "last") {
    bool first = where == "first";
    for (lyd_node* node = level.first(); node != nullptr; node = node->next) {
      if (node->schema != schema || node == entry) continue;
      other = node;
      if (first) break;
    }
    if (other != nullptr && (first ? lyd_insert_before(other, entry) : lyd_insert_after(other, entry)) != LY_SUCCESS)
      ReportValue(element, level, element.name);
  } else if (where == "before" || where == "after") {
    other = Neighbour(element, schema, level, wish);
    if (other == nullptr) {
      if (is_new) Remove(entry, level);
      return !is_new;
    }
    if (other == entry) return true;
    if ((where == "before" ? lyd_insert_before(other, entry) : lyd_insert_after(other, entry)) != LY_SUCCESS)
      ReportValue(element, level, element.name);
  } else {
    Report("bad-attribute", "insert is first, last, before or after", level.parent, element.name, &element)
        .bad_attribute = "insert";
  }
  if (level.top != nullptr)
    while (*level.top != nullptr && (*level.top)->prev->next != nullptr) *level.top = (*level.top)->prev;
  return true;
}

// The entry that `key` or `value` names; null with a fault when there is none.
lyd_node* TreeBuilder::Neighbour(const Element& element, const lysc_node* schema, Level& level, const Wish& wish) {
  bool list = schema->nodetype == LYS_LIST;
  const char* name = list ? "key" : "value";
  const Attribute* given = list ? wish.key : wish.value;
  if (given == nullptr) {
    Report("missing-attribute", std::string("before and after need the attribute ") + name, level.parent, element.name,
           &element)
        .bad_attribute = name;
    return nullptr;
  }
  lyd_node* found = nullptr;
  if (level.first() != nullptr) {
    std::string text = list ? values_.WithModules(element, given->value, schema->module)
                            : values_.Text(element, given->value, schema);
    lyd_find_sibling_val(level.first(), schema, text.c_str(), text.size(), &found);
    ForgetFaults(context_);
  }
  if (found == nullptr) {
    // RFC 7950 section 15.7
    auto& fault = Report("bad-attribute", "no entry " + std::string(given->value), level.parent, element.name, &element);
    fault.bad_attribute = name;
    fault.app_tag = "missing-instance";
  }
  return found;
}

}  // namespace semrd
