#include "yang_builder.h"

#include <libyang/libyang.h>

#include <cstdlib>
#include <type_traits>

#include "yang_wording.h"

namespace semrd {

namespace {

constexpr size_t kMostFaults = 100;
// libyang 3 has no flag for who owns the value.
template <typename Make = decltype(&lyd_new_any)>
LY_ERR NewAny(Make make, lyd_node* parent, const lysc_node* schema, const char* value, LYD_ANYDATA_VALUETYPE type,
              bool output, lyd_node** node) {
  constexpr bool kHasFlag = std::is_invocable_v<Make, lyd_node*, const lys_module*, const char*, const void*, ly_bool,
                                                LYD_ANYDATA_VALUETYPE, ly_bool, lyd_node**>;
  if constexpr (kHasFlag)
    return make(parent, schema->module, schema->name, value, 0, type, output, node);
  else
    return make(parent, schema->module, schema->name, value, type, output, node);
}

}  // namespace

void TreeDeleter::operator()(lyd_node* tree) const { lyd_free_all(tree); }

std::string PathOf(const lyd_node* parent) {
  if (parent == nullptr) return "";
  char* path = lyd_path(parent, LYD_PATH_STD, nullptr, 0);
  std::string text = path == nullptr ? "" : path;
  std::free(path);
  return text;
}

std::string PathOf(const lyd_node* parent, const lyd_node* child) {
  std::string own = PathOf(child), module = child->schema->module->name + std::string(":");
  if (parent != nullptr && parent->schema->module == child->schema->module && own.compare(1, module.size(), module) == 0)
    own.erase(1, module.size());
  return PathOf(parent) + own;
}

lyd_node* TreeBuilder::Level::first() const { return parent != nullptr ? lyd_child(parent) : *top; }

void TreeBuilder::Finish(const char* doing) {
  if (faults_.empty()) return;
  if (unsaid_ > 0)
    faults_.push_back({"and " + std::to_string(unsaid_) + " more faults", "", "", 0, "too-big", "application"});
  throw YangFailure(doing, std::move(faults_));
}

YangFault& TreeBuilder::Report(const char* tag, std::string message, const lyd_node* parent, std::string_view name,
                               const Element* element) {
  if (faults_.size() >= kMostFaults) {
    unsaid_++;
    static thread_local YangFault dropped;
    return dropped = {};
  }
  YangFault fault;
  fault.tag = tag;
  fault.message = std::move(message);
  fault.path = PathOf(parent);
  if (!name.empty()) {
    std::string_view module = parent != nullptr && parent->schema != nullptr ? parent->schema->module->name : "";
    const lys_module* own = element == nullptr ? nullptr : values_.Module(element->space);
    fault.path += "/";
    if (own != nullptr && own->name != module) fault.path += own->name + std::string(":");
    fault.path += name;
  }
  if (element != nullptr) {
    fault.line = document_.Line(element->source.empty() ? element->name : element->source);
  }
  faults_.push_back(std::move(fault));
  return faults_.back();
}

void TreeBuilder::ReportValue(const Element& element, const Level& level, std::string_view name) {
  YangFault said = TakeFault(context_);
  YangFault& fault = Report("invalid-value", said.message, level.parent, name, &element);
  fault.app_tag = said.app_tag;
}

void TreeBuilder::Apply(const Element& holder, lyd_node* parent, lyd_node** top, EditOperation operation) {
  Level level{parent, top, parent == nullptr ? nullptr : parent->schema, nullptr, false, {}, {}};
  if (holder.first != nullptr && !Trimmed(holder.text).empty())
    Report("bad-element", "text between elements", parent, "", &holder).bad_element = holder.name;
  for (const Element* element = holder.first; element != nullptr; element = element->next) {
    // The keys have made the entry.
    One(*element, level, operation);
  }
}

void TreeBuilder::One(const Element& element, Level& level, EditOperation inherited) {
  const lysc_node* schema = SchemaOf(element, level);
  if (schema == nullptr) return;
  Wish wish{inherited};
  if (mode_ == Mode::kEdit && !ReadWish(element, level, wish)) return;
  if (lysc_is_key(schema)) {
    if (wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove)
      Report("bad-attribute", "a key goes only with its list entry", level.parent, element.name, &element)
          .bad_attribute = "operation";
    else
      MarkSeen(element, schema, level);
    return;
  }
  bool going = wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove;
  if (!RightForm(element, schema, level) || !MarkSeen(element, schema, level)) return;
  bool ordered = lysc_is_userordered(schema);
  if ((wish.insert != nullptr || wish.key != nullptr || wish.value != nullptr) && (!ordered || going)) {
    Report("bad-attribute", "only entries of lists that are ordered by user have a place", level.parent, element.name,
           &element)
        .bad_attribute = "insert";
    return;
  }
  switch (schema->nodetype) {
    case LYS_CONTAINER:
    case LYS_LIST:
      return Inner(element, schema, level, wish);
    case LYS_LEAF:
      return Leaf(element, schema, level, wish);
    case LYS_LEAFLIST:
      return LeafListEntry(element, schema, level, wish);
    default:
      return Any(element, schema, level, wish);
  }
}

void TreeBuilder::Inner(const Element& element, const lysc_node* schema, Level& level, const Wish& wish) {
  OwnedTree fresh;
  lyd_node* node = nullptr;
  if (schema->nodetype == LYS_LIST) {
    fresh = NewEntry(element, schema, level);
    if (!fresh) return;
    if ((schema->flags & LYS_KEYLESS) == 0 && level.first() != nullptr)
      lyd_find_sibling_first(level.first(), fresh.get(), &node);
  } else if (level.first() != nullptr) {
    lyd_find_sibling_val(level.first(), schema, nullptr, 0, &node);
  }
  bool going = wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove;
  // A container without presence is there by what is in it.
  bool bare = lysc_is_np_cont(schema);
  bool there = node != nullptr && (!bare || lyd_child(node) != nullptr);
  bool into = wish.operation == EditOperation::kNone && bare;
  if (!into && !Allowed(wish, there, element, level, fresh.get())) return;
  if (!going && StandsTwice(node, element, level)) return;
  if (going) {
    if (node != nullptr) Remove(node, level);
    return;
  }
  bool is_new = node == nullptr;
  if (is_new) {
    if (!fresh) {
      lyd_node* made = nullptr;
      // A child of a parent goes right where it belongs.
      if (lyd_new_inner(level.parent, schema->module, schema->name, mode_ == Mode::kOutput, &made) != LY_SUCCESS)
        return ReportValue(element, level, element.name);
      EvictOtherCases(schema, level);
      node = level.parent != nullptr ? made : Insert(OwnedTree(made), schema, level);
    } else {
      node = Insert(std::move(fresh), schema, level);
    }
    if (node == nullptr) return ReportValue(element, level, element.name);
  } else if (wish.operation == EditOperation::kReplace) {
    lyd_node* next;
    for (lyd_node* child = lyd_child_no_keys(node); child != nullptr; child = next) {
      next = child->next;
      lyd_free_tree(child);
    }
  }
  if (mode_ == Mode::kEdit && schema->nodetype == LYS_LIST) level.entries.insert(node);
  if (lysc_is_userordered(schema) && !Place(node, is_new, element, level, wish)) return;
  Apply(element, node, nullptr, wish.operation);
  if (bare && lyd_child(node) == nullptr) Remove(node, level);
}

void TreeBuilder::Leaf(const Element& element, const lysc_node* schema, Level& level, const Wish& wish) {
  lyd_node* node = nullptr;
  if (level.first() != nullptr) lyd_find_sibling_val(level.first(), schema, nullptr, 0, &node);
  if (!Allowed(wish, node != nullptr, element, level)) return;
  if (wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove) {
    if (node != nullptr) Remove(node, level);
    return;
  }
  if (wish.operation == EditOperation::kNone) return;
  if (document_.format() == YangFormat::kJson)
    if (auto wrong = ValueReader::WrongKind(element, TypeOf(schema))) {
      Report("invalid-value", *wrong, level.parent, element.name, &element);
      return;
    }
  if (wish.is_default) {
    // RFC 6243 section 4.5.2: marked as default, it must be, and is then not configured.
    OwnedTree probe = NewLeaf(element, schema, level);
    if (!probe) return;
    if (!lyd_is_default(probe.get())) {
      Report("invalid-value", "marked as default, but another value than the default one", level.parent, element.name,
             &element);
    } else if (node != nullptr) {
      Remove(node, level);
    }
    return;
  }
  std::string text = values_.Text(element, element.text, schema);
  if (node != nullptr) {
    LY_ERR error = lyd_change_term(node, text.c_str());
    if (error != LY_SUCCESS && error != LY_EEXIST && error != LY_ENOT) ReportValue(element, level, element.name);
    return;
  }
  lyd_node* made = nullptr;
  if (lyd_new_term(level.parent, schema->module, schema->name, text.c_str(), mode_ == Mode::kOutput, &made) !=
      LY_SUCCESS)
    return ReportValue(element, level, element.name);
  EvictOtherCases(schema, level);
  if (level.parent == nullptr) Insert(OwnedTree(made), schema, level);
}

void TreeBuilder::LeafListEntry(const Element& element, const lysc_node* schema, Level& level, const Wish& wish) {
  OwnedTree fresh = NewLeaf(element, schema, level);
  if (!fresh) return;
  lyd_node* node = nullptr;
  bool may_repeat = (schema->flags & LYS_CONFIG_R) != 0;
  if (level.first() != nullptr && !may_repeat) lyd_find_sibling_first(level.first(), fresh.get(), &node);
  if (!Allowed(wish, node != nullptr, element, level, fresh.get())) return;
  if (wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove) {
    if (node != nullptr) Remove(node, level);
    return;
  }
  if (wish.operation == EditOperation::kNone) return;
  bool is_new = node == nullptr;
  if (is_new) node = Insert(std::move(fresh), schema, level);
  if (node != nullptr && lysc_is_userordered(schema)) Place(node, is_new, element, level, wish);
}

void TreeBuilder::Any(const Element& element, const lysc_node* schema, Level& level, const Wish& wish) {
  lyd_node* node = nullptr;
  if (level.first() != nullptr) lyd_find_sibling_val(level.first(), schema, nullptr, 0, &node);
  if (!Allowed(wish, node != nullptr, element, level) || wish.operation == EditOperation::kNone) return;
  if (node != nullptr) Remove(node, level);
  if (wish.operation == EditOperation::kDelete || wish.operation == EditOperation::kRemove) return;
  lyd_node* made = nullptr;
  bool xml = document_.format() == YangFormat::kXml;
  // Kept as it was written; who wants what is in it reads it from the document.
  std::string text(element.source);
  if (NewAny(lyd_new_any, level.parent, schema, text.c_str(), xml ? LYD_ANYDATA_STRING : LYD_ANYDATA_JSON,
             mode_ == Mode::kOutput, &made) != LY_SUCCESS)
    return ReportValue(element, level, element.name);
  EvictOtherCases(schema, level);
  if (level.parent == nullptr) Insert(OwnedTree(made), schema, level);
}

}  // namespace semrd
