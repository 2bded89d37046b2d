// RFC 7951 documents, with RFC 7952 metadata as attributes. The text is checked by JsonFault before.
#include <algorithm>
#include <vector>

#include "json_syntax.h"
#include "utf8.h"
#include "yang_document.h"
#include "yang_fault.h"

namespace semrd {

namespace {

class Reader {
 public:
  explicit Reader(Document& document) : document_(document), text_(document.text()) {}

  void Run() {
    Blank();
    if (text_[at_] != '{') Fail("an object is expected");
    Object(document_.root());
  }

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    throw YangFailure("reading JSON", {YangFault::Malformed(why, document_.Line(text_.substr(at_)))});
  }

  // The grammar is known to hold, nesting to be bounded: what follows only takes apart.
  void Blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      at_++;
  }

  struct Metadata {
    std::string_view member;  // without "@"; "" for the object itself
    size_t at;                // of its value
  };

  void Object(Element& element) {
    std::vector<std::string_view> names;
    std::vector<Metadata> metadata;
    at_++;
    Blank();
    while (text_[at_] != '}') {
      if (text_[at_] == ',') at_++, Blank();
      std::string_view member = String();
      names.push_back(member);
      Blank();
      at_++;  // ':'
      Blank();
      if (member.starts_with('@')) {
        metadata.push_back({member.substr(1), at_});
        Skip();
      } else {
        Member(element, member);
      }
      Blank();
    }
    at_++;
    std::sort(names.begin(), names.end());
    if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
      Fail("the member \"" + std::string(*twice) + "\" stands there twice");
    size_t end = at_;
    for (const Metadata& one : metadata) Annotate(element, one);
    at_ = end;
  }

  struct Name {
    std::string_view space, local;
  };
  static Name Split(std::string_view member, std::string_view otherwise) {
    size_t colon = member.find(':');
    if (colon == std::string_view::npos) return {otherwise, member};
    return {member.substr(0, colon), member.substr(colon + 1)};
  }

  void Member(Element& parent, std::string_view member) {
    auto [space, name] = Split(member, parent.space);
    // [null] is the one value of a leaf of type empty.
    if (text_[at_] != '[') {
      Value(parent, space, name, false);
      return;
    }
    at_++;
    Blank();
    while (text_[at_] != ']') {
      if (text_[at_] == ',') at_++, Blank();
      Value(parent, space, name, true);
      Blank();
    }
    at_++;
  }

  void Value(Element& parent, std::string_view space, std::string_view name, bool in_array) {
    Element& element = document_.Add(parent);
    element.space = space;
    element.name = name;
    element.in_array = in_array;
    size_t begin = at_;
    switch (text_[at_]) {
      case '{':
        element.value = Element::Value::kObject;
        Object(element);
        break;
      case '[':
        element.value = Element::Value::kArray;
        Skip();
        break;
      case '"':
        element.value = Element::Value::kText;
        element.text = String();
        break;
      default: {
        Skip();
        element.text = text_.substr(begin, at_ - begin);
        char first = element.text.front();
        element.value = first == 'n'                   ? Element::Value::kNull
                        : first == 't' || first == 'f' ? Element::Value::kBoolean
                                                       : Element::Value::kNumber;
      }
    }
    element.source = text_.substr(begin, at_ - begin);
  }

  // @see RFC 7952 section 5.2
  void Annotate(Element& parent, const Metadata& metadata) {
    at_ = metadata.at;
    if (metadata.member.empty()) {
      Attributes(parent);
      return;
    }
    auto [space, name] = Split(metadata.member, parent.space);
    Element* element = parent.first;
    auto find = [&, space = space, name = name] {
      while (element != nullptr && (element->name != name || element->space != space)) element = element->next;
    };
    find();
    if (text_[at_] == '{') {
      // A leaf that only is named to have an operation has metadata and no value.
      if (element == nullptr) {
        element = &document_.Add(parent);
        element->space = space;
        element->name = name;
        element->value = Element::Value::kNull;
        element->source = text_.substr(at_, 0);
      }
      Attributes(*element);
      return;
    }
    if (text_[at_] != '[') Fail("metadata is an object, or an array of them");
    at_++;
    Blank();
    while (text_[at_] != ']') {
      if (text_[at_] == ',') at_++, Blank();
      if (element == nullptr) Fail("metadata for more entries than there are");
      if (text_[at_] == '{')
        Attributes(*element);
      else
        Skip();
      element = element->next;
      find();
      Blank();
    }
  }

  void Attributes(Element& element) {
    if (text_[at_] != '{') Fail("metadata is an object");
    at_++;
    Blank();
    while (text_[at_] != '}') {
      if (text_[at_] == ',') at_++, Blank();
      std::string_view member = String();
      auto [space, name] = Split(member, "");
      Blank();
      at_++;
      Blank();
      size_t begin = at_;
      std::string_view value = text_[at_] == '"' ? String() : (Skip(), text_.substr(begin, at_ - begin));
      element.attributes = document_.New(Attribute{space, name, member, value, element.attributes});
      Blank();
    }
    at_++;
  }

  void Skip() {
    size_t depth = 0;
    do {
      char octet = text_[at_];
      if (octet == '"') {
        SkipString();
        continue;
      }
      if (octet == '{' || octet == '[') depth++;
      if (octet == '}' || octet == ']') depth--;
      at_++;
      if (depth == 0 && octet != '}' && octet != ']')
        while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) at_++;
    } while (depth > 0);
  }
  void SkipString() {
    for (at_++; text_[at_] != '"'; at_++)
      if (text_[at_] == '\\') at_++;
    at_++;
  }

  std::string_view String() {
    size_t begin = at_ + 1;
    SkipString();
    std::string_view raw = text_.substr(begin, at_ - 1 - begin);
    for (size_t i = 0; i < raw.size();) {
      size_t length = Utf8Length(raw.substr(i));
      if (length == 0) Fail("octets that are not UTF-8");
      i += length;
    }
    if (raw.find('\\') == std::string_view::npos) return raw;
    std::string decoded;
    for (size_t i = 0; i < raw.size(); i++) {
      if (raw[i] != '\\') {
        decoded += raw[i];
        continue;
      }
      constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      char escape = raw[++i];
      if (size_t known = kFrom.find(escape); known != std::string_view::npos)
        decoded += kTo[known];
      else if (escape != 'u')
        decoded += escape;
      else
        i = Unicode(raw, i, decoded);
    }
    return document_.Keep(decoded);
  }

  // Of an escape by code point, `at` being that of its 'u'; where it ends.
  size_t Unicode(std::string_view raw, size_t at, std::string& decoded) const {
    auto unit = [&](size_t from) {
      return static_cast<uint32_t>(std::stoul(std::string(raw.substr(from, 4)), nullptr, 16));
    };
    uint32_t code = unit(at + 1);
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && raw.substr(at + 1).starts_with("\\u")) {
      uint32_t low = unit(at + 3);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    if (code >= 0xd800 && code < 0xe000) Fail("half of a surrogate pair");
    if (code == 0) Fail("NUL in a string");
    AppendUtf8(decoded, code);
    return at;
  }

  Document& document_;
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Document> ReadJson(std::string text, std::string_view module) {
  if (auto fault = JsonFault(text)) throw YangFailure("reading JSON", {*fault});
  auto document = std::make_unique<Document>(std::move(text), YangFormat::kJson);
  document->root().space = document->Keep(module);
  Reader(*document).Run();
  return document;
}

}  // namespace semrd
