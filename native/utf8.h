// UTF-8. @see RFC 3629
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace semrd {

// Octets of the character that `text` begins with; 0 for what is not UTF-8 (overlong, surrogate, above U+10FFFF too).
inline size_t Utf8Length(std::string_view text) {
  auto at = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  uint32_t first = at(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((at(i) & 0xc0) != 0x80) return 0;
  uint32_t second = at(1);
  bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
               (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return wrong ? 0 : length;
}

inline void AppendUtf8(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace semrd
