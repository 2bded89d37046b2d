#include "yang_core.h"

#include <libyang/libyang.h>

#include <cstdlib>
#include <string_view>

#include "failure.h"
#include "json_syntax.h"

namespace semrd {

namespace {

#ifdef LYD_PRINT_WITHSIBLINGS
constexpr uint32_t kWithSiblings = LYD_PRINT_WITHSIBLINGS;
#else
constexpr uint32_t kWithSiblings = LYD_PRINT_SIBLINGS;  // its name in newer versions
#endif

#ifdef LYD_VALIDATE_MULTI_ERROR
constexpr uint32_t kAllErrors = LYD_VALIDATE_MULTI_ERROR;  // libyang 3
#else
constexpr uint32_t kAllErrors = 0;
#endif

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
  return fault;
}

LYD_FORMAT FormatOf(YangFormat format) { return format == YangFormat::kJson ? LYD_JSON : LYD_XML; }

uint32_t DefaultsOption(YangDefaults defaults) {
  switch (defaults) {
    case YangDefaults::kExplicit:
      return LYD_PRINT_WD_EXPLICIT;
    case YangDefaults::kTrim:
      return LYD_PRINT_WD_TRIM;
    case YangDefaults::kAll:
      return LYD_PRINT_WD_ALL;
    case YangDefaults::kAllTagged:
      return LYD_PRINT_WD_ALL_TAG;
  }
  return LYD_PRINT_WD_EXPLICIT;
}

// Text that libyang allocated.
struct PrintedText {
  char* text = nullptr;
  ~PrintedText() { std::free(text); }
};

}  // namespace

YangCore::YangCore(const std::vector<std::string>& search_paths, const std::vector<YangModuleRequest>& modules) {
  // Keep every error instead of printing it. One setting per process: libyang itself resets the one per thread.
  ly_log_options(LY_LOSTORE);
  if (ly_ctx_new(nullptr, LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIR_CWD, &context_) != LY_SUCCESS)
    throw YangFailure("creating a context", {{"libyang refuses", "", "", 0}});
  try {
    for (const auto& path : search_paths)
      if (LY_ERR error = ly_ctx_set_searchdir(context_, path.c_str()); error != LY_SUCCESS && error != LY_EEXIST)
        Fail("search path " + path);
    for (const auto& module : modules) {
      std::vector<const char*> features;
      for (const auto& feature : module.features) features.push_back(feature.c_str());
      features.push_back(nullptr);
      const char* revision = module.revision.empty() ? nullptr : module.revision.c_str();
      if (ly_ctx_load_module(context_, module.name.c_str(), revision, features.data()) == nullptr)
        Fail("loading module " + module.name);
    }
  } catch (...) {
    ly_ctx_destroy(context_);
    throw;
  }
  ly_err_clean(context_, nullptr);  // warnings
}

YangCore::~YangCore() {
  for (auto& [number, tree] : trees_) lyd_free_all(tree);
  ly_ctx_destroy(context_);
}

void YangCore::Fail(const std::string& doing) const {
  std::vector<YangFault> faults;
  for (auto item = ly_err_first(context_); item != nullptr; item = item->next)
    if (item->level == LY_LLERR) faults.push_back(FaultOf(item));
  if (faults.empty()) faults.push_back({"libyang gives no reason", "", "", 0});
  ly_err_clean(context_, nullptr);
  throw YangFailure(doing, std::move(faults));
}

std::vector<YangModuleState> YangCore::Modules() const {
  std::vector<YangModuleState> modules;
  uint32_t index = 0;
  while (auto module = ly_ctx_get_module_iter(context_, &index))
    modules.push_back({module->name, OrEmpty(module->revision), module->implemented != 0});
  return modules;
}

ParsedTree YangCore::Parse(const ParseRequest& request) {
  if (request.text.find('\0') != std::string::npos)
    throw YangFailure("parsing", {{"the text contains NUL", "", "", 0}});
  if (request.format == YangFormat::kJson)
    if (auto fault = JsonFault(request.text)) throw YangFailure("parsing", {*fault});

  uint32_t parse =
      LYD_PARSE_STRICT | (request.validate ? 0 : LYD_PARSE_ONLY) | (request.state ? 0 : LYD_PARSE_NO_STATE);
  uint32_t validate = request.validate ? kAllErrors | (request.state ? 0 : LYD_VALIDATE_NO_STATE) : 0;
  ly_err_clean(context_, nullptr);
  lyd_node* tree = nullptr;
  if (lyd_parse_data_mem(context_, request.text.c_str(), FormatOf(request.format), parse, validate, &tree) !=
      LY_SUCCESS) {
    lyd_free_all(tree);
    Fail(request.validate ? "parsing and validating" : "parsing");
  }
  bool empty = true;
  for (const lyd_node* node = tree; node != nullptr; node = node->next)
    empty = empty && (node->flags & LYD_DEFAULT) != 0;
  trees_[++last_] = tree;
  return {last_, empty};
}

lyd_node* YangCore::Tree(TreeNumber number) const {
  auto found = trees_.find(number);
  if (found == trees_.end()) throw SystemCallFailure(EBADF, "yang", "the tree is disposed");
  return found->second;
}

std::string YangCore::Print(TreeNumber number, const PrintRequest& request) {
  const lyd_node* tree = Tree(number);
  ly_err_clean(context_, nullptr);
  uint32_t options = kWithSiblings | (request.indent ? 0 : LYD_PRINT_SHRINK) |
                     DefaultsOption(request.defaults);
  PrintedText printed;
  if (lyd_print_mem(&printed.text, tree, FormatOf(request.format), options) != LY_SUCCESS) Fail("printing");
  return OrEmpty(printed.text);
}

std::string YangCore::PrintSchema(const std::string& name, bool as_tree) {
  auto module = ly_ctx_get_module_implemented(context_, name.c_str());
  if (module == nullptr) module = ly_ctx_get_module_latest(context_, name.c_str());
  if (module == nullptr) throw YangFailure("printing a schema", {{"there is no module " + name, "", "", 0}});
  ly_err_clean(context_, nullptr);
  PrintedText printed;
  if (lys_print_mem(&printed.text, module, as_tree ? LYS_OUT_TREE : LYS_OUT_YANG, 0) != LY_SUCCESS)
    Fail("printing the schema of " + name);
  return OrEmpty(printed.text);
}

void YangCore::Free(TreeNumber number) {
  auto found = trees_.find(number);
  if (found == trees_.end()) return;
  lyd_free_all(found->second);
  trees_.erase(found);
}

}  // namespace semrd
