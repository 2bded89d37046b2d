// Whether an element may stand where it does: its attributes, its place in the model, its form, what is there already.
#include <libyang/libyang.h>

#include <algorithm>

#include "yang_builder.h"

namespace semrd {

namespace {

constexpr std::string_view kDefaultSpace = "urn:ietf:params:xml:ns:netconf:default:1.0";

struct Named {
  std::string_view name;
  EditOperation operation;
};
constexpr Named kOperations[] = {
    {"merge", EditOperation::kMerge},   {"replace", EditOperation::kReplace}, {"create", EditOperation::kCreate},
    {"delete", EditOperation::kDelete}, {"remove", EditOperation::kRemove},
};

bool Is(const Attribute& attribute, std::string_view space, std::string_view module) {
  return attribute.space == space || attribute.space == module;
}

}  // namespace

bool TreeBuilder::ReadWish(const Element& element, const Level& level, Wish& wish) {
  for (const Attribute* one = element.attributes; one != nullptr; one = one->next) {
    if (one->space == "xmlns" || one->written.starts_with("xml:")) continue;
    bool known = true;
    if (Is(*one, kNetconfSpace, "ietf-netconf") && one->name == "operation") {
      auto found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                [&](const Named& named) { return named.name == one->value; });
      if (found == std::end(kOperations)) {
        auto& fault = Report("bad-attribute", "no such operation: " + std::string(one->value), level.parent,
                             element.name, &element);
        fault.bad_attribute = one->name;
        fault.bad_element = element.name;
        return false;
      }
      wish.operation = found->operation;
    } else if (Is(*one, kYangSpace, "yang") && one->name == "insert") {
      wish.insert = one;
    } else if (Is(*one, kYangSpace, "yang") && one->name == "key") {
      wish.key = one;
    } else if (Is(*one, kYangSpace, "yang") && one->name == "value") {
      wish.value = one;
    } else if (Is(*one, kDefaultSpace, "ietf-netconf-with-defaults") && one->name == "default") {
      wish.is_default = one->value == "true" || one->value == "1";
      known = wish.is_default || one->value == "false" || one->value == "0";
    } else {
      known = false;
    }
    if (known) continue;
    auto& fault = Report("unknown-attribute", "no such attribute: " + std::string(one->written), level.parent,
                         element.name, &element);
    fault.bad_attribute = one->name;
    fault.bad_element = element.name;
    return false;
  }
  return true;
}

const lysc_node* TreeBuilder::SchemaOf(const Element& element, const Level& level) {
  // JSON names the module only where it changes; at the top there is none to go by.
  const lys_module* module = values_.Module(element.space);
  if (module == nullptr) {
    bool xml = document_.format() == YangFormat::kXml;
    std::string space(element.space);
    auto& fault = Report("unknown-namespace",
                         space.empty() ? std::string(element.name) + (xml ? " is in no namespace" : " has no module")
                                       : "no module " + std::string(xml ? "has the namespace " : "is named ") + space,
                         level.parent, element.name, &element);
    fault.bad_element = element.name;
    fault.bad_namespace = space;
    return nullptr;
  }
  uint32_t options = mode_ == Mode::kOutput ? LYS_GETNEXT_OUTPUT : 0;
  uint16_t kinds = LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYS_ANYDATA;
  std::string_view name = element.name;
  auto schema = lys_find_child(level.schema, module, name.data(), name.size(), kinds, options);
  bool state = schema != nullptr && mode_ == Mode::kEdit && (schema->flags & LYS_CONFIG_R) != 0;
  if (schema != nullptr && !state) return schema;
  Report("unknown-element",
         state ? std::string(name) + " is state, which cannot be configured"
               : "there is no " + std::string(name) + " in the model here",
         level.parent, name, &element)
      .bad_element = name;
  return nullptr;
}

bool TreeBuilder::RightForm(const Element& element, const lysc_node* schema, const Level& level) {
  bool inner = (schema->nodetype & (LYS_CONTAINER | LYS_LIST)) != 0;
  bool many = (schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) != 0;
  const char* wrong = nullptr;
  if (document_.format() == YangFormat::kXml) {
    if (inner && element.first == nullptr && !Trimmed(element.text).empty())
      wrong = "elements are expected, not text";
    else if ((schema->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0 && element.first != nullptr)
      wrong = "a value is expected, not elements";
  } else if ((schema->nodetype & LYS_ANYDATA) == 0) {
    bool placeholder = element.value == Element::Value::kNull && !element.in_array;  // metadata alone
    if (inner && element.value != Element::Value::kObject)
      wrong = many ? "an array of objects is expected" : "an object is expected";
    else if (!inner && (element.value == Element::Value::kObject || element.value == Element::Value::kArray))
      wrong = "a value is expected";
    else if (many && !element.in_array && !placeholder)
      wrong = "an array is expected";
    else if (inner && !many && element.in_array)
      wrong = "an object is expected, not an array";
    else if (schema->nodetype == LYS_LEAF && element.in_array && element.value != Element::Value::kNull)
      wrong = "one value is expected, not an array";
  }
  if (wrong == nullptr) return true;
  Report("bad-element", wrong, level.parent, element.name, &element).bad_element = element.name;
  return false;
}

bool TreeBuilder::MarkSeen(const Element& element, const lysc_node* schema, Level& level) {
  if ((schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) != 0 && schema->parent == level.schema) return true;
  for (const lysc_node* other : level.seen) {
    bool twice = other == schema && (schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) == 0;
    // Of a choice, one case only.
    const lysc_node* a = schema;
    for (; a != nullptr && a != level.schema && !twice; a = a->parent) {
      if (a->nodetype != LYS_CASE) continue;
      for (const lysc_node* b = other; b != nullptr && b != level.schema; b = b->parent)
        if (b->nodetype == LYS_CASE && b != a && b->parent == a->parent) twice = true;
    }
    if (!twice) continue;
    Report("bad-element",
           other == schema ? "stands there twice"
                           : std::string("cannot be there together with ") + other->name,
           level.parent, element.name, &element)
        .bad_element = element.name;
    return false;
  }
  if (std::find(level.seen.begin(), level.seen.end(), schema) == level.seen.end()) level.seen.push_back(schema);
  return true;
}

// RFC 7950 section 7.8.2: keys name one entry, so the second would silently take the place of the first. That an entry
// goes and comes again is an order of two operations.
bool TreeBuilder::StandsTwice(const lyd_node* entry, const Element& element, const Level& level) {
  if (entry == nullptr || !level.entries.contains(entry)) return false;
  YangFault& fault = Report("bad-element", "stands there twice", level.parent, element.name, &element);
  fault.bad_element = element.name;
  fault.path = PathOf(entry);
  return true;
}

bool TreeBuilder::Allowed(const Wish& wish, bool there, const Element& element, const Level& level,
                          const lyd_node* entry) {
  const char* tag;
  const char* message;
  switch (wish.operation) {
    case EditOperation::kCreate:
      if (!there) return true;
      tag = mode_ == Mode::kEdit ? "data-exists" : "bad-element";
      message = mode_ == Mode::kEdit ? "is already there" : "stands there twice";
      break;
    case EditOperation::kDelete:
    case EditOperation::kNone:
      if (there) return true;
      tag = "data-missing";
      message = "is not there";
      break;
    default:
      return true;
  }
  YangFault& fault = Report(tag, message, level.parent, element.name, &element);
  fault.bad_element = element.name;
  if (entry != nullptr) fault.path = PathOf(level.parent, entry);
  return false;
}

}  // namespace semrd
