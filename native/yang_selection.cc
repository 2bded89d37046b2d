#include "yang_selection.h"

#include <libyang/libyang.h>

#include <functional>

#include "yang_json_writer.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr uint32_t kCopy = LYD_DUP_WITH_FLAGS | LYD_DUP_NO_META;

}  // namespace

lyd_node* CopyNode(const lyd_node* node, bool whole, lyd_node* parent, lyd_node** top) {
  lyd_node* copy = nullptr;
  LY_ERR error = lyd_dup_single(node, reinterpret_cast<lyd_node_inner*>(parent),
                                whole ? LYD_DUP_RECURSIVE | kCopy : kCopy, &copy);
  if (error == LY_SUCCESS && parent == nullptr) error = lyd_insert_sibling(*top, copy, top);
  if (error != LY_SUCCESS) throw YangFailure("copying", TakeFaults(LYD_CTX(node)));
  return copy;
}

OwnedTree CopyTree(const lyd_node* top) {
  if (top == nullptr) return nullptr;
  lyd_node* copy = nullptr;
  if (lyd_dup_siblings(top, nullptr, LYD_DUP_RECURSIVE | kCopy, &copy) != LY_SUCCESS)
    throw YangFailure("copying", TakeFaults(LYD_CTX(top)));
  return OwnedTree(copy);
}

namespace {

void DropDefaults(lyd_node* first) {
  lyd_node* next;
  for (lyd_node* node = first; node != nullptr; node = next) {
    next = node->next;
    if ((node->flags & LYD_DEFAULT) != 0)
      lyd_free_tree(node);
    else
      DropDefaults(lyd_child(node));
  }
}

void CopyChosen(const lyd_node* node, const JsonChoice& choice, lyd_node* parent, lyd_node** top) {
  if (parent != nullptr && lysc_is_key(node->schema)) return;
  if (!IsWanted(node, choice)) return;
  bool leaf = (node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)) == 0;
  bool state = (node->schema->flags & LYS_CONFIG_R) != 0;
  lyd_node* copy = CopyNode(node, leaf || state, parent, top);
  if (leaf || state) return;
  for (auto child = lyd_child(node); child != nullptr; child = child->next) CopyChosen(child, choice, copy, nullptr);
}

}  // namespace

OwnedTree CopyExplicit(const lyd_node* top) {
  lyd_node* copy = CopyTree(top).release();
  while (copy != nullptr && (copy->flags & LYD_DEFAULT) != 0) {
    lyd_node* next = copy->next;
    lyd_free_tree(copy);
    copy = next;
  }
  OwnedTree tree(copy);
  DropDefaults(copy);
  return tree;
}

OwnedTree CopyContent(const lyd_node* top, bool config) {
  JsonChoice choice;
  choice.defaults = true;
  choice.config = config;
  choice.state = !config;
  lyd_node* copy = nullptr;
  for (auto node = top; node != nullptr; node = node->next) CopyChosen(node, choice, nullptr, &copy);
  return OwnedTree(copy);
}

bool Budget::CoversSiblings(const lyd_node* first) {
  for (auto node = first; node != nullptr; node = node->next)
    if (!Covers(node)) return false;
  return true;
}

bool Budget::Covers(const lyd_node* node) {
  Spend();
  return !exceeded() && CoversSiblings(lyd_child(node));
}

void Selection::AddWhole(const lyd_node* node) {
  nodes_[node] = true;
  for (auto parent = lyd_parent(node); parent != nullptr; parent = lyd_parent(parent))
    if (!nodes_.try_emplace(parent, false).second) break;  // with all above
}

OwnedTree Selection::Copy(const lyd_node* top, uint32_t levels) const {
  lyd_node* copy = nullptr;
  for (auto node = top; node != nullptr; node = node->next) {
    if (levels == 0)
      CopyPart(node, nullptr, &copy);
    else
      CopyLevels(node, levels, 0, nullptr, &copy);
  }
  return OwnedTree(copy);
}

void Selection::CopyPart(const lyd_node* node, lyd_node* parent, lyd_node** top) const {
  auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  if (found->second) {
    if (parent != nullptr && lysc_is_key(node->schema)) return;  // came with its entry
    CopyNode(node, true, parent, top);
    return;
  }
  lyd_node* copy = CopyNode(node, false, parent, top);
  for (auto child = lyd_child(node); child != nullptr; child = child->next) CopyPart(child, copy, nullptr);
}

// `left`: levels that what is above lets this one have.
void Selection::CopyLevels(const lyd_node* node, uint32_t levels, uint32_t left, lyd_node* parent,
                           lyd_node** top) const {
  auto found = nodes_.find(node);
  if (found != nodes_.end() && found->second) left = levels;
  if (left == 0 && found == nodes_.end()) return;
  if (parent != nullptr && lysc_is_key(node->schema)) return;  // came with its entry
  lyd_node* copy = CopyNode(node, false, parent, top);
  for (auto child = lyd_child(node); child != nullptr; child = child->next)
    CopyLevels(child, levels, left == 0 ? 0 : left - 1, copy, nullptr);
}

OwnedTree Selection::CopyOthers(const lyd_node* top) const {
  lyd_node* copy = nullptr;
  for (auto node = top; node != nullptr; node = node->next) CopyOther(node, nullptr, &copy);
  return OwnedTree(copy);
}

void Selection::CopyOther(const lyd_node* node, lyd_node* parent, lyd_node** top) const {
  if (parent != nullptr && lysc_is_key(node->schema)) return;
  auto found = nodes_.find(node);
  if (found == nodes_.end()) {
    CopyNode(node, true, parent, top);
  } else if (!found->second) {
    lyd_node* copy = CopyNode(node, false, parent, top);
    for (auto child = lyd_child(node); child != nullptr; child = child->next) CopyOther(child, copy, nullptr);
  }
}

}  // namespace semrd
