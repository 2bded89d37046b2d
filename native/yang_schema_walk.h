// The schema as JSON, for those who complete, check and generate.
#pragma once

#include <string>

struct ly_ctx;

namespace semrd {

// An array of YangSchemaNode.
std::string WalkSchema(const ly_ctx* context);

}  // namespace semrd
