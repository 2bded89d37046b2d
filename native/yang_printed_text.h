// Text that libyang made.
#pragma once

#include <cstdlib>
#include <string>

namespace semrd {

// Allocated by libyang, for us to free.
struct PrintedText {
  char* text = nullptr;
  ~PrintedText() { std::free(text); }
};

inline std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

}  // namespace semrd
