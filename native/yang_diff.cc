#include "yang_diff.h"

#include <libyang/libyang.h>

#include <algorithm>
#include <unordered_map>

#include "yang_json_writer.h"

namespace semrd {

namespace {

bool There(const lyd_node* node) { return node->schema != nullptr && (node->flags & LYD_DEFAULT) == 0; }

// The same node among `others`, null where it is not configured there.
const lyd_node* Same(const lyd_node* others, const lyd_node* node) {
  lyd_node* match = nullptr;
  if (others == nullptr) return nullptr;
  // Entries by keys or value, other nodes whatever their value.
  if ((node->schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) != 0)
    lyd_find_sibling_first(others, node, &match);
  else
    lyd_find_sibling_val(others, node->schema, nullptr, 0, &match);
  return match != nullptr && There(match) ? match : nullptr;
}

class Differ {
 public:
  explicit Differ(std::vector<std::string>& changes) : changes_(changes) {}

  void Siblings(const lyd_node* old_first, const lyd_node* new_first) {
    for (auto node = old_first; node != nullptr; node = node->next)
      if (There(node) && Same(new_first, node) == nullptr) Gone(node);
    const lysc_node* list = nullptr;
    const lyd_node* before = nullptr;
    for (auto node = new_first; node != nullptr; node = node->next) {
      if (!There(node)) continue;
      bool ordered = lysc_is_userordered(node->schema);
      if (list != node->schema) {
        list = node->schema;
        before = nullptr;
        if (ordered) FindMoved(old_first, node);
      }
      auto same = Same(old_first, node);
      if (same == nullptr)
        Came(node, ordered, before);
      else
        Both(same, node, ordered, before);
      if (ordered) before = node;
    }
  }

 private:
  // A container without presence is there by what is in it, so never itself came or went.
  void Gone(const lyd_node* node) {
    if (lysc_is_np_cont(node->schema)) return Siblings(lyd_child(node), nullptr);
    Change("delete", node, nullptr, node, false, nullptr);
  }
  void Came(const lyd_node* node, bool ordered, const lyd_node* before) {
    if (lysc_is_np_cont(node->schema)) return Siblings(nullptr, lyd_child(node));
    Change("create", node, node, nullptr, ordered, before);
  }
  void Both(const lyd_node* old_node, const lyd_node* new_node, bool ordered, const lyd_node* before) {
    if (ordered && moved_.contains(new_node)) Change("move", new_node, nullptr, nullptr, true, before);
    if ((new_node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)) != 0)
      Siblings(lyd_child(old_node), lyd_child(new_node));
    else if (new_node->schema->nodetype != LYS_LEAFLIST && lyd_compare_single(old_node, new_node, 0) != LY_SUCCESS)
      Change("change", new_node, new_node, old_node, false, nullptr);
  }

  void Change(const char* operation, const lyd_node* at, const lyd_node* value, const lyd_node* old, bool ordered,
              const lyd_node* before) {
    std::string text = std::string("{\"operation\":\"") + operation + "\",\"path\":";
    AppendJsonPath(text, at);
    text += ",\"module\":\"" + std::string(at->schema->module->name) + '"';
    if (value != nullptr) {
      text += ",\"value\":";
      AppendJsonValue(text, value);
    }
    if (old != nullptr) {
      text += ",\"old\":";
      AppendJsonValue(text, old);
    }
    if (ordered && before != nullptr) {
      text += ",\"after\":";
      AppendJsonStep(text, before);
    }
    text += '}';
    changes_.push_back(std::move(text));
  }

  // The fewest entries of the list that begins at `first` whose move makes the new order of the old one: those outside
  // of the longest increasing run of old places.
  void FindMoved(const lyd_node* old_first, const lyd_node* first) {
    std::unordered_map<const lyd_node*, size_t> places;
    for (auto node = old_first; node != nullptr; node = node->next)
      if (node->schema == first->schema) places.emplace(node, places.size());
    if (places.empty()) return;
    std::vector<std::pair<const lyd_node*, size_t>> common;  // in the new order
    for (auto node = first; node != nullptr && node->schema == first->schema; node = node->next)
      if (auto same = Same(old_first, node)) common.emplace_back(node, places.at(same));
    std::vector<size_t> ends, previous(common.size());  // ends[n]: where the best run of n + 1 ends
    constexpr size_t kNone = static_cast<size_t>(-1);
    for (size_t i = 0; i < common.size(); i++) {
      auto at = std::lower_bound(ends.begin(), ends.end(), i,
                                 [&](size_t a, size_t b) { return common[a].second < common[b].second; });
      previous[i] = at == ends.begin() ? kNone : *(at - 1);
      if (at == ends.end())
        ends.push_back(i);
      else
        *at = i;
    }
    std::vector<bool> stays(common.size());
    for (size_t i = ends.empty() ? kNone : ends.back(); i != kNone; i = previous[i]) stays[i] = true;
    for (size_t i = 0; i < common.size(); i++)
      if (!stays[i]) moved_.emplace(common[i].first, true);
  }

  std::vector<std::string>& changes_;
  std::unordered_map<const lyd_node*, bool> moved_;
};

}  // namespace

std::vector<std::string> DiffTrees(const lyd_node* old_top, const lyd_node* new_top) {
  std::vector<std::string> changes;
  Differ(changes).Siblings(old_top, new_top);
  return changes;
}

}  // namespace semrd
