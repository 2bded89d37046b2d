#include "yang_json_writer.h"

#include <libyang/libyang.h>

#include <cstdio>
#include <vector>

namespace semrd {

bool IsWanted(const lyd_node* node, const JsonChoice& choice) {
  if (node->schema == nullptr || (!choice.defaults && (node->flags & LYD_DEFAULT) != 0)) return false;
  if ((node->schema->nodetype & LYD_NODE_ANY) != 0 &&
      reinterpret_cast<const lyd_node_any*>(node)->value_type != LYD_ANYDATA_JSON)
    return false;  // XML cannot be said in JSON
  if ((node->schema->flags & LYS_CONFIG_R) != 0) return choice.state;
  // Keys and containers that state stands in are written with it.
  if (choice.config || lysc_is_key(node->schema)) return true;
  if ((node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)) == 0) return false;
  for (auto child = lyd_child(node); child != nullptr; child = child->next)
    if (!lysc_is_key(child->schema) && IsWanted(child, choice)) return true;
  return false;
}

namespace {

void AppendLeaf(std::string& out, const lyd_node* node) {
  const char* text = lyd_get_value(node);
  if (text == nullptr) text = "";
  const lyd_value* value = &reinterpret_cast<const lyd_node_term*>(node)->value;
  while (value->realtype->basetype == LY_TYPE_UNION) value = &value->subvalue->value;
  switch (value->realtype->basetype) {
    case LY_TYPE_INT8:
    case LY_TYPE_INT16:
    case LY_TYPE_INT32:
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
    case LY_TYPE_BOOL:
      out += text;
      break;
    case LY_TYPE_EMPTY:
      out += "[null]";
      break;
    default:
      AppendJsonText(out, text);
  }
}

}  // namespace

void AppendJsonText(std::string& out, std::string_view text) {
  out += '"';
  for (char octet : text) {
    if (octet == '"' || octet == '\\') {
      out += '\\';
      out += octet;
    } else if (static_cast<unsigned char>(octet) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(octet));
      out += escape;
    } else {
      out += octet;
    }
  }
  out += '"';
}

void AppendJsonValue(std::string& out, const lyd_node* node, const JsonChoice& choice) {
  if ((node->schema->nodetype & LYD_NODE_TERM) != 0) return AppendLeaf(out, node);
  if ((node->schema->nodetype & LYD_NODE_ANY) != 0) {
    const char* json = reinterpret_cast<const lyd_node_any*>(node)->value.json;
    out += json == nullptr ? "null" : json;
    return;
  }
  out += '{';
  AppendJsonMembers(out, lyd_child(node), node->schema->module, choice);
  out += '}';
}

void AppendJsonMembers(std::string& out, const lyd_node* first, const lys_module* around, const JsonChoice& choice) {
  bool any = false;
  const lysc_node* open = nullptr;  // the list whose array is open
  for (auto node = first; node != nullptr; node = node->next) {
    if (!IsWanted(node, choice)) continue;
    if (open == node->schema) {
      out += ',';
      AppendJsonValue(out, node, choice);
      continue;
    }
    if (open != nullptr) out += ']';
    if (any) out += ',';
    any = true;
    out += '"';
    if (node->schema->module != around) {
      out += node->schema->module->name;
      out += ':';
    }
    out += node->schema->name;
    out += "\":";
    bool many = (node->schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) != 0;
    open = many ? node->schema : nullptr;
    if (many) out += '[';
    AppendJsonValue(out, node, choice);
  }
  if (open != nullptr) out += ']';
}

void AppendJsonStep(std::string& out, const lyd_node* node) {
  out += "{\"name\":\"";
  auto parent = lyd_parent(node);
  if (parent == nullptr || parent->schema->module != node->schema->module) {
    out += node->schema->module->name;
    out += ':';
  }
  out += node->schema->name;
  out += '"';
  if (node->schema->nodetype == LYS_LEAFLIST) {
    out += ",\"value\":";
    AppendJsonText(out, lyd_get_value(node));
  } else if (node->schema->nodetype == LYS_LIST && (node->schema->flags & LYS_KEYLESS) == 0) {
    out += ",\"keys\":{";
    bool any = false;
    for (auto key = lyd_child(node); key != nullptr && lysc_is_key(key->schema); key = key->next) {
      if (any) out += ',';
      any = true;
      AppendJsonText(out, key->schema->name);
      out += ':';
      AppendJsonText(out, lyd_get_value(key));
    }
    out += '}';
  }
  out += '}';
}

void AppendJsonPath(std::string& out, const lyd_node* node) {
  std::vector<const lyd_node*> nodes;
  for (; node != nullptr; node = lyd_parent(node)) nodes.push_back(node);
  out += '[';
  for (auto step = nodes.rbegin(); step != nodes.rend(); ++step) {
    if (step != nodes.rbegin()) out += ',';
    AppendJsonStep(out, *step);
  }
  out += ']';
}

}  // namespace semrd
