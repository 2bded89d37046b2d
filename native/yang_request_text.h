// What of a request is handed on as it was written, with what its prefixes stand for: a data tree has neither.
#pragma once

#include <string>
#include <vector>

#include "yang_document.h"

struct lyd_node;

namespace semrd {

struct WrittenDocument {
  std::string path, xml;
  std::string attributes;  // JSON
};

// The attributes of an element, as they were written.
std::string AttributesJson(const Element& element);
// The entries of leaf-lists directly in `node`, which `element` has made: `"select":[{"text":…,"namespaces":{…}}]`
std::string EntriesJson(const lyd_node* node, const Element& element);
// Anydata and anyxml below `node`, which `element` has made, in containers too: each as a document of its own. `path` is
// that of `element`, with a slash behind it, or nothing.
void CollectDocuments(const lyd_node* node, const Element& element, const std::string& path,
                      std::vector<WrittenDocument>& documents);

}  // namespace semrd
