// What was wrong with a document, an edit or a module, as it travels from the lane to JavaScript.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace semrd {

struct YangFault {
  std::string message;
  std::string path;     // "" when the text itself is at fault
  std::string app_tag;  // "" for none
  uint64_t line = 0;    // 0 for unknown
  const char* tag = "operation-failed";  // RFC 6241 appendix A
  const char* type = "application";
  std::string bad_element, bad_attribute, bad_namespace;

  // @see RFC 6241 appendix A: malformed-message
  static YangFault Malformed(std::string message, uint64_t line) {
    return {std::move(message), "", "", line, "malformed-message", "rpc", "", "", ""};
  }
};

class YangFailure : public std::runtime_error {
 public:
  // `faults` has at least one element.
  YangFailure(const std::string& doing, std::vector<YangFault> faults)
      : std::runtime_error(Describe(doing, faults.front())), faults_(std::move(faults)) {}

  const std::vector<YangFault>& faults() const { return faults_; }

 private:
  static std::string Describe(const std::string& doing, const YangFault& first) {
    std::string text = doing + ": " + first.message;
    if (!first.path.empty()) text += " (" + first.path + ")";
    if (first.line != 0) text += ", line " + std::to_string(first.line);
    return text;
  }

  std::vector<YangFault> faults_;
};

}  // namespace semrd
