#include "yang_document.h"

#include <algorithm>
#include <cstring>

namespace semrd {

Element& Document::Add(Element& parent) {
  auto* element = New(Element{});
  element->parent = &parent;
  if (parent.last == nullptr)
    parent.first = element;
  else
    parent.last->next = element;
  parent.last = element;
  return *element;
}

std::string_view Document::Keep(std::string_view text) {
  if (text.empty()) return {};
  auto* octets = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(octets, text.data(), text.size());
  return {octets, text.size()};
}

uint64_t Document::Line(std::string_view place) const {
  return 1 + static_cast<uint64_t>(std::count(text_.data(), place.data(), '\n'));
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace semrd
