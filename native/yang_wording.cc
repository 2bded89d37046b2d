#include "yang_wording.h"

#include <libyang/libyang.h>

#include <cstdlib>
#include <string_view>

namespace semrd {

namespace {

std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

// libyang 2 writes all places into one text: `Schema location "…", data location "…", line number 3.`
void ReadPlaces(std::string_view places, YangFault& fault) {
  size_t line = places.find("ine number ");
  if (line != std::string_view::npos) fault.line = std::strtoull(places.substr(line + 11).data(), nullptr, 10);
  for (std::string_view word : {"ata location \"", "chema location \""}) {
    size_t begin = places.find(word);
    if (begin == std::string_view::npos) continue;
    begin += word.size();
    fault.path = places.substr(begin, places.rfind('"') - begin);  // a data path may itself contain quotes
    return;
  }
}

// What is between the first two quotes of `message` after `word`.
std::string Quoted(std::string_view message, std::string_view word) {
  size_t begin = message.find(word);
  if (begin == std::string_view::npos) return "";
  begin += word.size();
  size_t end = message.find('"', begin);
  return std::string(message.substr(begin, end == std::string_view::npos ? end : end - begin));
}

// Whether the last node of `path`, which has no predicates then, is `name`, with or without its module.
bool EndsIn(std::string_view path, std::string_view name) {
  size_t last = path.find_last_of("/:");
  return last != std::string_view::npos && path.substr(last + 1) == name;
}

struct Meaning {
  std::string_view begins;  // of the message; the first that fits counts
  const char* tag;
  const char* app_tag;      // where libyang has none
  std::string_view element;  // the element is quoted behind this word
};
// RFC 7950 sections 8.3.1 and 15; "data-missing" for what a datastore lacks.
constexpr Meaning kMeanings[] = {
    {"Must condition", "operation-failed", "must-violation", ""},
    {"Invalid leafref value", "data-missing", "instance-required", ""},
    {"Invalid instance-identifier", "data-missing", "instance-required", ""},
    {"Mandatory choice", "data-missing", "missing-choice", ""},
    {"Mandatory node", "data-missing", "", "node \""},
    {"Too few", "operation-failed", "too-few-elements", ""},
    {"Too many", "operation-failed", "too-many-elements", ""},
    {"Unique data leaf", "operation-failed", "data-not-unique", ""},
    {"When condition", "unknown-element", "", ""},
    {"Duplicate instance", "bad-element", "", "of \""},
    {"Data for both cases", "bad-element", "", ""},
    {"List instance is missing its key", "missing-element", "", "key \""},
    {"No module named", "unknown-namespace", "", ""},
    {"No module with namespace", "unknown-namespace", "", ""},
    {"Node \"", "unknown-element", "", "Node \""},
    {"Unexpected data state node", "unknown-element", "", "node \""},
    {"Invalid ", "invalid-value", "", ""},
    {"Unsatisfied ", "invalid-value", "", ""},
    {"Value ", "invalid-value", "", ""},
    {"Failed to convert", "invalid-value", "", ""},
};

template <typename Item>
YangFault FaultOf(const Item* item) {
  YangFault fault;
  fault.message = OrEmpty(item->msg);
  fault.app_tag = OrEmpty(item->apptag);
  if constexpr (requires { item->data_path; }) {  // libyang 3
    fault.path = OrEmpty(item->data_path != nullptr ? item->data_path : item->schema_path);
    fault.line = item->line;
  } else {
    ReadPlaces(OrEmpty(item->path), fault);
  }
  std::string_view message = fault.message;
  // With an error-message of the model, only the app-tag says which rule it was: RFC 7950 section 7.5.4.
  if (item->vecode == LYVE_SYNTAX_XML || item->vecode == LYVE_SYNTAX_JSON) {
    fault.tag = "malformed-message";
    fault.type = "rpc";
  } else if (item->vecode == LYVE_DATA) {
    fault.tag = "operation-failed";
  }
  for (const Meaning& meaning : kMeanings) {
    if (!message.starts_with(meaning.begins)) continue;
    fault.tag = meaning.tag;
    fault.type = "application";
    if (fault.app_tag.empty()) fault.app_tag = meaning.app_tag;
    if (!meaning.element.empty()) fault.bad_element = Quoted(message, meaning.element);
    // libyang 3 names what should hold it.
    if (meaning.begins == "Mandatory node" && !EndsIn(fault.path, fault.bad_element))
      fault.path += "/" + fault.bad_element;
    if (fault.tag == std::string_view("unknown-namespace")) fault.bad_namespace = Quoted(message, " \"");
    break;
  }
  return fault;
}

}  // namespace

std::vector<YangFault> TakeFaults(const ly_ctx* context) {
  std::vector<YangFault> faults;
  for (auto item = ly_err_first(context); item != nullptr; item = item->next)
    if (item->level == LY_LLERR) faults.push_back(FaultOf(item));
  if (faults.empty()) faults.push_back({"libyang gives no reason", "", "", 0});
  ForgetFaults(context);
  return faults;
}

YangFault TakeFault(const ly_ctx* context) { return TakeFaults(context).back(); }

void ForgetFaults(const ly_ctx* context) { ly_err_clean(const_cast<ly_ctx*>(context), nullptr); }

}  // namespace semrd
