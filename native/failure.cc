#include "failure.h"

#include <cstring>

namespace semrd {

namespace {

constexpr int kNotSupportedInKernel = 524;  // ENOTSUPP of include/linux/errno.h; not in libc

std::string Describe(int number) {
  if (number == kNotSupportedInKernel) return "operation is not supported";
  return strerrordesc_np(number) != nullptr ? strerrordesc_np(number) : "unknown error";
}

}  // namespace

std::string CodeOf(int number) {
  if (number == kNotSupportedInKernel) return "ENOTSUPP";
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : "E" + std::to_string(number);
}

SystemCallFailure::SystemCallFailure(int number, std::string call, const std::string& detail)
    : std::runtime_error(CodeOf(number) + ": " + Describe(number) + ", " + call +
                         (detail.empty() ? "" : ": " + detail)),
      number_(number),
      call_(std::move(call)) {}

}  // namespace semrd
