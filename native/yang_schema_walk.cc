#include "yang_schema_walk.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <vector>

#include "yang_json_object.h"
#include "yang_schema_type.h"

namespace semrd {

namespace {

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
    JsonObject members(out_);
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

  void Entries(const lysc_node* node, JsonObject& members) {
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

  void Leaf(const lysc_node* node, JsonObject& members) {
    std::vector<std::string> defaults;
    auto add = [&](const lyd_value* value) { defaults.push_back(lyd_value_get_canonical(context_, value)); };
    if (node->nodetype == LYS_LEAF) {
      auto leaf = reinterpret_cast<const lysc_node_leaf*>(node);
      AppendSchemaType(members.Named("type"), leaf->type);
      members.Text("units", leaf->units);
      if (leaf->dflt != nullptr) add(leaf->dflt);
    } else {
      auto leaf = reinterpret_cast<const lysc_node_leaflist*>(node);
      AppendSchemaType(members.Named("type"), leaf->type);
      members.Text("units", leaf->units);
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(leaf->dflts, i) add(leaf->dflts[i]);
    }
    members.Texts("defaults", defaults);
  }

  void Conditions(const lysc_node* node, JsonObject& members) {
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

  void Children(const lysc_node* node, JsonObject& members, const Inherited& extensions) {
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
