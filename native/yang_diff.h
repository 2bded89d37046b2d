// The differences of two trees. libyang's own diff is quadratic in the entries of a list.
#pragma once

#include <string>
#include <vector>

struct lyd_node;

namespace semrd {

// Each is JSON of a YangChange. Linear: entries are found by libyang's hash of their keys.
std::vector<std::string> DiffTrees(const lyd_node* old_top, const lyd_node* new_top);

}  // namespace semrd
