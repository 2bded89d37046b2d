// Objects of JSON that are known by their members only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "yang_json_writer.h"

namespace semrd {

// An object that is written member by member, for as long as this is there.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonObject() { out_ += '}'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  // Where the value of the next member belongs.
  std::string& Named(const char* name) {
    if (any_) out_ += ',';
    any_ = true;
    AppendJsonText(out_, name);
    out_ += ':';
    return out_;
  }
  void Text(const char* name, const char* text) {
    if (text != nullptr) AppendJsonText(Named(name), text);
  }
  void Number(const char* name, uint64_t number) { Named(name) += std::to_string(number); }
  void True(const char* name, bool is) {
    if (is) Named(name) += "true";
  }
  void Texts(const char* name, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    Named(name) += '[';
    for (size_t i = 0; i < texts.size(); i++) {
      if (i > 0) out_ += ',';
      AppendJsonText(out_, texts[i]);
    }
    out_ += ']';
  }

 private:
  std::string& out_;
  bool any_ = false;
};

}  // namespace semrd
