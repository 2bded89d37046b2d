// A document as its writer nested it, before the model is asked: XML and JSON look the same from here on. libyang is not
// asked to read what comes from the network, because it stops at the first fault, drops what an edit needs (an empty
// leaf with an operation, a list entry with a wrong key), and takes prefixes that clients forgot to bind as an error.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

namespace semrd {

enum class YangFormat { kJson, kXml };

// One prefix in scope; "" is the default namespace. Innermost first.
struct PrefixBinding {
  std::string_view prefix, space;
  const PrefixBinding* outer;
};

struct Attribute {
  std::string_view space;  // XML: namespace, "" for none; JSON: name of the module
  std::string_view name;
  std::string_view written;  // with its prefix
  std::string_view value;
  const Attribute* next;
};

struct Element {
  enum class Value { kNone, kText, kNumber, kBoolean, kNull, kObject, kArray };

  std::string_view space;  // as of Attribute
  std::string_view name;
  std::string_view text;  // what stands between its tags outside of children; a JSON value without quotes
  const PrefixBinding* prefixes = nullptr;  // XML
  const Attribute* attributes = nullptr;
  Element* parent = nullptr;
  Element* first = nullptr;
  Element* last = nullptr;
  Element* next = nullptr;
  std::string_view source;  // XML: the whole element as it was written; JSON: its value
  Value value = Value::kNone;  // JSON; XML has kNone
  bool in_array = false;       // JSON: one item of an array
};

// Keeps the octets of the text that its elements look into.
class Document {
 public:
  Document(std::string text, YangFormat format) : text_(std::move(text)), format_(format) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  YangFormat format() const { return format_; }
  std::string_view text() const { return text_; }
  Element& root() { return root_; }  // its children are the top of the document
  const Element& root() const { return root_; }

  Element& Add(Element& parent);
  template <typename T>
  T* New(T value) {
    return new (memory_.allocate(sizeof(T), alignof(T))) T(value);
  }
  std::string_view Keep(std::string_view text);
  // Line, from 1, in which `place`, a part of text(), begins.
  uint64_t Line(std::string_view place) const;

 private:
  std::string text_;
  YangFormat format_;
  std::pmr::monotonic_buffer_resource memory_;
  Element root_;
};

constexpr size_t kDeepestElement = 500;
constexpr std::string_view kNetconfSpace = "urn:ietf:params:xml:ns:netconf:base:1.0";
constexpr std::string_view kNmdaSpace = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda";
constexpr std::string_view kYangSpace = "urn:ietf:params:xml:ns:yang:1";

// Both throw YangFailure, with a line, for what is not well-formed. A DTD, and so every entity of its own, is refused.
std::unique_ptr<Document> ReadXml(std::string text);
// `module` is that of top-level members that name none.
std::unique_ptr<Document> ReadJson(std::string text, std::string_view module = "");

std::string_view Trimmed(std::string_view text);

}  // namespace semrd
