// RFC 7951 text of parts of a tree, without the name of what is written, and of paths as api.ts has them.
#pragma once

#include <string>
#include <string_view>

struct lyd_node;
struct lys_module;

namespace semrd {

struct JsonChoice {
  bool defaults = false;  // also nodes that only validation has added
  bool config = true, state = true;
};

// Whether any of `node` is of that choice.
bool IsWanted(const lyd_node* node, const JsonChoice& choice);
void AppendJsonText(std::string& out, std::string_view text);
// The value of a leaf or leaf-list entry, or an object of a container, list entry, operation or notification.
void AppendJsonValue(std::string& out, const lyd_node* node, const JsonChoice& choice = {});
// The members of an object: `first` and its siblings. `around` is the module that need not be named.
void AppendJsonMembers(std::string& out, const lyd_node* first, const lys_module* around, const JsonChoice& choice = {});
// The steps to `node` as an array of YangStep.
void AppendJsonPath(std::string& out, const lyd_node* node);
void AppendJsonStep(std::string& out, const lyd_node* node);

}  // namespace semrd
