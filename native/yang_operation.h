// RPCs, actions and notifications between documents and what JavaScript handles: JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "yang_builder.h"
#include "yang_request_text.h"
#include "yang_selection.h"

namespace semrd {

struct ParsedRequest {
  std::string json;  // of a YangRequest without its documents
  std::vector<WrittenDocument> documents;
};

// What is called: the node that an action is on (empty for an RPC), then the operation or notification.
struct CalledNode {
  PathPattern target;
  std::string name;  // module:name
};

// `data` is what conditions and references are checked against, null for none.
ParsedRequest ParseRequest(const ly_ctx* context, std::string xml, const lyd_node* data);
// JSON of the input with default values.
std::string CheckInput(const ly_ctx* context, const CalledNode& called, std::string input, const lyd_node* data);
std::string PrintOutput(const ly_ctx* context, const CalledNode& called, std::string output, YangFormat format,
                        const lyd_node* data);
std::string PrintNotification(const ly_ctx* context, const CalledNode& called, std::string content, YangFormat format);
// Whether an XPath expression selects any node of a notification.
bool MatchNotification(const ly_ctx* context, const CalledNode& called, std::string content,
                       const std::string& expression,
                       const std::vector<std::pair<std::string, std::string>>& prefixes);

}  // namespace semrd
