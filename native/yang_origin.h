// Where configuration that is in use comes from. @see RFC 8342 section 5.3.4
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "yang_builder.h"

namespace semrd {

enum class Origin { kIntended, kDefault, kLearned, kUnknown };

struct OriginChoice {
  bool annotate;  // say it with the nodes
  // Only configuration of these, or all but of these; state stays, and what something that stays stands in.
  std::optional<std::vector<Origin>> only, others;
};

// A copy of what is in use and, for its nodes, of where they come from: `intended` is what is configured, `applied` is
// that as far as it is in use. What is in use besides, the router has learnt.
OwnedTree CopyWithOrigin(const lyd_node* top, const lyd_node* intended, const lyd_node* applied,
                         const OriginChoice& choice);

}  // namespace semrd
