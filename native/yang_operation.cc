#include "yang_operation.h"

#include <libyang/libyang.h>

#include <cstdlib>

#include "yang_json_writer.h"
#include "yang_wording.h"

namespace semrd {

namespace {

[[noreturn]] void Refuse(const char* tag, const char* type, std::string message, std::string element = "",
                         std::string attribute = "", std::string space = "") {
  YangFault fault;
  fault.tag = tag;
  fault.type = type;
  fault.message = std::move(message);
  fault.bad_element = std::move(element);
  fault.bad_attribute = std::move(attribute);
  fault.bad_namespace = std::move(space);
  throw YangFailure("reading a request", {fault});
}

// A missing parameter is a mistake of the message, not of a datastore.
[[noreturn]] void FailParameters(const ly_ctx* context, const char* doing) {
  auto faults = TakeFaults(context);
  for (YangFault& fault : faults) {
    if (fault.message.starts_with("Mandatory ")) {
      fault.tag = "missing-element";
      if (fault.bad_element.empty()) {
        size_t begin = fault.message.find('"');
        fault.bad_element = begin == std::string::npos ? "" : fault.message.substr(begin + 1, fault.message.find('"', begin + 1) - begin - 1);
      }
    }
    fault.type = "protocol";
  }
  throw YangFailure(doing, std::move(faults));
}

lyd_node* TopOf(lyd_node* node) {
  while (lyd_parent(node) != nullptr) node = lyd_parent(node);
  return node;
}

const Element* OnlyChild(const Element& element, const char* what) {
  if (element.first == nullptr) Refuse("missing-element", "protocol", std::string(what) + " is missing", what);
  if (element.first->next != nullptr)
    Refuse("bad-element", "protocol", std::string("one ") + what + " is expected, not several",
           std::string(element.first->next->name));
  return element.first;
}

// The node of an operation and what owns it.
struct Call {
  OwnedTree top;
  lyd_node* node = nullptr;
};

// Below `top` of a document: the data an action stands in, then the action.
Call DescendToAction(TreeBuilder& builder, const Element*& element) {
  Call call;
  lyd_node* parent = nullptr;
  for (;;) {
    const lys_module* module = builder.values().Module(element->space);
    if (module == nullptr)
      Refuse("unknown-namespace", "protocol", "no module has the namespace " + std::string(element->space),
             std::string(element->name), "", std::string(element->space));
    auto schema = lys_find_child(parent == nullptr ? nullptr : parent->schema, module, element->name.data(),
                                 element->name.size(), LYS_CONTAINER | LYS_LIST | LYS_ACTION, 0);
    if (schema == nullptr)
      Refuse("unknown-element", "protocol", "there is no " + std::string(element->name) + " with an action here",
             std::string(element->name));
    lyd_node* node = builder.AddAncestor(*element, schema, parent);
    if (node == nullptr) builder.Finish("reading a request");
    if (call.top == nullptr) call.top.reset(node);
    call.node = parent = node;
    if (schema->nodetype == LYS_ACTION) return call;
    const Element* next = nullptr;
    for (auto child = element->first; child != nullptr; child = child->next) {
      auto leaf = lys_find_child(schema, module, child->name.data(), child->name.size(), LYS_LEAF, 0);
      if (leaf != nullptr && lysc_is_key(leaf)) continue;
      if (next != nullptr)
        Refuse("bad-element", "protocol", "one action is expected, not several", std::string(child->name));
      next = child;
    }
    if (next == nullptr) Refuse("missing-element", "protocol", "the action is missing", "action");
    element = next;
  }
}

void CheckTarget(const Call& call, const lyd_node* data) {
  lyd_node* parent = lyd_parent(call.node);
  if (parent == nullptr || data == nullptr) return;
  std::string path = PathOf(parent);
  lyd_node* found = nullptr;
  bool whole = lyd_find_path(data, path.c_str(), 0, &found) == LY_SUCCESS;  // else the last that is there
  ForgetFaults(LYD_CTX(parent));
  if (whole) return;
  YangFault fault;
  fault.tag = "data-missing";
  fault.message = "what the action is called on is not there";
  fault.path = path;
  fault.bad_element = parent->schema->name;
  throw YangFailure("calling an action", {fault});
}

void Validate(const ly_ctx* context, Call& call, const lyd_node* data, lyd_type kind, const char* doing) {
  ForgetFaults(context);
  if (lyd_validate_op(call.top.get(), data, kind, nullptr) != LY_SUCCESS) FailParameters(context, doing);
}

// The node that a path with all keys and a name make.
Call Make(const ly_ctx* context, const CalledNode& called) {
  std::string path;
  for (const PathStep& step : called.target) {
    path += "/" + (step.module.empty() ? "" : step.module + ":") + step.name;
    for (const auto& [key, value] : step.keys) {
      char quote = value.find('\'') == std::string::npos ? '\'' : '"';
      if (value.find(quote) != std::string::npos)
        Refuse("invalid-value", "application", "a key with both kinds of quotes", key);
      path += "[" + key + "=" + quote + value + quote + "]";
    }
  }
  path += "/" + called.name;
  lyd_node *top = nullptr, *node = nullptr;
  ForgetFaults(context);
  if (lyd_new_path2(nullptr, context, path.c_str(), nullptr, 0, LYD_ANYDATA_STRING, 0, &top, &node) != LY_SUCCESS)
    throw YangFailure("making " + path, TakeFaults(context));
  Call call;
  call.top.reset(top);
  call.node = node;
  if ((node->schema->nodetype & (LYS_RPC | LYS_ACTION | LYS_NOTIF)) == 0)
    Refuse("unknown-element", "application", path + " is no operation or notification", called.name);
  return call;
}

void Fill(const ly_ctx* context, Call& call, std::string json, TreeBuilder::Mode mode, const char* doing) {
  auto document = ReadJson(std::move(json), call.node->schema->module->name);
  TreeBuilder builder(context, *document, mode);
  builder.Apply(document->root(), call.node, nullptr, EditOperation::kCreate);
  builder.Finish(doing);
}

std::string Content(const lyd_node* first, YangFormat format, bool siblings) {
  char* text = nullptr;
  uint32_t options = (siblings ? LYD_PRINT_WITHSIBLINGS : 0) | LYD_PRINT_SHRINK | LYD_PRINT_WD_ALL;
  if (first != nullptr &&
      lyd_print_mem(&text, first, format == YangFormat::kXml ? LYD_XML : LYD_JSON, options) != LY_SUCCESS)
    throw YangFailure("printing", TakeFaults(LYD_CTX(first)));
  std::string out = text == nullptr ? "" : text;
  std::free(text);
  return out;
}

}  // namespace

ParsedRequest ParseRequest(const ly_ctx* context, std::string xml, const lyd_node* data) {
  auto document = ReadXml(std::move(xml));
  const Element* rpc = document->root().first;
  if (rpc == nullptr || rpc->next != nullptr || rpc->name != "rpc" || rpc->space != kNetconfSpace)
    throw YangFailure("reading a request", {YangFault::Malformed("an element rpc of NETCONF is expected", 1)});
  bool has_id = false;
  for (auto one = rpc->attributes; one != nullptr; one = one->next)
    has_id = has_id || (one->space.empty() && one->name == "message-id");
  if (!has_id)
    Refuse("missing-attribute", "rpc", "the attribute message-id is missing", "rpc", "message-id");

  const Element* element = OnlyChild(*rpc, "operation");
  TreeBuilder builder(context, *document, TreeBuilder::Mode::kInput);
  Call call;
  bool action = element->space == kYangSpace && element->name == "action";
  if (action) {
    element = OnlyChild(*element, "action");
    call = DescendToAction(builder, element);
  } else {
    const lys_module* module = builder.values().Module(element->space);
    if (module == nullptr)
      Refuse("unknown-namespace", "protocol", "no module has the namespace " + std::string(element->space),
             std::string(element->name), "", std::string(element->space));
    auto schema = lys_find_child(nullptr, module, element->name.data(), element->name.size(), LYS_RPC, 0);
    if (schema == nullptr)
      Refuse("operation-not-supported", "protocol", "there is no operation " + std::string(element->name),
             std::string(element->name));
    call.node = builder.AddAncestor(*element, schema, nullptr);
    call.top.reset(call.node);
  }
  builder.Apply(*element, call.node, nullptr, EditOperation::kCreate);
  for (YangFault& fault : builder.faults()) fault.type = "protocol";
  builder.Finish("reading a request");
  CheckTarget(call, data);
  Validate(context, call, data, LYD_TYPE_RPC_YANG, "reading a request");

  ParsedRequest request;
  request.json = std::string("{\"kind\":\"") + (action ? "action" : "rpc") + "\",\"module\":\"" +
                 call.node->schema->module->name + "\",\"name\":\"" + call.node->schema->name + "\",\"target\":";
  AppendJsonPath(request.json, lyd_parent(call.node));
  request.json += ",\"input\":{";
  JsonChoice choice;
  choice.defaults = true;
  AppendJsonMembers(request.json, lyd_child(call.node), call.node->schema->module, choice);
  request.json += '}';
  if (std::string entries = EntriesJson(call.node, *element); !entries.empty())
    request.json += ",\"entries\":{" + entries + "}";
  request.json += ",\"attributes\":" + AttributesJson(*rpc) + "}";
  CollectDocuments(call.node, *element, "", request.documents);
  return request;
}

std::string CheckInput(const ly_ctx* context, const CalledNode& called, std::string input, const lyd_node* data) {
  Call call = Make(context, called);
  Fill(context, call, std::move(input), TreeBuilder::Mode::kInput, "reading an input");
  CheckTarget(call, data);
  Validate(context, call, data, LYD_TYPE_RPC_YANG, "reading an input");
  std::string out = "{";
  JsonChoice choice;
  choice.defaults = true;
  AppendJsonMembers(out, lyd_child(call.node), call.node->schema->module, choice);
  return out + "}";
}

std::string PrintOutput(const ly_ctx* context, const CalledNode& called, std::string output, YangFormat format,
                        const lyd_node* data) {
  Call call = Make(context, called);
  Fill(context, call, std::move(output), TreeBuilder::Mode::kOutput, "writing an output");
  ForgetFaults(context);
  if (lyd_validate_op(call.top.get(), data, LYD_TYPE_REPLY_YANG, nullptr) != LY_SUCCESS)
    throw YangFailure("writing an output", TakeFaults(context));
  if (format == YangFormat::kXml) return Content(lyd_child(call.node), format, true);
  std::string out = "{";
  JsonChoice choice;
  choice.defaults = true;
  AppendJsonMembers(out, lyd_child(call.node), call.node->schema->module, choice);
  return out + "}";
}

std::string PrintNotification(const ly_ctx* context, const CalledNode& called, std::string content,
                              YangFormat format) {
  Call call = Make(context, called);
  Fill(context, call, std::move(content), TreeBuilder::Mode::kData, "writing a notification");
  return Content(TopOf(call.node), format, false);
}

bool MatchNotification(const ly_ctx* context, const CalledNode& called, std::string content,
                       const std::string& expression,
                       const std::vector<std::pair<std::string, std::string>>& prefixes) {
  std::string text = ExpressionWithModules(context, expression, prefixes);
  Call call = Make(context, called);
  Fill(context, call, std::move(content), TreeBuilder::Mode::kData, "reading a notification");
  ForgetFaults(context);
  ly_set* set = nullptr;
  if (lyd_find_xpath(TopOf(call.node), text.c_str(), &set) != LY_SUCCESS) {
    auto faults = TakeFaults(context);
    for (YangFault& fault : faults) {
      fault.tag = "invalid-value";
      fault.type = "protocol";
    }
    throw YangFailure("evaluating " + expression, std::move(faults));
  }
  bool matches = set->count > 0;
  ly_set_free(set, nullptr);
  return matches;
}

}  // namespace semrd
