#include "yang_origin.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <utility>

#include "yang_selection.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr const char* kNames[] = {"ietf-origin:intended", "ietf-origin:default", "ietf-origin:learned",
                                  "ietf-origin:unknown"};

// The same node among siblings of another tree, whatever its value if it is a leaf; null where there is none.
const lyd_node* Counterpart(const lyd_node* siblings, const lyd_node* node) {
  if (siblings == nullptr) return nullptr;
  lyd_node* found = nullptr;
  LY_ERR error = (node->schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) != 0
                     ? lyd_find_sibling_first(siblings, node, &found)
                     : lyd_find_sibling_val(siblings, node->schema, nullptr, 0, &found);
  return error == LY_SUCCESS ? found : nullptr;
}

class Copier {
 public:
  Copier(const lyd_node* top, const OriginChoice& choice) : choice_(choice) {
    if (choice.annotate && top != nullptr)
      module_ = ly_ctx_get_module_implemented(LYD_CTX(top), "ietf-origin");
  }

  ~Copier() { lyd_free_all(copies_); }

  OwnedTree Copy(const lyd_node* top, const lyd_node* intended, const lyd_node* applied) {
    // What is at the top says where it comes from, also a container that is there for its children only.
    for (auto node = top; node != nullptr; node = node->next)
      CopyOne(node, {Counterpart(intended, node), Counterpart(applied, node), std::nullopt, nullptr});
    return OwnedTree(std::exchange(copies_, nullptr));
  }

 private:
  struct Place {
    const lyd_node* intended;
    const lyd_node* applied;
    std::optional<Origin> above;  // that of the node it stands in
    lyd_node* parent;
  };

  static bool IsStructure(const lyd_node* node) {
    return node->schema->nodetype == LYS_CONTAINER && (node->schema->flags & LYS_PRESENCE) == 0;
  }

  static Origin OriginOf(const lyd_node* node, const Place& place) {
    if ((node->flags & LYD_DEFAULT) != 0) return Origin::kDefault;
    bool leaf = (node->schema->nodetype & LYS_LEAF) != 0;
    if (place.intended != nullptr && (!leaf || lyd_compare_single(node, place.intended, 0) == LY_SUCCESS))
      return Origin::kIntended;
    // It was configured, and waits for a restart to go or to have another value.
    return place.applied != nullptr || place.intended != nullptr ? Origin::kUnknown : Origin::kLearned;
  }

  bool IsChosen(Origin origin) const {
    auto has = [origin](const std::vector<Origin>& list) { return std::ranges::find(list, origin) != list.end(); };
    if (choice_.only) return has(*choice_.only);
    return !choice_.others || !has(*choice_.others);
  }

  // Whether anything of it is in the copy.
  bool CopyOne(const lyd_node* node, const Place& place) {
    if (node->schema == nullptr || (node->schema->flags & LYS_CONFIG_R) != 0) {
      CopyNode(node, true, place.parent, &copies_);
      return true;
    }
    bool inner = (node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)) != 0;
    bool structure = IsStructure(node);
    Origin as_whole = (node->flags & LYD_DEFAULT) != 0 ? Origin::kDefault : Origin::kIntended;
    Origin origin = structure ? place.above.value_or(as_whole) : OriginOf(node, place);
    bool chosen = structure ? !IsFiltering() : IsChosen(origin);
    if (!inner && !chosen) return false;
    lyd_node* copy = CopyNode(node, !inner, place.parent, &copies_);
    if (choice_.annotate && place.above != origin) Annotate(copy, origin);
    if (!inner) return true;
    for (auto child = lyd_child(node); child != nullptr; child = child->next) {
      if (lysc_is_key(child->schema)) continue;  // came with its entry
      const lyd_node* intended = place.intended == nullptr ? nullptr : lyd_child(place.intended);
      const lyd_node* applied = place.applied == nullptr ? nullptr : lyd_child(place.applied);
      chosen |= CopyOne(child, {Counterpart(intended, child), Counterpart(applied, child), origin, copy});
    }
    if (!chosen) Remove(copy);
    return chosen;
  }

  bool IsFiltering() const { return choice_.only || choice_.others; }

  void Remove(lyd_node* copy) {
    if (copies_ == copy) copies_ = copy->next;
    lyd_free_tree(copy);
  }

  void Annotate(lyd_node* copy, Origin origin) {
    if (lyd_new_meta(LYD_CTX(copy), copy, module_, "origin", kNames[static_cast<size_t>(origin)], 0, nullptr) !=
        LY_SUCCESS)
      throw YangFailure("saying where a node comes from", TakeFaults(LYD_CTX(copy)));
  }

  const OriginChoice& choice_;
  const lys_module* module_ = nullptr;
  lyd_node* copies_ = nullptr;
};

}  // namespace

OwnedTree CopyWithOrigin(const lyd_node* top, const lyd_node* intended, const lyd_node* applied,
                         const OriginChoice& choice) {
  return Copier(top, choice).Copy(top, intended, applied);
}

}  // namespace semrd
