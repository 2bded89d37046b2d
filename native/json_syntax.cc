#include "json_syntax.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace semrd {

namespace {

constexpr size_t kDeepest = 500;  // about libyang's own limit

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<YangFault> Run() {
    const char* fault = Document();
    if (fault == nullptr) return std::nullopt;
    auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n');
    return YangFault::Malformed(fault, static_cast<uint64_t>(line));
  }

 private:
  // Each returns what was wrong at at_, or nullptr. Nesting is on `open_`, not on the stack.
  const char* Document() {
    do {
      if (const char* fault = Value()) return fault;
      // A value is complete: close what it completes, until something else must follow.
      for (;;) {
        Blank();
        if (open_.empty()) return at_ == text_.size() ? nullptr : "unexpected text after the end of the document";
        if (Take(',')) {
          if (const char* fault = open_.back() == '}' ? Name() : nullptr) return fault;
          break;
        }
        if (!Take(open_.back())) return End("a comma or a closing bracket is missing");
        open_.pop_back();
      }
    } while (true);
  }

  // One value; opens arrays and objects up to the first value inside that is neither.
  const char* Value() {
    for (;;) {
      Blank();
      if (at_ == text_.size()) return End("");
      char first = text_[at_];
      if (first == '"') return String();
      if (first == '-' || Digit()) return Number();
      if (first != '{' && first != '[') return Word();
      at_++;
      Blank();
      char closing = first == '{' ? '}' : ']';
      if (Take(closing)) return nullptr;
      if (open_.size() == kDeepest) return "nesting is too deep";
      open_.push_back(closing);
      if (closing == '}')
        if (const char* fault = Name()) return fault;
    }
  }

  const char* Name() {
    Blank();
    if (at_ == text_.size() || text_[at_] != '"') return End("a member's name is missing");
    if (const char* fault = String()) return fault;
    Blank();
    return Take(':') ? nullptr : End("a colon is missing after a member's name");
  }

  const char* String() {
    at_++;
    while (at_ < text_.size()) {
      auto octet = static_cast<unsigned char>(text_[at_]);
      if (octet == '"') {
        at_++;
        return nullptr;
      }
      if (octet < 0x20) return "a control character in a string must be escaped";
      at_++;
      if (octet != '\\') continue;
      if (Take('u')) {
        for (int i = 0; i < 4; i++, at_++)
          if (at_ == text_.size() || !isxdigit(static_cast<unsigned char>(text_[at_])))
            return End("\\u needs four hexadecimal digits");
      } else if (at_ == text_.size() || std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
        return End("unknown escape in a string");
      } else {
        at_++;
      }
    }
    return End("");
  }

  const char* Number() {
    Take('-');
    if (!Take('0') && !Digits()) return End("a digit is missing");
    if (Take('.') && !Digits()) return End("a digit is missing");
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!Digits()) return End("a digit is missing");
    }
    return nullptr;
  }

  const char* Word() {
    for (std::string_view word : {"true", "false", "null"})
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return nullptr;
      }
    return "a value is missing";
  }

  bool Digit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }
  bool Digits() {
    size_t begin = at_;
    while (Digit()) at_++;
    return at_ > begin;
  }
  bool Take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    at_++;
    return true;
  }
  void Blank() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) at_++;
  }
  const char* End(const char* otherwise) const {
    return at_ == text_.size() ? "the document ends too early" : otherwise;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<char> open_;  // the closing brackets that are still to come
};

}  // namespace

std::optional<YangFault> JsonFault(std::string_view text) { return Scanner(text).Run(); }

}  // namespace semrd
