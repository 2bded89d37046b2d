// Validation that tells all faults, where libyang tells the first.
#pragma once

#include "yang_builder.h"

namespace semrd {

// `tree` with default values. Throws YangFailure with every fault that does not follow from another one.
OwnedTree ValidateTree(const ly_ctx* context, const lyd_node* tree, bool state);

}  // namespace semrd
