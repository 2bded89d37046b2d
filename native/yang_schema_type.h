// The type of a leaf as JSON, for those who complete, check and generate.
#pragma once

#include <string>

struct lysc_type;

namespace semrd {

// A YangSchemaType.
void AppendSchemaType(std::string& out, const lysc_type* type);

}  // namespace semrd
