// What libyang says, in the words of RFC 6241 appendix A and RFC 7950 section 15.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "yang_fault.h"

struct ly_ctx;

namespace semrd {

// All errors that the calling thread has with `context`; they are gone afterwards. Never empty.
std::vector<YangFault> TakeFaults(const ly_ctx* context);
// The last one.
YangFault TakeFault(const ly_ctx* context);
void ForgetFaults(const ly_ctx* context);

}  // namespace semrd
