// The text of a value, from how XML and JSON write it to how libyang takes it: with names of modules for prefixes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "yang_document.h"

struct ly_ctx;
struct lys_module;
struct lysc_node;
struct lysc_type;

namespace semrd {

class ValueReader {
 public:
  ValueReader(const ly_ctx* context, YangFormat format) : context_(context), format_(format) {}

  // The implemented module of a namespace (XML) or of that name (JSON); nullptr for none.
  const lys_module* Module(std::string_view space);
  // What libyang is given for `text`, a value of `leaf`, where `element` stands.
  std::string Text(const Element& element, std::string_view text, const lysc_node* leaf);
  // `text` with each prefix outside of quotes replaced by the name of its module: XPath, and keys of an insert.
  std::string WithModules(const Element& element, std::string_view text, const lys_module* owner);
  // Why `element`, of a JSON document, cannot be a value of `type`: RFC 7951 section 6. Nothing where it can.
  static std::optional<std::string> WrongKind(const Element& element, const lysc_type* type);

 private:
  const lys_module* ModuleOfPrefix(const Element& element, std::string_view prefix, const lys_module* owner);

  const ly_ctx* context_;
  YangFormat format_;
  std::unordered_map<std::string_view, const lys_module*> modules_;
};

// An XPath expression with names of modules for prefixes, which stand for namespaces or names of modules. Throws
// YangFailure for a prefix that is none of them.
std::string ExpressionWithModules(const ly_ctx* context, std::string_view expression,
                                  const std::vector<std::pair<std::string, std::string>>& prefixes);

// Of a leaf or leaf-list; leafrefs are followed.
const lysc_type* TypeOf(const lysc_node* leaf);

}  // namespace semrd
