#include "yang_value.h"

#include <libyang/libyang.h>
#include <libyang/plugins_types.h>

#include <cstring>

#include "yang_fault.h"

namespace semrd {

namespace {

const lysc_type* Followed(const lysc_type* type) {
  while (type->basetype == LY_TYPE_LEAFREF) type = reinterpret_cast<const lysc_type_leafref*>(type)->realtype;
  return type;
}

// The name of what checks values of a type, where this version of libyang tells it.
template <typename Type>
const char* PluginId(const Type* type) {
  if constexpr (requires { type->plugin->id; })
    return type->plugin == nullptr ? nullptr : type->plugin->id;
  else
    return nullptr;
}

enum class Prefixed { kNever, kIdentity, kExpression };

// Whether values have prefixes in them.
Prefixed PrefixesIn(const lysc_type* type) {
  type = Followed(type);
  switch (type->basetype) {
    case LY_TYPE_IDENT:
      return Prefixed::kIdentity;
    case LY_TYPE_INST:
      return Prefixed::kExpression;
    case LY_TYPE_STRING: {
      // XPath expressions and NACM's paths are strings with a plugin of their own.
      const char* id = PluginId(type);
      bool expression = id != nullptr && (std::strstr(id, "xpath1.0") || std::strstr(id, "instance-identifier"));
      return expression ? Prefixed::kExpression : Prefixed::kNever;
    }
    case LY_TYPE_UNION: {
      auto types = reinterpret_cast<const lysc_type_union*>(type)->types;
      Prefixed found = Prefixed::kNever;
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(types, i) found = std::max(found, PrefixesIn(types[i]));
      return found;
    }
    default:
      return Prefixed::kNever;
  }
}

bool HasIdentity(const lys_module* module, std::string_view name) {
  LY_ARRAY_COUNT_TYPE i;
  LY_ARRAY_FOR(module->identities, i) {
    if (name == module->identities[i].name) return true;
  }
  return false;
}

bool NameOctet(char octet) {
  return isalnum(static_cast<unsigned char>(octet)) || octet == '_' || octet == '-' || octet == '.' ||
         static_cast<unsigned char>(octet) >= 0x80;
}

}  // namespace

const lysc_type* TypeOf(const lysc_node* leaf) {
  auto type = leaf->nodetype == LYS_LEAF ? reinterpret_cast<const lysc_node_leaf*>(leaf)->type
                                         : reinterpret_cast<const lysc_node_leaflist*>(leaf)->type;
  return Followed(type);
}

const lys_module* ValueReader::Module(std::string_view space) {
  auto [found, first] = modules_.try_emplace(space, nullptr);
  if (first && !space.empty()) {
    std::string name(space);
    found->second = format_ == YangFormat::kXml ? ly_ctx_get_module_implemented_ns(context_, name.c_str())
                                                : ly_ctx_get_module_implemented(context_, name.c_str());
  }
  return found->second;
}

const lys_module* ValueReader::ModuleOfPrefix(const Element& element, std::string_view prefix,
                                              const lys_module* owner) {
  for (auto* binding = element.prefixes; binding != nullptr; binding = binding->outer)
    if (binding->prefix == prefix) {
      // Identities may be those of a module that is only imported.
      if (auto module = Module(binding->space)) return module;
      return ly_ctx_get_module_latest_ns(context_, std::string(binding->space).c_str());
    }
  // Clients lose declarations that only a value needs (lxml drops a prefix whose namespace has another one): then it
  // is taken for what the prefix is in the module of the node.
  if (prefix == owner->prefix) return owner;
  LY_ARRAY_COUNT_TYPE i;
  LY_ARRAY_FOR(owner->parsed->imports, i) {
    if (prefix == owner->parsed->imports[i].prefix) return owner->parsed->imports[i].module;
  }
  return nullptr;
}

namespace {

// `text` with every prefix outside of quotes replaced by what `module_of` names, where that is not null.
template <typename ModuleOf>
std::string ReplacePrefixes(std::string_view text, ModuleOf module_of) {
  std::string out;
  char quote = 0;
  for (size_t i = 0; i < text.size();) {
    char octet = text[i];
    if (quote != 0 || !NameOctet(octet)) {
      if (quote == 0 && (octet == '"' || octet == '\''))
        quote = octet;
      else if (octet == quote)
        quote = 0;
      out += octet;
      i++;
      continue;
    }
    size_t end = i;
    while (end < text.size() && NameOctet(text[end])) end++;
    std::string_view name = text.substr(i, end - i);
    bool prefix = end + 1 < text.size() && text[end] == ':' && text[end + 1] != ':';  // child::x has an axis
    const lys_module* module = prefix ? module_of(name) : nullptr;
    out += module == nullptr ? name : module->name;
    i = end;
    if (prefix) {
      out += ':';
      i++;
    } else if (text.substr(i).starts_with("::")) {
      out += "::";
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string ValueReader::WithModules(const Element& element, std::string_view text, const lys_module* owner) {
  if (format_ == YangFormat::kJson) return std::string(text);
  return ReplacePrefixes(text, [&](std::string_view prefix) { return ModuleOfPrefix(element, prefix, owner); });
}

std::string ExpressionWithModules(const ly_ctx* context, std::string_view expression,
                                  const std::vector<std::pair<std::string, std::string>>& prefixes) {
  return ReplacePrefixes(expression, [&](std::string_view prefix) -> const lys_module* {
    std::string meant(prefix);
    for (const auto& [name, value] : prefixes)
      if (name == prefix) meant = value;
    auto module = ly_ctx_get_module_implemented(context, meant.c_str());
    if (module == nullptr) module = ly_ctx_get_module_implemented_ns(context, meant.c_str());
    if (module != nullptr) return module;
    YangFault fault;
    fault.tag = "unknown-namespace";
    fault.type = "protocol";
    fault.message = "the prefix " + std::string(prefix) + " stands for no module";
    fault.bad_namespace = meant;
    throw YangFailure("reading an expression", {fault});
  });
}

std::string ValueReader::Text(const Element& element, std::string_view text, const lysc_node* leaf) {
  if (format_ == YangFormat::kJson) return std::string(element.value == Element::Value::kNull ? "" : text);
  switch (PrefixesIn(TypeOf(leaf))) {
    case Prefixed::kNever:
      break;
    case Prefixed::kExpression:
      return WithModules(element, text, leaf->module);
    case Prefixed::kIdentity: {
      std::string_view trimmed = Trimmed(text);
      size_t colon = trimmed.find(':');
      std::string_view prefix = colon == std::string_view::npos ? "" : trimmed.substr(0, colon);
      // RFC 7950 section 9.10.3: without a prefix it is in the default namespace.
      auto module = ModuleOfPrefix(element, prefix, leaf->module);
      std::string_view name = trimmed.substr(colon == std::string_view::npos ? 0 : colon + 1);
      // In a union it may be another member's value.
      if (module != nullptr && (TypeOf(leaf)->basetype == LY_TYPE_IDENT || HasIdentity(module, name)))
        return module->name + (":" + std::string(name));
      break;
    }
  }
  return std::string(text);
}

std::optional<std::string> ValueReader::WrongKind(const Element& element, const lysc_type* type) {
  using Value = Element::Value;
  type = Followed(type);
  switch (type->basetype) {
    case LY_TYPE_UNION: {
      // A number or a word may be of another member than a string.
      auto types = reinterpret_cast<const lysc_type_union*>(type)->types;
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(types, i) {
        if (!WrongKind(element, types[i])) return std::nullopt;
      }
      return "no type of the union is written this way in JSON";
    }
    case LY_TYPE_INT8:
    case LY_TYPE_INT16:
    case LY_TYPE_INT32:
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
      if (element.value == Value::kNumber) return std::nullopt;
      return element.text.find_first_not_of("-0123456789") == std::string_view::npos
                 ? "a number is expected, without quotes"
                 : "a number is expected";
    case LY_TYPE_BOOL:
      if (element.value == Value::kBoolean) return std::nullopt;
      return "true or false is expected, without quotes";
    case LY_TYPE_EMPTY:
      if (element.value == Value::kNull && element.in_array) return std::nullopt;
      return "[null] is expected";
    default:
      if (element.value == Value::kText) return std::nullopt;
      return "a string is expected";
  }
}

}  // namespace semrd
