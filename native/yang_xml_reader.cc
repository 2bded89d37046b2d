// XML 1.0 with namespaces, as NETCONF uses it: UTF-8, no DTD. @see RFC 6241 section 3, https://www.w3.org/TR/xml/
#include <algorithm>
#include <vector>

#include "utf8.h"
#include "yang_document.h"
#include "yang_fault.h"

namespace semrd {

namespace {

constexpr std::string_view kXmlSpace = "http://www.w3.org/XML/1998/namespace";

class Reader {
 public:
  explicit Reader(Document& document) : document_(document), text_(document.text()) {}

  void Run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    if (Take("<?xml") && !SkipPast("?>")) Fail("the XML declaration has no end");
    Element* open = &document_.root();
    size_t depth = 0;
    while (at_ < text_.size()) {
      if (text_[at_] != '<' || Looking("<![CDATA[")) {
        AddText(*open);
      } else if (Take("<!--")) {
        if (!SkipPast("-->")) Fail("a comment has no end");
      } else if (Take("<?")) {
        if (!SkipPast("?>")) Fail("a processing instruction has no end");
      } else if (Looking("<!")) {
        Fail("a document type declaration is not accepted");
      } else if (Take("</")) {
        if (open == &document_.root()) Fail("an end tag without a start tag");
        CloseTag(*open);
        open = open->parent;
        depth--;
      } else {
        if (++depth > kDeepestElement) Fail("nesting is too deep");
        bool closed = OpenTag(*open);
        if (!closed)
          open = open->last;
        else
          depth--;
      }
    }
    if (open != &document_.root()) Fail("the document ends too early");
  }

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    throw YangFailure("reading XML", {YangFault::Malformed(why, document_.Line(text_.substr(std::min(at_, text_.size()))))});
  }

  bool Looking(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  bool Take(std::string_view word) {
    if (!Looking(word)) return false;
    at_ += word.size();
    return true;
  }
  bool SkipPast(std::string_view word) {
    size_t found = text_.find(word, at_);
    if (found == std::string_view::npos) return false;
    Check(text_.substr(at_, found - at_));
    at_ = found + word.size();
    return true;
  }
  bool Blank() {
    size_t begin = at_;
    while (at_ < text_.size() && IsBlank(text_[at_])) at_++;
    return at_ > begin;
  }
  static bool IsBlank(char octet) { return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n'; }

  // Only characters of XML, in UTF-8.
  void Check(std::string_view text) const {
    for (size_t i = 0; i < text.size(); i++) {
      auto octet = static_cast<unsigned char>(text[i]);
      if (octet < 0x20 && !IsBlank(text[i])) Fail("a control character");
      if (octet < 0x80) continue;
      size_t length = Utf8Length(text.substr(i));
      if (length == 0) Fail("octets that are not UTF-8");
      i += length - 1;
    }
  }

  static bool NameOctet(char octet, bool first) {
    if ((octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || octet == '_' ||
        static_cast<unsigned char>(octet) >= 0x80)
      return true;
    return !first && ((octet >= '0' && octet <= '9') || octet == '-' || octet == '.');
  }
  std::string_view SimpleName() {
    size_t begin = at_;
    while (at_ < text_.size() && NameOctet(text_[at_], at_ == begin)) at_++;
    if (at_ == begin) Fail(at_ == text_.size() ? "the document ends too early" : "a name is expected");
    Check(text_.substr(begin, at_ - begin));
    return text_.substr(begin, at_ - begin);
  }
  struct Name {
    std::string_view prefix, local, written;
  };
  Name QualifiedName() {
    size_t begin = at_;
    std::string_view first = SimpleName();
    if (!Take(":")) return {{}, first, first};
    std::string_view local = SimpleName();
    return {first, local, text_.substr(begin, at_ - begin)};
  }

  // True when the element is empty.
  bool OpenTag(Element& parent) {
    size_t begin = at_++;
    Join(parent);
    Element& element = document_.Add(parent);
    Name name = QualifiedName();
    element.prefixes = parent.prefixes;
    struct Raw {
      Name name;
      std::string_view value;
    };
    std::vector<Raw> raw;
    for (;;) {
      bool blank = Blank();
      if (Looking(">") || Looking("/>")) break;
      if (!blank) Fail(at_ == text_.size() ? "the document ends too early" : "a blank or '>' is expected in a tag");
      Name attribute = QualifiedName();
      Blank();
      if (!Take("=")) Fail("an attribute without a value");
      Blank();
      std::string_view value = QuotedValue();
      for (const Raw& other : raw)
        if (other.name.written == attribute.written) Fail("an attribute stands there twice");
      if (raw.size() == kMostAttributes) Fail("too many attributes");
      raw.push_back({attribute, value});
      if (attribute.prefix == "xmlns" || attribute.written == "xmlns") {
        std::string_view prefix = attribute.prefix.empty() ? "" : attribute.local;
        if (value.empty() && !prefix.empty()) Fail("a prefix cannot be unbound");
        element.prefixes = document_.New(PrefixBinding{prefix, value, element.prefixes});
      }
    }
    element.space = SpaceOf(element, name, true);
    element.name = name.local;
    Attribute* last = nullptr;
    for (const Raw& one : raw) {
      bool declaration = one.name.prefix == "xmlns" || one.name.written == "xmlns";
      std::string_view space = declaration ? "xmlns" : SpaceOf(element, one.name, false);
      auto* attribute = document_.New(Attribute{space, one.name.local, one.name.written, one.value, nullptr});
      (last == nullptr ? element.attributes : last->next) = attribute;
      last = attribute;
    }
    bool empty = Take("/>");
    if (!empty) at_++;
    // Its end is put right by the end tag.
    element.source = text_.substr(begin, at_ - begin);
    return empty;
  }

  void CloseTag(Element& element) {
    Join(element);
    // The start tag repeats its name right after '<'.
    std::string_view opened = element.source.substr(1);
    Name name = QualifiedName();
    if (!opened.starts_with(name.written) || NameOctet(opened[name.written.size()], false) ||
        opened[name.written.size()] == ':')
      Fail("the end tag of another element than the one that is open");
    Blank();
    if (!Take(">")) Fail(at_ == text_.size() ? "the document ends too early" : "'>' is expected in an end tag");
    element.source = {element.source.data(), static_cast<size_t>(text_.data() + at_ - element.source.data())};
  }

  std::string_view SpaceOf(const Element& element, const Name& name, bool use_default) const {
    if (name.prefix == "xml") return kXmlSpace;
    if (name.prefix.empty() && !use_default) return {};
    for (auto* binding = element.prefixes; binding != nullptr; binding = binding->outer)
      if (binding->prefix == name.prefix) return binding->space;
    if (name.prefix.empty()) return {};
    Fail("the prefix " + std::string(name.prefix) + " is not bound to a namespace");
  }

  std::string_view QuotedValue() {
    if (at_ == text_.size()) Fail("the document ends too early");
    char quote = text_[at_];
    if (quote != '"' && quote != '\'') Fail("the value of an attribute is in quotes");
    size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) Fail("the value of an attribute has no end");
    std::string_view value = text_.substr(at_, end - at_);
    if (value.find('<') != std::string_view::npos) Fail("'<' in the value of an attribute");
    std::string decoded;
    std::string_view result = Decoded(value, decoded, true) ? document_.Keep(decoded) : value;
    at_ = end + 1;
    return result;
  }

  void AddText(Element& element) {
    std::string decoded;
    std::string_view piece;
    if (Take("<![CDATA[")) {
      size_t begin = at_;
      if (!SkipPast("]]>")) Fail("a CDATA section has no end");
      piece = text_.substr(begin, at_ - 3 - begin);
    } else {
      size_t end = std::min(text_.find('<', at_), text_.size());
      piece = text_.substr(at_, end - at_);
      if (Decoded(piece, decoded, false)) piece = document_.Keep(decoded);
      at_ = end;
    }
    bool blank = Trimmed(piece).empty();
    if (&element == &document_.root()) {
      if (!blank) Fail("text outside of an element");
    } else if (element.first != nullptr) {
      // Between children: of interest only as a fault, which the first piece is enough for.
      if (!blank && Trimmed(element.text).empty()) element.text = piece;
    } else if (element.text.empty()) {
      element.text = piece;
    } else {
      if (joined_of_ != &element) joined_ = element.text;
      joined_of_ = &element;
      joined_ += piece;
    }
  }

  // The text of an element that came in several pieces is put together once.
  void Join(Element& element) {
    if (joined_of_ != &element) return;
    element.text = document_.Keep(joined_);
    joined_of_ = nullptr;
  }

  // Replaces references and line ends; false when `raw` has none.
  bool Decoded(std::string_view raw, std::string& decoded, bool attribute) const {
    Check(raw);
    if (raw.find_first_of(attribute ? "&\r\n\t" : "&\r") == std::string_view::npos) return false;
    for (size_t i = 0; i < raw.size(); i++) {
      if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') continue;
      if (IsBlank(raw[i]) && attribute)
        decoded += ' ';
      else if (raw[i] == '\r')
        decoded += '\n';
      else if (raw[i] != '&')
        decoded += raw[i];
      else
        i = Reference(raw, i, decoded);
    }
    return true;
  }

  // Where the reference at `begin` ends.
  size_t Reference(std::string_view raw, size_t begin, std::string& decoded) const {
    size_t end = raw.substr(0, std::min(raw.size(), begin + 16)).find(';', begin);
    if (end == std::string_view::npos) Fail("'&' begins a reference that has no end");
    std::string_view name = raw.substr(begin + 1, end - begin - 1);
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (auto [known, character] : kNamed)
      if (name == known) {
        decoded += character;
        return end;
      }
    if (!name.starts_with('#')) Fail("the entity " + std::string(name) + " is not accepted");
    bool hexadecimal = name.starts_with("#x");
    std::string digits(name.substr(hexadecimal ? 2 : 1));
    size_t used = digits.find_first_not_of(hexadecimal ? "0123456789abcdefABCDEF" : "0123456789");
    if (digits.empty() || digits.size() > 8 || used != std::string::npos) Fail("a character reference without a number");
    uint32_t code = static_cast<uint32_t>(std::stoul(digits, nullptr, hexadecimal ? 16 : 10));
    bool allowed = code == 9 || code == 10 || code == 13 || (code >= 0x20 && code < 0xd800) ||
                   (code >= 0xe000 && code < 0xfffe) || (code >= 0x10000 && code < 0x110000);
    if (!allowed) Fail("a reference to what is not a character of XML");
    AppendUtf8(decoded, code);
    return end;
  }

  static constexpr size_t kMostAttributes = 64;

  Document& document_;
  std::string_view text_;
  size_t at_ = 0;
  std::string joined_;
  const Element* joined_of_ = nullptr;
};

}  // namespace

std::unique_ptr<Document> ReadXml(std::string text) {
  auto document = std::make_unique<Document>(std::move(text), YangFormat::kXml);
  Reader(*document).Run();
  return document;
}

}  // namespace semrd
