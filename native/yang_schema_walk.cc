#include "yang_schema_walk.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "yang_json_writer.h"

namespace semrd {

namespace {

// By LY_DATA_TYPE.
constexpr const char* kTypeNames[LY_DATA_TYPE_COUNT] = {
    "unknown", "binary", "uint8",       "uint16",              "uint32",  "uint64", "string", "bits",  "boolean", "decimal64",
    "empty",   "enumeration", "identityref", "instance-identifier", "leafref", "union",  "int8",   "int16", "int32",   "int64"};

// Members of one object.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  ~Members() { out_ += '}'; }

  std::string& Named(const char* name) {
    if (any_) out_ += ',';
    any_ = true;
    AppendJsonText(out_, name);
    out_ += ':';
    return out_;
  }
  void Text(const char* name, const char* text) {
    if (text != nullptr) AppendJsonText(Named(name), text);
  }
  void Number(const char* name, uint64_t number) { Named(name) += std::to_string(number); }
  void True(const char* name, bool is) {
    if (is) Named(name) += "true";
  }
  void Texts(const char* name, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    Named(name) += '[';
    for (size_t i = 0; i < texts.size(); i++) {
      if (i > 0) out_ += ',';
      AppendJsonText(out_, texts[i]);
    }
    out_ += ']';
  }

 private:
  std::string& out_;
  bool any_ = false;
};

std::string Decimal(int64_t value, uint8_t digits) {
  uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string text = std::to_string(size);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  text.insert(text.size() - digits, ".");
  while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
  return (value < 0 ? "-" : "") + text;
}

class Walker {
 public:
  Walker(const ly_ctx* context, std::string& out) : context_(context), out_(out) {}

  void Run() {
    out_ += '[';
    uint32_t index = 0;
    while (auto module = ly_ctx_get_module_iter(context_, &index)) {
      if (!module->implemented || module->compiled == nullptr) continue;
      List(module->compiled->data, nullptr, {});
      List(reinterpret_cast<const lysc_node*>(module->compiled->rpcs), nullptr, {});
      List(reinterpret_cast<const lysc_node*>(module->compiled->notifs), nullptr, {});
    }
    out_ += ']';
  }

 private:
  using Inherited = std::vector<std::string>;

  void List(const lysc_node* first, const lys_module* around, const Inherited& inherited) {
    for (auto node = first; node != nullptr; node = node->next) {
      if (out_.back() != '[') out_ += ',';
      Node(node, around, inherited);
    }
  }

  static const char* Kind(uint16_t type) {
    switch (type) {
      case LYS_CONTAINER: return "container";
      case LYS_LIST: return "list";
      case LYS_LEAF: return "leaf";
      case LYS_LEAFLIST: return "leaf-list";
      case LYS_CHOICE: return "choice";
      case LYS_CASE: return "case";
      case LYS_ANYXML: return "anyxml";
      case LYS_ANYDATA: return "anydata";
      case LYS_RPC: return "rpc";
      case LYS_ACTION: return "action";
      case LYS_INPUT: return "input";
      case LYS_OUTPUT: return "output";
      default: return "notification";
    }
  }

  void Node(const lysc_node* node, const lys_module* around, const Inherited& inherited) {
    Members members(out_);
    std::string name = node->name;
    if (node->module != around) name = node->module->name + (":" + name);
    members.Text("name", name.c_str());
    members.Text("module", node->module->name);
    members.Text("kind", Kind(node->nodetype));
    bool data = (node->nodetype & (LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYS_CHOICE | LYS_CASE |
                                   LYS_ANYXML | LYS_ANYDATA)) != 0;
    members.Named("config") += data && (node->flags & LYS_CONFIG_W) != 0 ? "true" : "false";
    members.True("presence", node->nodetype == LYS_CONTAINER && (node->flags & LYS_PRESENCE) != 0);
    members.True("mandatory", (node->nodetype & (LYS_LEAF | LYS_CHOICE | LYS_ANYDATA)) != 0 &&
                                  (node->flags & LYS_MAND_TRUE) != 0);
    Entries(node, members);
    if ((node->nodetype & (LYS_LEAF | LYS_LEAFLIST)) != 0) Leaf(node, members);
    Conditions(node, members);
    members.Text("description", node->dsc);
    members.Text("reference", node->ref);
    if ((node->flags & LYS_STATUS_DEPRC) != 0) members.Text("status", "deprecated");
    if ((node->flags & LYS_STATUS_OBSLT) != 0) members.Text("status", "obsolete");
    Inherited extensions = Extensions(node, inherited);
    members.Texts("extensions", extensions);
    Children(node, members, extensions);
  }

  void Entries(const lysc_node* node, Members& members) {
    if ((node->nodetype & (LYS_LIST | LYS_LEAFLIST)) == 0) return;
    members.Text("orderedBy", lysc_is_userordered(node) ? "user" : nullptr);
    uint32_t min, max;
    if (node->nodetype == LYS_LEAFLIST) {
      min = reinterpret_cast<const lysc_node_leaflist*>(node)->min;
      max = reinterpret_cast<const lysc_node_leaflist*>(node)->max;
    } else {
      auto list = reinterpret_cast<const lysc_node_list*>(node);
      min = list->min;
      max = list->max;
      std::vector<std::string> keys;
      for (auto key = list->child; key != nullptr && lysc_is_key(key); key = key->next) keys.push_back(key->name);
      members.Texts("keys", keys);
      if (list->uniques != nullptr) {
        members.Named("unique") += '[';
        LY_ARRAY_COUNT_TYPE i, j;
        LY_ARRAY_FOR(list->uniques, i) {
          out_ += i > 0 ? ",[" : "[";
          LY_ARRAY_FOR(list->uniques[i], j) {
            if (j > 0) out_ += ',';
            AppendJsonText(out_, list->uniques[i][j]->name);
          }
          out_ += ']';
        }
        out_ += ']';
      }
    }
    if (min > 0) members.Number("minElements", min);
    if (max > 0 && max != UINT32_MAX) members.Number("maxElements", max);
  }

  void Leaf(const lysc_node* node, Members& members) {
    std::vector<std::string> defaults;
    auto add = [&](const lyd_value* value) { defaults.push_back(lyd_value_get_canonical(context_, value)); };
    if (node->nodetype == LYS_LEAF) {
      auto leaf = reinterpret_cast<const lysc_node_leaf*>(node);
      Type(leaf->type, node, members.Named("type"));
      members.Text("units", leaf->units);
      if (leaf->dflt != nullptr) add(leaf->dflt);
    } else {
      auto leaf = reinterpret_cast<const lysc_node_leaflist*>(node);
      Type(leaf->type, node, members.Named("type"));
      members.Text("units", leaf->units);
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(leaf->dflts, i) add(leaf->dflts[i]);
    }
    members.Texts("defaults", defaults);
  }

  void Type(const lysc_type* type, const lysc_node* node, std::string&) {
    Members members(out_);
    members.Text("base", kTypeNames[type->basetype]);
    switch (type->basetype) {
      case LY_TYPE_STRING: {
        auto string = reinterpret_cast<const lysc_type_str*>(type);
        Range("length", string->length, type, 0, members);
        if (string->patterns == nullptr) break;
        members.Named("patterns") += '[';
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(string->patterns, i) {
          if (i > 0) out_ += ',';
          Members pattern(out_);
          pattern.Text("expression", string->patterns[i]->expr);
          pattern.True("inverted", string->patterns[i]->inverted != 0);
        }
        out_ += ']';
        break;
      }
      case LY_TYPE_BINARY:
        Range("length", reinterpret_cast<const lysc_type_bin*>(type)->length, type, 0, members);
        break;
      case LY_TYPE_DEC64: {
        auto decimal = reinterpret_cast<const lysc_type_dec*>(type);
        members.Number("fractionDigits", decimal->fraction_digits);
        Range("range", decimal->range, type, decimal->fraction_digits, members);
        break;
      }
      case LY_TYPE_ENUM: {
        auto enums = reinterpret_cast<const lysc_type_enum*>(type)->enums;
        members.Named("enums") += '[';
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(enums, i) {
          if (i > 0) out_ += ',';
          Members one(out_);
          one.Text("name", enums[i].name);
          one.Text("description", enums[i].dsc);
        }
        out_ += ']';
        break;
      }
      case LY_TYPE_BITS: {
        auto bits = reinterpret_cast<const lysc_type_bits*>(type)->bits;
        std::vector<std::string> names;
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(bits, i) names.push_back(bits[i].name);
        members.Texts("bits", names);
        break;
      }
      case LY_TYPE_IDENT: {
        auto bases = reinterpret_cast<const lysc_type_identityref*>(type)->bases;
        std::set<std::string> names;
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(bases, i) Derived(bases[i], names);
        members.Texts("identities", {names.begin(), names.end()});
        break;
      }
      case LY_TYPE_LEAFREF: {
        auto leafref = reinterpret_cast<const lysc_type_leafref*>(type);
        members.Text("path", lyxp_get_expr(leafref->path));
        Type(leafref->realtype, node, members.Named("target"));
        break;
      }
      case LY_TYPE_UNION: {
        auto types = reinterpret_cast<const lysc_type_union*>(type)->types;
        members.Named("union") += '[';
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(types, i) {
          if (i > 0) out_ += ',';
          Type(types[i], node, out_);
        }
        out_ += ']';
        break;
      }
      case LY_TYPE_INT8:
      case LY_TYPE_INT16:
      case LY_TYPE_INT32:
      case LY_TYPE_INT64:
      case LY_TYPE_UINT8:
      case LY_TYPE_UINT16:
      case LY_TYPE_UINT32:
      case LY_TYPE_UINT64:
        Range("range", reinterpret_cast<const lysc_type_num*>(type)->range, type, 0, members);
        break;
      default:
        break;
    }
  }

  // Data has identities of modules that are in use (`implemented`, RFC 7950 section 5.6.5); of those that others only
  // import it has none.
  static void Derived(const lysc_ident* base, std::set<std::string>& names) {
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(base->derived, i) {
      auto one = base->derived[i];
      if (one->module->implemented) names.insert(one->module->name + (":" + std::string(one->name)));
      Derived(one, names);
    }
  }

  void Range(const char* name, const lysc_range* range, const lysc_type* type, uint8_t digits, Members& members) {
    if (range == nullptr) return;
    bool is_signed = type->basetype >= LY_TYPE_DEC64;
    auto text = [&](int64_t value, uint64_t plain) {
      if (type->basetype == LY_TYPE_DEC64) return Decimal(value, digits);
      return is_signed ? std::to_string(value) : std::to_string(plain);
    };
    members.Named(name) += '[';
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(range->parts, i) {
      const auto& part = range->parts[i];
      out_ += i > 0 ? ",[" : "[";
      AppendJsonText(out_, text(part.min_64, part.min_u64));
      out_ += ',';
      AppendJsonText(out_, text(part.max_64, part.max_u64));
      out_ += ']';
    }
    out_ += ']';
  }

  void Conditions(const lysc_node* node, Members& members) {
    std::vector<std::string> whens, musts;
    LY_ARRAY_COUNT_TYPE i;
    auto when = lysc_node_when(node);
    LY_ARRAY_FOR(when, i) whens.push_back(lyxp_get_expr(when[i]->cond));
    auto must = lysc_node_musts(node);
    LY_ARRAY_FOR(must, i) musts.push_back(lyxp_get_expr(must[i].cond));
    members.Texts("when", whens);
    members.Texts("must", musts);
  }

  // NACM's defaults hold for all that is below (RFC 8341 section 3.4.5); of other extensions only their node is told.
  static Inherited Extensions(const lysc_node* node, const Inherited& inherited) {
    Inherited all = inherited;
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(node->exts, i) {
      std::string name = node->exts[i].def->module->name + (":" + std::string(node->exts[i].def->name));
      if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
    return all;
  }

  void Children(const lysc_node* node, Members& members, const Inherited& extensions) {
    Inherited inherited;
    for (const auto& name : extensions)
      if (name.starts_with("ietf-netconf-acm:")) inherited.push_back(name);
    if ((node->nodetype & (LYS_LEAF | LYS_LEAFLIST | LYS_ANYDATA)) != 0) return;
    members.Named("children") += '[';
    if ((node->nodetype & (LYS_RPC | LYS_ACTION)) != 0) {
      auto action = reinterpret_cast<const lysc_node_action*>(node);
      for (auto part : {&action->input, &action->output}) {
        if (part->child == nullptr) continue;
        if (out_.back() != '[') out_ += ',';
        Node(&part->node, node->module, inherited);
      }
    } else {
      List(lysc_node_child(node), node->module, inherited);
      List(reinterpret_cast<const lysc_node*>(lysc_node_actions(node)), node->module, inherited);
      List(reinterpret_cast<const lysc_node*>(lysc_node_notifs(node)), node->module, inherited);
    }
    out_ += ']';
  }

  const ly_ctx* context_;
  std::string& out_;
};

}  // namespace

std::string WalkSchema(const ly_ctx* context) {
  std::string out;
  Walker(context, out).Run();
  return out;
}

}  // namespace semrd
