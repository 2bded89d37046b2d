#include "yang_request_text.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "yang_json_writer.h"

namespace semrd {

namespace {

void AppendJsonMember(std::string& object, std::string_view name, std::string_view value) {
  if (object.size() > 1) object += ',';
  AppendJsonText(object, name);
  object += ':';
  AppendJsonText(object, value);
}

// The bindings in scope, innermost first, but for prefixes that are `bound` already.
std::vector<const PrefixBinding*> InScope(const Element& element, std::vector<std::string_view> bound) {
  std::vector<const PrefixBinding*> all;
  for (auto binding = element.prefixes; binding != nullptr; binding = binding->outer) {
    if (std::find(bound.begin(), bound.end(), binding->prefix) != bound.end()) continue;
    bound.push_back(binding->prefix);
    all.push_back(binding);
  }
  return all;
}

// The namespaces in scope, by prefix; text in an element without one has none.
std::string NamespacesJson(const Element& element) {
  std::string out = "{";
  for (auto binding : InScope(element, {""})) AppendJsonMember(out, binding->prefix, binding->space);
  return out + "}";
}

// The element as a document of its own: with what was declared around it.
WrittenDocument OwnDocument(std::string path, const Element& element) {
  WrittenDocument document = {std::move(path), std::string(element.source), AttributesJson(element)};
  auto name = element.source.find_first_of(" \t\r\n/>", 1);
  std::string declarations;
  document.attributes.pop_back();
  std::vector<std::string_view> own;
  for (auto one = element.attributes; one != nullptr; one = one->next)
    if (one->space == "xmlns") own.push_back(one->written == "xmlns" ? "" : one->name);
  for (auto binding : InScope(element, std::move(own))) {
    std::string attribute = binding->prefix.empty() ? "xmlns" : "xmlns:" + std::string(binding->prefix);
    AppendJsonMember(document.attributes, attribute, binding->space);
    declarations += " " + attribute + "=\"";
    for (char octet : binding->space) {
      if (octet == '"') declarations += "&quot;";
      else if (octet == '&') declarations += "&amp;";
      else if (octet == '<') declarations += "&lt;";
      else declarations += octet;
    }
    declarations += '"';
  }
  document.xml.insert(name, declarations);
  document.attributes += '}';
  return document;
}

}  // namespace

std::string AttributesJson(const Element& element) {
  std::string out = "{";
  for (auto one = element.attributes; one != nullptr; one = one->next) AppendJsonMember(out, one->written, one->value);
  return out + "}";
}

std::string EntriesJson(const lyd_node* node, const Element& element) {
  std::string out;
  const lysc_node* last = nullptr;
  for (auto child = lyd_child(node); child != nullptr; child = child->next) {
    if (child->schema->nodetype != LYS_LEAFLIST || child->schema == last) continue;
    last = child->schema;
    if (!out.empty()) out += ',';
    AppendJsonText(out, last->name);
    out += ":[";
    bool first = true;
    for (auto given = element.first; given != nullptr; given = given->next) {
      if (given->name != last->name) continue;
      out += first ? "{\"text\":" : ",{\"text\":";
      first = false;
      AppendJsonText(out, given->text);
      out += ",\"namespaces\":" + NamespacesJson(*given) + "}";
    }
    out += ']';
  }
  return out;
}

void CollectDocuments(const lyd_node* node, const Element& element, const std::string& path,
                      std::vector<WrittenDocument>& documents) {
  for (auto child = lyd_child(node); child != nullptr; child = child->next) {
    if ((child->schema->nodetype & (LYS_ANYDATA | LYS_CONTAINER)) == 0) continue;
    for (auto given = element.first; given != nullptr; given = given->next) {
      if (given->name != child->schema->name) continue;
      std::string name = path + std::string(given->name);
      if ((child->schema->nodetype & LYS_ANYDATA) != 0)
        documents.push_back(OwnDocument(name, *given));
      else
        CollectDocuments(child, *given, name + "/", documents);
    }
  }
}

}  // namespace semrd
