#include "yang_core.h"

#include <libyang/libyang.h>

#include <unordered_set>

#include "failure.h"
#include "json_syntax.h"
#include "yang_json_writer.h"
#include "yang_printed_text.h"
#include "yang_validation.h"
#include "yang_wording.h"

namespace semrd {

namespace {

constexpr size_t kSmallFilter = 2048;  // octets

#ifdef LYD_PRINT_WITHSIBLINGS
constexpr uint32_t kWithSiblings = LYD_PRINT_WITHSIBLINGS;
#else
constexpr uint32_t kWithSiblings = LYD_PRINT_SIBLINGS;  // its name in newer versions
#endif

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
    case YangDefaults::kImplicitTagged:
      return LYD_PRINT_WD_IMPL_TAG;
  }
  return LYD_PRINT_WD_EXPLICIT;
}

}  // namespace

YangCore::~YangCore() {
  trees_.clear();
  ly_ctx_destroy(context_);
}

void YangCore::Fail(const std::string& doing) const { throw YangFailure(doing, TakeFaults(context_)); }

KeptTree YangCore::Keep(OwnedTree tree) {
  bool empty = true;
  for (const lyd_node* node = tree.get(); node != nullptr; node = node->next)
    empty = empty && (node->flags & LYD_DEFAULT) != 0;
  trees_.emplace(++last_, std::move(tree));
  return {last_, empty};
}

const lyd_node* YangCore::Tree(TreeNumber number) const {
  if (number == 0) return nullptr;
  auto found = trees_.find(number);
  if (found == trees_.end()) throw SystemCallFailure(EBADF, "yang", "the tree is disposed");
  return found->second.get();
}

KeptTree YangCore::Parse(const ParseRequestText& request) {
  if (request.text.find('\0') != std::string::npos)
    throw YangFailure("parsing", {YangFault::Malformed("the text contains NUL", 0)});
  if (request.format == YangFormat::kJson)
    if (auto fault = JsonFault(request.text)) throw YangFailure("parsing", {*fault});

  uint32_t parse =
      LYD_PARSE_STRICT | (request.validate ? 0 : LYD_PARSE_ONLY) | (request.state ? 0 : LYD_PARSE_NO_STATE);
  // XML comes from clients, with its own wrapping and its own ways with prefixes.
  if (request.format == YangFormat::kXml && !request.validate && !request.state)
    return Keep(Built(nullptr, request.text, request.format, EditOperation::kMerge));
  // Its first error only: where libyang goes on after an error (LYD_VALIDATE_MULTI_ERROR), it sorts entries without their keys, and falls.
  uint32_t validate = request.validate && !request.state ? LYD_VALIDATE_NO_STATE : 0;
  ForgetFaults(context_);
  lyd_node* tree = nullptr;
  if (lyd_parse_data_mem(context_, request.text.c_str(), FormatOf(request.format), parse, validate, &tree) !=
      LY_SUCCESS) {
    lyd_free_all(tree);
    Fail(request.validate ? "parsing and validating" : "parsing");
  }
  return Keep(OwnedTree(tree));
}

KeptTree YangCore::Edit(TreeNumber number, std::string text, YangFormat format, EditOperation operation) {
  // RFC 6241 section 7.2: as default operation, replace is of all there is.
  OwnedTree tree = operation == EditOperation::kReplace ? nullptr : CopyExplicit(Tree(number));
  return Keep(Built(std::move(tree), std::move(text), format, operation));
}

// `tree` with a document applied to it. The document may stand in a `config` of NETCONF or of RFC 8526.
OwnedTree YangCore::Built(OwnedTree tree, std::string text, YangFormat format, EditOperation operation) {
  auto document = format == YangFormat::kXml ? ReadXml(std::move(text)) : ReadJson(std::move(text));
  const Element* holder = &document->root();
  if (const Element* only = holder->first;
      only != nullptr && only->next == nullptr && only->name == "config" &&
      (only->space == kNetconfSpace || only->space == kNmdaSpace || only->space == "ietf-netconf"))
    holder = only;
  ForgetFaults(context_);
  lyd_node* top = tree.release();
  TreeBuilder builder(context_, *document, TreeBuilder::Mode::kEdit);
  try {
    builder.Apply(*holder, nullptr, &top, operation);
    builder.Finish("editing");
  } catch (...) {
    OwnedTree drop(top);
    throw;
  }
  return OwnedTree(top);
}

KeptTree YangCore::Validate(TreeNumber number, bool state) {
  return Keep(ValidateTree(context_, Tree(number), state));
}

KeptTree YangCore::Merge(TreeNumber number, TreeNumber other, const std::vector<PathPattern>& drop) {
  OwnedTree tree = drop.empty() ? CopyTree(Tree(number)) : SelectionOf(Tree(number), drop).CopyOthers(Tree(number));
  const lyd_node* source = Tree(other);
  if (source == nullptr) return Keep(std::move(tree));
  lyd_node* top = tree.release();
  LY_ERR error = lyd_merge_siblings(&top, source, LYD_MERGE_WITH_FLAGS);
  tree.reset(top);
  if (error != LY_SUCCESS) Fail("merging");
  return Keep(std::move(tree));
}

KeptTree YangCore::Select(TreeNumber number, const std::vector<PathPattern>& paths, bool others) {
  const lyd_node* tree = Tree(number);
  Selection selection = SelectionOf(tree, paths);
  return Keep(others ? selection.CopyOthers(tree) : selection.Copy(tree));
}

Selection YangCore::SelectionOf(const lyd_node* tree, const std::vector<PathPattern>& paths) const {
  Selection selection;
  for (const auto& path : paths)
    for (auto node : FindNodes(context_, tree, path)) selection.AddWhole(node);
  return selection;
}

KeptTree YangCore::Restrict(TreeNumber number, const std::vector<Verdict>& verdicts) {
  return Keep(CopyPermitted(context_, Tree(number), verdicts));
}

KeptTree YangCore::Filter(TreeNumber number, std::string xml) {
  auto document = ReadXml(std::move(xml));
  const lyd_node* tree = Tree(number);
  return Keep(SelectByFilter(context_, tree, *document).Copy(tree));
}

std::vector<const lyd_node*> YangCore::Selected(const lyd_node* tree, const std::string& expression,
                                                const std::string& shown) {
  ForgetFaults(context_);
  ly_set* set = nullptr;
  if (lyd_find_xpath(tree, expression.c_str(), &set) != LY_SUCCESS) {
    auto faults = TakeFaults(context_);
    for (YangFault& fault : faults) {
      fault.tag = "invalid-value";
      fault.type = "protocol";
      // A number, a string or a boolean; libyang has only words for it. RFC 5717 section 2.4.1
      if (fault.message.ends_with("is not a node set.")) fault.app_tag = "not-a-node-set";
    }
    throw YangFailure("evaluating " + shown, std::move(faults));
  }
  std::vector<const lyd_node*> nodes(set->dnodes, set->dnodes + set->count);
  ly_set_free(set, nullptr);
  return nodes;
}

KeptTree YangCore::XPath(TreeNumber number, const std::string& expression,
                         const std::vector<std::pair<std::string, std::string>>& prefixes, uint32_t levels) {
  std::string text = ExpressionWithModules(context_, expression, prefixes);
  const lyd_node* tree = Tree(number);
  if (tree == nullptr) return Keep(nullptr);
  Selection selection;
  for (auto node : Selected(tree, text, expression)) selection.AddWhole(node);
  return Keep(selection.Copy(tree, levels));
}

std::vector<std::string> YangCore::XPathNodes(TreeNumber number, const std::string& expression,
                                              const std::vector<std::pair<std::string, std::string>>& prefixes) {
  std::string text = ExpressionWithModules(context_, expression, prefixes);
  const lyd_node* tree = Tree(number);
  std::vector<std::string> paths;
  if (tree == nullptr) return paths;
  auto nodes = Selected(tree, text, expression);
  // What stands in a selected node is told with it.
  std::unordered_set<const lyd_node*> all(nodes.begin(), nodes.end());
  for (auto node : nodes) {
    auto above = lyd_parent(node);
    while (above != nullptr && !all.contains(above)) above = lyd_parent(above);
    if (above != nullptr) continue;
    std::string path;
    AppendJsonPath(path, node);
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<std::string> YangCore::Matches(TreeNumber number, const PathPattern& path, bool defaults,
                                           YangContent content) {
  JsonChoice choice;
  choice.defaults = defaults;
  choice.config = content != YangContent::kNonConfig;
  choice.state = content != YangContent::kConfig;
  std::vector<std::string> matches;
  for (auto node : FindNodes(context_, Tree(number), path)) {
    if (!IsWanted(node, choice)) continue;
    std::string text = "{\"path\":";
    AppendJsonPath(text, node);
    text += ",\"value\":";
    AppendJsonValue(text, node, choice);
    matches.push_back(text + "}");
  }
  return matches;
}

std::string YangCore::Print(TreeNumber number, const PrintRequest& request) const {
  const lyd_node* tree = Tree(number);
  OwnedTree selected, part, traced;
  if (request.filter) {
    auto document = ReadXml(*request.filter);
    selected = SelectByFilter(context_, tree, *document).Copy(tree, request.levels);
    tree = selected.get();
  } else if (request.keep) {
    selected = SelectionOf(tree, *request.keep).Copy(tree, request.levels);
    tree = selected.get();
  } else if (request.levels > 0) {
    Selection all;
    for (auto node = tree; node != nullptr; node = node->next) all.AddWhole(node);
    selected = all.Copy(tree, request.levels);
    tree = selected.get();
  }
  if (request.content != YangContent::kAll) {
    part = CopyContent(tree, request.content == YangContent::kConfig);
    tree = part.get();
  }
  if (request.origin) {
    const PrintOrigin& origin = *request.origin;
    traced = CopyWithOrigin(tree, Tree(origin.intended), Tree(origin.applied), origin.choice);
    tree = traced.get();
  }
  ForgetFaults(context_);
  uint32_t options = kWithSiblings | (request.indent ? 0 : LYD_PRINT_SHRINK) | DefaultsOption(request.defaults);
  PrintedText printed;
  if (lyd_print_mem(&printed.text, tree, FormatOf(request.format), options) != LY_SUCCESS) Fail("printing");
  return OrEmpty(printed.text);
}

bool YangCore::IsSmall(TreeNumber number, const PrintRequest& request) const {
  const lyd_node* tree = Tree(number);
  Budget budget;
  if (request.origin) return false;
  if (!request.filter || request.content != YangContent::kAll)
    return budget.CoversSiblings(tree);
  if (request.filter->size() > kSmallFilter) return false;
  try {
    auto document = ReadXml(*request.filter);
    SelectByFilter(context_, tree, *document, &budget);
    return !budget.exceeded();
  } catch (const YangFailure&) {
    return true;  // it is refused
  }
}

}  // namespace semrd
