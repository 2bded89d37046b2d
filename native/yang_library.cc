// The modules of a context: loading them, what they are, and their text.
#include <libyang/libyang.h>
#include <libyang/plugins_types.h>

#include <fstream>
#include <sstream>

#include "failure.h"
#include "yang_core.h"
#include "yang_printed_text.h"
#include "yang_wording.h"

namespace semrd {

namespace {

std::string FileText(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw SystemCallFailure(EIO, "read", std::string("the module file ") + path);
  return text.str();
}

std::string Revision(const lysp_submodule* submodule) {
  return submodule->revs == nullptr ? "" : submodule->revs[0].date;
}

}  // namespace

// The path of an access rule may leave keys out, each for itself (RFC 8341, node-instance-identifier); libyang's type
// wants all of a list or none. As an XPath, which the type is derived from, it is taken, and whoever reads the rules
// looks at the rest.
static void LetKeysBeMissing(const ly_ctx* context) {
  static lyplg_type plugin = [] {
    lyplg_type xpath = {};
    xpath.id = "semrd - xpath1.0 of an access rule";  // ValueReader knows by it that there are prefixes in values
    xpath.store = lyplg_type_store_xpath10;
    xpath.compare = lyplg_type_compare_simple;
    xpath.print = lyplg_type_print_xpath10;
    xpath.duplicate = lyplg_type_dup_xpath10;
    xpath.free = lyplg_type_free_xpath10;
    xpath.lyb_data_len = -1;
    return xpath;
  }();
  if (ly_ctx_get_module_implemented(context, "ietf-netconf-acm") == nullptr) return;
  auto path = lys_find_path(context, nullptr, "/ietf-netconf-acm:nacm/rule-list/rule/path", 0);
  if (path != nullptr) reinterpret_cast<const lysc_node_leaf*>(path)->type->plugin = &plugin;
}

YangCore::YangCore(const std::vector<std::string>& search_paths, const std::vector<YangModuleRequest>& modules) {
  // Keep every error instead of printing it. One setting per process: libyang itself resets the one per thread.
  ly_log_options(LY_LOSTORE);
  // Compiled once, when all are there: else each that augments others would have these compiled again, four times the work.
  constexpr uint16_t kOptions = LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIR_CWD | LY_CTX_EXPLICIT_COMPILE;
  if (ly_ctx_new(nullptr, kOptions, &context_) != LY_SUCCESS)
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
    if (ly_ctx_compile(context_) != LY_SUCCESS) Fail("compiling the modules");
  } catch (...) {
    ly_ctx_destroy(context_);
    throw;
  }
  LetKeysBeMissing(context_);
  ForgetFaults(context_);  // warnings
}

std::vector<YangModuleState> YangCore::Modules() const {
  std::vector<YangModuleState> modules;
  uint32_t index = 0;
  while (auto module = ly_ctx_get_module_iter(context_, &index)) {
    YangModuleState state = {module->name, OrEmpty(module->revision), module->ns, module->prefix,
                             module->implemented != 0, {}, {}};
    LY_ARRAY_COUNT_TYPE i;
    if (module->parsed != nullptr) {
      LY_ARRAY_FOR(module->parsed->features, i) {
        const char* name = module->parsed->features[i].name;
        if (lys_feature_value(module, name) == LY_SUCCESS) state.features.push_back(name);
      }
      LY_ARRAY_FOR(module->parsed->includes, i) {
        auto submodule = module->parsed->includes[i].submodule;
        state.submodules.emplace_back(submodule->name, Revision(submodule));
      }
    }
    modules.push_back(std::move(state));
  }
  ForgetFaults(context_);
  return modules;
}

KeptTree YangCore::Library(const std::string& content_id) {
  lyd_node* tree = nullptr;
  if (ly_ctx_get_yanglib_data(context_, &tree, "%s", content_id.c_str()) != LY_SUCCESS)
    Fail("writing yang-library (is ietf-yang-library among the modules?)");
  return Keep(OwnedTree(tree));
}

std::string YangCore::PrintSchema(const std::string& name, bool as_tree) const {
  auto module = ly_ctx_get_module_implemented(context_, name.c_str());
  if (module == nullptr) module = ly_ctx_get_module_latest(context_, name.c_str());
  if (module == nullptr) throw YangFailure("printing a schema", {{"there is no module " + name, "", "", 0}});
  ForgetFaults(context_);
  PrintedText printed;
  if (lys_print_mem(&printed.text, module, as_tree ? LYS_OUT_TREE : LYS_OUT_YANG, 0) != LY_SUCCESS)
    Fail("printing the schema of " + name);
  return OrEmpty(printed.text);
}

std::string YangCore::Source(const std::string& name, const std::string& revision) const {
  uint32_t index = 0;
  while (auto module = ly_ctx_get_module_iter(context_, &index)) {
    if (module->name == name && (revision.empty() || OrEmpty(module->revision) == revision)) {
      if (module->filepath != nullptr) return FileText(module->filepath);
      ForgetFaults(context_);
      PrintedText printed;  // one of those that libyang has inside
      if (lys_print_mem(&printed.text, module, LYS_OUT_YANG, 0) != LY_SUCCESS) Fail("printing module " + name);
      return OrEmpty(printed.text);
    }
    if (module->parsed == nullptr) continue;
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(module->parsed->includes, i) {
      auto submodule = module->parsed->includes[i].submodule;
      if (submodule->name == name && (revision.empty() || Revision(submodule) == revision) &&
          submodule->filepath != nullptr)
        return FileText(submodule->filepath);
    }
  }
  YangFault fault;
  fault.tag = "invalid-value";
  fault.type = "protocol";
  fault.message = "there is no module " + name + (revision.empty() ? "" : " of revision " + revision);
  throw YangFailure("reading a module", {fault});
}

}  // namespace semrd
