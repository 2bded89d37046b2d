// Whether a text is JSON at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "yang_fault.h"

namespace semrd {

// The first fault of `text` as a JSON text, with its line; nothing when it is one. libyang takes a truncated document
// for a shorter one and ignores what follows the last brace, so it must not be asked first. @see RFC 8259
std::optional<YangFault> JsonFault(std::string_view text);

}  // namespace semrd
